"""The reads of the digest: which cases are overdue that the leaders of a city were not told of yet."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.orm import Session


@dataclass(frozen=True)
class NewlyOverdue:
    """Cases of which leaders were not told yet that their time is up, and how many are overdue in all."""

    report_ids: Sequence[UUID]
    in_all: int


# A case that is overdue for so long is news once more.
REMEMBERED: Final = timedelta(days=30)

_RUNNING_IN_CITY = """
    from reports r where city_id = :city_id and stopped_at is null and due_at < :now
      and state in ('received', 'accepted', 'on_site', 'awaiting_resident', 'contested')
"""

# Of a case whose due time was moved, leaders are told once more when that is over too. What was overdue long before the
# first digest there ever was is no news.
_NEWLY_OVERDUE = text(f"""
    select id {_RUNNING_IN_CITY}
      and due_at >= coalesce((select min(until) from digests where city_id = :city_id), :now) - cast(:first_back as interval)
      and not exists (
        select from digests d, unnest(d.reports) told
        where d.city_id = :city_id and d.hour >= :now - cast(:remembered as interval) and told = r.id and d.until > r.due_at
      )
    order by due_at, id limit :most
""")


def newly_overdue(session: Session, city_id: int, now: datetime, *, first_back: timedelta, most: int) -> NewlyOverdue:
    """The open cases that are overdue and in no digest since they are, at most so many, the longest overdue first.

    The first digest there is looks back `first_back`.
    """
    values = {"city_id": city_id, "now": now}
    asked = {**values, "first_back": first_back, "most": most, "remembered": REMEMBERED}
    newest = session.execute(_NEWLY_OVERDUE, asked).scalars().all()
    in_all = session.execute(text(f"select count(*) {_RUNNING_IN_CITY}"), values).scalar_one() if newest else 0
    return NewlyOverdue(newest, in_all)


def last_digest(session: Session, city_id: int) -> datetime | None:
    """Up to which instant leaders were told what became overdue; None when they never were."""
    found = session.execute(text("select max(until) from digests where city_id = :city_id"), {"city_id": city_id})
    last: datetime | None = found.scalar_one()
    return last
