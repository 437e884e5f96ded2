"""What the sweeps should have done and have not: counted from the cases, whatever a sweep believes of itself."""

from datetime import timedelta
from pathlib import Path

from sqlalchemy import text

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


def test_what_an_old_web_took_in_is_mended_as_the_upgrade_says(story):
    """Of 120 minutes the rungs are 60, 96 and 120; a case that was asked about after 10 has them a day later."""
    taken, asked, known = story.received(), story.received(), story.received()
    for report_id in (asked, known):
        story.move(report_id, "accepted", now=NOW)
        story.move(report_id, "awaiting_resident", now=NOW + 10 * MINUTE, question="Ở đâu?")
    before = story.report(known).rungs_if_unanswered
    old = "update reports set rungs = '{}', rungs_if_unanswered = null where id = any(:ids)"
    story.session.execute(text(old), {"ids": [taken, asked]})

    said = Path("docs/operations.md").read_text().partition("```sql\n")[2].partition("```")[0]
    for statement in said.strip().removesuffix(";").split(";\n"):
        story.session.execute(text(statement))

    rungs = [NOW + minutes * MINUTE for minutes in (60, 96, 120)]
    assert story.report(taken).rungs == story.report(asked).rungs == rungs
    assert story.report(asked).rungs_if_unanswered == [rung + 24 * HOUR for rung in rungs] == before
