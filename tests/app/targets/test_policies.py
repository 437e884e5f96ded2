from datetime import UTC, datetime, timedelta

import pytest

from app.targets.policies import Case, Policy, target

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
