"""Setting targets: from an instant to come, without rewriting what has judged a case."""

from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import select
from weeks import here

from app.core.audit import AuditEntry
from app.reports.rulebook import RulebookCache
from app.targets import actions, queries
from app.targets.actions import NewTarget, TargetInThePast
from app.targets.models import TargetPolicy
from app.targets.policies import Case, Target, target

pytestmark = pytest.mark.usefixtures("district")

CITY = 1
NOW = datetime(2026, 11, 24, 3, 0, tzinfo=UTC)  # a Tuesday, 10:00 in Viet Nam
TOMORROW = here("2026-11-25 00:00")


def load(session):
    return actions.load_calendars(session, CITY, actions.shipped(), NOW)


def traces(session, action):
    return session.scalars(select(AuditEntry).where(AuditEntry.action == action).order_by(AuditEntry.id)).all()


def holding(session, at):
    rows = session.scalars(select(TargetPolicy).order_by(TargetPolicy.valid_from)).all()
    return [row.minutes for row in rows if row.valid_from <= at and (row.valid_to is None or at < row.valid_to)]


def test_the_row_that_is_replaced_ends_where_the_new_one_begins(session):
    done = actions.set_target(session, CITY, NewTarget(90), TOMORROW, NOW)

    assert done == (True, None)
    assert holding(session, TOMORROW - timedelta(microseconds=1)) == [120]
    assert holding(session, TOMORROW) == [90]
    trace = traces(session, "target:set")[0]
    assert (trace.data["minutes"], trace.data["from"]) == (90, "2026-11-25T00:00:00+07:00")


@pytest.mark.parametrize("starts", [NOW, NOW - timedelta(days=1)])
def test_what_is_not_to_come_is_refused(session, starts):
    with pytest.raises(TargetInThePast):
        actions.set_target(session, CITY, NewTarget(90), starts, NOW)
    assert holding(session, NOW) == [120]


def test_a_target_for_other_cases_ends_nothing(session):
    assert actions.set_target(session, CITY, NewTarget(240, field="construction"), TOMORROW, NOW) == (False, None)
    assert holding(session, TOMORROW) == [120, 240]


def test_one_that_is_planned_for_later_stays(session):
    later = TOMORROW + timedelta(days=30)
    actions.set_target(session, CITY, NewTarget(60), later, NOW)

    assert actions.set_target(session, CITY, NewTarget(90), TOMORROW, NOW) == (True, later)
    assert [holding(session, at) for at in (NOW, TOMORROW, later)] == [[120], [90], [60]]


def test_one_that_is_planned_for_the_same_instant_is_replaced(session):
    actions.set_target(session, CITY, NewTarget(60), TOMORROW, NOW)

    assert actions.set_target(session, CITY, NewTarget(90), TOMORROW, NOW) == (False, None)
    assert holding(session, TOMORROW) == [90]


def test_a_target_names_a_calendar(session):
    load(session)
    actions.set_target(session, CITY, NewTarget(480, "office", kind_code="CO01"), TOMORROW, NOW)

    book = RulebookCache(CITY).current(session)
    building = Case("construction", "CO01", 1, urgent=False)
    assert target(building, book.policies, TOMORROW) == Target(timedelta(hours=8), "office")
    assert target(building, book.policies, NOW) == Target(timedelta(hours=2))


def test_what_holds_and_what_will_is_listed(session, district):
    unit = district.units["90002"]
    actions.set_target(session, CITY, NewTarget(90, unit_id=unit), TOMORROW, NOW)

    rows = queries.targets(session, CITY, NOW)
    assert [(row.unit, row.policy.minutes) for row in rows] == [(None, 120), ("90002", 90)]


def test_a_calendar_in_use_that_lacks_a_year_is_a_gap(session):
    load(session)
    assert queries.gaps(session, CITY, NOW) == []
    in_2027 = datetime(2027, 1, 1, tzinfo=UTC)
    assert queries.gaps(session, CITY, in_2027) == []  # no target uses it

    actions.set_target(session, CITY, NewTarget(480, "office"), TOMORROW, NOW)

    assert queries.gaps(session, CITY, NOW) == []
    assert [(gap.calendar_code, gap.years) for gap in queries.gaps(session, CITY, in_2027)] == [("office", (2028,))]
