"""A case is warned about at 50, 80 and 100 % of its time, each once for the unit that holds it."""

import threading
from datetime import timedelta

import pytest
from sqlalchemy import select, text
from sqlalchemy.orm import Session

import district as district_
from app.core import clock
from app.core.db import Database
from app.reports import sweep
from app.reports.models import TimelineEntry
from app.reports.rulebook import RulebookCache
from story import HOUR, NOW, Story

MINUTE = timedelta(minutes=1)


def warned(story, report_id):
    """The rungs on the course of a report, each with the unit that was told."""
    found = (
        select(TimelineEntry.data)
        .where(TimelineEntry.report_id == report_id, TimelineEntry.type == "warned")
        .order_by(TimelineEntry.id)
    )
    return [(data["rung"], data["unit"]) for data in story.session.scalars(found)]


def promised(story):
    rows = story.session.execute(text("select payload from outbox where topic = 'report.warned' order by id"))
    return [(row.payload["rung"], row.payload["unit_id"]) for row in rows]


@pytest.fixture
def an(story):
    return story.district.units["90001"]


@pytest.fixture
def binh(story):
    return story.district.units["90002"]


def test_nothing_is_said_in_the_first_half_and_then_each_rung_at_its_instant(story, an):
    report_id = story.received()

    # Of 120 minutes 50 % are 60, 80 % are 96.
    told = {}
    for minutes in (0, 59, 60, 61, 95, 96, 119, 120, 121, 500):
        sweep.warn_due(story.session, NOW + minutes * MINUTE)
        told[minutes] = len(warned(story, report_id))

    assert told == {0: 0, 59: 0, 60: 1, 61: 1, 95: 1, 96: 2, 119: 2, 120: 3, 121: 3, 500: 3}
    assert warned(story, report_id) == [(1, an), (2, an), (3, an)]
    assert promised(story) == [(1, an), (2, an), (3, an)]


def test_after_an_outage_only_the_highest_rung_is_told(story, an):
    early, late = story.received(), story.received(now=NOW + 30 * MINUTE)

    assert sweep.warn_due(story.session, NOW + 130 * MINUTE) == 2

    assert warned(story, early) == [(3, an)]
    assert warned(story, late) == [(2, an)]  # 100 of its 120 minutes
    assert sweep.warn_due(story.session, NOW + 131 * MINUTE) == 0


def test_a_case_that_is_over_or_stopped_is_not_warned_about(story):
    withdrawn, asked, concluded = story.received(), story.received(), story.received(kind="EN08")
    story.move(withdrawn, "withdrawn", by=story.resident, now=NOW + MINUTE)
    for report_id in (asked, concluded):
        story.move(report_id, "accepted", now=NOW + MINUTE)
    story.move(asked, "awaiting_resident", now=NOW + 10 * MINUTE, question="Ở đâu?")
    story.move(concluded, "concluded", now=NOW + 20 * MINUTE, outcome="unfounded", note="Không có")

    assert sweep.warn_due(story.session, NOW + 10 * HOUR) == 0


def test_a_stopped_clock_moves_its_rungs(story, an):
    report_id = story.received()
    story.move(report_id, "accepted", now=NOW + 5 * MINUTE)
    story.move(report_id, "awaiting_resident", now=NOW + 50 * MINUTE, question="Số nhà?")
    story.move(report_id, "accepted", by=story.resident, now=NOW + 80 * MINUTE, answer="12/5")

    # It stood still for 30 minutes: half of its time is used at 90.
    assert sweep.warn_due(story.session, NOW + 90 * MINUTE - timedelta(microseconds=1)) == 0
    assert sweep.warn_due(story.session, NOW + 90 * MINUTE) == 1
    assert story.report(report_id).rungs == [NOW + m * MINUTE for m in (90, 126, 150)]


def test_a_question_that_nobody_answers_moves_them_by_24_hours(story, an):
    report_id = story.received()
    story.move(report_id, "accepted", now=NOW + 5 * MINUTE)
    story.move(report_id, "awaiting_resident", now=NOW + 50 * MINUTE, question="Số nhà?")

    assert sweep.resume_due(story.session, NOW + 40 * HOUR) == 1

    report = story.report(report_id)
    assert report.due_at == NOW + 26 * HOUR
    assert report.rungs == [NOW + 25 * HOUR, NOW + 24 * HOUR + 96 * MINUTE, NOW + 26 * HOUR]
    assert report.rungs_if_unanswered is None


def test_the_next_unit_hears_of_the_highest_rung_that_is_due(story, an, binh):
    report_id = story.received()
    sweep.warn_due(story.session, NOW + 60 * MINUTE)
    story.move(report_id, "received", unit=binh, reason="Ranh giới", now=NOW + 100 * MINUTE)

    sweep.warn_due(story.session, NOW + 100 * MINUTE)
    sweep.warn_due(story.session, NOW + 120 * MINUTE)

    assert warned(story, report_id) == [(1, an), (2, binh), (3, binh)]


def test_a_unit_to_which_a_case_comes_back_is_not_told_the_same_again(story, an, binh):
    report_id = story.received()
    desk = story.district.units["desk"]
    sweep.warn_due(story.session, NOW + 60 * MINUTE)
    story.move(report_id, "received", unit=binh, reason="Ranh giới", now=NOW + 61 * MINUTE)
    report = story.report(report_id)
    report.change({"unit_id": an, "warned": 0}, NOW + 62 * MINUTE)  # as the desk would give it back
    story.session.flush()

    assert sweep.warn_due(story.session, NOW + 63 * MINUTE) == 1
    sweep.warn_due(story.session, NOW + 96 * MINUTE)

    assert warned(story, report_id) == [(1, an), (2, an)]
    assert desk not in {unit for _, unit in warned(story, report_id)}


def test_a_contested_case_goes_on_with_the_rungs_that_were_left(story, an):
    report_id = story.received(kind="EN08")
    sweep.warn_due(story.session, NOW + 60 * MINUTE)
    story.move(report_id, "accepted", now=NOW + 61 * MINUTE)
    story.move(report_id, "concluded", now=NOW + 70 * MINUTE, outcome="gone", note="Hết ồn")
    story.move(report_id, "contested", by=story.resident, now=NOW + 27 * HOUR, reason="Vẫn ồn")

    # 50 of its 120 minutes are left: 80 % are used 26 minutes after the contest.
    assert sweep.warn_due(story.session, NOW + 27 * HOUR + 26 * MINUTE - timedelta(seconds=1)) == 0
    assert sweep.warn_due(story.session, NOW + 27 * HOUR + 26 * MINUTE) == 1
    assert sweep.warn_due(story.session, NOW + 27 * HOUR + 50 * MINUTE) == 1
    assert warned(story, report_id) == [(1, an), (2, an), (3, an)]


def test_a_warning_is_for_the_unit_and_changes_no_version(story):
    report_id = story.received()
    sweep.warn_due(story.session, NOW + 60 * MINUTE)

    entry = story.session.scalars(select(TimelineEntry).where(TimelineEntry.type == "warned")).one()
    assert (entry.shown_to, entry.by_role, entry.to_state) == ("unit", "system", None)
    assert story.report(report_id).version == 1


def test_many_schedules_at_once_warn_once(committed: Database):
    """Eight threads sweep the same sixty cases, in batches of seven."""
    with committed.unit_of_work() as session:
        story = Story(session, district_.found(session), RulebookCache(1))
        for _ in range(60):
            story.submit(now=clock.now() - 100 * MINUTE)

    def sweep_all() -> None:
        swept = 1
        while swept:
            with committed.unit_of_work() as session:
                swept = sweep.warn_due(session, clock.now(), limit=7)

    threads = [threading.Thread(target=sweep_all) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    with committed.unit_of_work() as session:
        assert counts(session) == (60, 60, 60)


def counts(session: Session):
    return tuple(
        session.execute(text(statement)).scalar_one()
        for statement in (
            "select count(*) from timeline where type = 'warned'",
            "select count(distinct payload->>'report_id') from outbox where topic = 'report.warned'",
            "select count(*) from outbox where topic = 'report.warned'",
        )
    )
