"""The cases that news are of, read: one entry of a report's course, and whom an incident concerns besides its resident."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.orm import Session

from app.notifications.news import Happened


@dataclass(frozen=True)
class Case:
    """A report as telling needs it: who reported, who holds it, and the entry that is the news."""

    report_id: UUID
    city_id: int
    unit_id: int
    author_id: UUID | None
    author_tag: bytes | None
    filed_by: UUID | None
    assignee_id: UUID | None
    desk_reviews: bool
    entry_id: UUID
    entry_unit: int | None
    data: Mapping[str, Any]
    happened: Happened


_CASE = text("""
    select r.id, r.city_id, r.unit_id, r.filed_by, r.assignee_id, r.review_by_desk, r.first_response_at, r.state,
           r.stopped_at, r.original_id,
           a.person_id as author_id, a.tag as author_tag,
           t.entry_id, t.type, t.at, t.by_id, t.unit_id as entry_unit, t.data
    from reports r
    join timeline t on t.report_id = r.id
    left join report_authors a on a.report_id = r.id
    where r.id = :report_id and (t.entry_id = :entry_id or (cast(:entry_id as uuid) is null and t.type = 'received'))
""")


def case_of(session: Session, report_id: UUID, entry_id: UUID | None = None) -> Case | None:
    """The report and one entry of its course, the first if none is named; None when there is no such entry."""
    row = session.execute(_CASE, {"report_id": report_id, "entry_id": entry_id}).one_or_none()
    if row is None:
        return None
    happened = Happened(
        type=row.type,
        at=row.at,
        by_id=row.by_id,
        first_response_at=row.first_response_at,
        unit_to=row.entry_unit if row.type == "received" else row.data.get("to_unit"),
        assignee_to=UUID(row.data["assignee"]) if "assignee" in row.data else None,
        original_to=UUID(row.data["original"]) if row.data.get("outcome") and "original" in row.data else None,
        is_taken_over=row.data.get("taken_over", False),
        state_now=row.state,
        unit_now=row.unit_id,
        assignee_now=row.assignee_id,
        original_now=row.original_id,
        stopped_at=row.stopped_at,
    )
    return Case(
        report_id=row.id,
        city_id=row.city_id,
        unit_id=row.unit_id,
        author_id=row.author_id,
        author_tag=row.author_tag,
        filed_by=row.filed_by,
        assignee_id=row.assignee_id,
        desk_reviews=row.review_by_desk,
        entry_id=row.entry_id,
        entry_unit=row.entry_unit,
        data=row.data,
        happened=happened,
    )


def followers_of(session: Session, report_id: UUID) -> Sequence[UUID]:
    """Who wants to hear how a report ends, or one that counts with it."""
    found = session.execute(
        text("""
            select person_id from report_followers where report_id = :id
            union
            select f.person_id from report_followers f join reports r on r.id = f.report_id where r.original_id = :id
        """),
        {"id": report_id},
    ).scalars()
    return list(found)


@dataclass(frozen=True)
class Joined:
    """A duplicate as telling needs it: who reported it, by name or tag, or filed it for nobody in particular."""

    report_id: UUID
    root_id: UUID
    author_id: UUID | None
    author_tag: bytes | None
    filed_by: UUID | None

    @property
    def people(self) -> frozenset[UUID]:
        """Who is told: its resident; who filed it where there is none."""
        nobodys = self.author_id is None and self.author_tag is None
        person_id = self.filed_by if nobodys else self.author_id
        return frozenset() if person_id is None else frozenset({person_id})


_JOINED = """
    select r.id as report_id, r.original_id as root_id, a.person_id as author_id, a.tag as author_tag, r.filed_by
    from reports r left join report_authors a on a.report_id = r.id
    where r.state <> 'withdrawn' and {which} order by r.received_at, r.id
"""


def joined_to(session: Session, root_id: UUID) -> Sequence[Joined]:
    """The duplicates of a report, the oldest first."""
    rows = session.execute(text(_JOINED.format(which="r.original_id = :id")), {"id": root_id}).mappings()
    return [Joined(**row) for row in rows]


def joined(session: Session, report_id: UUID) -> Joined | None:
    """A report as the duplicate that it is; None when it is none."""
    which = "r.id = :id and r.original_id is not null"
    row = session.execute(text(_JOINED.format(which=which)), {"id": report_id}).mappings().one_or_none()
    return None if row is None else Joined(**row)


def moved_with(session: Session, report_id: UUID, *, at: datetime) -> Sequence[UUID]:
    """The duplicates that a report had when it turned out to be one itself at that instant: its root is theirs since."""
    moved = session.scalars(
        text("""
            select d.id from reports r join reports d on d.original_id = r.original_id and d.id <> r.id
            where r.id = :id and exists (select from timeline t
                where t.report_id = d.id and t.type = 'original_moved' and t.at = :at)
            order by d.id
        """),
        {"id": report_id, "at": at},
    )
    return list(moved)


def result_of(session: Session, report_id: UUID) -> Case | None:
    """A report with the entry that is its result; None of one that is open."""
    found = session.execute(
        text("""
            select t.entry_id from reports r join timeline t on t.report_id = r.id and t.type in ('conclude', 'uphold')
            where r.id = :id and r.state in ('concluded', 'closed') order by t.id desc limit 1
        """),
        {"id": report_id},
    ).scalar_one_or_none()
    return None if found is None else case_of(session, report_id, found)
