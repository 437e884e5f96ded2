"""What is hidden from the public in a photo: read by its unit and by leaders, changed by the unit."""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from flask.views import MethodView
from marshmallow import Schema, fields, validate

from app.api.forms import ActionId
from app.api.report_view import subject_of
from app.api.viewing import person, readable
from app.core.db import new_id
from app.http.access import needs, now, session
from app.http.blueprint import Blueprint
from app.identity import permissions
from app.identity.permissions import Do
from app.photos import queries
from app.photos.errors import PhotoNotFound
from app.photos.models import Photo, PhotoBlur
from app.photos.regions import drawn
from app.reports import hiding
from app.reports.hiding import PhotoOf

blueprint = Blueprint("blurs", __name__, description="Vùng che trong ảnh / What photos hide")

_PART = validate.Range(min=-1, max=2)


class PlaceSchema(Schema):
    """A place in the upright picture, in parts of its width and height from the top left."""

    left = fields.Float(required=True, validate=_PART)
    top = fields.Float(required=True, validate=_PART)
    width = fields.Float(required=True, validate=_PART)
    height = fields.Float(required=True, validate=_PART)


class NewBlurSchema(PlaceSchema):
    """A place to be hidden. With an `id`, sent again it is the same one."""

    id = ActionId(load_default=None)


class BlurSchema(PlaceSchema):
    """A place that is hidden, or was until `released_at`. `score`: how sure the detector was, null when a person drew it."""

    id = fields.UUID()
    what = fields.String(metadata={"enum": ["face", "plate", "other"]})
    score = fields.Float(allow_none=True)
    added_at = fields.AwareDateTime()
    released_at = fields.AwareDateTime(allow_none=True)


class BlursSchema(Schema):
    """The places of one photo. `public_copy_at` is when the copy was made that the public may see; null while there is none."""

    items = fields.List(fields.Nested(BlurSchema))
    public_copy_at = fields.AwareDateTime(allow_none=True)
    may_change = fields.Boolean()


@blueprint.route("/reports/<uuid:report_id>/photos/<sha256>/blurs")
class Blurs(MethodView):
    """What one photo hides from the public."""

    @needs(Do.READ_BLURS)
    @blueprint.response(200, BlursSchema)
    def get(self, report_id: UUID, sha256: str) -> dict[str, Any]:
        """What is hidden in a photo

        Found by a detector, or drawn by an officer; those that were released are told too.
        """
        subject = subject_of(readable(report_id))
        permissions.require(person().actor, Do.READ_BLURS, subject)
        photo = session().get(Photo, (report_id, sha256))
        if photo is None:
            raise PhotoNotFound
        return {
            "items": queries.blurs(session(), report_id, sha256),
            "public_copy_at": photo.blurred_at,
            "may_change": person().may(Do.BLUR, subject),
        }

    @needs(Do.BLUR)
    @blueprint.arguments(NewBlurSchema)
    @blueprint.response(201, BlurSchema)
    @blueprint.alt_response(200, schema=BlurSchema, description="Hidden already")
    def post(self, given: Mapping[str, Any], report_id: UUID, sha256: str) -> tuple[PhotoBlur, int]:
        """Hide a place

        The public sees nothing of the photo until its copy is made anew, which takes seconds.
        """
        blur_id = given["id"] or new_id()
        region = drawn(given["left"], given["top"], given["width"], given["height"])
        photo = PhotoOf(report_id, sha256)
        is_new = hiding.hide(session(), photo, region, blur_id=blur_id, by=person(), now=now())
        return session().get_one(PhotoBlur, blur_id), 201 if is_new else 200


@blueprint.route("/reports/<uuid:report_id>/photos/<sha256>/blurs/<uuid:blur_id>")
class Blur(MethodView):
    """One place that a photo hides."""

    @needs(Do.BLUR)
    @blueprint.response(204)
    def delete(self, report_id: UUID, sha256: str, blur_id: UUID) -> None:
        """Hide a place no more

        Who released it, and when, is kept. The public copy is made anew within seconds.
        """
        hiding.show(session(), PhotoOf(report_id, sha256), blur_id, by=person(), now=now())
