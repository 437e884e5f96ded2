"""Working time, by hand: 13 February 2026 is the Friday before Tết, 23 February the Monday after it."""

import random
from datetime import UTC, date, datetime, timedelta

import pytest
from weeks import OFFICE, OFFICE_HOURS, VIET_NAM, here, shown

from app.targets.calendar import ROUND_THE_CLOCK, Calendar, YearMissing, spans


@pytest.mark.parametrize(
    ("start", "minutes", "reached"),
    [
        ("2026-11-23 08:00", 120, "2026-11-23 10:00"),
        ("2026-11-23 10:30", 120, "2026-11-23 14:00"),  # over lunch
        ("2026-11-23 16:00", 120, "2026-11-24 08:30"),  # over the night
        ("2026-11-20 16:00", 120, "2026-11-23 08:30"),  # Friday to Monday
        ("2026-11-23 15:00", 120, "2026-11-23 17:00"),  # ends at closing time, not at the next opening
        ("2026-11-23 17:00", 120, "2026-11-24 09:30"),  # received at closing time: nothing of that day is left
        ("2026-11-23 05:00", 120, "2026-11-23 09:30"),
        ("2026-11-21 12:00", 120, "2026-11-23 09:30"),  # on a Saturday
        ("2026-11-23 12:00", 240, "2026-11-23 17:00"),  # at lunch
        ("2026-02-13 16:30", 120, "2026-02-23 09:00"),  # half an hour before Tết, an hour and a half after it
        ("2026-02-17 00:00", 1, "2026-02-23 07:31"),  # on the first day of the year
        ("2026-08-21 16:00", 120, "2026-08-22 08:30"),  # into the Saturday that is made up
        ("2026-08-28 16:00", 120, "2026-09-03 08:30"),  # over the National Day
        ("2026-12-31 16:00", 120, "2027-01-04 08:30"),  # into the next year
        ("2026-01-02 07:30", 20 * 480, "2026-01-29 17:00"),  # twenty days of eight hours
        ("2027-12-31 15:00", 120, "2027-12-31 17:00"),  # the last working minute of the last year
    ],
)
def test_time_moves_on_in_opening_hours_only(start, minutes, reached):
    assert shown(OFFICE.add(here(start), timedelta(minutes=minutes))) == reached


@pytest.mark.parametrize(
    ("end", "minutes", "reached"),
    [
        ("2026-11-23 10:00", 60, "2026-11-23 09:00"),
        ("2026-11-24 08:30", 90, "2026-11-23 16:30"),
        ("2026-11-24 08:30", 60, "2026-11-24 07:30"),  # begins at opening time, not at yesterday's closing
        ("2026-02-23 09:00", 91, "2026-02-13 16:59"),
        ("2026-11-22 12:00", 60, "2026-11-20 16:00"),  # from a Sunday
    ],
)
def test_time_goes_back_in_opening_hours_only(end, minutes, reached):
    assert shown(OFFICE.add(here(end), timedelta(minutes=-minutes))) == reached


@pytest.mark.parametrize(
    ("start", "end", "minutes"),
    [
        ("2026-11-23 08:00", "2026-11-23 14:00", 270),
        ("2026-11-23 18:00", "2026-11-24 07:00", 0),
        ("2026-11-20 16:00", "2026-11-23 08:30", 120),
        ("2026-02-13 16:30", "2026-02-23 09:00", 120),
        ("2026-02-14 00:00", "2026-02-23 00:00", 0),  # all of Tết
        ("2026-12-31 16:59", "2027-01-04 07:31", 2),
        ("2027-12-31 16:00", "2028-01-01 00:00", 60),  # no day of 2028 is needed
        ("2026-11-24 08:30", "2026-11-23 16:00", -120),
    ],
)
def test_time_between_two_instants_is_that_of_opening_hours(start, end, minutes):
    assert OFFICE.between(here(start), here(end)) == timedelta(minutes=minutes)


def test_nothing_added_is_the_instant_itself_although_nothing_is_open_then():
    sunday = here("2026-11-22 12:00")

    assert OFFICE.add(sunday, timedelta(0)) == sunday
    assert OFFICE.between(sunday, sunday) == timedelta(0)


def test_parts_of_a_second_are_kept():
    assert OFFICE.add(here("2026-11-23 16:59:59.5"), timedelta(seconds=1)) == here("2026-11-24 07:30:00.5")


@pytest.mark.parametrize(
    ("asked", "year"),
    [
        (lambda: OFFICE.add(here("2027-12-31 16:00"), timedelta(hours=2)), 2028),
        (lambda: OFFICE.add(here("2025-12-31 16:00"), timedelta(hours=2)), 2025),
        (lambda: OFFICE.add(here("2026-01-02 08:30"), timedelta(hours=-2)), 2025),
        (lambda: OFFICE.between(here("2027-12-31 16:00"), here("2028-01-01 00:00:01")), 2028),
        (lambda: OFFICE.between(here("2025-12-31 16:00"), here("2026-01-05 08:00")), 2025),
        (lambda: OFFICE.between(here("2026-01-05 08:00"), here("2025-12-31 16:00")), 2025),
    ],
)
def test_a_year_that_is_not_loaded_is_named_and_not_guessed(asked, year):
    with pytest.raises(YearMissing) as missing:
        asked()
    assert missing.value.year == year


def test_the_year_is_that_of_the_local_day():
    new_year_here = datetime(2025, 12, 31, 17, 0, tzinfo=UTC)

    assert shown(OFFICE.add(new_year_here, timedelta(minutes=1))) == "2026-01-02 07:31"


def test_years_with_a_gap_between_them_are_reckoned_each_alone():
    calendar = Calendar("gap", OFFICE_HOURS, years=frozenset({2026, 2028}))

    assert shown(calendar.add(here("2028-03-01 08:00"), timedelta(hours=1))) == "2028-03-01 09:00"
    with pytest.raises(YearMissing) as missing:
        calendar.between(here("2026-06-01 08:00"), here("2028-06-01 08:00"))
    assert missing.value.year == 2027


def test_round_the_clock_is_a_calendar_without_holidays_or_missing_years():
    tet_of_1968 = here("1968-01-30 03:00")

    assert ROUND_THE_CLOCK.add(tet_of_1968, timedelta(hours=2)) == here("1968-01-30 05:00")
    assert ROUND_THE_CLOCK.between(tet_of_1968, here("2068-01-30 03:00")) == timedelta(days=36525)


def test_a_day_may_be_open_until_midnight_and_on_from_it():
    hours = {weekday: spans(["00:00-02:00", "22:00-24:00"]) for weekday in range(1, 8)}
    calendar = Calendar("nights", hours, years=frozenset({2026}))

    assert shown(calendar.add(here("2026-06-01 23:00"), timedelta(hours=2))) == "2026-06-02 01:00"


def test_a_make_up_day_has_the_hours_of_the_weekday_that_it_stands_for():
    assert OFFICE.open_on(date(2026, 8, 22)) == OFFICE_HOURS[1]
    assert OFFICE.open_on(date(2026, 8, 29)) == ()
    assert OFFICE.open_on(date(2026, 2, 17)) == ()


@pytest.mark.parametrize(
    "texts", [["7:30-11:30"], ["07:30-24:30"], ["11:30-07:30"], ["08:00-08:00"], ["08:00-12:00", "11:00-17:00"], [""]]
)
def test_spans_that_are_none_are_refused(texts):
    with pytest.raises(ValueError, match=r"is not like|ends before it begins"):
        spans(texts)


def counted_by_minutes(start, end):
    """The slow way, by nothing but the clock on the wall: how many minutes from `start` until `end` are open."""
    at, found = start, 0
    while at < end:
        working = (at.date() not in OFFICE.off and at.isoweekday() < 6) or at.date() == date(2026, 8, 22)
        found += working and any(
            begins <= (at.hour, at.minute) < ends for begins, ends in (((7, 30), (11, 30)), ((13, 0), (17, 0)))
        )
        at += timedelta(minutes=1)
    return timedelta(minutes=found)


@pytest.mark.parametrize("seed", range(12))
def test_random_instants_around_tet_and_the_national_day_agree_with_counting_minutes(seed):
    chosen = random.Random(seed)
    begins = here(chosen.choice(["2026-02-10 00:00", "2026-08-20 00:00", "2026-12-28 00:00"]))
    start = begins + timedelta(minutes=chosen.randrange(4 * 1440))
    end = start + timedelta(minutes=chosen.randrange(1, 12 * 1440))

    worked = counted_by_minutes(start, end)

    assert OFFICE.between(start, end) == worked
    if worked:
        reached, left = OFFICE.add(start, worked), OFFICE.add(end, -worked)
        assert reached <= end
        assert left >= start
        assert counted_by_minutes(start, reached.astimezone(VIET_NAM)) == worked
        assert counted_by_minutes(reached.astimezone(VIET_NAM), end) == timedelta(0)
        assert counted_by_minutes(start, left.astimezone(VIET_NAM)) == timedelta(0)
