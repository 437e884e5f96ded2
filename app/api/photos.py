"""Photos over HTTP: sent with PUT, looked at through signed links (in full size: `looks.py`). No request decodes one."""

import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from typing import Any
from uuid import UUID

from flask import Response, request
from flask.views import MethodView
from marshmallow import Schema, fields, validate

from app.api.report_schema import PhotoSchema
from app.api.report_view import shown_photo, subject_of
from app.api.viewing import person, readable, viewer
from app.core.errors import DomainError, Unavailable
from app.http.access import actor, address, needs, now, session
from app.http.blueprint import Blueprint
from app.http.container import container
from app.http.limits import PHOTOS
from app.identity import permissions
from app.identity.permissions import Do
from app.photos import actions, exif, links
from app.photos.storage import Copy
from app.reports.entries import EntryNotAllowed
from app.reports.workflow import State

blueprint = Blueprint("photos", __name__, description="Ảnh / Photos")

# What POST /photos/place reads: a phone writes the place near the beginning of the file.
PLACE_BYTES = 256 * 1024

_DO: Mapping[str, Do] = {"before": Do.ADD_BEFORE_PHOTO, "after": Do.ADD_AFTER_PHOTO}

# A copy is shown as a picture and never as anything else, whatever somebody managed to put into one.
SHOWN_ONLY_AS_PICTURE: Mapping[str, str] = {
    "X-Content-Type-Options": "nosniff",
    "Content-Security-Policy": "default-src 'none'; sandbox",
    "Content-Disposition": "inline",
    "Referrer-Policy": "no-referrer",
}


class RoleSchema(Schema):
    """What a photo shows: what was found, or what was left after the team dealt with it."""

    role = fields.String(load_default="before", validate=validate.OneOf(["before", "after"]))


class PhotoPlaceSchema(Schema):
    """Where and when a photo says it was taken: degrees WGS 84 and an instant; null where it does not say."""

    lat = fields.Float(allow_none=True)
    lon = fields.Float(allow_none=True)
    captured_at = fields.AwareDateTime(allow_none=True)


class LinkSchema(Schema):
    """The parts of a signed link."""

    until = fields.Integer(required=True)
    signature = fields.String(required=True)


@blueprint.route("/reports/<uuid:report_id>/photos/<sha256>")
class PhotoOfReport(MethodView):
    """One photo of one report."""

    # Whoever could send an after-photo could send a before-photo: the role decides below.
    @needs(Do.ADD_BEFORE_PHOTO)
    @blueprint.arguments(RoleSchema, location="query")
    @blueprint.response(201, PhotoSchema)
    @blueprint.alt_response(200, schema=PhotoSchema, description="Known already, as it stands now")
    def put(self, asked: Mapping[str, Any], report_id: UUID, sha256: str) -> tuple[dict[str, Any], int]:
        """Send a photo, or a video

        The body is the file itself, byte for byte (JPEG, PNG, WebP or HEIC, at most 20 MB; MP4 or MOV, at most 40 MB
        and 30 seconds), and `sha256` its name. It may be sent again: 201 the first time, then 200. The copies of a photo
        that people see follow within seconds; a video is kept as evidence, for the unit to look at. On a bad network
        better use `/uploads`, which goes on where it broke off.
        """
        role = asked["role"]
        report = require_right(report_id, role)
        actions.require_size(request.content_length, request.mimetype)
        if actions.expect(session(), report_id, sha256, role, length=request.content_length):
            require_open(report)
            container().limits.spend(PHOTOS, actor().person_id, address())
        session().commit()  # no database connection waits for a phone
        request.max_content_length = sys.maxsize  # the store has a limit of its own
        original = actions.keep(container().photos, request.stream, sha256=sha256)
        with or_let_go(sha256):
            require_right(report_id, role)  # the report may be another unit's by now
            is_new = actions.receive(session(), container().photos, original, report_id=report_id, role=role, now=now())
        return _shown(report_id, sha256), 201 if is_new else 200


@blueprint.route("/photos/place")
class Place(MethodView):
    """What a photo says of where it was taken."""

    @needs(Do.SUBMIT)
    @blueprint.response(200, PhotoPlaceSchema)
    def post(self) -> exif.PhotoPlace:
        """Where and when a photo was taken

        The body is the first 256 kB of the file. Nothing of it is stored.
        """
        request.max_content_length = PLACE_BYTES
        return exif.place(request.get_data(cache=False)) or exif.PhotoPlace(None, None, None)


@blueprint.route("/photos/<sha256>/<any(display, thumb):copy>")
class CopyOfPhoto(MethodView):
    """What people see of a photo."""

    @needs(Do.OPEN_PHOTO_LINK)
    @blueprint.arguments(LinkSchema, location="query")
    @blueprint.response(200, {"type": "string", "format": "binary"}, content_type="image/jpeg")
    def get(self, link: Mapping[str, Any], sha256: str, copy: str) -> Response:
        """Look at a photo, through a link from its report

        The link is the permission: signed, good for ten to fifteen minutes, the same for five.
        """
        key, wanted, at = container().settings.key(links.KEY_PURPOSE), Copy(copy), now()
        links.require_valid(key, sha256, wanted, until=link["until"], signature=link["signature"], now=at)
        with container().photos.open_copy(sha256, wanted) as file:
            response = Response(file.read(), mimetype="image/jpeg")
        response.headers.update(SHOWN_ONLY_AS_PICTURE)
        response.cache_control.private = True
        response.cache_control.max_age = link["until"] - int(at.timestamp())
        response.set_etag(f"{sha256}-{copy}")
        response.make_conditional(request)
        return response


@contextmanager
def or_let_go(sha256: str) -> Iterator[None]:
    """Leave nothing of a photo behind that was kept and is then refused; what the store will not give up a scrub tells of."""
    try:
        yield
    except DomainError:
        session().rollback()
        with suppress(Unavailable):
            actions.let_go(session(), container().photos, sha256)
        session().commit()
        raise


def require_right(report_id: UUID, role: str) -> Mapping[Any, Any]:
    """The row of a report that the asker may add a photo to in this role; another unit's does not exist for them."""
    row = readable(report_id)
    permissions.require(person().actor, _DO[role], subject_of(row))
    return row


def require_open(row: Mapping[Any, Any]) -> None:
    """Refuse photos for a report that is over for good; one that was concluded can still be contested."""
    state = row["state"]
    if state in {State.WITHDRAWN.value, State.CLOSED.value}:
        raise EntryNotAllowed(state=state)


def _shown(report_id: UUID, sha256: str) -> dict[str, Any]:
    """The photo as it stands, as whoever sent it sees it."""
    row = readable(report_id)
    may = viewer().rights(subject_of(row))
    photo = next(photo for photo in row["photos"] if photo[0] == sha256)
    return shown_photo(viewer(), photo, report_id=report_id, may=may)
