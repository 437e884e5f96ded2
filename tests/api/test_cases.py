"""A unit's cases, open and over: found by number, by what became of them, and by what they still wait for."""

from datetime import UTC, date, datetime, timedelta

import pytest
from sqlalchemy import insert, text

from app.core import clock
from app.core.db import new_id
from app.identity.models import Membership
from app.identity.permissions import Role
from app.reports.sweep import close_due
from district import IN_AN, IN_BINH

NOW = datetime(2026, 11, 23, 3, 0, tzinfo=UTC)
AN, BINH = "90001", "90002"


class Street:
    """Reports in Phường An and Phường Bình, a minute apart, and what their officers do."""

    def __init__(self, as_, district, monkeypatch):
        self.as_, self.district, self._patch = as_, district, monkeypatch
        self.resident = district.resident()
        self.officers = {ward: district.staff(Role.OFFICER, ward) for ward in (AN, BINH)}
        self.chair = district.staff(Role.CHAIR, AN)
        self.at(NOW)

    def at(self, now):
        self.now = now
        self._patch.setattr(clock, "now", lambda: now)

    def sent(self, place=IN_AN) -> dict:
        self.at(self.now + timedelta(minutes=1))
        sent = {"id": str(new_id()), "kind": "EN08", "location": place}
        return self.as_(self.resident).post("/api/v1/reports", json=sent).get_json()

    def move(self, report, to, by=None, **given):
        answer = self.as_(by or self.officers[AN]).post(
            f"/api/v1/reports/{report['id']}/moves", json={"to": to, **given}
        )
        assert answer.status_code == 200, answer.get_json()

    def dealt_with(self, outcome="recorded", place=IN_AN) -> dict:
        report = self.sent(place)
        officer = self.officers[AN if place is IN_AN else BINH]
        self.move(report, "accepted", officer)
        self.move(report, "concluded", officer, outcome=outcome, note="Xong")
        return report

    def decided(self, report, number):
        said = {"number": number, "decided_on": "2026-11-23", "fine_vnd": 1_000_000}
        answer = self.as_(self.chair).post(f"/api/v1/reports/{report['id']}/decisions", json=said)
        assert answer.status_code == 201, answer.get_json()

    def asked(self, actor, query="", **kwargs):
        return self.as_(actor).get(f"/api/v1/cases{query}", **kwargs)

    def numbers(self, actor, query="") -> list[str]:
        answer = self.asked(actor, query)
        assert answer.status_code == 200, answer.get_json()
        return [item["number"] for item in answer.get_json()["items"]]


@pytest.fixture
def street(as_, district, monkeypatch) -> Street:
    return Street(as_, district, monkeypatch)


def test_a_unit_sees_its_own_cases_newest_first(street):
    first, elsewhere, last = street.sent(), street.sent(IN_BINH), street.dealt_with()

    assert street.numbers(street.officers[AN]) == [last["number"], first["number"]]
    assert street.numbers(street.officers[BINH]) == [elsewhere["number"]]


def test_a_leader_sees_every_units(street, district):
    leader = district.staff(Role.LEADER)
    here, there = street.sent(), street.sent(IN_BINH)

    assert street.numbers(leader) == [there["number"], here["number"]]
    assert street.numbers(leader, f"?unit={district.units[AN]}") == [here["number"]]


def test_another_unit_does_not_exist(street, district):
    refused = street.asked(street.officers[AN], f"?unit={district.units[BINH]}")

    assert (refused.status_code, refused.get_json()["code"]) == (404, "unit_not_found")


def test_what_is_no_unit_is_nobodys(street, district):
    for actor in (street.officers[AN], district.staff(Role.LEADER)):
        refused = street.asked(actor, "?unit=0")
        assert (refused.status_code, refused.get_json()["code"]) == (404, "unit_not_found")


def test_an_officer_of_two_units_sees_both_and_may_ask_for_one(street, session, district):
    both = street.officers[AN]
    also = {"person_id": both.person_id, "role": "officer", "unit_id": district.units[BINH]}
    session.execute(insert(Membership).values(**also, valid_from=date(2026, 1, 1)))
    here, there = street.sent(), street.sent(IN_BINH)

    assert street.numbers(both) == [there["number"], here["number"]]
    assert street.numbers(both, f"?unit={district.units[BINH]}") == [there["number"]]


def test_a_case_that_was_handed_over_is_the_other_units(street):
    report = street.sent()
    street.move(report, "received", ward=BINH, reason="Bên kia đường")

    assert street.numbers(street.officers[AN], f"?number={report['number']}") == []
    assert street.numbers(street.officers[BINH], f"?number={report['number']}") == [report["number"]]


def test_a_number_finds_the_case_however_it_is_typed(street):
    report = street.dealt_with()

    assert street.numbers(street.officers[AN], f"?number={report['number']}") == [report["number"]]
    assert street.numbers(street.officers[AN], f"?number=%20{report['number'].lower()}%20") == [report["number"]]
    assert street.numbers(street.officers[BINH], f"?number={report['number']}") == []
    assert street.numbers(street.officers[AN], "?number=BT-0000-0000") == []


def test_over_are_those_with_a_result(street):
    street.sent()
    over = street.dealt_with()
    contested = street.dealt_with()
    street.move(contested, "contested", street.resident, reason="Vẫn còn ồn")

    withdrawn = street.sent()
    street.move(withdrawn, "withdrawn", street.resident)

    assert street.numbers(street.officers[AN], "?over=true") == [over["number"]]


def test_a_closed_case_is_over_and_its_decision_still_waited_for(street, session):
    report = street.dealt_with()
    street.at(street.now + timedelta(days=8))
    close_due(session, street.now)

    (item,) = street.asked(street.officers[AN], "?over=true").get_json()["items"]
    assert item["state"] == "closed"
    assert street.numbers(street.officers[AN], "?undecided=true") == [report["number"]]


def test_undecided_are_the_recorded_ones_without_a_decision_longest_waiting_first(street):
    waiting, decided, later = street.dealt_with(), street.dealt_with(), street.dealt_with()
    street.dealt_with("gone")
    contested = street.dealt_with()
    street.move(contested, "contested", street.resident, reason="Vẫn còn ồn")
    before = street.asked(street.chair, "?undecided=true")
    street.decided(decided, "1/QĐ")

    after = street.asked(street.chair, "?undecided=true")
    assert [item["number"] for item in before.get_json()["items"]] == [
        waiting["number"], decided["number"], later["number"],
    ]  # fmt: skip
    assert [item["number"] for item in after.get_json()["items"]] == [waiting["number"], later["number"]]
    assert before.headers["ETag"] != after.headers["ETag"]


def test_a_case_shows_its_decisions(street):
    report = street.dealt_with()
    street.decided(report, "1/QĐ")

    (item,) = street.asked(street.officers[AN]).get_json()["items"]
    assert (item["fine_vnd"], [one["number"] for one in item["decisions"]]) == (1_000_000, ["1/QĐ"])


def test_a_page_that_shows_a_decision_is_another_than_before_it(street):
    report = street.dealt_with()
    before = street.asked(street.officers[AN], "?over=true").headers["ETag"]
    street.decided(report, "1/QĐ")

    again = street.asked(street.officers[AN], "?over=true", headers={"If-None-Match": before})
    assert (again.status_code, again.get_json()["items"][0]["fine_vnd"]) == (200, 1_000_000)


@pytest.mark.parametrize(("which", "newest_first"), [("", True), ("undecided=true&", False)])
@pytest.mark.parametrize("limit", [1, 2, 3])
def test_pages_neither_lose_nor_repeat_a_case(street, session, which, newest_first, limit):
    """Four were received at the same instant: then the id decides, on whichever page they come to lie."""
    reports = [street.dealt_with() for _ in range(5)]
    same = [report["id"] for report in reports[1:4]]
    session.execute(text("update reports set received_at = :at where id = any(:ids)"), {"at": street.now, "ids": same})
    in_order = [reports[0]["id"], *sorted([*same, reports[4]["id"]])]

    seen, cursor = [], ""
    for _ in range(6):  # and no further, should a cursor lead back
        page = street.asked(street.officers[AN], f"?{which}limit={limit}{cursor}").get_json()
        seen += [item["id"] for item in page["items"]]
        if page["next"] is None:
            break
        cursor = f"&cursor={page['next']}"
    assert seen == (in_order[::-1] if newest_first else in_order)


def test_what_has_not_changed_is_not_sent_again(street):
    street.sent()
    first = street.asked(street.officers[AN])

    again = street.asked(street.officers[AN], headers={"If-None-Match": first.headers["ETag"]})
    assert (again.status_code, again.data) == (304, b"")
    street.sent()
    assert street.asked(street.officers[AN], headers={"If-None-Match": first.headers["ETag"]}).status_code == 200


@pytest.mark.parametrize("packed", ["br", "gzip"])
def test_a_page_that_is_compressed_is_known_again_too(street, packed):
    for _ in range(3):
        street.sent()
    asked = {"Accept-Encoding": packed}
    first = street.asked(street.officers[AN], headers=asked)

    assert first.headers["Content-Encoding"] == packed
    again = street.asked(street.officers[AN], headers={**asked, "If-None-Match": first.headers["ETag"]})
    assert again.status_code == 304


def test_cases_are_for_those_who_handle_or_watch_them(street, district):
    for actor, status in (
        (None, 401),
        (street.resident, 403),
        (district.staff(Role.VOLUNTEER), 403),
        (district.staff(Role.ADMIN), 403),
    ):
        assert street.asked(actor).status_code == status


@pytest.mark.parametrize("query", ["?number=", f"?number={'9' * 31}", "?unit=x", "?cursor=x", "?over=maybe"])
def test_what_cannot_be_asked_is_refused(street, query):
    assert street.asked(street.officers[AN], query).status_code == 422


def test_a_hand_over_names_the_unit_it_went_to(street):
    report = street.sent()
    street.move(report, "received", ward=BINH, reason="Bên kia đường")

    for actor in (street.resident, street.officers[BINH]):
        course = street.as_(actor).get(f"/api/v1/reports/{report['id']}/timeline").get_json()["items"]
        handed = next(entry for entry in course if entry["type"] == "hand_over")
        assert (handed["unit"]["name"], handed["data"]["to_unit_name"]) == ("Phường An", "Phường Bình")


def test_a_tag_is_of_who_looks_and_in_which_language(street, district):
    """Else a browser that several people use would show one what the other may do."""
    report = street.dealt_with()
    pages = {"cases": "/api/v1/cases?over=true", "one": f"/api/v1/reports/{report['id']}", "queue": "/api/v1/queue"}
    for address in pages.values():
        mine = street.as_(street.officers[AN]).get(address).headers["ETag"]
        again = street.as_(street.officers[AN]).get(address, headers={"If-None-Match": mine})
        chair = street.as_(street.chair).get(address, headers={"If-None-Match": mine})
        english = street.as_(street.officers[AN]).get(address, headers={"If-None-Match": mine, "Accept-Language": "en"})
        assert (again.status_code, chair.status_code, english.status_code) == (304, 200, 200), address


def test_a_tag_ends_when_time_takes_something_away(street):
    report = street.sent()
    street.move(report, "accepted")
    address = f"/api/v1/reports/{report['id']}"
    before = street.as_(street.officers[AN]).get(address)
    assert "awaiting_resident" in [move["to"] for move in before.get_json()["moves"]]

    street.at(NOW + timedelta(hours=3))
    after = street.as_(street.officers[AN]).get(address, headers={"If-None-Match": before.headers["ETag"]})
    assert after.status_code == 200
    assert "awaiting_resident" not in [move["to"] for move in after.get_json()["moves"]]


def test_late_are_those_concluded_after_they_were_due_with_the_reason_that_was_asked_for(street, district):
    in_time, late = street.dealt_with(), street.sent()
    street.move(late, "accepted")
    street.at(street.now + timedelta(minutes=121))
    needs = street.asked(street.officers[AN], f"?number={late['number']}").get_json()["items"][0]["moves"]
    assert "late_reason" in next(move["needs"] for move in needs if move["to"] == "concluded")
    street.move(late, "concluded", outcome="gone", note="Hết", late_reason="Mưa lớn")

    assert street.numbers(street.officers[AN], "?late=true") == [late["number"]]
    assert in_time["number"] in street.numbers(street.officers[AN], "?over=true")
    for reader in (street.officers[AN], district.staff(Role.LEADER)):
        assert street.asked(reader, "?late=true").get_json()["items"][0]["late_reason"] == "Mưa lớn"
    # The resident reads it too, as in the course of their report.
    mine = street.as_(street.resident).get(f"/api/v1/reports/{late['id']}").get_json()
    assert mine["late_reason"] == "Mưa lớn"
