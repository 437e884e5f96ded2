"""23 November 2026 is a Monday."""

from datetime import UTC, date, datetime, time
from uuid import UUID

import pytest
from weeks import here

from app.targets.duty import Shift, on_duty
from geo.validity import Days

AN, BINH = UUID(int=1), UUID(int=2)
NOVEMBER = Days(date(2026, 11, 1), date(2026, 12, 1))
WEEK = frozenset(range(1, 8))


def shift(person, weekdays, starts, ends, days=NOVEMBER):
    return Shift(person, 1, frozenset(weekdays), time.fromisoformat(starts), time.fromisoformat(ends), days)


PLAN = (shift(AN, {1, 2, 3, 4, 5}, "07:30", "17:00"), shift(BINH, {5}, "22:00", "06:00"))


@pytest.mark.parametrize(
    ("at", "people"),
    [
        ("2026-11-23 07:29:59", set()),
        ("2026-11-23 07:30", {AN}),
        ("2026-11-23 16:59:59", {AN}),
        ("2026-11-23 17:00", set()),  # half-open
        ("2026-11-28 09:00", set()),  # a Saturday: the plan says nobody
        ("2026-11-27 22:00", {BINH}),
        ("2026-11-28 05:59:59", {BINH}),  # the night belongs to the Friday on which it begins
        ("2026-11-28 06:00", set()),
        ("2026-11-27 05:00", set()),  # Thursday night is nobody's
        ("2026-10-31 23:59:59", None),  # before the plan
        ("2026-11-01 00:00", set()),  # a Sunday, the plan's first day
        ("2026-12-01 00:00", None),  # after it
    ],
)
def test_who_is_on_duty(at, people):
    assert on_duty(PLAN, here(at)) == people


def test_without_a_word_everybody_is_on_duty():
    assert on_duty((), here("2026-11-23 03:00")) is None


def test_the_last_night_of_a_plan_ends_in_the_morning_and_then_nothing_is_said():
    plan = [shift(BINH, WEEK, "22:00", "06:00")]

    assert on_duty(plan, here("2026-12-01 05:59")) == {BINH}
    assert on_duty(plan, here("2026-12-01 06:00")) is None


def test_the_first_night_of_a_plan_begins_in_the_evening():
    plan = [shift(BINH, WEEK, "22:00", "06:00")]

    assert on_duty(plan, here("2026-11-01 05:00")) == set()
    assert on_duty(plan, here("2026-11-01 22:00")) == {BINH}


def test_the_same_time_twice_is_a_day_and_a_night():
    plan = [shift(AN, {1}, "08:00", "08:00"), shift(BINH, {2}, "08:00", "08:00")]

    assert on_duty(plan, here("2026-11-23 08:00")) == {AN}
    assert on_duty(plan, here("2026-11-24 07:59")) == {AN}
    assert on_duty(plan, here("2026-11-24 08:00")) == {BINH}


def test_two_at_once_are_both_on_duty():
    plan = [shift(AN, {1}, "08:00", "12:00"), shift(BINH, {1}, "10:00", "14:00")]

    assert on_duty(plan, here("2026-11-23 11:00")) == {AN, BINH}


def test_the_day_is_that_of_viet_nam():
    plan = [shift(AN, {1}, "00:00", "07:00")]

    assert on_duty(plan, datetime(2026, 11, 22, 23, 0, tzinfo=UTC)) == {AN}
