"""What everybody may see of a case, without signing in (design 3.6). What may not be seen is not there, whatever the reason."""

import hmac
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from flask import Response, request
from flask.views import MethodView
from marshmallow import Schema, fields

from app.api.photos import SHOWN_ONLY_AS_PICTURE
from app.api.report_schema import ReportWardSchema
from app.api.viewing import answer, book
from app.http import access
from app.http.access import needs
from app.http.blueprint import Blueprint
from app.http.container import container
from app.identity.permissions import Do
from app.photos.errors import PhotoNotFound
from app.photos.links import public_name
from app.photos.storage import Copy
from app.reports import publicity, queries
from app.reports.publicity import PhotoState
from app.reports.queries import ReportNotFound
from geo.coordinates import LngLat, rounded_for_public
from geo.validity import local_day

blueprint = Blueprint("public", __name__, description="Công khai / Public")

# A case that was withheld or contested is gone at once; what somebody has just fetched they may keep for a minute.
KEPT_S = 60


class PublicPlaceSchema(Schema):
    """Degrees, WGS 84, on a grid of some 100 m."""

    lat = fields.Float()
    lon = fields.Float()


class PublicPhotoSchema(Schema):
    """A photo in which faces and number plates are blurred."""

    role = fields.String(metadata={"enum": ["before", "after"]})
    url = fields.String()


class PublicReportSchema(Schema):
    """A case as the public sees it."""

    kind = fields.String()
    field = fields.String()
    ward = fields.Nested(ReportWardSchema)
    day = fields.Date(metadata={"description": "of receipt, local"})
    outcome = fields.String()
    location = fields.Nested(PublicPlaceSchema)
    photos = fields.List(fields.Nested(PublicPhotoSchema))


@blueprint.route("/public/reports/<uuid:report_id>")
class PublicReport(MethodView):
    """A public case."""

    @needs(Do.READ_PUBLIC)
    @blueprint.response(200, PublicReportSchema)
    def get(self, report_id: UUID) -> Response:
        """A case that is public

        A true case a day after its conclusion, any other when it is closed: never its note, number, fine or people.
        """
        found = _public(report_id, access.now())
        if found is None:
            raise ReportNotFound
        row, photos = found
        ward = book().refs[row["ward_version_id"]]
        place = rounded_for_public(LngLat(row["lon"], row["lat"]))
        shown = {
            "kind": row["kind_code"],
            "field": row["field"],
            "ward": {
                "code": ward.code,
                "name": ward.name,
                "valid_from": ward.valid_from and ward.valid_from.isoformat(),
            },
            "day": local_day(row["received_at"]).isoformat(),
            "outcome": row["outcome"],
            "location": {"lat": place.lat, "lon": place.lng},
            "photos": [
                {
                    "role": photo["role"],
                    "url": f"/api/v1/public/reports/{report_id}/photos/{public_name(report_id, photo['sha256'])}",
                }
                for photo in photos
            ],
        }
        return _kept_for_a_minute(answer(shown))


@blueprint.route("/public/reports/<uuid:report_id>/photos/<name>")
class PublicPhoto(MethodView):
    """A photo of a public case."""

    @needs(Do.READ_PUBLIC)
    @blueprint.response(200, {"type": "string", "format": "binary"}, content_type="image/jpeg")
    def get(self, report_id: UUID, name: str) -> Response:
        """A photo of a public case, with faces and number plates blurred"""
        found = _public(report_id, access.now())
        photos = () if found is None else found[1]
        photo = next((one for one in photos if public_name(report_id, one["sha256"]) == name), None)
        if photo is None:
            raise PhotoNotFound
        with container().photos.open_copy(name, Copy.PUBLIC) as file:
            response = Response(file.read(), mimetype="image/jpeg")
        response.headers.update(SHOWN_ONLY_AS_PICTURE)
        # When the copy was made tells when the photo came, to whoever can read it.
        made = f"{name} {photo['blurred_at'].timestamp()}".encode()
        response.set_etag(hmac.digest(container().settings.key("public photos"), made, "sha256").hex()[:32])
        response.make_conditional(request)
        return _kept_for_a_minute(response)


def _public(report_id: UUID, now: datetime) -> tuple[Mapping[Any, Any], Sequence[Mapping[Any, Any]]] | None:
    """A case that is public at this instant, and those of its photos that are; None when it is not, or does not exist."""
    row, photos = queries.for_the_public(access.session(), report_id)
    if row is None:
        return None
    case = publicity.Case(row["state"], row["outcome"], row["concluded_at"], row["withheld"])
    states = [PhotoState(photo["state"], has_public_copy=photo["blurred_at"] is not None) for photo in photos]
    if not publicity.is_public(case, states, now):
        return None
    if not publicity.shows_photos(case):
        return row, ()
    return row, [photo for photo, state in zip(photos, states, strict=True) if state.is_shown]


def _kept_for_a_minute(response: Response) -> Response:
    response.cache_control.public = True
    response.cache_control.max_age = KEPT_S
    return response
