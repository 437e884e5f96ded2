"""A case is warned about at 50, 80 and 100 % of its time, each once for the unit that holds it."""

import threading
from datetime import timedelta

import pytest
from sqlalchemy import insert, select, text
from sqlalchemy.orm import Session

import district as district_
from app.core import clock
from app.core.db import Database
from app.identity.permissions import Role
from app.reports import sweep
from app.reports.models import TimelineEntry
from app.reports.rulebook import RulebookCache
from app.targets.models import TargetPolicy
from district import LONG_AGO
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


@pytest.mark.parametrize(
    ("minutes", "rung"), [(59, None), (60, 1), (95, 1), (96, 2), (119, 2), (120, 3), (2 * 24 * 60, 3)]
)
def test_whenever_the_sweep_comes_it_tells_the_highest_rung_that_has_come(story, an, minutes, rung):
    report_id = story.received()
    sweep.warn_due(story.session, NOW + minutes * MINUTE)
    assert warned(story, report_id) == ([] if rung is None else [(rung, an)])
    assert story.report(report_id).warned == (rung or 0)


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


def test_an_entry_that_has_the_id_of_a_warning_does_not_switch_it_off(story, an):
    report_id = story.received()
    with story.session.begin_nested() as rehearsal:
        sweep.warn_due(story.session, NOW + 60 * MINUTE)
        entry_id = story.session.scalars(select(TimelineEntry.entry_id).where(TimelineEntry.type == "warned")).one()
        rehearsal.rollback()
    assert (entry_id.version, entry_id.variant) == (5, "specified in RFC 4122")  # no request may carry one of those

    story.enter(report_id, "note", entry_id=entry_id, text="Tôi đã ở đây trước", now=NOW + MINUTE)
    assert sweep.warn_due(story.session, NOW + 60 * MINUTE) == 1
    assert promised(story) == [(1, an)]


@pytest.fixture
def eight_hours(story):
    """Litter may take eight hours, noise one."""
    for kind, minutes in (("EN01", 480), ("EN08", 60)):
        story.session.execute(
            insert(TargetPolicy).values(city_id=1, minutes=minutes, kind_code=kind, valid_from=LONG_AGO)
        )


def test_who_gives_a_case_more_time_has_it_told_again(story, an, eight_hours):
    report_id = story.received()
    for minutes in (60, 96):
        sweep.warn_due(story.session, NOW + minutes * MINUTE)
    story.enter(report_id, "correct", by=story.chair, kind="EN01", reason="Là rác", now=NOW + 100 * MINUTE)
    assert story.report(report_id).warned == 0

    # Of 480 minutes 50 % are 240, 80 % are 384.
    told = {}
    for minutes in (101, 120, 239, 240, 383, 384, 479, 480, 481):
        sweep.warn_due(story.session, NOW + minutes * MINUTE)
        told[minutes] = len(warned(story, report_id))
    assert told == {101: 2, 120: 2, 239: 2, 240: 3, 383: 3, 384: 4, 479: 4, 480: 5, 481: 5}
    assert warned(story, report_id) == promised(story) == [(1, an), (2, an), (1, an), (2, an), (3, an)]


def test_a_rung_that_a_correction_left_behind_is_not_told_again(story, an, eight_hours):
    report_id = story.received()
    sweep.warn_due(story.session, NOW + 130 * MINUTE)  # all of 120 minutes
    story.enter(report_id, "correct", by=story.chair, kind="EN01", reason="Là rác", now=NOW + 250 * MINUTE)

    assert sweep.warn_due(story.session, NOW + 250 * MINUTE) == 0  # more than half, and worse was told
    sweep.warn_due(story.session, NOW + 384 * MINUTE)
    assert warned(story, report_id) == [(3, an), (2, an)]


def test_what_a_correction_makes_late_is_told_at_once(story, an, eight_hours):
    report_id = story.received()
    sweep.warn_due(story.session, NOW + 60 * MINUTE)
    story.move(report_id, "accepted", now=NOW + 61 * MINUTE)
    story.enter(report_id, "correct", kind="EN08", reason="Là tiếng ồn", now=NOW + 70 * MINUTE)

    sweep.warn_due(story.session, NOW + 70 * MINUTE)
    assert warned(story, report_id) == [(1, an), (3, an)]


def test_what_an_older_program_wrote_gets_its_rungs(story):
    fresh, moved, over, right = (story.received() for _ in range(4))
    story.move(over, "withdrawn", by=story.resident, now=NOW + MINUTE)
    story.session.execute(text("update reports set rungs = '{}' where id in (:a, :b)"), {"a": fresh, "b": over})
    story.session.execute(text("update reports set due_at = due_at + interval '1 h' where id = :a"), {"a": moved})

    assert [sweep.complete_rungs(story.session, limit=1) for _ in range(3)] == [1, 1, 0]
    rungs = {report_id: story.report(report_id).rungs for report_id in (fresh, moved, over, right)}
    assert rungs == {
        fresh: [NOW + m * MINUTE for m in (60, 96, 120)],
        moved: [NOW + m * MINUTE for m in (120, 156, 180)],
        over: [],
        right: [NOW + m * MINUTE for m in (60, 96, 120)],
    }


def test_a_clock_that_an_older_program_stopped_goes_on_after_24_hours(story):
    report_id = story.received()
    story.move(report_id, "accepted", now=NOW + 5 * MINUTE)
    story.move(report_id, "awaiting_resident", now=NOW + 50 * MINUTE, question="Số nhà?")
    story.session.execute(text("update reports set rungs_if_unanswered = null"))

    assert sweep.resume_due(story.session, NOW + 40 * HOUR) == 1
    report = story.report(report_id)
    assert report.due_at == NOW + 26 * HOUR
    assert report.rungs == [NOW + 25 * HOUR, NOW + 24 * HOUR + 96 * MINUTE, NOW + 26 * HOUR]


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


def test_what_the_desk_was_told_of_while_it_reviewed_is_news_to_the_unit_that_takes_the_work_up_again(story, an):
    report_id = story.received(kind="EN08")
    story.move(report_id, "accepted", now=NOW + 10 * MINUTE)
    story.move(report_id, "concluded", by=story.chair, now=NOW + 90 * MINUTE, outcome="gone", note="Hết ồn")
    story.move(report_id, "contested", by=story.resident, now=NOW + 90 * MINUTE, reason="Vẫn ồn")
    assert story.report(report_id).review_by_desk
    sweep.warn_due(story.session, NOW + 100 * MINUTE)
    assert story.report(report_id).warned == 2

    dispatcher = story.district.staff(Role.DISPATCHER, "desk")
    story.move(report_id, "accepted", by=dispatcher, now=NOW + 101 * MINUTE, reason="Đúng là còn ồn")
    before = len(promised(story))
    assert sweep.warn_due(story.session, NOW + 102 * MINUTE) == 1
    assert promised(story)[before:] == [(2, an)]
