"""The reads of photos that are no report's own: the policies of a city, what waits to be deleted, the last scrub."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import func, or_, select
from sqlalchemy.orm import Session

from app.core.audit import AuditEntry
from app.photos.models import Photo, RetentionPolicy
from app.photos.retention import Policy
from geo.validity import local_day


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
