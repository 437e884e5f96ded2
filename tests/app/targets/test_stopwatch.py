"""Cases by hand: what the clock of a case says after starts, stops and endings."""

from datetime import UTC, datetime, timedelta

import pytest
from weeks import OFFICE, here, shown

from app.targets.policies import Case, Policy, due, target
from app.targets.stopwatch import Running, Stopwatch


def at(clock: str, day: int = 23) -> datetime:
    """An instant of November 2026, UTC."""
    hour, minute, second = (int(part) for part in f"{clock}:00".split(":")[:3])
    return datetime(2026, 11, day, hour, minute, second, tzinfo=UTC)


RECEIVED_AT_8 = Stopwatch(due_at=at("10:00"))


@pytest.mark.parametrize(
    ("now", "left", "overdue"),
    [
        ("08:00", 7200, False),
        ("09:59:59", 1, False),
        ("10:00", 0, False),  # within two hours: the due instant is still on time
        ("10:00:01", -1, True),
        ("12:00", -7200, True),
    ],
)
def test_time_runs_down_to_the_due_instant_and_on(now, left, overdue):
    assert RECEIVED_AT_8.seconds_left(at(now)) == left
    assert RECEIVED_AT_8.is_overdue(at(now)) is overdue
    assert RECEIVED_AT_8.running is Running.RUNS


def test_a_fraction_of_a_second_over_is_overdue():
    now = at("10:00") + timedelta(microseconds=1)

    assert RECEIVED_AT_8.is_overdue(now)
    assert RECEIVED_AT_8.seconds_left(now) == -1


def test_a_stopped_clock_stands_and_due_moves_by_the_time_stood():
    stopped = RECEIVED_AT_8.stop(at("08:30"))
    resumed = stopped.resume(at("09:45"))

    assert stopped.running is Running.STOPPED
    assert stopped.seconds_left(at("09:45")) == 5400
    assert not stopped.is_overdue(at("23:00"))
    assert (resumed.due_at, resumed.stopped_s, resumed.stopped_at) == (at("11:15"), 4500, None)
    assert resumed.seconds_left(at("09:45")) == 5400


def test_a_stop_over_midnight_is_like_any_other():
    late = Stopwatch(due_at=at("23:30")).stop(at("22:30"))

    assert late.resume(at("01:00", day=24)).due_at == at("02:00", day=24)


def test_a_stop_counts_24_hours_at_most_however_late_it_is_ended():
    stopped = RECEIVED_AT_8.stop(at("09:00", day=1))

    resumed = stopped.resume(at("09:00", day=5))

    assert resumed.stopped_s == 86_400
    assert resumed.due_at == at("10:00", day=24)


def test_two_stops_by_two_units_add_up():
    twice = RECEIVED_AT_8.stop(at("08:10")).resume(at("08:20")).stop(at("08:30")).resume(at("09:00"))

    assert (twice.due_at, twice.stopped_s) == (at("10:40"), 2400)


@pytest.mark.parametrize(
    ("ended", "left", "late"), [("09:00", 3600, False), ("10:00", 0, False), ("10:30", -1800, True)]
)
def test_an_ended_clock_shows_what_was_left_for_ever(ended, left, late):
    clock = RECEIVED_AT_8.end(at(ended))

    assert clock.running is Running.ENDED
    assert clock.seconds_left(at("10:00", day=30)) == left
    assert clock.is_overdue(at("10:00", day=30)) is late


def test_withdrawing_while_the_clock_stands_still_is_in_time():
    withdrawn = RECEIVED_AT_8.stop(at("08:30")).end(at("20:00"))

    assert not withdrawn.is_overdue(at("20:00"))
    assert withdrawn.due_at == at("21:30")


def test_a_contested_case_goes_on_with_what_was_left():
    concluded = RECEIVED_AT_8.end(at("09:15"))  # 45 minutes left

    contested = concluded.go_on(at("14:00", day=26))

    assert contested.running is Running.RUNS
    assert contested.seconds_left(at("14:00", day=26)) == 2700
    assert contested.due_at == at("14:45", day=26)
    assert contested.stopped_s == 3 * 86_400 + 4 * 3600 + 45 * 60


def test_a_case_concluded_late_stays_late_when_it_is_contested():
    contested = RECEIVED_AT_8.end(at("10:20")).go_on(at("12:00", day=24))

    assert contested.is_overdue(at("12:00", day=24))
    assert contested.seconds_left(at("12:00", day=24)) == -1200


def office(due_at: str) -> Stopwatch:
    return Stopwatch(due_at=here(due_at), calendar=OFFICE)


@pytest.mark.parametrize(
    ("over", "due_at", "stopped", "resumed", "left_s", "becomes"),
    [
        # received Monday 08:00: an hour stopped within the day
        ("the day", "2026-11-23 10:00", "2026-11-23 09:00", "2026-11-23 10:00", 3600, "2026-11-23 11:00"),
        # over lunch only half an hour passed, and it is not given back twice
        ("lunch", "2026-11-23 11:00", "2026-11-23 10:30", "2026-11-23 12:15", 1800, "2026-11-23 13:30"),
        ("the night", "2026-11-23 17:00", "2026-11-23 16:30", "2026-11-24 09:00", 1800, "2026-11-24 09:30"),
        # the resident answers in the evening: the half hour is that of the next morning
        ("an evening", "2026-11-23 17:00", "2026-11-23 16:30", "2026-11-23 21:00", 1800, "2026-11-24 08:00"),
        ("a weekend", "2026-11-23 08:00", "2026-11-20 16:30", "2026-11-20 16:45", 3600, "2026-11-23 08:15"),
        # 24 hours are over on Saturday; whoever answers on Monday finds the clock running since its opening
        ("24 hours", "2026-11-23 08:00", "2026-11-20 16:30", "2026-11-23 10:00", 3600, "2026-11-23 08:30"),
        # half an hour before Tết, an hour and a half after it; the stop is over on the Saturday
        ("Tết 2026", "2026-02-23 09:00", "2026-02-13 16:30", "2026-02-23 08:00", 7200, "2026-02-23 09:30"),
        ("Tết 2027", "2027-02-11 09:00", "2027-02-04 16:30", "2027-02-11 08:00", 7200, "2027-02-11 09:30"),
        ("the new year", "2027-01-04 08:30", "2026-12-31 16:30", "2027-01-01 16:00", 5400, "2027-01-04 09:00"),
    ],
)
def test_a_stop_takes_no_working_time(over, due_at, stopped, resumed, left_s, becomes):
    clock = office(due_at).stop(here(stopped))

    assert clock.seconds_left(here(resumed)) == left_s
    assert shown(clock.resume(here(resumed)).due_at) == becomes


def test_while_the_office_is_closed_the_time_left_stands_although_nobody_stopped_it():
    clock = office("2026-11-23 08:30")

    lefts = [clock.seconds_left(here(at)) for at in ("2026-11-20 16:00", "2026-11-20 17:00", "2026-11-22 12:00")]
    assert lefts == [7200, 3600, 3600]


def test_time_used_is_what_is_not_left():
    clock = office("2026-11-24 08:30")  # received on Monday at 16:00

    used = [
        clock.seconds_used(here(f"2026-11-{at}"), timedelta(hours=2)) for at in ("23 16:30", "24 03:00", "24 09:00")
    ]
    assert used == [1800, 3600, 9000]


def test_what_is_past_due_is_overdue_by_time_on_the_wall():
    clock = office("2026-11-20 17:00")

    assert clock.is_overdue(here("2026-11-20 17:00:01"))
    assert clock.seconds_left(here("2026-11-21 17:00")) == -86_400


def test_a_contested_case_goes_on_with_the_working_time_that_was_left():
    concluded = office("2026-02-13 17:00").end(here("2026-02-13 16:15"))

    contested = concluded.go_on(here("2026-02-19 20:00"))  # during Tết; no limit of 24 hours here

    assert shown(contested.due_at) == "2026-02-23 08:15"
    assert contested.seconds_left(here("2026-02-19 20:00")) == 2700
    assert contested.stopped_s == 6 * 86_400 + 3 * 3600 + 45 * 60


def test_a_case_concluded_late_stays_as_late_on_the_wall_when_it_is_contested():
    contested = office("2026-11-20 16:00").end(here("2026-11-20 16:20")).go_on(here("2026-11-23 10:00"))

    assert contested.is_overdue(here("2026-11-23 10:00"))
    assert contested.seconds_left(here("2026-11-23 10:00")) == -1200


def test_a_policy_that_changes_in_between_changes_no_case_that_was_received_before():
    policies = [
        Policy(120, here("2026-01-01 00:00"), valid_to=here("2026-11-23 09:00")),
        Policy(30, here("2026-11-23 09:00"), calendar_code="office"),
    ]
    case = Case("sidewalk", "SW01", 1, urgent=False)

    def judged(received):
        return due(here(received), target(case, policies, here(received)), {"office": OFFICE})

    assert shown(judged("2026-11-23 08:59:59").due_at) == "2026-11-23 10:59:59"
    assert shown(judged("2026-11-23 09:00").due_at) == "2026-11-23 09:30"


def test_where_a_year_is_missing_the_wall_stands_in_for_it_and_it_is_said():
    stopped = office("2027-12-31 16:30").stop(here("2027-12-31 16:00"))

    resumed = stopped.resume(here("2028-01-01 09:00"))

    assert (shown(resumed.due_at), resumed.missing_year) == ("2028-01-01 09:30", 2028)
    assert resumed.seconds_left(here("2028-01-01 09:00")) == 1800
    assert stopped.resume(here("2027-12-31 16:10")).missing_year is None


def test_what_due_becomes_when_a_question_stays_unanswered():
    assert RECEIVED_AT_8.due_if_unanswered is None
    assert RECEIVED_AT_8.stop(at("09:00")).due_if_unanswered == at("10:00", day=24)
    assert shown(office("2026-11-23 08:00").stop(here("2026-11-20 16:30")).due_if_unanswered) == "2026-11-23 08:30"


def test_a_resumed_clock_is_never_due_earlier_than_before():
    # Due at opening time, as a chair set it; the hours before it are closed, so that nothing passes meanwhile.
    clock = office("2026-11-23 13:00").stop(here("2026-11-23 11:30")).resume(here("2026-11-23 11:30"))

    assert shown(clock.due_at) == "2026-11-23 13:00"
