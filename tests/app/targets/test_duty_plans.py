"""Duty as rows: who is on duty by the plan of a unit, and how a plan is replaced."""

import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, date, datetime, time
from uuid import UUID

import pytest
from sqlalchemy import select, update
from weeks import here

import district as district_
from app.core.audit import AuditEntry
from app.identity.models import Membership, Person
from app.identity.permissions import Role
from app.targets import actions, queries
from app.targets.actions import DutyInThePast, DutyPersonUnknown, NewShift
from app.targets.ladder import Crew
from app.targets.models import DutyShift

CITY = 1
NOW = datetime(2026, 11, 24, 3, 0, tzinfo=UTC)  # a Tuesday, 10:00 in Viet Nam
TODAY = date(2026, 11, 24)
WEEK = tuple(range(1, 8))


def traces(session, action):
    return session.scalars(select(AuditEntry).where(AuditEntry.action == action).order_by(AuditEntry.id)).all()


def shift(actor, weekdays=WEEK, starts="08:00", ends="17:00"):
    return NewShift(actor.person_id, weekdays, time.fromisoformat(starts), time.fromisoformat(ends))


@pytest.fixture
def unit(district):
    return district.units["90001"]


@pytest.fixture
def chair(district):
    return district.staff(Role.CHAIR, "90001")


@pytest.fixture
def officer(district):
    return district.staff(Role.OFFICER, "90001")


def put(session, unit, chair, *shifts, starts=TODAY, now=NOW):
    return actions.replace_duty(session, unit, shifts, starts=starts, by=chair.person_id, now=now)


def test_without_a_word_all_who_work_there_are_on_duty(session, district, unit, chair, officer):
    district.staff(Role.OFFICER, "90002")

    on = queries.on_duty(session, unit, NOW)

    assert on.everybody
    assert set(on.people) == {chair.person_id, officer.person_id}


def test_a_plan_says_who_is(session, unit, chair, officer):
    assert put(session, unit, chair, shift(officer, (2,)), starts=TODAY)

    assert queries.on_duty(session, unit, NOW).people == (officer.person_id,)
    at_night = queries.on_duty(session, unit, here("2026-11-24 20:00"))
    assert (at_night.people, at_night.everybody) == ((), False)
    trace = traces(session, "duty:set")[0]
    assert (trace.actor_id, trace.subject) == (chair.person_id, f"unit/{unit}")
    assert trace.data == {
        "from": "2026-11-24",
        "shifts": [{"person": str(officer.person_id), "weekdays": [2], "starts": "08:00", "ends": "17:00"}],
    }


def test_the_old_plan_ends_on_the_day_on_which_the_new_one_begins(session, unit, chair, officer):
    put(session, unit, chair, shift(officer))
    put(session, unit, chair, shift(chair, starts="18:00", ends="06:00"), starts=date(2026, 12, 1))

    rows = session.execute(
        select(DutyShift.person_id, DutyShift.valid_from, DutyShift.valid_to).order_by(DutyShift.valid_from)
    ).all()
    assert [tuple(row) for row in rows] == [
        (officer.person_id, TODAY, date(2026, 12, 1)),
        (chair.person_id, date(2026, 12, 1), None),
    ]
    assert queries.on_duty(session, unit, here("2026-12-02 05:00")).people == (chair.person_id,)


def test_what_was_planned_for_later_is_dropped(session, unit, chair, officer):
    put(session, unit, chair, shift(officer), starts=date(2026, 12, 1))
    put(session, unit, chair, shift(chair), starts=date(2026, 11, 26))

    assert [row.person_id for row in queries.shifts(session, unit, TODAY)] == [chair.person_id]


def test_the_same_again_changes_nothing_and_leaves_no_trace(session, unit, chair, officer):
    assert put(session, unit, chair, shift(officer, (2, 1)))
    assert not put(session, unit, chair, shift(officer, (1, 2)))
    assert len(traces(session, "duty:set")) == 1


def test_no_shifts_at_all_put_everybody_on_duty_again(session, unit, chair, officer):
    put(session, unit, chair, shift(officer))
    put(session, unit, chair, starts=date(2026, 11, 25))

    assert not queries.on_duty(session, unit, here("2026-11-24 23:00")).everybody
    assert queries.on_duty(session, unit, here("2026-11-25 00:00")).everybody


def test_a_day_that_is_over_is_not_planned(session, unit, chair):
    with pytest.raises(DutyInThePast):
        put(session, unit, chair, starts=date(2026, 11, 23))


def test_the_day_is_that_of_viet_nam(session, unit, chair):
    evening = datetime(2026, 11, 24, 17, 0, tzinfo=UTC)  # 25 November begins
    with pytest.raises(DutyInThePast):
        put(session, unit, chair, starts=TODAY, now=evening)


def test_only_whoever_works_there_on_that_day(session, district, unit, chair, officer):
    stranger = district.staff(Role.OFFICER, "90002")
    session.execute(
        update(Membership).where(Membership.person_id == officer.person_id).values(valid_to=date(2026, 12, 1))
    )
    for who, day in ((stranger, TODAY), (officer, date(2026, 12, 1))):
        with pytest.raises(DutyPersonUnknown) as refused:
            put(session, unit, chair, shift(chair), shift(who), starts=day)
        assert refused.value.at == "shifts.1.person"
    assert queries.shifts(session, unit, TODAY) == []


def test_whoever_left_is_on_duty_no_more(session, unit, chair, officer):
    put(session, unit, chair, shift(officer), shift(chair))
    session.execute(update(Person).where(Person.id == officer.person_id).values(disabled_at=NOW))

    assert queries.on_duty(session, unit, NOW).people == (chair.person_id,)


def test_the_crew_of_a_case(session, district, unit, chair, officer):
    dispatcher = district.staff(Role.DISPATCHER, "desk")
    put(session, unit, chair, shift(officer, starts="12:00", ends="17:00"))

    crew = queries.crew(session, CITY, unit, NOW, officer.person_id)
    working = (chair.person_id, officer.person_id)  # the ids are in the order of time
    assert crew == Crew(officer.person_id, (), (chair.person_id,), (dispatcher.person_id,), working)
    left = queries.crew(session, CITY, unit, here("2026-11-24 13:00"), UUID(int=7))
    assert left == Crew(None, (officer.person_id,), (chair.person_id,), (dispatcher.person_id,), working)


def test_the_crew_of_a_case_that_the_desk_reviews(session, district):
    dispatcher, second = (district.staff(Role.DISPATCHER, "desk") for _ in range(2))
    district.staff(Role.OFFICER, "desk")  # who works at the desk and is no dispatcher may not open the case
    desk = queries.desk(session, CITY)
    assert desk == district.units["desk"]

    two = (dispatcher.person_id, second.person_id)
    assert queries.reviewers(session, desk, NOW) == Crew(on_duty=two, desk=two)
    session.execute(update(Person).where(Person.id == second.person_id).values(disabled_at=NOW))
    assert queries.reviewers(session, desk, NOW) == Crew(on_duty=two[:1], desk=two[:1])


def test_two_who_replace_a_plan_at_once_leave_one_plan(committed):
    with committed.unit_of_work() as session:
        city = district_.found(session)
        unit = city.units["90001"]
        people = [city.staff(Role.CHAIR, "90001") for _ in range(2)]
    ready = threading.Barrier(2)

    def replace(who):
        with committed.unit_of_work() as session:
            ready.wait()
            put(session, unit, who, shift(who), shift(who, (6, 7), "20:00", "23:00"))

    with ThreadPoolExecutor(2) as pool:
        list(pool.map(replace, people))

    with committed.unit_of_work() as session:
        rows = queries.shifts(session, unit, TODAY)
        assert len(rows) == 2
        assert len({row.person_id for row in rows}) == 1
        assert len(traces(session, "duty:set")) == 2
