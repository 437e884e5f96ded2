"""The story of a report, told to the domain with little writing: who submits, who moves, what came of it."""

from datetime import UTC, datetime, timedelta
from uuid import UUID

from sqlalchemy import select, text

from app.core.db import new_id
from app.identity.permissions import Role
from app.reports import actions, timeline
from app.reports.actions import Act, Person
from app.reports.intake import Author, Submission, author_tag
from app.reports.models import Report, TimelineEntry
from app.reports.timeline import Request
from district import IN_AN

NOW = datetime(2026, 11, 23, 3, 0, tzinfo=UTC)
KEY = b"k" * 32
HOUR = timedelta(hours=1)


class Story:
    """Submits and moves with little writing."""

    def __init__(self, session, district, cache):
        self.session, self.district, self.cache = session, district, cache
        self.resident = district.resident()
        self.officer = district.staff(Role.OFFICER, "90001")
        self.chair = district.staff(Role.CHAIR, "90001")

    def person(self, actor) -> Person:
        return Person(actor, author_tag(KEY, actor.person_id))

    def submit(self, *, by=None, report_id: UUID | None = None, spend=lambda: None, now=NOW, **said):
        by = by or self.resident
        sent = Submission(**{"id": report_id or new_id(), "kind": "SW01", **IN_AN, **said})
        tag = author_tag(KEY, by.person_id) if sent.anonymous else None
        return actions.submit(
            self.session,
            sent,
            Author(by.person_id, tag),
            session_id=by.session_id,
            cache=self.cache,
            spend=spend,
            now=now,
        )

    def received(self, **said) -> UUID:
        return self.submit(**said).report_id

    def move(self, report_id, to, *, by=None, now=NOW, entry_id=None, version=None, **given):
        given = {"to": to, **given}
        digest = timeline.digest_of({**given, "by": (by or self.officer).person_id})
        request = Request(entry_id, digest, expected_version=version)
        actions.move(self.session, report_id, given, self.act(by, request, now))

    def act(self, by, request, now) -> Act:
        return Act(self.person(by or self.officer), request, self.cache.current(self.session), now)

    def enter(self, report_id, type_, *, by=None, now=NOW, entry_id=None, **given):
        given = {"type": type_, **given}
        digest = timeline.digest_of({**given, "by": (by or self.officer).person_id})
        actions.enter(self.session, report_id, given, self.act(by, Request(entry_id, digest), now))

    def report(self, report_id) -> Report:
        return self.session.get_one(Report, report_id, populate_existing=True)

    def steps(self, report_id):
        found = select(TimelineEntry).where(TimelineEntry.report_id == report_id).order_by(TimelineEntry.id)
        return [(entry.type, entry.by_role) for entry in self.session.scalars(found)]

    def concerned(self):
        """The units that the latest promise says a change concerns."""
        return self.session.execute(text("select payload->'units' from outbox order by id desc limit 1")).scalar()

    def promises(self, topic):
        return self.session.execute(text("select count(*) from outbox where topic = :t"), {"t": topic}).scalar()
