"""To whom a case could be handed, and to whom it could be assigned."""

from datetime import UTC, date, datetime, timedelta

import pytest
from sqlalchemy import insert, text, update

from app.core import clock
from app.identity.models import Membership, Person, Staff
from app.identity.permissions import Role
from app.routing.models import Unit

NOW = datetime(2026, 11, 23, 3, 0, tzinfo=UTC)


@pytest.fixture(autouse=True)
def _at_noon(monkeypatch):
    monkeypatch.setattr(clock, "now", lambda: NOW)


def units(client) -> list[str]:
    return [unit["name"] for unit in client.get("/api/v1/units").get_json()["items"]]


def members(client, unit_id):
    return client.get(f"/api/v1/units/{unit_id}/members")


def test_wards_in_the_order_of_the_alphabet_then_teams_then_the_desk(as_, session, district):
    session.execute(insert(Unit).values(city_id=1, kind="team", code="green", name="Đội môi trường"))

    answer = as_(district.staff(Role.OFFICER, "90001")).get("/api/v1/units").get_json()

    assert [(unit["kind"], unit["code"], unit["name"]) for unit in answer["items"]] == [
        ("ward", "90001", "Phường An"),
        ("ward", "90002", "Phường Bình"),
        ("ward", "90003", "Phường Châu"),
        ("team", "green", "Đội môi trường"),
        ("desk", "desk", "Tổ điều phối thành phố"),
    ]
    assert answer["items"][0]["id"] == district.units["90001"]


def test_a_ward_that_has_ended_takes_no_case_from_the_local_day_on(as_, session, district, monkeypatch):
    session.execute(text("update ward_versions set valid_to = '2026-11-24' where code = '90002'"))
    officer = district.staff(Role.OFFICER, "90001")
    last = datetime(2026, 11, 23, 16, 59, 59, tzinfo=UTC)  # still 23 November in Viet Nam

    monkeypatch.setattr(clock, "now", lambda: last)
    assert "Phường Bình" in units(as_(officer))
    monkeypatch.setattr(clock, "now", lambda: last + timedelta(seconds=1))
    assert "Phường Bình" not in units(as_(officer))


@pytest.mark.parametrize(
    ("role", "unit", "status"),
    [
        (Role.OFFICER, "90001", 200),
        (Role.CHAIR, "90001", 200),
        (Role.DISPATCHER, "desk", 200),
        (Role.LEADER, None, 200),
        (Role.VOLUNTEER, None, 403),
        (Role.ADMIN, None, 403),
    ],
)
def test_units_are_for_those_who_read_a_queue(as_, district, role, unit, status):
    assert as_(district.staff(role, unit)).get("/api/v1/units").status_code == status


def test_units_are_for_no_resident(as_, district):
    assert as_(district.resident()).get("/api/v1/units").status_code == 403
    assert as_().get("/api/v1/units").status_code == 401


def named(session, actor, name):
    session.execute(update(Staff).where(Staff.person_id == actor.person_id).values(name=name))
    return {"id": str(actor.person_id), "name": name}


def test_colleagues_by_given_name_each_once(as_, session, district):
    officer, chair = district.staff(Role.OFFICER, "90001"), district.staff(Role.CHAIR, "90001")
    district.staff(Role.OFFICER, "90002")
    binh, an = named(session, officer, "Đỗ Thị Bình"), named(session, chair, "Trần Văn An")
    also = {"person_id": chair.person_id, "role": "officer", "unit_id": district.units["90001"]}
    session.execute(insert(Membership).values(**also, valid_from=date(2026, 1, 1)))

    answer = members(as_(officer), district.units["90001"])

    assert answer.get_json() == {"items": [{**an, "roles": ["officer", "chair"]}, {**binh, "roles": ["officer"]}]}


def test_only_whoever_works_there_on_the_local_day_and_can_sign_in(as_, session, district):
    unit, officer = district.units["90001"], district.staff(Role.OFFICER, "90001")
    gone, disabled = district.staff(Role.OFFICER, "90001"), district.staff(Role.OFFICER, "90001")
    district.staff(Role.OFFICER, "90001", since=date(2026, 11, 24))
    session.execute(
        update(Membership).where(Membership.person_id == gone.person_id).values(valid_to=date(2026, 11, 23))
    )
    session.execute(update(Person).where(Person.id == disabled.person_id).values(disabled_at=NOW))

    answer = members(as_(officer), unit).get_json()

    assert [one["id"] for one in answer["items"]] == [str(officer.person_id)]


def test_another_units_colleagues_do_not_exist(as_, district):
    unit, desk = district.units["90001"], district.units["desk"]
    for actor in (district.staff(Role.OFFICER, "90002"), district.staff(Role.DISPATCHER, "desk")):
        for elsewhere in (unit, 0, 10**30):
            answer = members(as_(actor), elsewhere)
            assert (answer.status_code, answer.get_json()["code"]) == (404, "unit_not_found")
    assert members(as_(district.staff(Role.DISPATCHER, "desk")), desk).status_code == 200
    for actor in (district.staff(Role.LEADER), district.staff(Role.ADMIN), district.resident()):
        assert members(as_(actor), unit).status_code == 403
    assert members(as_(), unit).status_code == 401


def test_whoever_is_on_the_list_can_be_given_a_case_and_nobody_else(as_, session, district):
    chair, disabled = district.staff(Role.CHAIR, "90001"), district.staff(Role.OFFICER, "90001")
    session.execute(update(Person).where(Person.id == disabled.person_id).values(disabled_at=NOW))
    sent = {"id": "01932f5e-0000-7000-8000-000000000001", "kind": "SW01", "location": {"lat": 10.805, "lon": 106.705}}
    assert as_(district.resident()).post("/api/v1/reports", json=sent).status_code == 201

    def assigned(person_id) -> int:
        said = {"type": "assign", "assignee": str(person_id)}
        return as_(chair).post(f"/api/v1/reports/{sent['id']}/entries", json=said).status_code

    assert assigned(chair.person_id) == 200
    assert assigned(disabled.person_id) == 422
    assert assigned(district.staff(Role.OFFICER, "90002").person_id) == 422
