"""Taking photos in, and what becomes of them. The only writer of `photos` and `photo_blurs`.

An upload has three steps, so that no database connection waits for a phone: `expect` asks whether the photo may come,
`keep` reads it into the store without any database, `receive` writes the row when the bytes are durable. A photo that
is kept and then not received (a crash between the two) is a file that nothing names, and is there when it is sent again.
"""

import itertools
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import IO, Literal
from uuid import UUID

from sqlalchemy import func, select, text, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from app.core import outbox
from app.core.db import new_id
from app.photos import queries
from app.photos.errors import (
    BlurIdTaken,
    BlurNotFound,
    NotASha256,
    PhotoNotFound,
    PhotoRoleTaken,
    TooManyBlurs,
    TooManyPhotos,
)
from app.photos.formats import ImageType, sniff
from app.photos.models import Photo, PhotoBlur
from app.photos.regions import Region
from app.photos.storage import PhotoStore, chunks, is_sha256

Role = Literal["before", "after"]

# Of one report, in one role.
MOST_PHOTOS = 10

# In one photo, by people: what a detector found does not count.
MOST_ADDED_BLURS = 100


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
        _tell(session, "photo.blur", report_id, sha256, now)


def settle_blurs(
    session: Session, report_id: UUID, sha256: str, found: Sequence[Region], now: datetime
) -> Sequence[Region] | None:
    """Lock a photo and say what is to be hidden in it; None when nobody is to see it any more.

    What a detector found is written down the first time. From then on an officer's word counts: what was released is
    shown whatever is found again, what was added is hidden. The photo stays locked until the public copy that is made
    of this lies in the store, so that no copy of an older word can take its place.
    """
    if _locked(session, report_id, sha256) is None:
        return None
    known = queries.blurs(session, report_id, sha256)
    if not any(blur.added_by is None for blur in known):
        known = [*known, *(_blur(report_id, sha256, region, new_id(), now) for region in found)]
        session.add_all(known)
        session.flush()
    return [blur.region for blur in known if blur.released_at is None]


def public_copy_made(session: Session, report_id: UUID, sha256: str, now: datetime) -> None:
    """Write that the public copy is in the store, made as `settle_blurs` said, and the full-size one too."""
    session.execute(update(Photo).where(Photo.report_id == report_id, Photo.sha256 == sha256).values(blurred_at=now))


def add_blur(
    session: Session, report_id: UUID, sha256: str, region: Region, *, blur_id: UUID, by: UUID, now: datetime
) -> bool:
    """Hide one more place from the public. The public copy counts as none until it is made anew, which is promised.

    False when this very place was added before. Raises PhotoNotFound, BlurIdTaken and TooManyBlurs.
    """
    photo = _locked(session, report_id, sha256)
    if photo is None:
        raise PhotoNotFound
    before = session.get(PhotoBlur, blur_id)
    if before is not None:
        known = before.report_id, before.sha256, before.added_by
        if known != (report_id, sha256, by) or not before.region.is_near(region):
            raise BlurIdTaken(at="id")
        return False
    added = [blur for blur in queries.blurs(session, report_id, sha256) if blur.added_by and not blur.released_at]
    if len(added) >= MOST_ADDED_BLURS:
        raise TooManyBlurs(limit=MOST_ADDED_BLURS)
    blur = _blur(report_id, sha256, region, blur_id, now)
    blur.added_by = by
    photo.blurred_at = None
    session.add(blur)
    session.flush()
    _tell(session, "photo.blur", report_id, sha256, now)
    return True


def release_blur(session: Session, report_id: UUID, sha256: str, blur_id: UUID, *, by: UUID, now: datetime) -> bool:
    """Hide a place no more, once the public copy is made anew; until then the old one hides too much, and stays.

    False when it was released before. Raises PhotoNotFound and BlurNotFound.
    """
    if _locked(session, report_id, sha256) is None:
        raise PhotoNotFound
    blur = session.get(PhotoBlur, blur_id, populate_existing=True)
    if blur is None or (blur.report_id, blur.sha256) != (report_id, sha256):
        raise BlurNotFound
    if blur.released_at is not None:
        return False
    blur.released_at, blur.released_by = now, by
    session.flush()
    _tell(session, "photo.blur", report_id, sha256, now)
    return True


def _locked(session: Session, report_id: UUID, sha256: str) -> Photo | None:
    """The locked row of a photo that people can look at; None of any other."""
    photo = session.get(Photo, (report_id, sha256), populate_existing=True, with_for_update={"key_share": True})
    return photo if photo is not None and photo.state == "ready" else None


def _blur(report_id: UUID, sha256: str, region: Region, blur_id: UUID, now: datetime) -> PhotoBlur:
    return PhotoBlur(
        id=blur_id,
        report_id=report_id,
        sha256=sha256,
        what=region.what,
        left=region.left,
        top=region.top,
        width=region.width,
        height=region.height,
        score=region.score,
        added_at=now,
    )


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
