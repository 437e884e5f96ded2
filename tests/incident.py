"""An incident that several residents report, told with little writing: who reports, joins, withdraws and contests."""

from datetime import timedelta

from sqlalchemy import text

from app.reports import actions, timeline
from app.reports.timeline import Request
from story import NOW

MINUTE = timedelta(minutes=1)


class Incident:
    """Several residents who report the same noise, and an officer who joins what they sent."""

    def __init__(self, story):
        self.story, self.session = story, story.session
        self.residents = {}

    def reported(self, minute=0, **said):
        """A report by another resident, so many minutes after NOW."""
        resident = self.story.district.resident()
        report_id = self.story.received(by=resident, kind="EN08", now=NOW + minute * MINUTE, **said)
        self.residents[report_id] = resident
        return report_id

    def join(self, report_id, original, *, by=None, minute=10, entry_id=None, **given):
        said = {"original": str(original), **given}
        by = by or self.story.officer
        digest = timeline.digest_of({**said, "by": by.person_id})
        act = self.story.act(by, Request(entry_id, digest), NOW + minute * MINUTE)
        actions.join(self.session, report_id, said, act)

    def move(self, report_id, to, *, minute, by=None, **given):
        self.story.move(report_id, to, by=by, now=NOW + minute * MINUTE, **given)

    def withdraws(self, report_id, minute=30):
        self.move(report_id, "withdrawn", by=self.residents[report_id], minute=minute)

    def contests(self, report_id, minute=60, **given):
        self.move(report_id, "contested", by=self.residents[report_id], minute=minute, reason="Vẫn ồn", **given)

    def concluded(self, report_id, minute=20, by=None, *, outcome="remedied", on_record=True):
        if self.story.report(report_id).state == "received":
            self.move(report_id, "accepted", minute=minute, by=by)
        late = {"late_reason": "Ngập nước"} if minute > 120 and on_record else {}
        self.move(report_id, "concluded", minute=minute, by=by, outcome=outcome, note="Đã nhắc nhở", **late)

    def pointing(self, *report_ids):
        return [self.story.report(one).original_id for one in report_ids]

    def promised(self):
        """The units that the promise of a take-over says it concerns."""
        return self.session.execute(
            text("select payload->'units' from outbox where payload->>'move' = 'took_over' order by id desc limit 1")
        ).scalar_one()

    def entry(self, report_id, type_):
        """The latest entry of a type: its data, its words, whether it changed the state."""
        return self.session.execute(
            text("""
                select t.data, x.texts, t.from_state, t.to_state, t.by_role, t.by_id, t.shown_to from timeline t
                left join timeline_texts x on (x.report_id, x.entry_id) = (t.report_id, t.entry_id)
                where t.report_id = :id and t.type = :type order by t.id desc limit 1
            """),
            {"id": report_id, "type": type_},
        ).one()
