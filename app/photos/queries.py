"""The reads of photos: what one says against its report, who looked at one, what waits to be deleted, the last scrub."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, Literal
from uuid import UUID

from sqlalchemy import RowMapping, func, or_, select, text, tuple_
from sqlalchemy.orm import Session

from app.core.audit import AuditEntry
from app.identity.models import Staff
from app.photos import alike, hints
from app.photos.exif import Said
from app.photos.formats import ImageType, VideoType
from app.photos.models import Photo, PhotoBlur, PhotoLook, RetentionPolicy
from app.photos.retention import Policy
from geo.coordinates import LngLat
from geo.validity import local_day

# Of the photos that share a part of a hash, at most so many are compared: a job must end, whatever is in the store.
MOST_COMPARED: Final = 1000

# Whoever was first used nothing again. At the same instant, one of the two was.
_EARLIER: Final = "(other.received_at, other.report_id) < (this.received_at, this.report_id)"


@dataclass(frozen=True)
class Used:
    """An earlier report with the same photo, or with one that is nearly the same."""

    how: Literal["same", "near"]
    report_id: UUID


def hints_for(session: Session, report_id: UUID, sha256: str, said: Said, dhash: int | None) -> dict[str, Any]:
    """What a received photo says against its report, as it is stored: `place`, `time`, `edited`, and `used` or None.

    What was found is compared with the place that the resident sent, whatever it was corrected to: whoever moves the
    pin about and reads near or far would find out where the photo was taken. What was left, with the place as it is.
    """
    row = session.execute(
        text("""
            select p.role, p.media_type, p.added_at, r.received_at, r.lat, r.lon, r.accuracy_m, r.as_sent
            from photos p join reports r on r.id = p.report_id where p.report_id = :report_id and p.sha256 = :sha256
        """),
        {"report_id": report_id, "sha256": sha256},
    ).one()
    known = {"lat": row.lat, "lon": row.lon, "accuracy_m": row.accuracy_m}
    if row.role == "before":
        known |= {member: value for member, value in (row.as_sent or {}).items() if member in known}
    stated = hints.Stated(
        LngLat(known["lon"], known["lat"]),
        known["accuracy_m"],
        since=hints.earliest(row.role, report_received_at=row.received_at, named_at=row.added_at),
        named_at=row.added_at,
    )
    is_video = row.media_type in set(VideoType)
    found = hints.hints(said, VideoType(row.media_type) if is_video else ImageType(row.media_type), stated)
    used = used_before(session, report_id, sha256, dhash)
    return {**found, "used": None if used is None else {"how": used.how, "report": str(used.report_id)}}


def used_before(session: Session, report_id: UUID, sha256: str, dhash: int | None) -> Used | None:
    """The first other report to which this photo, or one near to it, had come when it came to this one."""
    this = {"report_id": report_id, "sha256": sha256}
    same = session.execute(
        text(f"""
            select other.report_id from photos other, photos this
            where this.report_id = :report_id and this.sha256 = :sha256
                and other.sha256 = :sha256 and other.report_id <> :report_id and {_EARLIER}
            order by other.received_at, other.report_id limit 1
        """),
        this,
    ).scalar_one_or_none()
    if same is not None:
        return Used("same", same)
    parts = [] if dhash is None else alike.bands(dhash)
    if not parts:
        return None
    near = session.execute(
        text(f"""
            with compared as (
                select report_id, sha256, received_at, dhash from photos
                where dhash is not null and dhash_bands(dhash) && cast(:parts as integer[]) limit :most
            )
            select other.report_id from compared other, photos this
            where this.report_id = :report_id and this.sha256 = :sha256
                and other.report_id <> :report_id and other.sha256 <> :sha256 and {_EARLIER}
                and bit_count((other.dhash # cast(:dhash as bigint))::bit(64)) <= :near
            order by other.received_at, other.report_id limit 1
        """),
        this | {"parts": parts, "dhash": dhash, "near": alike.NEAR, "most": MOST_COMPARED},
    ).scalar_one_or_none()
    return None if near is None else Used("near", near)


def blurs(session: Session, report_id: UUID, sha256: str) -> Sequence[PhotoBlur]:
    """The places in a photo that are hidden from the public, and those that were; the oldest first."""
    of_photo = (PhotoBlur.report_id == report_id, PhotoBlur.sha256 == sha256)
    return session.scalars(select(PhotoBlur).where(*of_photo).order_by(PhotoBlur.added_at, PhotoBlur.id)).all()


def looks(
    session: Session, report_id: UUID, *, limit: int, before: tuple[datetime, UUID] | None = None
) -> Sequence[RowMapping]:
    """Who asked to see photos of a report in full size, latest first, after the position `before` (at, id)."""
    wanted = (
        select(PhotoLook.id, PhotoLook.sha256, PhotoLook.at, PhotoLook.opened_at, PhotoLook.person_id, Staff.name)
        .outerjoin(Staff, Staff.person_id == PhotoLook.person_id)
        .where(PhotoLook.report_id == report_id)
        .order_by(PhotoLook.at.desc(), PhotoLook.id.desc())
        .limit(limit)
    )
    if before is not None:
        wanted = wanted.where(tuple_(PhotoLook.at, PhotoLook.id) < before)
    return session.execute(wanted).mappings().all()


def retention_policies(session: Session, city_id: int, *, since: datetime | None = None) -> Sequence[Policy]:
    """The policies of a city in the order of their days; those that hold at `since` or later, if it is given."""
    wanted = (
        select(RetentionPolicy)
        .where(RetentionPolicy.city_id == city_id)
        .order_by(RetentionPolicy.recorded, RetentionPolicy.valid_from)
    )
    if since is not None:
        wanted = wanted.where(or_(RetentionPolicy.valid_to.is_(None), RetentionPolicy.valid_to > local_day(since)))
    return [Policy(row.recorded, row.days, row.valid_from, row.valid_to) for row in session.scalars(wanted)]


@dataclass(frozen=True)
class LastScrub:
    """When the store was last read, how many originals that were, and how many of them need a person."""

    at: datetime
    originals: int
    damaged: int
    missing: int


def last_scrub(session: Session) -> LastScrub | None:
    """The last time that the whole store was read; None before the first."""
    found = session.execute(
        select(AuditEntry.at, AuditEntry.data)
        .where(AuditEntry.subject == "photos", AuditEntry.action == "photos:scrub")
        .order_by(AuditEntry.id.desc())
        .limit(1)
    ).one_or_none()
    if found is None:
        return None
    data = found.data
    return LastScrub(found.at, data["originals"], data["rotten"] + data["missized"], data["missing"])


def count_undeleted(session: Session, *, before: datetime) -> int:
    """How many photos were erased before an instant whose files are still in the store."""
    late = select(func.count()).where(Photo.state == "erased", Photo.gone_at.is_(None), Photo.erased_at < before)
    return session.execute(late).scalar_one()
