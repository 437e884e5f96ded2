"""One incident, several reports: what was reported already, what is alike, joining one to the other."""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from flask import Response
from flask.views import MethodView
from marshmallow import Schema, fields, validate

from app.api import report_view
from app.api.forms import ActionId, Text, photo_hash
from app.api.report_schema import AlikePageSchema, NearbyAnswerSchema, OneReportSchema
from app.api.reports import NOTE, act_of
from app.api.viewing import answer, book, person, readable, shown_report, viewer
from app.http import access
from app.http.access import needs
from app.http.blueprint import Blueprint
from app.identity import permissions
from app.identity.permissions import Do
from app.photos.actions import MOST_PHOTOS
from app.reports import actions, alike
from app.reports.duplicates import Pictures, dhash_of
from app.reports.workflow import OPEN
from geo.coordinates import parse

blueprint = Blueprint("duplicates", __name__, description="Tin trùng / Duplicates")

_AS_MANY_AS_A_REPORT_HAS = validate.Length(max=MOST_PHOTOS)


class NearbySchema(Schema):
    """A place and a kind, and the photos that would be sent: by SHA-256, and by what they look like.

    A `dhash` is 16 hex digits: the picture as 9 x 8 greys, row by row from the top, one bit for each grey and its right
    neighbour, 1 where it is the brighter of the two.
    """

    kind = fields.String(required=True, validate=validate.Length(max=20))
    lat = fields.Float(required=True)
    lon = fields.Float(required=True)
    photo = fields.List(photo_hash(), load_default=list, validate=_AS_MANY_AS_A_REPORT_HAS)
    dhash = fields.List(
        fields.String(validate=validate.Regexp(r"\A[0-9a-f]{16}\Z")),
        load_default=list,
        validate=_AS_MANY_AS_A_REPORT_HAS,
    )


class JoinSchema(Schema):
    """Which report it repeats, by id or number; what its resident is told of it. `id` makes a repetition the same."""

    id = ActionId(load_default=None)
    done_at = fields.AwareDateTime(load_default=None)
    original = fields.String(required=True, validate=validate.Length(min=1, max=50))
    note = Text(NOTE, load_default=None, allow_none=True)


@blueprint.route("/reports/nearby")
class Nearby(MethodView):
    """What was reported already."""

    @needs(Do.FIND_NEARBY)
    @blueprint.arguments(NearbySchema, location="query")
    @blueprint.response(200, NearbyAnswerSchema)
    def get(self, asked: Mapping[str, Any]) -> dict[str, Any]:
        """Open reports of the last 24 hours of the same kind within 30 m: how many, how old, which to follow

        With photos also one that shows the same, or nearly, within 200 m: `how` says by what the one to follow is known.
        """
        now = access.now()
        place = parse(lat=asked["lat"], lon=asked["lon"])
        near = alike.nearby(
            access.session(),
            asked["kind"],
            lat=place.lat,
            lon=place.lng,
            asker=person().asker,
            pictures=Pictures(frozenset(asked["photo"]), [dhash_of(digits) for digits in asked["dhash"]]),
            now=now,
        )
        return {
            "count": near.count,
            "how": near.how,
            "age_s": None if near.received_at is None else int((now - near.received_at).total_seconds()),
            "follow": near.follow,
            "mine": near.is_mine,
        }


@blueprint.route("/reports/<uuid:report_id>/alike")
class Alike(MethodView):
    """What may be of the same incident."""

    @needs(Do.READ_UNIT_NOTES)
    @blueprint.response(200, AlikePageSchema)
    def get(self, report_id: UUID) -> Response:
        """Cases that an open report may repeat, or that may repeat it, and how they are joined

        What the unit holds, or what counts with that: of the same kind within 30 m, or with the same photo, or nearly,
        within 200 m. Those with the photo come first, then the nearest.
        """
        row = readable(report_id)
        permissions.require(access.actor(), Do.READ_UNIT_NOTES, report_view.subject_of(row))
        found = alike.alike(access.session(), report_id) if row["state"] in OPEN else ()
        return answer({"items": [report_view.shown_alike(one, row, viewer(), book()) for one in found]})


@blueprint.route("/reports/<uuid:report_id>/join")
class Join(MethodView):
    """One incident, one job."""

    @needs(Do.HANDLE)
    @blueprint.arguments(JoinSchema)
    @blueprint.response(200, OneReportSchema)
    def post(self, given: dict[str, Any], report_id: UUID) -> Response:
        """Join a report to an earlier one of the same incident

        It is concluded as a duplicate, accepted before where nobody had. Whatever `original` names, it points at the root.
        The same `id` again gives the same result. `If-Match` with an older ETag answers 412.
        """
        actions.join(access.session(), report_id, given, act_of(given))
        body, tag = shown_report(report_id)
        return answer(body, etag=tag)
