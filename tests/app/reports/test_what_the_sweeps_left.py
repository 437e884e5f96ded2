"""What the sweeps should have done and have not: counted from the cases, whatever a sweep believes of itself."""

from datetime import timedelta

from app.reports import queries, sweep
from story import HOUR, NOW

MINUTE = timedelta(minutes=1)


def test_a_case_past_its_rung_that_was_not_warned_about_is_counted(story):
    report_id = story.received()  # of 120 minutes, 50 % are 60
    story.move(story.received(), "withdrawn", by=story.resident, now=NOW + MINUTE)

    def unwarned(minutes):
        return queries.count_unwarned(story.session, before=NOW + minutes * MINUTE)

    assert [unwarned(60), unwarned(61)] == [0, 1]
    sweep.warn_due(story.session, NOW + 61 * MINUTE)
    assert [unwarned(61), unwarned(96), unwarned(97)] == [0, 0, 1]
    story.move(report_id, "accepted", now=NOW + 62 * MINUTE)
    story.move(report_id, "awaiting_resident", now=NOW + 62 * MINUTE, question="Ở đâu?")
    assert unwarned(300) == 0, "its clock is stopped"


def test_a_clock_that_should_run_again_is_counted(story):
    report_id = story.received()
    story.move(report_id, "accepted", now=NOW)
    story.move(report_id, "awaiting_resident", now=NOW, question="Ở đâu?")

    def stopped(hours):  # as seen so many hours after NOW
        return queries.count_stopped(story.session, before=NOW + hours * HOUR - 24 * HOUR)

    assert [stopped(24), stopped(24.1)] == [0, 1]
    sweep.resume_due(story.session, NOW + 24.1 * HOUR)
    assert stopped(48) == 0
