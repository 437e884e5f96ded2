"""When photos go, by hand. Local days: Viet Nam is seven hours ahead of UTC."""

from datetime import UTC, date, datetime, timedelta
from itertools import product

import pytest

from app.photos.retention import Policy, due, goes_at

QUARTER = Policy(recorded=False, days=90, valid_from=date(2026, 1, 1), valid_to=date(2026, 7, 1))
MONTH = Policy(recorded=False, days=30, valid_from=date(2026, 7, 1))
KEPT = Policy(recorded=True, days=None, valid_from=date(2026, 1, 1), valid_to=date(2027, 1, 1))
DECADE = Policy(recorded=True, days=3650, valid_from=date(2027, 1, 1))
POLICIES = (QUARTER, MONTH, KEPT, DECADE)


def at(said: str) -> datetime:
    return datetime.fromisoformat(said).replace(tzinfo=UTC)


@pytest.mark.parametrize(
    ("ended", "recorded", "goes"),
    [
        ("2026-03-01 02:00", False, "2026-05-30 02:00"),  # 90 days of 24 hours
        ("2025-12-31 16:59:59", False, None),  # still the day before the first policy: nobody decided
        ("2025-12-31 17:00", False, "2026-03-31 17:00"),  # 1 January in Viet Nam
        ("2026-06-30 16:59:59", False, "2026-09-28 16:59:59"),  # the last instant of 30 June
        ("2026-06-30 17:00", False, "2026-07-30 17:00"),  # 1 July: the month
        ("2026-03-01 02:00", True, None),  # a record of a violation: never
        ("2027-01-01 02:00", True, "2036-12-29 02:00"),  # 3650 days, with leap days in 2028, 2032 and 2036
    ],
)
def test_the_policy_of_the_day_of_the_end_decides(ended, recorded, goes):
    assert goes_at(at(ended), recorded=recorded, policies=POLICIES) == (goes and at(goes))


def test_without_a_policy_everything_is_kept():
    assert goes_at(at("2020-01-01 00:00"), recorded=False, policies=()) is None
    assert due((), at("2099-01-01 00:00")) == []


def test_the_windows_of_an_instant():
    """On 29 August 2026 at noon: what ended by 31 May of the first half year, by 30 July since; nothing recorded."""
    step = timedelta(microseconds=1)
    assert due(POLICIES, at("2026-08-29 05:00")) == [
        (False, at("2025-12-31 17:00"), at("2026-05-31 05:00") + step),
        (False, at("2026-06-30 17:00"), at("2026-07-30 05:00") + step),
    ]
    # Long after, the first one ends where the second begins.
    assert due(POLICIES, at("2028-01-01 00:00"))[0].before == at("2026-06-30 17:00")


def test_a_window_holds_just_what_is_due():
    ends = [at("2025-12-31 16:59:59.999999"), at("2025-12-31 17:00"), at("2026-05-31 05:00")]
    ends += [
        at("2026-06-30 16:59:59.999999"),
        at("2026-06-30 17:00"),
        at("2026-12-31 17:00"),
        at("2027-03-01 01:02:03"),
    ]
    for ended, recorded, days in product(ends, (True, False), (0, 29, 30, 31, 89, 90, 91, 3649, 3650, 3651)):
        for now in (ended + timedelta(days=days), ended + timedelta(days=days, microseconds=-1)):
            goes = goes_at(ended, recorded=recorded, policies=POLICIES)
            in_window = any(
                recorded == window.recorded and window.since <= ended < window.before for window in due(POLICIES, now)
            )
            assert in_window == (goes is not None and goes <= now), (ended, recorded, now)
