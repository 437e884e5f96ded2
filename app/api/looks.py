"""Photos in full size, and videos: for who works on the case, through a link of their own, each look on record."""

from collections.abc import Iterator, Mapping
from datetime import timedelta
from typing import Any, BinaryIO
from uuid import UUID

from flask import Response, request
from flask.views import MethodView
from marshmallow import Schema, fields
from werkzeug.exceptions import RequestedRangeNotSatisfiable

from app.api.photos import SHOWN_ONLY_AS_PICTURE, LinkSchema
from app.api.report_view import subject_of
from app.api.viewing import answer, person, readable
from app.http import access, paging
from app.http.access import needs
from app.http.blueprint import Blueprint
from app.http.container import container
from app.identity import permissions
from app.identity.permissions import Do
from app.photos import actions, links, queries
from app.photos.storage import Copy

blueprint = Blueprint("looks", __name__, description="Xem ảnh cỡ đầy đủ / Photos in full size")

_PIECE_BYTES = 256 * 1024


class LookLinkSchema(Schema):
    """Where the photo is seen, and until when."""

    url = fields.String()
    expires_at = fields.AwareDateTime()


class LookerSchema(Schema):
    """Who looked."""

    id = fields.UUID()
    name = fields.String(allow_none=True)


class LookSchema(Schema):
    """Somebody asked to see a photo in full size; `opened_at` is when they first followed the link, if they did."""

    id = fields.UUID()
    photo = fields.String(metadata={"description": "its SHA-256"})
    by = fields.Nested(LookerSchema)
    at = fields.AwareDateTime()
    opened_at = fields.AwareDateTime(allow_none=True)


@blueprint.route("/reports/<uuid:report_id>/photos/<sha256>/look")
class Look(MethodView):
    """A look at a photo."""

    @needs(Do.LOOK_CLOSELY)
    @blueprint.response(200, LookLinkSchema)
    def post(self, report_id: UUID, sha256: str) -> Response:
        """Look at a photo in full size, on record

        Every call is a look of its own. Its link needs no token, is good for a minute and a half, and is the same look
        however often it is opened. 404 `photo_not_ready` while the copy is being made, `video_not_shown` of a video
        that is kept and cannot be shown.
        """
        permissions.require(person().actor, Do.LOOK_CLOSELY, subject_of(readable(report_id)))
        now = access.now()
        look_id = actions.look(access.session(), report_id, sha256, by=access.actor().person_id, now=now)
        until = now.replace(microsecond=0) + links.LOOK_LIFE + timedelta(seconds=1)
        key = container().settings.key(links.KEY_PURPOSE)
        return answer({"url": links.look_url(key, look_id, until=until), "expires_at": until.isoformat()})


@blueprint.route("/photos/looks/<uuid:look_id>")
class Looked(MethodView):
    """What is seen in a look."""

    @needs(Do.OPEN_PHOTO_LINK)
    @blueprint.arguments(LinkSchema, location="query")
    @blueprint.response(200, {"type": "string", "format": "binary"}, content_type="image/jpeg")
    def get(self, link: Mapping[str, Any], look_id: UUID) -> Response:
        """See a photo in full size, or a video, through the link of a look

        The link is the permission. Nothing of it may be kept by a browser or on the way.
        """
        key, now = container().settings.key(links.KEY_PURPOSE), access.now()
        links.require_valid_look(key, look_id, until=link["until"], signature=link["signature"], now=now)
        sha256, media_type = actions.open_look(access.session(), look_id, now)
        response = _streamed(container().photos.read_copy(sha256, Copy.FULL), media_type)
        response.headers.update(SHOWN_ONLY_AS_PICTURE)
        response.cache_control.no_store = True
        return response


@blueprint.route("/reports/<uuid:report_id>/looks")
class Looks(MethodView):
    """Who looked at the photos of a report in full size."""

    @needs(Do.READ_LOOKS)
    @blueprint.arguments(paging.PageSchema, location="query")
    @blueprint.response(200, paging.page_of(LookSchema))
    def get(self, asked: Mapping[str, Any], report_id: UUID) -> Response:
        """Who looked at which photo in full size, and when, latest first: for the chair and for leaders"""
        permissions.require(person().actor, Do.READ_LOOKS, subject_of(readable(report_id)))
        limit = paging.limit(asked)
        rows = queries.looks(access.session(), report_id, limit=limit + 1, before=paging.position(asked))
        page, more = rows[:limit], len(rows) > limit
        return answer(
            {
                "items": [_look(row) for row in page],
                "next": paging.cursor(page[-1]["at"], page[-1]["id"]) if more else None,
                "as_of": access.now().isoformat(),
            }
        )


def _look(row: Mapping[Any, Any]) -> dict[str, Any]:
    return {
        "id": str(row["id"]),
        "photo": row["sha256"],
        "by": {"id": str(row["person_id"]), "name": row["name"]},
        "at": row["at"].isoformat(),
        "opened_at": row["opened_at"] and row["opened_at"].isoformat(),
    }


def _streamed(file: BinaryIO, media_type: str) -> Response:
    """A file piece by piece, of which a player may ask for a part (RFC 9110, 14); 40 MB are not held for it."""
    size = file.seek(0, 2)
    file.seek(0)
    response = Response(_pieces(file), mimetype=media_type)
    response.call_on_close(file.close)
    response.content_length = size
    try:
        response.make_conditional(request, accept_ranges=True, complete_length=size)
    except RequestedRangeNotSatisfiable:
        response.close()
        raise
    return response


def _pieces(file: BinaryIO) -> Iterator[bytes]:
    while piece := file.read(_PIECE_BYTES):
        yield piece
