"""Where a page may go from a report, by whom and when; how it was rated, and which report it repeats."""

from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import event, text

from app.core import clock
from app.core.db import new_id
from app.identity.permissions import Role
from district import IN_AN

NOW = datetime(2026, 11, 23, 3, 0, tzinfo=UTC)
DECISION = {"number": "145/QĐ-XPHC", "decided_on": "2026-11-23", "fine_vnd": 2_500_000}


class Case:
    """Reports in Phường An, and moves with little writing."""

    def __init__(self, as_, district):
        self.as_, self.resident = as_, district.resident()
        self.officer, self.chair = district.staff(Role.OFFICER, "90001"), district.staff(Role.CHAIR, "90001")
        self.url = self.sent()

    def sent(self, **said) -> str:
        sent = {"id": str(new_id()), "kind": "EN08", "location": IN_AN, **said}
        self.answered = self.as_(self.resident).post("/api/v1/reports", json=sent)
        assert self.answered.status_code == 201
        return f"/api/v1/reports/{sent['id']}"

    def seen(self, actor) -> dict:
        answer = self.as_(actor).get(self.url)
        assert answer.status_code == 200
        return answer.get_json()

    def links(self, actor) -> dict[str, str | None]:
        return self.seen(actor)["links"]

    def move(self, to, by=None, **given):
        answer = self.as_(by or self.officer).post(f"{self.url}/moves", json={"to": to, **given})
        assert answer.status_code == 200, answer.get_json()
        return answer.get_json()

    def rate(self, stars, **given):
        said = {"type": "rate", "stars": stars, **given}
        answer = self.as_(self.resident).post(f"{self.url}/entries", json=said)
        assert answer.status_code == 200
        return answer.get_json()


@pytest.fixture
def case(as_, district, monkeypatch) -> Case:
    monkeypatch.setattr(clock, "now", lambda: NOW)
    return Case(as_, district)


def test_decisions_are_entered_by_the_chair_while_the_violation_is_on_record(case, district):
    colleague = district.staff(Role.CHAIR, "90001")

    def entering() -> list[bool]:
        could = [case.links(actor)["decisions"] for actor in (case.officer, case.chair, case.resident)]
        assert {address for address in could if address} <= {f"{case.url}/decisions"}
        return [address is not None for address in could]

    assert entering() == [False, False, False]
    case.move("accepted")
    case.move("concluded", outcome="recorded", note="Lập biên bản")
    assert entering() == [False, True, False]
    assert case.as_(case.chair).post(case.links(case.chair)["decisions"], json=DECISION).status_code == 201
    assert entering() == [False, True, False]
    case.move("contested", by=case.resident, reason="Không đúng chỗ")
    assert entering() == [False, False, False]
    refused = case.as_(case.chair).post(f"{case.url}/decisions", json={**DECISION, "number": "146/QĐ-XPHC"})
    assert (refused.status_code, refused.get_json()["code"]) == (409, "case_not_recorded")
    case.move("concluded", by=colleague, outcome="gone", note="Không còn")
    assert entering() == [False, False, False]


def test_colleagues_are_listed_for_the_holding_unit(case, district):
    members = f"/api/v1/units/{district.units['90001']}/members"

    assert case.links(case.officer)["members"] == case.links(case.chair)["members"] == members
    assert case.as_(case.officer).get(members).status_code == 200
    assert case.links(case.resident)["members"] is None
    assert case.links(district.staff(Role.LEADER))["members"] is None


def test_the_desk_may_ask_who_reported_unless_it_was_anonymous(case, district):
    dispatcher = district.staff(Role.DISPATCHER, "desk")
    case.url = case.sent(about_unit=True)
    assert case.links(dispatcher)["author"] == f"{case.url}/author"
    assert case.as_(dispatcher).post(f"{case.url}/author", json={"reason": "Xác minh"}).status_code == 200
    for actor in (case.resident, district.staff(Role.LEADER), district.staff(Role.OFFICER, "desk")):
        assert case.links(actor)["author"] is None

    case.url = case.sent(about_unit=True, anonymous=True)
    assert case.links(dispatcher)["author"] is None


def test_a_reviewer_at_the_desk_is_not_shown_the_colleagues_of_the_unit(case, session, district):
    dispatcher = district.staff(Role.DISPATCHER, "desk")
    session.execute(text("update reports set state = 'contested', review_by_desk = true, contests = 1"))

    links = case.links(dispatcher)

    assert (links["members"], links["decisions"], links["author"]) == (None, None, f"{case.url}/author")


def test_the_latest_rating_is_shown_to_whoever_reads_the_report(case, session, district, monkeypatch):
    assert case.answered.get_json()["rating"] is None
    case.move("accepted")
    assert case.move("concluded", outcome="gone", note="Không còn")["rating"] is None
    assert case.rate(2)["rating"] == {"stars": 2, "text": None, "at": NOW.isoformat()}
    later = NOW + timedelta(minutes=5)
    monkeypatch.setattr(clock, "now", lambda: later)
    case.rate(5, text="Nhanh")

    for actor in (case.resident, case.officer, district.staff(Role.LEADER)):
        assert case.seen(actor)["rating"] == {"stars": 5, "text": "Nhanh", "at": later.isoformat()}
    session.execute(text("update timeline_texts set texts = null, erased_at = now()"))
    assert case.seen(case.officer)["rating"] == {"stars": 5, "text": None, "at": later.isoformat()}


def test_a_duplicate_tells_the_number_of_the_report_that_it_repeats(case):
    first, number = case.url, case.answered.get_json()["number"]
    assert case.seen(case.officer)["original_number"] is None
    case.url = case.sent()
    assert case.answered.get_json()["original_number"] is None
    case.move("accepted")

    concluded = case.move("concluded", outcome="duplicate", note="Đã có tin", original=number)

    assert concluded["original_number"] == case.seen(case.resident)["original_number"] == number
    assert first.endswith(concluded["original"])


def test_somebody_elses_original_has_no_number_for_who_sent_the_duplicate(case, district):
    number = case.answered.get_json()["number"]
    case.resident = district.resident()
    case.url = case.sent()
    case.move("accepted")
    case.move("concluded", outcome="duplicate", note="Đã có tin", original=number)

    assert case.seen(case.officer)["original_number"] == number
    assert case.seen(case.resident)["original_number"] is None


def test_no_list_looks_them_up(case, connection):
    for _ in range(3):
        case.sent()
    run: list[str] = []
    event.listen(connection, "before_cursor_execute", lambda *a: run.append(a[2]))

    item = case.as_(case.officer).get("/api/v1/queue").get_json()["items"][0]

    assert not {"rating", "original_number"} & item.keys()
    assert sum("FROM reports" in statement for statement in run) == 1
    assert not any("timeline" in statement for statement in run)
