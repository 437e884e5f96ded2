"""Cases by hand: what the clock of a case says after starts, stops and endings."""

from datetime import UTC, datetime, timedelta

import pytest

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
