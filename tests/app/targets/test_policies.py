from datetime import UTC, datetime, timedelta

import pytest
from weeks import OFFICE, here, shown

from app.targets.policies import Case, Due, Policy, Target, due, target

JANUARY, JULY = datetime(2026, 1, 1, tzinfo=UTC), datetime(2026, 7, 1, tzinfo=UTC)
CITY = Policy(120, JANUARY)


@pytest.mark.parametrize(
    ("policies", "minutes"),
    [
        ([], 120),  # the promise of the service
        ([CITY], 120),
        ([CITY, Policy(240, JANUARY, field="construction")], 240),
        ([CITY, Policy(240, JANUARY, field="sidewalk")], 120),  # describes other cases
        ([CITY, Policy(240, JANUARY, field="construction"), Policy(60, JANUARY, urgent=True)], 60),
        ([CITY, Policy(60, JANUARY, urgent=True), Policy(90, JANUARY, unit_id=7)], 90),
        ([CITY, Policy(90, JANUARY, unit_id=7), Policy(2880, JANUARY, kind_code="CO07")], 2880),
        ([CITY, Policy(60, JULY)], 60),  # of two that say the same, the newer
        ([Policy(60, JANUARY, valid_to=JULY), CITY], 120),
        ([Policy(60, JULY + timedelta(days=1)), CITY], 120),  # not yet in force
    ],
)
def test_the_most_specific_policy_in_force_at_receipt_judges(policies, minutes):
    case = Case(field="construction", kind_code="CO07", unit_id=7, urgent=True)

    assert target(case, policies, JULY).allowed == timedelta(minutes=minutes)


def test_a_policy_begins_and_ends_half_open():
    policies = [Policy(60, JANUARY, valid_to=JULY), Policy(90, JULY)]
    case = Case(field="sidewalk", kind_code="SW01", unit_id=1, urgent=False)

    assert target(case, policies, JULY - timedelta(microseconds=1)).allowed == timedelta(minutes=60)
    assert target(case, policies, JULY).allowed == timedelta(minutes=90)


def test_a_policy_says_on_which_calendar_its_minutes_count():
    policies = [CITY, Policy(240, JANUARY, field="construction", calendar_code="office")]

    building = Case(field="construction", kind_code="CO01", unit_id=1, urgent=False)
    litter = Case(field="environment", kind_code="EN01", unit_id=1, urgent=False)

    assert target(building, policies, JULY) == Target(timedelta(hours=4), "office")
    assert target(litter, policies, JULY) == Target(timedelta(hours=2), None)


@pytest.mark.parametrize(
    ("received", "target", "said"),
    [
        ("2026-02-13 16:30", Target(timedelta(hours=2)), "2026-02-13 18:30"),
        ("2026-02-13 16:30", Target(timedelta(hours=2), "office"), "2026-02-23 09:00"),
        ("2027-02-04 16:30", Target(timedelta(hours=2), "office"), "2027-02-11 09:00"),
    ],
)
def test_due_is_as_far_away_as_the_calendar_says(received, target, said):
    found = due(here(received), target, {"office": OFFICE})

    assert (shown(found.due_at), found.calendar_code, found.missing_year) == (said, target.calendar_code, None)


@pytest.mark.parametrize(
    ("received", "calendar", "year"),
    [
        ("2028-03-01 10:00", "office", 2028),
        ("2027-12-31 16:00", "office", 2028),  # two hours of it would end in 2028
        ("2026-11-23 10:00", "market", 2026),  # nobody brought it in at all
    ],
)
def test_with_a_year_missing_a_case_is_judged_round_the_clock_and_it_is_said(received, calendar, year):
    found = due(here(received), Target(timedelta(hours=2), calendar), {"office": OFFICE})

    assert found == Due(here(received) + timedelta(hours=2), None, year)
