"""Wards: their shapes on a day, and which one a place lies in. Open to everybody."""

from collections.abc import Mapping
from datetime import date
from typing import Any

from flask import Response
from flask.views import MethodView
from marshmallow import Schema, fields, validate

from app.api.viewing import answer, book
from app.http import access
from app.http.access import needs
from app.http.blueprint import Blueprint
from app.http.preconditions import not_modified
from app.identity.permissions import Do
from geo.coordinates import parse, parse_accuracy
from geo.index import WardRef
from geo.validity import local_day

blueprint = Blueprint("wards", __name__, description="Phường, xã, đặc khu / Wards")


class OnSchema(Schema):
    """A local day; today if none is given."""

    on = fields.Date(load_default=None)


class AtSchema(OnSchema):
    """A place in degrees (WGS 84) and how good it is, in metres."""

    lat = fields.Float(required=True)
    lon = fields.Float(required=True)
    accuracy_m = fields.Float(load_default=None, validate=validate.Range(min=0, max=1_000_000))


@blueprint.route("/wards")
class Wards(MethodView):
    """The wards of a day."""

    @needs(Do.READ_PUBLIC)
    @blueprint.arguments(OnSchema, location="query")
    @blueprint.response(200)
    def get(self, asked: Mapping[str, Any]) -> Response:
        """The wards of a local day as GeoJSON"""
        day = asked["on"] or local_day(access.now())
        tag = f"{book().revision}-{day.isoformat()}"
        return not_modified(tag) or answer(
            book().wards.feature_collection(day),
            etag=tag,
            media_type="application/geo+json",
            headers={"Cache-Control": "public, max-age=300"},
        )


@blueprint.route("/wards/at")
class WardAt(MethodView):
    """The ward of a place."""

    @needs(Do.READ_PUBLIC)
    @blueprint.arguments(AtSchema, location="query")
    @blueprint.response(200)
    def get(self, asked: Mapping[str, Any]) -> Response:
        """The ward that a place lies in on a local day, how it was found, and the neighbours it may belong to"""
        point = parse(lat=asked["lat"], lon=asked["lon"])
        day: date = asked["on"] or local_day(access.now())
        located = book().wards.locate(point, day, parse_accuracy(asked["accuracy_m"]))
        return answer(
            {
                "ward": _ward(located.ward),
                "how": located.how.value,
                "border_m": round(located.border_m, 1),
                "neighbours": [{**_ward(near.ward), "share": round(near.share, 3)} for near in located.neighbours],
            }
        )


def _ward(ref: WardRef) -> dict[str, str | None]:
    return {"code": ref.code, "name": ref.name, "valid_from": ref.valid_from.isoformat() if ref.valid_from else None}
