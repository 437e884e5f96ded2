"""Taking photos in, what becomes of them, and how they go. The only writer of `photos`.

An upload has three steps, so that no database connection waits for a phone: `expect` asks whether the photo may come,
`keep` reads it into the store without any database, `receive` writes the row when the bytes are durable. A photo that
is kept and then not received (a crash between the two) is a file that nothing names, and is there when it is sent again.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import IO, Final, Literal, NamedTuple
from uuid import UUID

from sqlalchemy import delete, func, or_, select, text, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from app.core import audit, outbox
from app.photos import links
from app.photos.errors import (
    NotASha256,
    OriginalGone,
    PhotoErased,
    PhotoRoleTaken,
    PhotosTooLarge,
    PhotoTooLarge,
    RetentionInThePast,
    TooManyPhotos,
)
from app.photos.formats import ImageType, limit_of, sniff
from app.photos.models import Photo, PhotoBlur, RetentionPolicy
from app.photos.retention import LIVING
from app.photos.spool import HEAD_BYTES, Spool
from app.photos.storage import Copy, PhotoStore, chunks, is_sha256
from geo.validity import local_day

Role = Literal["before", "after"]

# Of one report, in one role.
MOST_PHOTOS = 10
MOST_BYTES = 60_000_000

# What a new city begins with: 90 days, and never where a violation was recorded (no statute says a number of days).
FIRST_RETENTION: Final[Mapping[bool, int | None]] = {False: 90, True: None}
FIRST_DAY: Final = date(2020, 1, 1)

# Any number that nobody else locks: policies are set one at a time.
_RETENTION_LOCK: Final = 7_236_005


@dataclass(frozen=True)
class Original:
    """Bytes that are durable in the store, and what they are."""

    sha256: str
    media_type: ImageType
    size_bytes: int


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
    """Read a photo into the store.

    Only the first bytes are looked at: whether it can be opened is found out by the job that makes its copies.

    Raises NotAPhoto, PhotoTooLarge, HashMismatch, StoreFull and StoreUnavailable, and leaves nothing behind then.
    """
    with store.spool() as spool:
        for piece in chunks(stream):
            spool.write(piece)
            if spool.size >= HEAD_BYTES:
                require_allowed(spool)
        return settle(store, spool, sha256=sha256)


def require_allowed(spool: Spool) -> ImageType:
    """What kind of file this is, by its first bytes. Raises NotAPhoto, and PhotoTooLarge when it is too large for its kind."""
    media_type = sniff(spool.head)
    require_size(spool.size, media_type)
    return media_type


def settle(store: PhotoStore, spool: Spool, *, sha256: str) -> Original:
    """Keep what came in, all of it, as an original. Raises as `keep` does."""
    media_type = require_allowed(spool)
    store.keep(spool, sha256=sha256)
    return Original(sha256, media_type, spool.size)


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


def erase(session: Session, report_id: UUID, now: datetime) -> Sequence[str]:
    """Forget everything of a report's photos but their hashes and what they measured; the hashes that were erased.

    The row stays: it says what was here once. The files go when this is committed (`delete_files`).
    """
    erased = session.scalars(
        update(Photo)
        .where(Photo.report_id == report_id, Photo.state.in_(LIVING))
        .values(state="erased", erased_at=now, hints={}, dhash=None, placeholder=None, blurred_at=None)
        .returning(Photo.sha256)
        .execution_options(synchronize_session=False)
    ).all()
    session.execute(delete(PhotoBlur).where(PhotoBlur.report_id == report_id, PhotoBlur.sha256.in_(erased)))
    return sorted(erased)


def delete_files(session: Session, store: PhotoStore, now: datetime, limit: int = 100) -> int:
    """Delete what lies in the store of photos that were erased, and write that it is gone; how many photos that were.

    An original that another report has stays, with the copies made from it; this report's public copy goes. Safe to
    run again after a crash anywhere: what is gone already is no error.
    """
    photos = session.scalars(
        select(Photo)
        .where(Photo.state == "erased", Photo.gone_at.is_(None))
        .order_by(Photo.erased_at)
        .limit(limit)
        .with_for_update(skip_locked=True)
        .execution_options(populate_existing=True)
    ).all()
    # In one order, so that two who have locked some bytes each never wait for each other.
    for photo in sorted(photos, key=lambda photo: photo.sha256):
        lock_bytes(session, photo.sha256)
        store.delete_copy(links.public_name(photo.report_id, photo.sha256), Copy.PUBLIC)
        shared = select(Photo.report_id).where(Photo.sha256 == photo.sha256, Photo.state.in_(LIVING)).limit(1)
        if session.execute(shared).first() is None:
            store.delete_copies(photo.sha256)
            store.delete(photo.sha256)
        photo.gone_at = now
    return len(photos)


class RetentionSet(NamedTuple):
    """What setting a policy did: whether one in force ends then, and until when the new one holds (None: open)."""

    ends_another: bool
    until: date | None


def set_retention(
    session: Session, city_id: int, *, recorded: bool, days: int | None, starts: date, now: datetime
) -> RetentionSet:
    """Let photos of cases that end on a local day from `starts` on go `days` after it; None is never.

    The policy for the same sort of cases that is in force then ends there; one planned for that very day is replaced, a
    later one stays. Only the first of a sort may begin in the past: nothing was judged by another before it.

    Raises RetentionInThePast.
    """
    session.execute(select(func.pg_advisory_xact_lock(_RETENTION_LOCK)))
    same = (RetentionPolicy.city_id == city_id, RetentionPolicy.recorded.is_(recorded))
    is_first = session.execute(select(RetentionPolicy.id).where(*same).limit(1)).first() is None
    if starts <= local_day(now) and not is_first:
        raise RetentionInThePast(at="from")
    planned = session.scalar(select(RetentionPolicy.id).where(*same, RetentionPolicy.valid_from == starts))
    until = session.scalar(
        select(func.min(RetentionPolicy.valid_from)).where(*same, RetentionPolicy.valid_from > starts)
    )
    ended = session.execute(
        update(RetentionPolicy)
        .where(*same, RetentionPolicy.valid_from < starts)
        .where(or_(RetentionPolicy.valid_to.is_(None), RetentionPolicy.valid_to > starts))
        .values(valid_to=starts)
        .returning(RetentionPolicy.id)
    ).all()
    if planned is not None:
        session.execute(update(RetentionPolicy).where(RetentionPolicy.id == planned).values(days=days))
    else:
        row = {"city_id": city_id, "recorded": recorded, "days": days, "valid_from": starts, "valid_to": until}
        session.execute(insert(RetentionPolicy).values(row))
    said = {"recorded": recorded, "days": days, "from": starts.isoformat(), "until": until and until.isoformat()}
    audit.record(session, by=None, action="retention:set", subject=f"retention:{city_id}", at=now, data=said)
    return RetentionSet(bool(ended), until)


def ensure_retention(session: Session, city_id: int, now: datetime) -> bool:
    """Give a new city its first policies; whether it got them.

    One that has reports or policies already keeps what it has: by an upgrade nothing is erased that was kept before.
    """
    session.execute(select(func.pg_advisory_xact_lock(_RETENTION_LOCK)))
    is_new = text("""
        select not exists (select from reports where city_id = :city_id)
           and not exists (select from retention_policies where city_id = :city_id)
    """)
    if not session.execute(is_new, {"city_id": city_id}).scalar_one():
        return False
    for recorded, days in FIRST_RETENTION.items():
        set_retention(session, city_id, recorded=recorded, days=days, starts=FIRST_DAY, now=now)
    return True


def scrubbed(session: Session, found: Mapping[str, int], now: datetime) -> None:
    """Put on record that the whole store was read, and how many of each sort were found."""
    audit.record(session, by=None, action="photos:scrub", subject="photos", at=now, data=dict(found))


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
