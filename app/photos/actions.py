"""Taking photos in, what becomes of them, and who looked at them.

What is hidden in them is written in `blurring.py`, how they go in `erasing.py`.

An upload has three steps, so that no database connection waits for a phone: `expect` asks whether the photo may come,
`keep` reads it into the store without any database, `receive` writes the row when the bytes are durable. A photo that
is kept and then not received (a crash between the two) is a file that nothing names, and is there when it is sent again.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import IO, Any, Literal
from uuid import UUID

from sqlalchemy import select, text, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from app.core import outbox
from app.core.db import new_id
from app.photos import videos
from app.photos.errors import (
    NotASha256,
    OriginalGone,
    PhotoErased,
    PhotoNotFound,
    PhotoNotReady,
    PhotoRoleTaken,
    PhotosTooLarge,
    PhotoTooLarge,
    TooManyPhotos,
    VideoNotShown,
)
from app.photos.formats import MediaType, VideoType, limit_of, sniff
from app.photos.models import Photo, PhotoLook
from app.photos.retention import LIVING
from app.photos.spool import HEAD_BYTES, Spool
from app.photos.storage import PhotoStore, chunks, is_sha256

Role = Literal["before", "after"]

# Of one report, in one role.
MOST_PHOTOS = 10
MOST_BYTES = 60_000_000


@dataclass(frozen=True)
class Original:
    """Bytes that are durable in the store, and what they are; of a video how long it is."""

    sha256: str
    media_type: MediaType
    size_bytes: int
    duration_ms: int | None = None


def expect(session: Session, report_id: UUID, sha256: str, role: Role, *, length: int | None = None) -> bool:
    """Refuse early, before its bytes are read, a photo that cannot be received. Who may send it is not asked here.

    `length` is its size in bytes, if its sender states one. Returns whether it would be new: False when it was received
    already, and this is a retry.

    Raises NotASha256, PhotoErased, PhotoRoleTaken, TooManyPhotos and PhotosTooLarge.
    """
    if not is_sha256(sha256):
        raise NotASha256(at="sha256")
    if not _is_wanted(session.get(Photo, (report_id, sha256)), role):
        return False
    _require_room(session, report_id, role, [sha256], length or 0)
    return True


def _is_wanted(photo: Photo | None, role: Role) -> bool:
    """Whether a photo is still to come in this role. Raises PhotoErased and PhotoRoleTaken."""
    if photo is None:
        return True
    if photo.state == "erased":
        raise PhotoErased
    if photo.role != role:
        raise PhotoRoleTaken
    return photo.state == "awaited"


def await_before(session: Session, report_id: UUID, photos: Iterable[str], now: datetime) -> None:
    """Let the set of a report's before-photos grow by those named; their bytes follow. Raises TooManyPhotos."""
    named = list(dict.fromkeys(photos))
    if not named:
        return
    known = frozenset(session.scalars(select(Photo.sha256).where(Photo.report_id == report_id)))
    fresh = [sha256 for sha256 in named if sha256 not in known]
    if not fresh:
        return
    _require_room(session, report_id, "before", fresh)
    rows = [
        {"report_id": report_id, "sha256": sha256, "role": "before", "state": "awaited", "added_at": now}
        for sha256 in fresh
    ]
    session.execute(insert(Photo).on_conflict_do_nothing(index_elements=["report_id", "sha256"]), rows)


def require_size(length: int | None, media_type: str) -> None:
    """Refuse a file by what its sender says of it before a byte is read: its size in bytes, if any, and its kind.

    Raises PhotoTooLarge.
    """
    limit = limit_of(media_type)
    if length is not None and length > limit:
        raise PhotoTooLarge(limit_bytes=limit)


def keep(store: PhotoStore, stream: IO[bytes], *, sha256: str) -> Original:
    """Read a photo or a video into the store.

    Only the first bytes of a photo are looked at: whether it can be opened is found out by the job that makes its
    copies. How long a video is stands anywhere in it, and is read when it is here.

    Raises NotAPhoto, PhotoTooLarge, VideoTooLong, VideoDamaged, HashMismatch, StoreFull and StoreUnavailable, and leaves
    nothing behind then.
    """
    with store.spool() as spool:
        for piece in chunks(stream):
            spool.write(piece)
            if spool.size >= HEAD_BYTES:
                require_allowed(spool)
        return settle(store, spool, sha256=sha256)


def require_allowed(spool: Spool) -> MediaType:
    """What kind of file this is, by its first bytes. Raises NotAPhoto, and PhotoTooLarge when it is too large for its kind."""
    media_type = sniff(spool.head)
    require_size(spool.size, media_type)
    return media_type


def settle(store: PhotoStore, spool: Spool, *, sha256: str) -> Original:
    """Keep what came in, all of it, as an original. Raises as `keep` does."""
    media_type = require_allowed(spool)
    duration_ms = videos.require_short(spool.file) if isinstance(media_type, VideoType) else None
    store.keep(spool, sha256=sha256)
    return Original(sha256, media_type, spool.size, duration_ms)


def lock_bytes(session: Session, sha256: str) -> None:
    """Be the only one who names or deletes these bytes, until the transaction ends."""
    session.execute(text("select pg_advisory_xact_lock(hashtextextended(:sha256, 0))"), {"sha256": sha256})


def one_at_a_time(session: Session, report_id: UUID) -> None:
    """Count a report's photos one at a time, however many come at once."""
    session.execute(text("select 1 from reports where id = :id for no key update"), {"id": report_id})


def receive(
    session: Session, store: PhotoStore, original: Original, *, report_id: UUID, role: Role, now: datetime
) -> bool:
    """Write that a report has this photo, and promise its copies. False when it had it already.

    Of a video there is one copy, for who works on the case: it is `kept` from the beginning, as evidence.

    Raises PhotoErased, PhotoRoleTaken, TooManyPhotos and PhotosTooLarge, as `expect` does: another upload may have come
    between. And OriginalGone when the bytes, which another report had, were erased since they were compared.
    """
    one_at_a_time(session, report_id)
    photo = session.get(Photo, (report_id, original.sha256), populate_existing=True)
    if not _is_wanted(photo, role):
        return False
    _require_room(session, report_id, role, [original.sha256], original.size_bytes)
    lock_bytes(session, original.sha256)
    if not store.exists(original.sha256):
        raise OriginalGone
    if photo is None:
        photo = Photo(report_id=report_id, sha256=original.sha256, role=role, state="awaited", added_at=now)
        session.add(photo)
    is_video = isinstance(original.media_type, VideoType)
    photo.state = "kept" if is_video else "received"
    photo.received_at = now
    photo.media_type = original.media_type.value
    photo.bytes = original.size_bytes
    photo.duration_ms = original.duration_ms
    session.flush()
    if is_video:
        tell(session, "video.received", report_id, original.sha256, now)
    else:
        tell(session, "photo.received", report_id, original.sha256, now)
    return True


def let_go(session: Session, store: PhotoStore, sha256: str) -> None:
    """Take away an original that was kept for a report which then would not have it, unless a row names these bytes.

    Locked, another upload of the same bytes has either named them, or will find that they are gone.
    """
    lock_bytes(session, sha256)
    if not is_named(session, sha256):
        store.delete(sha256)


def is_named(session: Session, sha256: str) -> bool:
    """Whether a row says that these bytes are in the store. Ask it under `lock_bytes`."""
    named = select(Photo.report_id).where(Photo.sha256 == sha256, Photo.state.in_(LIVING)).limit(1)
    return session.execute(named).first() is not None


def copies_made(
    session: Session,
    report_id: UUID,
    sha256: str,
    *,
    width: int,
    height: int,
    now: datetime,
    placeholder: str | None = None,
    dhash: int | None = None,
    hints: Mapping[str, Any] | None = None,
) -> None:
    """Write that both copies are in the store; `width` and `height` are the upright original's, in pixels.

    `placeholder`, `dhash` and `hints` are what `images` and `hints` made of it.
    """
    seen = {"placeholder": placeholder, "dhash": dhash, "hints": dict(hints or {})}
    if _conclude(session, report_id, sha256, state="ready", width=width, height=height, ready_at=now, **seen):
        tell(session, "photo.ready", report_id, sha256, now)
        tell(session, "photo.blur", report_id, sha256, now)


def video_examined(
    session: Session, report_id: UUID, sha256: str, *, hints: Mapping[str, Any], refusal: str | None, now: datetime
) -> None:
    """Write that the copy of a video is in the store, or under which code there is none. It stays `kept`."""
    photo = session.get_one(Photo, (report_id, sha256), with_for_update=True, populate_existing=True)
    if photo.state != "kept" or photo.ready_at is not None:
        return
    photo.hints = dict(hints)
    photo.refusal = refusal
    photo.ready_at = now if refusal is None else None
    session.flush()
    tell(session, "video.ready", report_id, sha256, now)


def refuse(session: Session, report_id: UUID, sha256: str, *, refusal: str, now: datetime) -> None:
    """Write that no copy can be made; `refusal` is the code of the reason. The original stays: it is what was sent."""
    if _conclude(session, report_id, sha256, state="refused", refusal=refusal):
        tell(session, "photo.refused", report_id, sha256, now)


def look(session: Session, report_id: UUID, sha256: str, *, by: UUID, now: datetime) -> UUID:
    """Note that somebody asks to see a photo in full size; the id of this look, of which the link is made.

    Raises PhotoNotFound, PhotoNotReady while its copy is still to be made, VideoNotShown when there will be none.
    """
    photo = session.get(Photo, (report_id, sha256)) if is_sha256(sha256) else None
    if photo is None or photo.state in {"awaited", "refused", "erased"}:
        raise PhotoNotFound
    if photo.state == "kept" and photo.refusal is not None:
        raise VideoNotShown
    if not has_full_copy(photo.state, photo.blurred_at, photo.ready_at):
        raise PhotoNotReady
    seen = PhotoLook(id=new_id(), report_id=report_id, sha256=sha256, person_id=by, at=now)
    session.add(seen)
    session.flush()
    return seen.id


def has_full_copy(state: str, blurred_at: datetime | None, ready_at: datetime | None) -> bool:
    """Whether the copy in full size is in the store: a photo's is made with the public one, a video's is its only one."""
    return (state == "ready" and blurred_at is not None) or (state == "kept" and ready_at is not None)


def open_look(session: Session, look_id: UUID, now: datetime) -> tuple[str, str]:
    """Note that the link of a look was followed, the first time; the SHA-256 and the media type of its copy.

    Raises PhotoNotFound.
    """
    found = session.get(PhotoLook, look_id)
    photo = None if found is None else session.get(Photo, (found.report_id, found.sha256))
    if found is None or photo is None or not has_full_copy(photo.state, photo.blurred_at, photo.ready_at):
        raise PhotoNotFound
    session.execute(
        update(PhotoLook).where(PhotoLook.id == look_id, PhotoLook.opened_at.is_(None)).values(opened_at=now)
    )
    is_video = photo.state == "kept" and photo.media_type is not None
    return photo.sha256, str(photo.media_type) if is_video else "image/jpeg"


def tell(session: Session, topic: str, report_id: UUID, sha256: str, now: datetime) -> None:
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


# What is on its way counts by the size that its sender announced.
_HELD = text("""
    select count(*), coalesce(sum(bytes), 0) from (
        select max(bytes) as bytes from (
            select sha256, coalesce(bytes, 0) as bytes from photos where report_id = :report_id and role = :role
            union all
            select sha256, length_bytes from uploads
            where report_id = :report_id and role = :role and done_at is null
        ) each where sha256 <> all(:but) group by sha256
    ) held
""")


def _require_room(session: Session, report_id: UUID, role: Role, more: list[str], length: int = 0) -> None:
    """Ten before and ten after: a resident's photos must not leave an officer without room for theirs."""
    held, size = session.execute(_HELD, {"report_id": report_id, "role": role, "but": more}).one()
    if held + len(more) > MOST_PHOTOS:
        raise TooManyPhotos(at="photos", limit=MOST_PHOTOS)
    if size + length > MOST_BYTES:
        raise PhotosTooLarge(at="photos", limit_bytes=MOST_BYTES)
