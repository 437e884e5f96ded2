"""How photos go: by the policies of their city, the rows first and the files after. The only writer of either."""

from collections.abc import Mapping, Sequence
from datetime import date, datetime
from typing import Final, NamedTuple
from uuid import UUID

import structlog
from sqlalchemy import delete, func, or_, select, text, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from app.core import audit
from app.photos import links
from app.photos.actions import is_named, lock_bytes
from app.photos.errors import RetentionInThePast, StoreUnavailable
from app.photos.models import Photo, PhotoBlur, RetentionPolicy
from app.photos.retention import LIVING
from app.photos.storage import Copy, PhotoStore
from geo.validity import local_day

log = structlog.get_logger("photos")

# What a new city begins with: 90 days, and never where a violation was recorded (no statute says a number of days).
FIRST_RETENTION: Final[Mapping[bool, int | None]] = {False: 90, True: None}
FIRST_DAY: Final = date(2020, 1, 1)

# Any number that nobody else locks: policies are set one at a time.
_RETENTION_LOCK: Final = 7_236_005


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
    run again after a crash anywhere: what is gone already is no error. What the store will not give up now is left for
    the next turn, and keeps no other.
    """
    gone = 0
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
        try:
            _delete_all(session, store, photo.report_id, photo.sha256)
        except StoreUnavailable:
            log.warning("photo not deleted", sha256=photo.sha256)
            continue
        photo.gone_at = now
        gone += 1
    return gone


def leave_nothing(session: Session, store: PhotoStore, report_id: UUID, sha256: str) -> None:
    """Delete what a job made of a photo that was erased meanwhile; of any other photo nothing."""
    state = session.scalar(select(Photo.state).where(Photo.report_id == report_id, Photo.sha256 == sha256))
    if state == "erased":
        _delete_all(session, store, report_id, sha256)


def _delete_all(session: Session, store: PhotoStore, report_id: UUID, sha256: str) -> None:
    """Delete a report's public copy, and original and copies unless another report has the same bytes."""
    lock_bytes(session, sha256)
    store.delete_copy(links.public_name(report_id, sha256), Copy.PUBLIC)
    if not is_named(session, sha256):
        store.delete_copies(sha256)
        store.delete(sha256)


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
