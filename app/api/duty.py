"""Who is on duty in a unit, and when: those who are warned before the time of a case is up."""

from collections.abc import Mapping
from datetime import time
from typing import Any

from flask import Response
from flask.views import MethodView
from marshmallow import Schema, fields, validate

from app.api.forms import time_of_day
from app.api.viewing import answer, book
from app.core import alphabet
from app.http import access
from app.http.access import needs
from app.http.blueprint import Blueprint
from app.identity import permissions
from app.identity import queries as people
from app.identity.permissions import Do, UnitAlone
from app.reports.rulebook import UnitNotFound
from app.targets import actions, queries
from app.targets.actions import NewShift
from geo.validity import local_day

blueprint = Blueprint("duty", __name__, description="Lịch trực / Duty")

# A unit of thirty people with a different shift on every day of the week fills it.
MOST_SHIFTS = 200


class NewShiftSchema(Schema):
    """Hours of a person. One that ends no later than it starts goes on over midnight into the next day."""

    person = fields.UUID(required=True)
    weekdays = fields.List(
        fields.Integer(strict=True, validate=validate.Range(min=1, max=7)),
        required=True,
        validate=validate.Length(min=1, max=7),
        metadata={"description": "ISO: 1 is Monday"},
    )
    starts = time_of_day(required=True, metadata={"description": "HH:MM in Viet Nam"})
    ends = time_of_day(required=True)


class NewDutySchema(Schema):
    """The whole plan from a day on. Without shifts everybody is on duty, always."""

    starts = fields.Date(required=True, data_key="from")
    shifts = fields.List(fields.Nested(NewShiftSchema), required=True, validate=validate.Length(max=MOST_SHIFTS))


class OnDutySchema(Schema):
    """Somebody of the unit."""

    id = fields.UUID()
    name = fields.String()


class ShiftSchema(Schema):
    """A shift that is in force today or will be; `to` is the first day on which it is not any more."""

    person = fields.Nested(OnDutySchema)
    weekdays = fields.List(fields.Integer())
    starts = fields.String()
    ends = fields.String()
    first = fields.Date(data_key="from")
    until = fields.Date(data_key="to", allow_none=True)


class NowSchema(Schema):
    """Who is on duty at this instant. `everybody`: no plan says otherwise."""

    everybody = fields.Boolean()
    people = fields.List(fields.Nested(OnDutySchema))


class DutySchema(Schema):
    """A unit's plan, and what it means now."""

    shifts = fields.List(fields.Nested(ShiftSchema))
    now = fields.Nested(NowSchema)


@blueprint.route("/units/<int:unit_id>/duty")
class Duty(MethodView):
    """The plan of one unit."""

    @needs(Do.READ_DUTY)
    @blueprint.response(200, DutySchema)
    def get(self, unit_id: int) -> Response:
        """Who is on duty in a unit, now and by its plan from today on

        Another unit's plan is not told: 404 `unit_not_found`.
        """
        _known(unit_id)
        return _shown(unit_id)

    @needs(Do.SET_DUTY)
    @blueprint.arguments(NewDutySchema)
    @blueprint.response(200, DutySchema)
    def put(self, given: Mapping[str, Any], unit_id: int) -> Response:
        """Replace the plan of a unit from a day on

        What was in force ends on that day, which is today or later (`duty_in_the_past`); what was planned for it or for
        later days is dropped. Everybody in it works for the unit on that day (`duty_person_unknown`). The same again
        changes nothing.
        """
        _known(unit_id)
        permissions.require(access.actor(), Do.SET_DUTY, UnitAlone(unit_id))
        actions.replace_duty(
            access.session(),
            unit_id,
            [_read(shift) for shift in given["shifts"]],
            starts=given["starts"],
            by=access.actor().person_id,
            now=access.now(),
        )
        return _shown(unit_id)


def _known(unit_id: int) -> None:
    if unit_id not in book().units or not permissions.may(access.actor(), Do.READ_DUTY, UnitAlone(unit_id)):
        raise UnitNotFound


def _read(given: Mapping[str, Any]) -> NewShift:
    starts, ends = (time.fromisoformat(given[name]) for name in ("starts", "ends"))
    return NewShift(given["person"], tuple(given["weekdays"]), starts, ends)


def _shown(unit_id: int) -> Response:
    session, now = access.session(), access.now()
    shifts, on = queries.shifts(session, unit_id, local_day(now)), queries.on_duty(session, unit_id, now)
    names = people.names_of(session, {*on.people, *(shift.person_id for shift in shifts)})
    by_name = sorted(on.people, key=lambda person: (alphabet.key_of_name(names[person]), person))
    planned = [
        {
            "person": {"id": str(shift.person_id), "name": names[shift.person_id]},
            "weekdays": shift.weekdays,
            "starts": shift.starts.isoformat("minutes"),
            "ends": shift.ends.isoformat("minutes"),
            "from": shift.valid_from.isoformat(),
            "to": shift.valid_to and shift.valid_to.isoformat(),
        }
        for shift in shifts
    ]
    present = [{"id": str(person), "name": names[person]} for person in by_name]
    return answer({"shifts": planned, "now": {"everybody": on.everybody, "people": present}})
