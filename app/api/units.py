"""Who acts: the units to which a case could be handed, and the colleagues to whom it could be assigned."""

from typing import Any

from flask import Response
from flask.views import MethodView
from marshmallow import Schema, fields

from app.api.viewing import answer, book
from app.http import access
from app.http.access import needs
from app.http.blueprint import Blueprint
from app.identity import permissions
from app.identity import queries as people
from app.identity.permissions import Do, UnitAlone
from app.reports.rulebook import UnitNotFound
from geo.validity import local_day

blueprint = Blueprint("units", __name__, description="Đơn vị / Units")


class ActingUnitSchema(Schema):
    """A unit that acts today."""

    id = fields.Integer()
    kind = fields.String(metadata={"enum": ["ward", "team", "desk"]})
    code = fields.String()
    name = fields.String()


class ActingUnitsSchema(Schema):
    """Wards in the order of the alphabet, then special teams, then the city's desk."""

    items = fields.List(fields.Nested(ActingUnitSchema))


class ColleagueSchema(Schema):
    """Somebody who works for the unit today, and as what."""

    id = fields.UUID()
    name = fields.String()
    roles = fields.List(fields.String(metadata={"enum": [role.value for role in people.TEAM]}))


class ColleaguesSchema(Schema):
    """Each person once, by given name."""

    items = fields.List(fields.Nested(ColleagueSchema))


@blueprint.route("/units")
class Units(MethodView):
    """Who acts in the city."""

    @needs(Do.READ_UNITS)
    @blueprint.response(200, ActingUnitsSchema)
    def get(self) -> Response:
        """The units to which a case could be handed today"""
        acting = book().units_on(local_day(access.now()))
        return _listed({"id": unit.id, "kind": unit.kind, "code": unit.code, "name": unit.name} for unit in acting)


@blueprint.route("/units/<int:unit_id>/members")
class Members(MethodView):
    """Who works for a unit."""

    @needs(Do.READ_MEMBERS)
    @blueprint.response(200, ColleaguesSchema)
    def get(self, unit_id: int) -> Response:
        """The colleagues to whom a case of my unit could be assigned today

        Another unit's colleagues are not told: 404 `unit_not_found`.
        """
        if not permissions.may(access.actor(), Do.READ_MEMBERS, UnitAlone(unit_id)):
            raise UnitNotFound
        team = people.team(access.session(), unit_id, on=local_day(access.now()))
        return _listed({"id": str(one.id), "name": one.name, "roles": one.roles} for one in team)


def _listed(items: Any) -> Response:
    return answer({"items": list(items)})
