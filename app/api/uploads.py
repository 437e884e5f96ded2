"""Resumable uploads by the tus protocol, version 1.0.0 (https://tus.io/protocols/resumable-upload): what phones on bad networks use.

Creation, creation with upload, checksum, expiration and termination. The simple PUT of `photos.py` does the same for
whoever needs no second try.
"""

import base64
import re
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import nullcontext
from dataclasses import dataclass
from email.utils import format_datetime
from typing import cast, get_args
from uuid import UUID

from flask import Response, request
from flask.views import MethodView
from werkzeug.exceptions import ClientDisconnected

from app.api.photos import or_let_go, require_open, require_right
from app.core import clock
from app.core.errors import Invalid, NotThatKind
from app.http import problems
from app.http.access import actor, address, needs, now, session
from app.http.blueprint import Blueprint
from app.http.container import container
from app.http.limits import PHOTOS
from app.http.statuses import ProtocolUnknown
from app.identity.permissions import Do
from app.photos import actions, uploads
from app.photos.actions import Role
from app.photos.errors import (
    HashMismatch,
    NotAPhoto,
    OffsetMismatch,
    PhotoTooLarge,
    TooManyPieces,
    UploadTooLong,
    VideoDamaged,
    VideoTooLong,
)
from app.photos.formats import MOST_BYTES
from app.photos.storage import chunks
from app.photos.uploads import ALGORITHMS, Checksum, Progress

blueprint = Blueprint("uploads", __name__, description="Gửi ảnh tiếp tục được / Resumable uploads (tus 1.0.0)")

VERSION = "1.0.0"
EXTENSIONS = "creation,creation-with-upload,checksum,expiration,termination"
MOST_METADATA = 2000
BODY = "application/offset+octet-stream"

# With these no further byte can make it the photo that was announced.
_HOPELESS = (NotAPhoto, PhotoTooLarge, HashMismatch, VideoTooLong, VideoDamaged, TooManyPieces)


class UploadHeaderMalformed(Invalid):
    """A header of the protocol is missing, or says nothing that can be read."""

    code = "upload_header_malformed"
    vi = "Tiêu đề {header} bị thiếu hoặc không đọc được."
    en = "The header {header} is missing or cannot be read."


@dataclass(frozen=True)
class Announced:
    """What the metadata of an upload says."""

    report_id: UUID
    role: Role
    sha256: str
    media_type: str


@blueprint.after_request
def _say_version(response: Response) -> Response:
    response.headers["Tus-Resumable"] = VERSION
    if response.status_code == 412:
        response.headers["Tus-Version"] = VERSION
    return response


@blueprint.route("/uploads")
class Uploads(MethodView):
    """Where uploads begin."""

    @needs(Do.READ_PUBLIC, without_database=True)
    @blueprint.response(204)
    def options(self) -> Response:
        """What this server can do of the protocol"""
        said = {
            "Tus-Version": VERSION,
            "Tus-Extension": EXTENSIONS,
            "Tus-Max-Size": str(MOST_BYTES),
            "Tus-Checksum-Algorithm": ",".join(ALGORITHMS),
        }
        return Response(status=204, headers=said)

    # Whoever could send an after-photo could send a before-photo: the role decides below.
    @needs(Do.ADD_BEFORE_PHOTO)
    @blueprint.response(201)
    def post(self) -> Response:
        """Begin an upload

        `Upload-Length` is the size of the file; `Upload-Metadata` names `report`, `role` (before, after) and `sha256`, and
        may name `filetype` (a video may be larger). Whether the photo may be added, and whether there is room for it, is
        found out here, before a byte of it is sent. A body is taken as the file's beginning.
        """
        _require_version()
        said = request.headers.get("Upload-Metadata", "")
        announced, length = _announced(said), _number("Upload-Length")
        actions.require_size(length, announced.media_type)
        if length == 0:
            raise NotAPhoto
        require_open(require_right(announced.report_id, announced.role))
        container().limits.spend(PHOTOS, actor().person_id, address())
        progress, instead_of = uploads.begin(
            session(),
            report_id=announced.report_id,
            role=announced.role,
            sha256=announced.sha256,
            length=length,
            said=said,
            now=now(),
        )
        session().commit()
        container().photos.delete_pieces(instead_of)
        response = Response(status=201, headers={"Location": f"/api/v1/uploads/{progress.id}"})
        return _taking(progress, response) if _has_body() else _standing(response, progress)


@blueprint.route("/uploads/<uuid:upload_id>")
class OneUpload(MethodView):
    """One file on its way."""

    @needs(Do.ADD_BEFORE_PHOTO)
    @blueprint.response(204)
    def head(self, upload_id: UUID) -> Response:
        """How far an upload is"""
        _require_version()
        progress = _mine(upload_id)
        response = Response(status=200)
        response.headers["Upload-Length"] = str(progress.length)
        response.headers["Upload-Metadata"] = progress.said
        return _standing(response, progress)

    @needs(Do.ADD_BEFORE_PHOTO)
    @blueprint.response(204)
    def patch(self, upload_id: UUID) -> Response:
        """Send more of a file

        The body goes on at `Upload-Offset`. What arrives is kept, also when the connection breaks in the middle; only
        with `Upload-Checksum` it is all or nothing.
        """
        _require_version()
        return _continued(_mine(upload_id))

    @needs(Do.ADD_BEFORE_PHOTO)
    @blueprint.response(204)
    def delete(self, upload_id: UUID) -> Response:
        """Give an upload up; a photo that is complete stays"""
        _require_version()
        progress = _mine(upload_id)
        _give_up(progress)
        return Response(status=204)

    @needs(Do.ADD_BEFORE_PHOTO)
    @blueprint.response(204)
    def post(self, upload_id: UUID) -> Response:
        """The same, for networks that let no other method through: `X-HTTP-Method-Override` names it"""
        _require_version()
        if request.headers.get("X-HTTP-Method-Override", "").upper() == "DELETE":
            _give_up(_mine(upload_id))
            return Response(status=204)
        if request.headers.get("X-HTTP-Method-Override", "").upper() == "PATCH":
            return _continued(_mine(upload_id))
        raise UploadHeaderMalformed(header="X-HTTP-Method-Override")


def _continued(progress: Progress) -> Response:
    offset = _number("Upload-Offset")
    if request.mimetype != BODY:
        raise NotThatKind
    if offset != progress.offset:
        raise OffsetMismatch(offset=progress.offset)
    return _taking(progress, Response(status=204))


def _taking(progress: Progress, response: Response) -> Response:
    """Take in what the body brings, part by part, each committed before the next; no database connection waits for it."""
    store, checksum = container().photos, _checksum()
    if (request.content_length or 0) > progress.length - progress.offset:
        raise UploadTooLong(limit_bytes=progress.length)
    session().commit()
    request.max_content_length = sys.maxsize  # the upload has a limit of its own
    try:
        for spool in uploads.arriving(store, _body(), progress, checksum=checksum, seconds=time.monotonic):
            before, is_last = progress, progress.offset + spool.size == progress.length
            with or_let_go(progress.sha256) if is_last else nullcontext():
                # The report may be another unit's by now, or over.
                require_open(require_right(progress.report_id, progress.role))
                progress = uploads.take_in(session(), store, progress, spool, clock.now())
                session().commit()
            if progress.offset == progress.length:
                store.delete_pieces(before.pieces)
    except _HOPELESS as refused:
        session().rollback()
        _give_up(progress)
        return problems.answer(refused)
    return _standing(response, progress)


def _body() -> Iterator[bytes]:
    """The bytes of this request as they come, until they end or the connection breaks."""
    try:
        yield from chunks(request.stream)
    except (ClientDisconnected, OSError):
        return


def _give_up(progress: Progress) -> None:
    """Forget an upload and then its pieces; a crash between the two leaves pieces that are swept."""
    uploads.end(session(), progress.id)
    session().commit()
    container().photos.delete_pieces(progress.pieces)


def _mine(upload_id: UUID) -> Progress:
    """An upload of a photo that the asker may add. Another's is not there for them."""
    progress = uploads.find(session(), upload_id, now())
    require_right(progress.report_id, progress.role)
    return progress


def _standing(response: Response, progress: Progress) -> Response:
    response.headers["Upload-Offset"] = str(progress.offset)
    response.headers["Upload-Expires"] = format_datetime(progress.expires_at, usegmt=True)
    response.headers["Cache-Control"] = "no-store"
    return response


def _require_version() -> None:
    if request.headers.get("Tus-Resumable") != VERSION:
        raise ProtocolUnknown(version=VERSION)


def _has_body() -> bool:
    return bool(request.content_length) or "chunked" in request.headers.get("Transfer-Encoding", "")


def _number(header: str) -> int:
    value = request.headers.get(header, "")
    if not re.fullmatch(r"[0-9]{1,15}", value, re.ASCII):
        raise UploadHeaderMalformed(header=header)
    return int(value)


def _checksum() -> Checksum | None:
    header = request.headers.get("Upload-Checksum")
    if header is None:
        return None
    checksum = Checksum.parse(header)
    if checksum is None:
        raise UploadHeaderMalformed(header="Upload-Checksum")
    return checksum


def _announced(said: str) -> Announced:
    """What `Upload-Metadata` says. Raises UploadHeaderMalformed."""
    malformed = UploadHeaderMalformed(header="Upload-Metadata")
    try:
        pairs = _pairs(said)
        report_id, sha256 = UUID(pairs["report"]), pairs["sha256"]
    except (ValueError, KeyError) as wrong:
        raise malformed from wrong
    role = pairs.get("role", "before")
    if role not in get_args(Role):
        raise malformed
    return Announced(report_id, cast("Role", role), sha256, pairs.get("filetype", ""))


def _pairs(said: str) -> Mapping[str, str]:
    """Names and values: `name base64, name base64`. Raises ValueError."""
    if len(said) > MOST_METADATA or "\0" in said:
        raise ValueError(said)
    pairs = {}
    for pair in said.split(","):
        name, _, encoded = pair.strip().partition(" ")
        pairs[name] = base64.b64decode(encoded, validate=True).decode()  # its error is a ValueError
    return pairs
