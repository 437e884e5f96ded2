"""Uploads that go on where they broke off: a file comes in pieces, over as many connections as it takes.

What was acknowledged is durable. A piece is a file of its own in the store, and a row says which pieces there are in
which order; only one sender can add the next one, however many try. When the last byte is here the pieces become the
original, as if it had come at once, and the row of the photo is written in the same transaction.

Nobody's name stands with an upload. Who may go on with it is who may add such a photo to its report.
"""

import base64
import binascii
import hashlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import cast
from uuid import UUID

from sqlalchemy import delete, select, text, update
from sqlalchemy.orm import Session

from app.core.db import new_id
from app.photos import actions
from app.photos.actions import Original, Role
from app.photos.errors import (
    ChecksumMismatch,
    HashMismatch,
    OffsetMismatch,
    PhotoNotFound,
    TooManyPieces,
    UploadNotFound,
    UploadTooLong,
)
from app.photos.models import Upload
from app.photos.spool import HEAD_BYTES, Spool
from app.photos.storage import PhotoStore

# A phone that lost its network in the evening goes on the next morning.
LIFE = timedelta(hours=24)

# A slow sender's bytes are made durable this often, so that a crash costs it seconds and not minutes.
SETTLE_EVERY_S = 10.0

# Of 20 MB over lines that break after 5 kB each; who sends less at a time means to keep us busy.
MOST_PIECES = 4000

ALGORITHMS = ("sha1", "sha256", "md5")


@dataclass(frozen=True)
class Progress:
    """An upload as it stands: `offset` of `length` bytes are durable. `said` is the metadata as its sender wrote it."""

    id: UUID
    report_id: UUID
    role: Role
    sha256: str
    said: str
    offset: int
    length: int
    pieces: tuple[str, ...]
    expires_at: datetime


@dataclass(frozen=True)
class Checksum:
    """What a sender says that the bytes of one request hash to."""

    algorithm: str
    digest: bytes

    @classmethod
    def parse(cls, header: str) -> "Checksum | None":
        """`sha1 <base64>` and the like; None for an algorithm that is not known, or no base64."""
        algorithm, _, encoded = header.partition(" ")
        try:
            digest = base64.b64decode(encoded, validate=True)
        except binascii.Error:
            return None
        return cls(algorithm, digest) if algorithm in ALGORITHMS and digest else None


def begin(
    session: Session, *, report_id: UUID, role: Role, sha256: str, length: int, said: str, now: datetime
) -> tuple[Progress, Sequence[str]]:
    """Expect a file of `length` bytes for a report; what is said of its size is reserved until it is here, or given up.

    An earlier upload of the same file is given up for it: its sender lost the way to it. Its pieces are answered, to be
    deleted. Raises what `actions.expect` raises.
    """
    actions.one_at_a_time(session, report_id)
    actions.expect(session, report_id, sha256, role, length=length)
    earlier = session.scalars(
        delete(Upload)
        .where(Upload.report_id == report_id, Upload.sha256 == sha256, Upload.done_at.is_(None))
        .returning(Upload.pieces)
        .execution_options(synchronize_session=False)
    ).all()
    upload = Upload(
        id=new_id(),
        report_id=report_id,
        role=role,
        sha256=sha256,
        said=said,
        length_bytes=length,
        offset_bytes=0,
        pieces=[],
        created_at=now,
        expires_at=now + LIFE,
    )
    session.add(upload)
    session.flush()
    return _progress(upload), [piece for pieces in earlier for piece in pieces]


def find(session: Session, upload_id: UUID, now: datetime) -> Progress:
    """An upload as it stands, also one that is complete. Raises UploadNotFound."""
    upload = session.get(Upload, upload_id, populate_existing=True)
    if upload is None or upload.expires_at <= now:
        raise UploadNotFound
    return _progress(upload)


def arriving(
    store: PhotoStore,
    pieces: Iterator[bytes],
    progress: Progress,
    *,
    checksum: Checksum | None,
    seconds: Callable[[], float],
) -> Iterator[Spool]:
    """What one request brings, each part to be taken in before the next is asked for; no database waits for it.

    With a checksum it is one part, at the end, when all of it is known to be right. `seconds` is a monotonic clock.

    Raises UploadTooLong, ChecksumMismatch, StoreFull and StoreUnavailable; and, of a first part, NotAPhoto and
    PhotoTooLarge.
    """
    room, over = progress.length - progress.offset, False
    digest = hashlib.new(checksum.algorithm, usedforsecurity=False) if checksum else None
    first = progress.offset == 0
    while not over:
        with store.spool() as spool:
            until = seconds() + SETTLE_EVERY_S
            over = True
            for piece in pieces:
                room -= len(piece)
                if room < 0:
                    raise UploadTooLong(limit_bytes=progress.length)
                spool.write(piece)
                if digest:
                    digest.update(piece)
                elif seconds() >= until:
                    over = False
                    break
            if checksum and digest and digest.digest() != checksum.digest:
                raise ChecksumMismatch
            if first and spool.size >= HEAD_BYTES:
                # Whoever announced a video may have said more bytes than what comes may have.
                actions.require_size(progress.length, actions.require_allowed(spool))
            first = False
            if spool.size:
                yield spool


def take_in(session: Session, store: PhotoStore, progress: Progress, spool: Spool, now: datetime) -> Progress:
    """Add a part to an upload, durably; with the last one the photo is received.

    Raises OffsetMismatch when somebody else added to it meanwhile; TooManyPieces, NotAPhoto, PhotoTooLarge, HashMismatch,
    VideoTooLong or VideoDamaged when what is here now can never become the photo that was announced; what
    `actions.receive` raises; StoreFull, StoreUnavailable.
    """
    offset = progress.offset + spool.size
    if len(progress.pieces) >= MOST_PIECES:
        raise TooManyPieces(limit=MOST_PIECES)
    if offset < progress.length:
        name = store.put_piece(progress.id, spool)
        try:
            return _advance(session, progress, replace(progress, offset=offset, pieces=(*progress.pieces, name)))
        except (OffsetMismatch, UploadNotFound):
            store.delete_pieces([name])
            raise
    try:
        original = _assembled(store, progress, spool)
    except PhotoNotFound:
        _require_still(session, progress)
        raise HashMismatch from None  # the store lost a piece: only sending all of it again helps
    done = _advance(session, progress, replace(progress, offset=offset, pieces=()), done_at=now)
    actions.receive(session, store, original, report_id=progress.report_id, role=progress.role, now=now)
    return done


def _assembled(store: PhotoStore, progress: Progress, last: Spool) -> Original:
    if not progress.pieces:
        return actions.settle(store, last, sha256=progress.sha256)
    with store.spool() as whole:
        for name in progress.pieces:
            for part in store.read_piece(name):
                whole.write(part)
        for part in iter(lambda file=last.file: file.read(1 << 18), b""):  # type: ignore[misc]
            whole.write(part)
        if whole.size != progress.length:
            raise HashMismatch
        return actions.settle(store, whole, sha256=progress.sha256)


def _advance(session: Session, before: Progress, after: Progress, *, done_at: datetime | None = None) -> Progress:
    """Write how far an upload is, if it still is where it was: of two who add to it one is told to look again."""
    moved = session.execute(
        update(Upload)
        .where(Upload.id == before.id, Upload.offset_bytes == before.offset, Upload.done_at.is_(None))
        .values(offset_bytes=after.offset, pieces=list(after.pieces), done_at=done_at)
        .returning(Upload.id)
        .execution_options(synchronize_session=False)
    )
    if moved.first() is None:
        _require_still(session, before)
    return after


def _require_still(session: Session, progress: Progress) -> None:
    """Refuse when somebody else took an upload further, or gave it up. Raises OffsetMismatch, UploadNotFound."""
    at = session.execute(select(Upload.offset_bytes, Upload.done_at).where(Upload.id == progress.id)).one_or_none()
    if at is None:
        raise UploadNotFound
    if at.offset_bytes != progress.offset or at.done_at is not None:
        raise OffsetMismatch(offset=at.offset_bytes)


def end(session: Session, upload_id: UUID) -> None:
    """Give an upload up. Its pieces go when their day is over, with those that a crash left behind."""
    session.execute(delete(Upload).where(Upload.id == upload_id))


def forget_expired(session: Session, now: datetime, limit: int) -> int:
    """Forget uploads whose time is over; how many there were."""
    forgotten = session.execute(
        text("""
            delete from uploads where id in (
                select id from uploads where expires_at <= :now order by expires_at limit :limit for update skip locked)
            returning id
        """),
        {"now": now, "limit": limit},
    )
    return len(forgotten.all())


def _progress(upload: Upload) -> Progress:
    return Progress(
        id=upload.id,
        report_id=upload.report_id,
        role=cast("Role", upload.role),
        sha256=upload.sha256,
        said=upload.said,
        offset=upload.offset_bytes,
        length=upload.length_bytes,
        pieces=tuple(upload.pieces),
        expires_at=upload.expires_at,
    )
