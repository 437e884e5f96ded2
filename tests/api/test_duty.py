"""Who is on duty in a unit: who may read it, who may set it, and what is refused."""

from datetime import UTC, date, datetime, timedelta

import pytest
from sqlalchemy import insert, text

from app.core import clock
from app.identity.models import Membership
from app.identity.permissions import Role

NOW = datetime(2026, 11, 24, 3, 0, tzinfo=UTC)  # a Tuesday, 10:00 in Viet Nam


@pytest.fixture(autouse=True)
def _at_ten(monkeypatch):
    monkeypatch.setattr(clock, "now", lambda: NOW)


@pytest.fixture
def unit(district):
    return district.units["90001"]


@pytest.fixture
def chair(district):
    return district.staff(Role.CHAIR, "90001")


@pytest.fixture
def officer(district):
    return district.staff(Role.OFFICER, "90001")


def shift(actor, **said):
    return {"person": str(actor.person_id), "weekdays": [1, 2, 3], "starts": "07:30", "ends": "17:00", **said}


def plan(*shifts, starts="2026-11-24"):
    return {"from": starts, "shifts": list(shifts)}


def path(unit_id):
    return f"/api/v1/units/{unit_id}/duty"


def test_where_nothing_is_said_everybody_is_on_duty(as_, unit, chair, officer):
    answer = as_(officer).get(path(unit))

    assert answer.status_code == 200
    assert answer.get_json()["shifts"] == []
    assert answer.get_json()["now"]["everybody"] is True
    assert {one["id"] for one in answer.get_json()["now"]["people"]} == {str(chair.person_id), str(officer.person_id)}


def test_a_chair_sets_it_and_everybody_reads_the_same(as_, unit, chair, officer):
    set_ = as_(chair).put(path(unit), json=plan(shift(officer), shift(chair, starts="22:00", ends="06:00")))

    assert set_.status_code == 200, set_.get_json()
    body = set_.get_json()
    assert body["shifts"][0] | {"person": None} == {
        "person": None, "weekdays": [1, 2, 3], "starts": "07:30", "ends": "17:00", "from": "2026-11-24", "to": None,
    }  # fmt: skip
    assert body["shifts"][0]["person"]["id"] == body["now"]["people"][0]["id"] == str(officer.person_id)
    assert body["now"]["people"][0]["name"].startswith("officer ")
    assert (len(body["shifts"]), len(body["now"]["people"]), body["now"]["everybody"]) == (2, 1, False)
    assert as_(officer).get(path(unit)).get_json() == body


def test_it_is_replaced_from_a_day_on(as_, unit, chair, officer):
    as_(chair).put(path(unit), json=plan(shift(officer)))

    body = as_(chair).put(path(unit), json=plan(shift(chair), starts="2026-12-01")).get_json()

    assert [(one["person"]["id"], one["from"], one["to"]) for one in body["shifts"]] == [
        (str(officer.person_id), "2026-11-24", "2026-12-01"),
        (str(chair.person_id), "2026-12-01", None),
    ]


def test_setting_it_is_on_record(as_, session, unit, chair, officer):
    for _ in range(2):
        as_(chair).put(path(unit), json=plan(shift(officer)))

    rows = session.execute(text("select actor_id, subject from audit where action = 'duty:set'")).all()
    assert [tuple(row) for row in rows] == [(chair.person_id, f"unit/{unit}")]


@pytest.mark.parametrize(
    ("role", "of", "reads", "sets"),
    [
        (Role.OFFICER, "90001", 200, 403),
        (Role.CHAIR, "90001", 200, 200),
        (Role.OFFICER, "90002", 404, 403),
        (Role.CHAIR, "90002", 404, 404),
        (Role.DISPATCHER, "desk", 404, 404),
        (Role.LEADER, None, 200, 403),
        (Role.ADMIN, None, 200, 200),
        (Role.VOLUNTEER, None, 403, 403),
    ],
)
def test_who_may_read_and_set_it(as_, district, unit, role, of, reads, sets):
    client = as_(district.staff(role, of))

    assert client.get(path(unit)).status_code == reads
    assert client.put(path(unit), json=plan()).status_code == sets


def test_it_is_for_no_resident(as_, district, unit):
    assert as_(district.resident()).get(path(unit)).status_code == 403
    assert as_().get(path(unit)).status_code == 401
    assert as_().put(path(unit), json=plan()).status_code == 401


def test_a_dispatcher_sets_that_of_the_desk(as_, district):
    dispatcher = district.staff(Role.DISPATCHER, "desk")

    answer = as_(dispatcher).put(path(district.units["desk"]), json=plan(shift(dispatcher)))

    assert [one["id"] for one in answer.get_json()["now"]["people"]] == [str(dispatcher.person_id)]


def test_a_chair_who_is_an_officer_elsewhere_reads_there_and_sets_nothing(as_, session, district, unit, chair):
    other = district.units["90002"]
    session.execute(
        insert(Membership).values(person_id=chair.person_id, role="officer", unit_id=other, valid_from=date(2024, 1, 1))
    )

    assert as_(chair).get(path(other)).status_code == 200
    assert as_(chair).put(path(other), json=plan()).status_code == 403


@pytest.mark.parametrize("unknown", [0, 999_999, 10**30])
def test_a_unit_that_is_not_there(as_, district, unknown):
    admin = as_(district.staff(Role.ADMIN))

    for answer in (admin.get(path(unknown)), admin.put(path(unknown), json=plan())):
        assert (answer.status_code, answer.get_json()["code"]) == (404, "unit_not_found")


def changed(**said):
    return lambda who: plan(shift(who, **said))


@pytest.mark.parametrize(
    ("sent", "code", "at"),
    [
        (lambda _: {}, "input_invalid", "from"),
        (lambda _: {"from": "2026-11-24"}, "input_invalid", "shifts"),
        (lambda _: plan(starts="tomorrow"), "input_invalid", "from"),
        (lambda _: plan(starts="2026-11-23"), "duty_in_the_past", None),
        (lambda who: plan(*[shift(who)] * 201), "input_invalid", "shifts"),
        (changed(weekdays=[]), "input_invalid", "shifts.0.weekdays"),
        (changed(weekdays=[0]), "input_invalid", "shifts.0.weekdays.0"),
        (changed(weekdays=[8]), "input_invalid", "shifts.0.weekdays.0"),
        (changed(weekdays=[1] * 8), "input_invalid", "shifts.0.weekdays"),
        (changed(starts="7:30"), "input_invalid", "shifts.0.starts"),
        (changed(ends="24:00"), "input_invalid", "shifts.0.ends"),
        (changed(ends="17:00\n"), "input_invalid", "shifts.0.ends"),
        (changed(person="somebody"), "input_invalid", "shifts.0.person"),
        (changed(person="00000000-0000-0000-0000-000000000001"), "duty_person_unknown", None),
        (changed(note="x"), "input_invalid", "shifts.0.note"),
    ],
)
def test_a_plan_that_is_none_is_refused_and_changes_nothing(as_, session, unit, chair, officer, sent, code, at):
    as_(chair).put(path(unit), json=plan(shift(officer)))

    answer = as_(chair).put(path(unit), json=sent(officer))

    problem = answer.get_json()
    assert (answer.status_code, problem["code"]) == (422, code), problem
    if at is not None:
        assert at in [wrong["at"] for wrong in problem["errors"]]
    assert session.execute(text("select count(*) from duty_shifts")).scalar_one() == 1


def test_the_same_weekday_twice_is_one(as_, unit, chair, officer):
    body = as_(chair).put(path(unit), json=plan(shift(officer, weekdays=[2, 2, 1]))).get_json()

    assert body["shifts"][0]["weekdays"] == [1, 2]


def test_what_is_over_is_not_shown(as_, unit, chair, officer, monkeypatch):
    as_(chair).put(path(unit), json=plan(shift(officer)))
    as_(chair).put(path(unit), json=plan(starts="2026-11-26"))

    monkeypatch.setattr(clock, "now", lambda: NOW + timedelta(days=2))
    body = as_(chair).get(path(unit)).get_json()

    assert (body["shifts"], body["now"]["everybody"]) == ([], True)
