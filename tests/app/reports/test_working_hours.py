"""A case whose target counts working hours: from receipt to the last rung, by the calendar and by nothing else.

The ward office is open 07:30 to 11:30 and 13:00 to 17:00 from Monday to Friday. Times below are local ones.
"""

from datetime import date, datetime, timedelta

import pytest
from sqlalchemy import insert
from structlog.testing import capture_logs

from app.reports import sweep
from app.targets.models import CalendarYear, Holiday, TargetPolicy, WorkCalendar
from district import IN_AN, LONG_AGO
from geo.validity import LOCAL_ZONE

OFFICE = ["07:30-11:30", "13:00-17:00"]


def at(said: str) -> datetime:
    """An instant by the local clock: 2026-11-23 is a Monday."""
    return datetime.fromisoformat(said).replace(tzinfo=LOCAL_ZONE)


@pytest.fixture
def office(session, district):
    """Building cases have four working hours."""
    hours = {str(weekday): OFFICE for weekday in range(1, 6)}
    session.execute(
        insert(WorkCalendar).values(city_id=1, code="office", name_vi="Giờ hành chính", name_en="Office", hours=hours)
    )
    session.execute(insert(CalendarYear).values(city_id=1, year=2026, source="thử", loaded_at=LONG_AGO))
    session.execute(
        insert(Holiday).values(city_id=1, day=date(2026, 11, 25), kind="off", name_vi="Nghỉ", name_en="Day off")
    )
    session.execute(
        insert(TargetPolicy).values(
            city_id=1, minutes=240, kind_code="CO01", calendar_code="office", valid_from=LONG_AGO
        )
    )


@pytest.fixture
def building(story, office):
    """Reports a building violation at an instant."""

    def received(now: datetime):
        return story.report(story.received(kind="CO01", now=now))

    return received


@pytest.mark.parametrize(
    ("received", "half", "most", "due"),
    [
        # Monday in time: two hours, three hours twelve and four hours of work later.
        ("2026-11-23 07:30", "2026-11-23 09:30", "2026-11-23 10:42", "2026-11-23 11:30"),
        # Over lunch.
        ("2026-11-23 10:00", "2026-11-23 13:30", "2026-11-23 14:42", "2026-11-23 15:30"),
        # On Tuesday evening, and Wednesday is a day off: all of it on Thursday.
        ("2026-11-24 20:00", "2026-11-26 09:30", "2026-11-26 10:42", "2026-11-26 11:30"),
        # Friday afternoon: one hour is left of the week, the rest is on Monday.
        ("2026-11-27 16:00", "2026-11-30 08:30", "2026-11-30 09:42", "2026-11-30 10:30"),
    ],
)
def test_due_and_its_rungs_lie_in_working_hours(building, received, half, most, due):
    report = building(at(received))

    assert (report.calendar_code, report.target_s, report.due_at) == ("office", 4 * 3600, at(due))
    assert report.rungs == [at(half), at(most), at(due)]


def test_every_other_kind_runs_round_the_clock(story, office):
    report = story.report(story.received(now=at("2026-11-24 20:00")))
    assert (report.calendar_code, report.due_at) == (None, at("2026-11-24 22:00"))


def test_a_question_over_night_takes_nothing_from_the_working_time(story, building):
    report = building(at("2026-11-23 13:00"))  # due at 17:00
    story.move(report.id, "accepted", now=at("2026-11-23 13:10"))
    story.move(report.id, "awaiting_resident", now=at("2026-11-23 16:00"), question="Số nhà?")

    # One hour was left at 16:00; asked over night and answered at seven, it is the first hour of the day.
    story.move(report.id, "accepted", by=story.resident, now=at("2026-11-24 07:00"), answer="12/5")
    assert story.report(report.id).due_at == at("2026-11-24 08:30")


def test_unanswered_it_goes_on_after_24_hours_with_what_was_left(story, building):
    report = building(at("2026-11-24 13:00"))  # due on Tuesday at 17:00
    story.move(report.id, "accepted", now=at("2026-11-24 13:10"))
    story.move(report.id, "awaiting_resident", now=at("2026-11-24 16:00"), question="Số nhà?")

    # It goes on at 16:00 on Wednesday, which is a day off; the hour that was left is Thursday's first.
    assert sweep.resume_due(story.session, at("2026-11-25 16:00") - timedelta(seconds=1)) == 0
    assert sweep.resume_due(story.session, at("2026-11-25 18:00")) == 1
    report = story.report(report.id)
    assert (report.state, report.due_at) == ("accepted", at("2026-11-26 08:30"))
    # Half of its time, two hours, lie before: the one of Thursday and Tuesday's last. Of 80 %, 48 minutes are left.
    assert report.rungs == [at("2026-11-24 16:00"), at("2026-11-26 07:42"), at("2026-11-26 08:30")]


def test_contested_it_goes_on_with_what_was_left(story, building):
    report = building(at("2026-11-23 07:30"))  # due at 11:30
    story.move(report.id, "accepted", now=at("2026-11-23 07:40"))
    story.move(report.id, "concluded", now=at("2026-11-23 09:30"), outcome="out_of_scope", note="Không", reason="Đất")
    story.move(report.id, "contested", by=story.resident, now=at("2026-11-28 10:00"), reason="Sai")  # a Saturday

    # Two working hours were left: Monday until half past nine.
    assert story.report(report.id).due_at == at("2026-11-30 09:30")


def test_handed_over_it_runs_on(story, building):
    report = building(at("2026-11-23 07:30"))
    unit = story.district.units["90002"]
    story.move(report.id, "received", unit=unit, reason="Ranh giới", now=at("2026-11-23 09:00"))
    assert story.report(report.id).due_at == at("2026-11-23 11:30")


def test_corrected_to_a_kind_that_has_no_calendar_it_is_due_as_if_it_had_been_one(story, building):
    report = building(at("2026-11-24 16:00"))  # one hour on Tuesday, three on Thursday
    assert report.due_at == at("2026-11-26 10:30")
    story.move(report.id, "accepted", now=at("2026-11-24 16:05"))
    story.enter(report.id, "correct", kind="SW01", reason="Là vỉa hè", now=at("2026-11-24 16:10"))

    report = story.report(report.id)
    assert (report.calendar_code, report.target_s, report.due_at) == (None, 7200, at("2026-11-24 18:00"))
    assert report.rungs == [at("2026-11-24 17:00"), at("2026-11-24 17:36"), at("2026-11-24 18:00")]


def test_corrected_to_a_kind_with_a_calendar_later_is_for_the_chair_to_give(story, office):
    report_id = story.received(now=at("2026-11-24 16:00"))  # due at 18:00
    story.move(report_id, "accepted", now=at("2026-11-24 16:05"))
    story.enter(report_id, "correct", kind="CO01", reason="Xây dựng", now=at("2026-11-24 16:10"))
    assert story.report(report_id).due_at == at("2026-11-24 18:00")

    story.enter(report_id, "correct", kind="SW01", reason="Không", now=at("2026-11-24 16:11"))
    story.enter(report_id, "correct", by=story.chair, kind="CO01", reason="Đúng", now=at("2026-11-24 16:12"))
    report = story.report(report_id)
    assert (report.calendar_code, report.due_at) == ("office", at("2026-11-26 10:30"))


@pytest.fixture
def short(session, office):
    """Sidewalk cases have so many working minutes."""

    def minutes(number):
        session.execute(
            insert(TargetPolicy).values(
                city_id=1, minutes=number, kind_code="SW01", calendar_code="office", valid_from=LONG_AGO
            )
        )

    return minutes


def test_corrected_to_another_kind_the_time_used_stays_used(story, short):
    short(120)
    report_id = story.received(now=at("2026-11-23 15:00"))  # due at 17:00
    assert story.report(report_id).due_at == at("2026-11-23 17:00")
    story.enter(report_id, "correct", by=story.chair, kind="CO01", reason="Xây dựng", now=at("2026-11-23 16:00"))

    # One of four hours was used: one is left on Monday, two are Tuesday's. Half is used at closing time, told at opening.
    report = story.report(report_id)
    assert report.due_at == at("2026-11-24 09:30")
    assert report.rungs == [at("2026-11-24 07:30"), at("2026-11-24 08:42"), at("2026-11-24 09:30")]


def test_corrected_to_a_shorter_kind_what_is_late_by_it_is_told_and_nothing_twice(story, building, short):
    short(150)
    report = building(at("2026-11-23 07:30"))  # due at 11:30, half used at 09:30
    story.move(report.id, "accepted", now=at("2026-11-23 07:40"))
    sweep.warn_due(story.session, at("2026-11-23 09:30"))
    story.enter(report.id, "correct", kind="SW01", reason="Là vỉa hè", now=at("2026-11-23 09:40"))

    # Of two and a half hours, until 10:00, 80 % are used at 09:30.
    report = story.report(report.id)
    assert report.rungs == [at("2026-11-23 08:45"), at("2026-11-23 09:30"), at("2026-11-23 10:00")]
    told = {}
    for minute in ("09:40", "09:41", "09:59", "10:00", "11:30"):
        sweep.warn_due(story.session, at(f"2026-11-23 {minute}"))
        told[minute] = story.report(report.id).warned
    assert told == {"09:40": 2, "09:41": 2, "09:59": 2, "10:00": 3, "11:30": 3}
    assert [type_ for type_, _ in story.steps(report.id)].count("warned") == 3


def complaints(said):
    """Which calendar lacked which year, as the log was told."""
    return [
        (line["log_level"], line["calendar"], line["year"]) for line in said if line["event"] == "calendar lacks a year"
    ]


def test_a_clock_that_moves_into_a_year_that_nobody_loaded_is_said(story, building):
    report = building(at("2026-12-31 08:00"))  # due at 13:30
    story.move(report.id, "accepted", now=at("2026-12-31 08:10"))
    with capture_logs() as said:
        story.move(report.id, "awaiting_resident", now=at("2026-12-31 11:00"), question="Số nhà?")
    # Unanswered it would go on next year.
    assert complaints(said) == [("error", "office", 2027)]

    with capture_logs() as said:
        story.move(report.id, "accepted", by=story.resident, now=at("2026-12-31 11:15"), answer="12/5")
    assert complaints(said) == []
    with capture_logs() as said:
        story.move(
            report.id, "concluded", now=at("2026-12-31 11:20"), outcome="out_of_scope", note="Không", reason="Đất"
        )
        story.move(report.id, "contested", by=story.resident, now=at("2027-01-02 10:00"), reason="Sai")
    assert complaints(said) == [("error", "office", 2027)]


def test_a_correction_into_a_year_that_nobody_loaded_is_said(story, office):
    report_id = story.received(now=at("2026-12-31 16:00"))
    with capture_logs() as said:
        story.enter(report_id, "correct", by=story.chair, kind="CO01", reason="Xây", now=at("2026-12-31 16:10"))

    report = story.report(report_id)
    assert (report.calendar_code, report.due_at) == (None, at("2026-12-31 20:00"))
    assert complaints(said) == [("error", "office", 2027)]


def test_a_year_that_nobody_loaded_is_said_and_the_promise_holds_round_the_clock(building):
    with capture_logs() as said:
        report = building(at("2026-12-31 16:00"))

    assert (report.calendar_code, report.due_at) == (None, at("2026-12-31 20:00"))
    complaint = next(line for line in said if line["event"] == "calendar lacks a year")
    assert (complaint["log_level"], complaint["calendar"], complaint["year"]) == ("error", "office", 2027)


def test_a_target_that_changed_since_judges_no_case_of_before(session, story, building, cache):
    report = building(at("2026-11-23 07:30"))
    session.execute(
        insert(TargetPolicy).values(city_id=1, minutes=60, kind_code="CO01", valid_from=at("2026-11-23 08:00"))
    )
    cache.forget()
    story.move(report.id, "accepted", now=at("2026-11-23 08:10"))
    story.enter(report.id, "correct", reason="Gần hơn", now=at("2026-11-23 08:20"), location={**IN_AN, "lat": 10.8051})

    report = story.report(report.id)
    assert (report.calendar_code, report.due_at) == ("office", at("2026-11-23 11:30"))
