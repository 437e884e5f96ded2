"""Taking photos in, and what becomes of them. The only writer of `photos`.

An upload has three steps, so that no database connection waits for a phone: `expect` asks whether the photo may come,
`keep` reads it into the store without any database, `receive` writes the row when the bytes are durable. A photo that
is kept and then not received (a crash between the two) is a file that nothing names, and is there when it is sent again.
"""

import itertools
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import IO, Literal
from uuid import UUID

from sqlalchemy import func, select, text, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from app.core import outbox
from app.photos.errors import NotASha256, PhotoRoleTaken, TooManyPhotos
from app.photos.formats import ImageType, sniff
from app.photos.models import Photo
from app.photos.storage import PhotoStore, chunks, is_sha256

Role = Literal["before", "after"]

# Of one report, in one role.
MOST_PHOTOS = 10


@dataclass(frozen=True)
class Original:
    """Bytes that are durable in the store, and what they are."""

    sha256: str
    media_type: ImageType
    size_bytes: int


def expect(session: Session, report_id: UUID, sha256: str, role: Role) -> bool:
    """Refuse early, before its bytes are read, a photo that cannot be received. Who may send it is not asked here.

    Returns whether it would be new: False when it was received already, and this is a retry.

    Raises NotASha256, PhotoRoleTaken and TooManyPhotos.
    """
    if not is_sha256(sha256):
        raise NotASha256(at="sha256")
    known = session.get(Photo, (report_id, sha256))
    if known is None:
        _require_room(session, report_id, role)
        return True
    if known.role != role:
        raise PhotoRoleTaken
    return known.state == "awaited"


def await_before(session: Session, report_id: UUID, photos: Iterable[str], now: datetime) -> None:
    """Let the set of a report's before-photos grow by those named; their bytes follow. Raises TooManyPhotos."""
    named = list(dict.fromkeys(photos))
    if not named:
        return
    known = frozenset(session.scalars(select(Photo.sha256).where(Photo.report_id == report_id)))
    fresh = [sha256 for sha256 in named if sha256 not in known]
    if not fresh:
        return
    _require_room(session, report_id, "before", more=len(fresh))
    rows = [
        {"report_id": report_id, "sha256": sha256, "role": "before", "state": "awaited", "added_at": now}
        for sha256 in fresh
    ]
    session.execute(insert(Photo).on_conflict_do_nothing(index_elements=["report_id", "sha256"]), rows)


def keep(store: PhotoStore, stream: IO[bytes], *, sha256: str, length: int | None) -> Original:
    """Read a photo into the store. `length` is the size in bytes that the sender states, if any.

    Only the first bytes are looked at: whether it can be opened is found out by the job that makes its copies.

    Raises NotAPhoto, PhotoTooLarge and HashMismatch, and leaves nothing behind then.
    """
    store.require_room(length)
    pieces = chunks(stream)
    head = next(pieces, b"")
    media_type = sniff(head)
    return Original(sha256, media_type, store.put(itertools.chain([head], pieces), sha256=sha256))


def lock_bytes(session: Session, sha256: str) -> None:
    """Be the only one who names or deletes these bytes, until the transaction ends."""
    session.execute(text("select pg_advisory_xact_lock(hashtextextended(:sha256, 0))"), {"sha256": sha256})


def receive(session: Session, original: Original, *, report_id: UUID, role: Role, now: datetime) -> bool:
    """Write that a report has this photo, and promise its copies. False when it had it already.

    Raises PhotoRoleTaken and TooManyPhotos, as `expect` does: another upload may have come between.
    """
    # One report's photos are counted one at a time, however many come at once.
    session.execute(text("select 1 from reports where id = :id for no key update"), {"id": report_id})
    photo = session.get(Photo, (report_id, original.sha256), populate_existing=True)
    if photo is None:
        _require_room(session, report_id, role)
        photo = Photo(report_id=report_id, sha256=original.sha256, role=role, state="awaited", added_at=now)
        session.add(photo)
    elif photo.role != role:
        raise PhotoRoleTaken
    elif photo.state != "awaited":
        return False
    photo.state = "received"
    photo.received_at = now
    photo.media_type = original.media_type.value
    photo.bytes = original.size_bytes
    session.flush()
    _tell(session, "photo.received", report_id, original.sha256, now)
    return True


def copies_made(session: Session, report_id: UUID, sha256: str, *, width: int, height: int, now: datetime) -> None:
    """Write that both copies are in the store; `width` and `height` are the upright original's, in pixels."""
    if _conclude(session, report_id, sha256, state="ready", width=width, height=height, ready_at=now):
        _tell(session, "photo.ready", report_id, sha256, now)


def refuse(session: Session, report_id: UUID, sha256: str, *, refusal: str, now: datetime) -> None:
    """Write that no copy can be made; `refusal` is the code of the reason. The original stays: it is what was sent."""
    if _conclude(session, report_id, sha256, state="refused", refusal=refusal):
        _tell(session, "photo.refused", report_id, sha256, now)


def _tell(session: Session, topic: str, report_id: UUID, sha256: str, now: datetime) -> None:
    """Promise that what became of a photo is told, to the unit that holds its report too."""
    unit_id = session.execute(text("select unit_id from reports where id = :id"), {"id": report_id}).scalar_one()
    payload = {"report_id": str(report_id), "sha256": sha256, "units": [unit_id]}
    outbox.emit(session, topic, payload, at=now)


def _conclude(session: Session, report_id: UUID, sha256: str, **values: object) -> bool:
    """Write the end of a photo's way; False when it had ended before."""
    concluded = session.execute(
        update(Photo)
        .where(Photo.report_id == report_id, Photo.sha256 == sha256, Photo.state == "received")
        .values(**values)
        .returning(Photo.sha256)
        .execution_options(synchronize_session="fetch")
    )
    return concluded.first() is not None


def _require_room(session: Session, report_id: UUID, role: Role, more: int = 1) -> None:
    """Ten before and ten after: a resident's photos must not leave an officer without room for theirs."""
    held = session.scalar(
        select(func.count()).select_from(Photo).where(Photo.report_id == report_id, Photo.role == role)
    )
    if (held or 0) + more > MOST_PHOTOS:
        raise TooManyPhotos(at="photos", limit=MOST_PHOTOS)
