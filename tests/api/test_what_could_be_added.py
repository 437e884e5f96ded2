"""A report's `entries`: what could be added to it now, and that this is what adding asks for."""

from datetime import UTC, date, datetime

import pytest
from sqlalchemy import insert

from app.core import clock
from app.core.db import new_id
from app.identity.models import Membership
from app.identity.permissions import Role
from district import IN_AN

NOW = datetime(2026, 11, 23, 3, 0, tzinfo=UTC)
OFFICERS = {"assign": ["assignee"], "correct": ["reason"], "note": ["text"], "message": ["text"]}


class Case:
    """A report in Phường An and whoever looks at it."""

    def __init__(self, as_, district):
        self.as_, self.resident = as_, district.resident()
        self.officer = district.staff(Role.OFFICER, "90001")
        sent = {"id": str(new_id()), "kind": "EN08", "location": IN_AN}
        answer = as_(self.resident).post("/api/v1/reports", json=sent)
        self.first, self.url = answer.get_json(), f"/api/v1/reports/{sent['id']}"

    def entries(self, actor) -> dict[str, list[str]]:
        shown = self.as_(actor).get(self.url).get_json()
        return {entry["type"]: entry["needs"] for entry in shown["entries"]}

    def move(self, to, by=None, **given):
        answer = self.as_(by or self.officer).post(f"{self.url}/moves", json={"to": to, **given})
        assert answer.status_code == 200, answer.get_json()

    def add(self, actor, type_, **given) -> tuple[int, str | None]:
        answer = self.as_(actor).post(f"{self.url}/entries", json={"type": type_, **given})
        return answer.status_code, answer.get_json().get("code")


@pytest.fixture
def case(as_, district, monkeypatch) -> Case:
    monkeypatch.setattr(clock, "now", lambda: NOW)
    return Case(as_, district)


def test_each_to_their_part(case, district):
    assert case.first["entries"] == [{"type": "add", "needs": []}]
    assert case.entries(case.resident) == {"add": []}
    assert case.entries(case.officer) == OFFICERS
    assert case.entries(district.staff(Role.CHAIR, "90001")) == OFFICERS
    assert case.entries(district.staff(Role.LEADER)) == {"instruct": ["text"]}


def test_the_queue_says_it_too(case, as_, district):
    for actor, types in ((case.officer, list(OFFICERS)), (district.staff(Role.LEADER), ["instruct"])):
        item = as_(actor).get("/api/v1/queue").get_json()["items"][0]
        assert [entry["type"] for entry in item["entries"]] == types


def test_each_state_has_its_own(case):
    case.move("accepted")
    case.move("awaiting_resident", question="Số nhà?")
    assert case.entries(case.officer) == {name: needs for name, needs in OFFICERS.items() if name != "correct"}
    case.move("accepted", by=case.resident, answer="Số 12")
    case.move("concluded", outcome="gone", note="Không còn")
    assert case.entries(case.officer) == {"note": ["text"], "message": ["text"], "withhold": ["reason"]}
    assert case.entries(case.resident) == {"rate": ["stars"]}
    case.move("contested", by=case.resident, reason="Vẫn ồn")
    assert case.entries(case.officer) == {name: needs for name, needs in OFFICERS.items() if name != "correct"}


def test_nothing_is_added_to_what_was_withdrawn(case):
    case.move("withdrawn", by=case.resident)
    assert case.entries(case.officer) == case.entries(case.resident) == {}


def test_a_case_is_assigned_while_it_is_nobodys_or_ones_own_and_by_the_chair(case, district):
    colleague, chair = district.staff(Role.OFFICER, "90001"), district.staff(Role.CHAIR, "90001")
    assert all("assign" in case.entries(actor) for actor in (case.officer, colleague, chair))

    case.move("accepted")  # and so it is the officer's

    assert ["assign" in case.entries(actor) for actor in (case.officer, colleague, chair)] == [True, False, True]
    to_me = {"assignee": str(colleague.person_id)}
    assert case.add(colleague, "assign", **to_me) == (403, "not_permitted")
    assert case.add(case.officer, "assign", **to_me) == (200, None)
    assert case.add(case.officer, "assign", **to_me) == (403, "not_permitted")


def test_the_chair_of_another_unit_takes_no_case_from_a_colleague(case, session, district):
    both = district.staff(Role.CHAIR, "90002")
    here = {"person_id": both.person_id, "role": "officer", "unit_id": district.units["90001"]}
    session.execute(insert(Membership).values(**here, valid_from=date(2026, 1, 1)))
    case.move("accepted")

    assert "assign" not in case.entries(both)
    assert case.add(both, "assign", assignee=str(both.person_id)) == (403, "not_permitted")


def test_what_an_entry_needs_is_asked_for(case, district):
    case.move("accepted")
    leader = district.staff(Role.LEADER)
    asked = {case.officer: OFFICERS, leader: {"instruct": ["text"]}}
    for actor, entries in asked.items():
        for type_, needs in entries.items():
            answer = case.as_(actor).post(f"{case.url}/entries", json={"type": type_}).get_json()
            assert (answer["status"], answer["code"]) == (422, "required"), type_
            assert [error["at"] for error in answer["errors"]] == needs
    case.move("concluded", outcome="gone", note="Không còn")
    answer = case.as_(case.resident).post(f"{case.url}/entries", json={"type": "rate"}).get_json()
    assert [error["at"] for error in answer["errors"]] == ["stars"]


EVERY = {"assign", "correct", "note", "message", "add", "instruct", "rate", "withhold", "publish"}


def test_what_is_not_on_the_list_is_refused(case, district):
    given = {"text": "x", "stars": 5, "reason": "x", "assignee": str(case.officer.person_id)}
    for actor in (case.resident, case.officer, district.staff(Role.LEADER)):
        for type_ in EVERY - case.entries(actor).keys():
            assert case.add(actor, type_, **given)[0] in {403, 409}, type_
