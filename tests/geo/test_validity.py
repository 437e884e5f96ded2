from datetime import UTC, date, datetime, timedelta, timezone

import pytest

from geo.validity import Days, change_days, day_start, local_day

JUNE_30, JULY_1 = date(2025, 6, 30), date(2025, 7, 1)


@pytest.mark.parametrize(
    ("instant", "day"),
    [
        ("2025-06-30T16:59:59+00:00", JUNE_30),  # 23:59:59 in Viet Nam
        ("2025-06-30T16:59:59.999999+00:00", JUNE_30),
        ("2025-06-30T17:00:00+00:00", JULY_1),  # midnight there: the new wards begin
        ("2025-07-01T00:00:00+07:00", JULY_1),
        ("2025-06-30T23:59:59+07:00", JUNE_30),
        ("2025-06-30T10:00:00-07:00", JULY_1),
        ("2025-07-01T02:00:00+09:00", JULY_1),  # the same midnight, seen from Tokyo
    ],
)
def test_a_day_begins_at_midnight_in_viet_nam(instant, day):
    assert local_day(datetime.fromisoformat(instant)) == day


def test_an_instant_without_an_offset_is_no_instant():
    with pytest.raises(ValueError, match="offset"):
        local_day(datetime(2025, 7, 1))  # noqa: DTZ001


def test_the_start_of_a_day_is_an_instant_in_utc():
    assert day_start(JULY_1) == datetime(2025, 6, 30, 17, tzinfo=UTC)
    assert day_start(JULY_1).utcoffset() == timedelta(0)
    assert local_day(day_start(JULY_1)) == JULY_1
    assert local_day(day_start(JULY_1) - timedelta(microseconds=1)) == JUNE_30


def test_the_zone_of_an_instant_does_not_matter():
    instant = datetime(2025, 6, 30, 17, tzinfo=UTC)
    assert local_day(instant.astimezone(timezone(timedelta(hours=-10)))) == JULY_1


@pytest.mark.parametrize(
    ("days", "day", "belongs"),
    [
        (Days(JUNE_30, JULY_1), JUNE_30, True),
        (Days(JUNE_30, JULY_1), JULY_1, False),  # half-open: the day of the end is not in it
        (Days(JUNE_30, JULY_1), date(2025, 6, 29), False),
        (Days(None, JULY_1), date.min, True),
        (Days(JULY_1, None), date.max, True),
        (Days(), JULY_1, True),
        (Days(JULY_1, None), JUNE_30, False),
    ],
)
def test_days_contain(days, day, belongs):
    assert days.contains(day) is belongs


@pytest.mark.parametrize(
    ("one", "other", "share"),
    [
        (Days(None, JULY_1), Days(JULY_1, None), False),  # they meet
        (Days(None, JULY_1), Days(JUNE_30, None), True),  # one day in common
        (Days(), Days(JUNE_30, JULY_1), True),
        (Days(JUNE_30, JULY_1), Days(JUNE_30, JULY_1), True),
        (Days(date(2024, 1, 1), JUNE_30), Days(JULY_1, None), False),
    ],
)
def test_days_overlap_either_way_round(one, other, share):
    assert one.overlaps(other) is share
    assert other.overlaps(one) is share


def test_periods_meet_only_in_their_order():
    before, after = Days(None, JULY_1), Days(JULY_1, None)
    assert before.meets(after)
    assert not after.meets(before)
    assert not Days().meets(Days())  # no end is not the same day as no beginning


@pytest.mark.parametrize(
    ("one", "other", "later"),
    [
        (Days(JULY_1), Days(JUNE_30), True),
        (Days(JULY_1), Days(None), True),
        (Days(JULY_1), Days(JULY_1), False),
        (Days(None), Days(None), False),
        (Days(None), Days(JULY_1), False),
    ],
)
def test_begins_after(one, other, later):
    assert one.begins_after(other) is later


def test_a_last_day_is_the_day_before_the_half_open_end():
    days = Days.through(None, JUNE_30)
    assert days == Days(None, JULY_1)
    assert days.last == JUNE_30
    assert Days.through(JULY_1, None).last is None
    assert Days.through(JULY_1, JULY_1).contains(JULY_1)


@pytest.mark.parametrize(("first", "last"), [(JULY_1, JUNE_30), (None, date.max)])
def test_impossible_periods(first, last):
    with pytest.raises(ValueError, match="day"):
        Days.through(first, last)


def test_change_days_are_where_something_begins_or_is_over():
    assert change_days([Days(None, JULY_1), Days(JULY_1, None), Days(JUNE_30, JULY_1)]) == [JUNE_30, JULY_1]
