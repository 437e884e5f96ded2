"""Whose cases a queue shows: a unit's to its people, every unit's to a leader, those past due when asked for."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import pytest
from sqlalchemy import insert, text

from app.core import clock
from app.core.db import new_id
from app.http.container import KEY
from app.identity.errors import TokenExpired
from app.identity.models import Membership
from app.identity.permissions import Role
from district import IN_AN, IN_BINH

NOW = datetime(2026, 11, 23, 3, 0, tzinfo=UTC)
DUE = NOW + timedelta(hours=2)
QUEUE = "/api/v1/queue"


@pytest.fixture
def at(monkeypatch):
    """Sets the clock."""

    def set_to(instant: datetime) -> None:
        monkeypatch.setattr(clock, "now", lambda: instant)

    set_to(NOW)
    return set_to


@pytest.fixture
def report(as_, district, at):
    """Sends a report, to be due two hours after an instant, and tells its id."""

    def send(place=IN_AN, *, received=NOW, **said) -> str:
        at(received)
        sent = {"id": str(new_id()), "kind": "EN08", "location": place, **said}
        assert as_(district.resident()).post("/api/v1/reports", json=sent).status_code == 201
        at(NOW)
        return sent["id"]

    return send


def shown(client, **asked) -> list[str]:
    answer = client.get(QUEUE, query_string=asked)
    assert answer.status_code == 200, answer.get_json()
    return [item["id"] for item in answer.get_json()["items"]]


def refused(client, **asked) -> tuple[int, str]:
    answer = client.get(QUEUE, query_string=asked)
    return answer.status_code, answer.get_json()["code"]


def move(client, report_id, to, **given):
    answer = client.post(f"/api/v1/reports/{report_id}/moves", json={"to": to, **given})
    assert answer.status_code == 200, answer.get_json()


def test_the_queue_names_where_its_news_are_told_to_whoever_asks(as_, district, web, at):
    known, officer = web.extensions[KEY], district.staff(Role.OFFICER, "90001")
    assert as_(officer).get(QUEUE).get_json()["links"] == {"live": None}
    known.settings, before = replace(known.settings, live_url="https://haigio.example/live"), known.settings
    try:
        address = as_(officer).get(QUEUE).get_json()["links"]["live"]
    finally:
        known.settings = before

    where, _, ticket = address.partition("?ticket=")
    assert where == "https://haigio.example/live"
    read = known.tickets.read(ticket, now=NOW + timedelta(seconds=119))
    assert (read.person_id, read.session_id) == (officer.person_id, officer.session_id)
    with pytest.raises(TokenExpired):
        known.tickets.read(ticket, now=NOW + timedelta(minutes=2))


def test_a_leader_sees_the_open_cases_of_every_unit_by_due_time_and_moves_none(as_, district, report):
    second, first = report(IN_AN, received=NOW), report(IN_BINH, received=NOW - timedelta(minutes=5))
    done = report(IN_AN)
    officer = as_(district.staff(Role.OFFICER, "90001"))
    move(officer, done, "accepted")
    move(officer, done, "concluded", outcome="gone", note="Không còn")

    page = as_(district.staff(Role.LEADER)).get(QUEUE).get_json()

    assert [item["id"] for item in page["items"]] == [first, second]
    assert [item["unit"]["id"] for item in page["items"]] == [district.units["90002"], district.units["90001"]]
    assert [item["moves"] for item in page["items"]] == [[], []]


def test_a_leader_turns_pages_and_is_told_that_nothing_changed(as_, district, report):
    made = [report(place, received=NOW - timedelta(minutes=minute)) for place, minute in ((IN_AN, 9), (IN_BINH, 5))]
    leader = as_(district.staff(Role.LEADER))

    first = leader.get(QUEUE, query_string={"limit": 1})
    rest = leader.get(QUEUE, query_string={"limit": 1, "cursor": first.get_json()["next"]}).get_json()
    again = leader.get(QUEUE, query_string={"limit": 1}, headers={"If-None-Match": first.headers["ETag"]})

    assert [first.get_json()["items"][0]["id"], rest["items"][0]["id"], rest["next"]] == [*made, None]
    assert again.status_code == 304


def test_a_leader_asks_for_one_unit_and_an_officer_for_one_of_theirs(as_, session, district, report):
    in_an, in_binh = report(IN_AN), report(IN_BINH)
    an, binh, chau = (district.units[code] for code in ("90001", "90002", "90003"))
    leader, officer = as_(district.staff(Role.LEADER)), district.staff(Role.OFFICER, "90001")

    assert shown(leader, unit=an) == [in_an]
    assert shown(leader, unit=chau) == []
    assert shown(as_(officer), unit=an) == shown(as_(officer)) == [in_an]
    assert refused(as_(officer), unit=binh) == (404, "unit_not_found")

    also = {"person_id": officer.person_id, "role": "officer", "unit_id": binh}
    session.execute(insert(Membership).values(**also, valid_from=date(2026, 1, 1)))
    assert sorted(shown(as_(officer))) == sorted([in_an, in_binh])
    assert shown(as_(officer), unit=binh) == [in_binh]


def test_an_officer_who_is_a_leader_too_sees_all_and_still_moves_their_own(as_, session, district, report):
    in_an, in_binh = report(IN_AN), report(IN_BINH)
    both = district.staff(Role.OFFICER, "90001")
    session.execute(insert(Membership).values(person_id=both.person_id, role="leader", valid_from=date(2026, 1, 1)))

    page = as_(both).get(QUEUE).get_json()

    moves = {item["id"]: [move["to"] for move in item["moves"]] for item in page["items"]}
    assert moves == {in_an: ["accepted", "received"], in_binh: []}
    assert shown(as_(both), unit=district.units["90002"]) == [in_binh]


def test_what_is_no_unit_is_nobodys_queue(as_, district):
    for actor in (district.staff(Role.LEADER), district.staff(Role.OFFICER, "90001")):
        for unit in (0, -1, 10**30):
            assert refused(as_(actor), unit=unit) == (404, "unit_not_found")
        assert refused(as_(actor), unit="an") == (422, "input_invalid")
        assert refused(as_(actor), overdue="later") == (422, "input_invalid")


@pytest.mark.parametrize("role", [Role.ADMIN, Role.VOLUNTEER, None])
def test_a_queue_is_for_those_who_deal_with_cases_or_watch(as_, district, role):
    actor = district.resident() if role is None else district.staff(role)
    assert refused(as_(actor)) == (403, "not_permitted")
    assert refused(as_()) == (401, "not_signed_in")


def test_the_due_instant_itself_is_still_on_time(as_, district, report, at):
    report_id = report(received=NOW)
    later = report(received=NOW + timedelta(minutes=1))
    for actor in (district.staff(Role.OFFICER, "90001"), district.staff(Role.LEADER)):
        at(DUE)
        assert shown(as_(actor), overdue="true") == []
        assert shown(as_(actor), overdue="false") == [report_id, later]
        at(DUE + timedelta(microseconds=1))
        assert shown(as_(actor), overdue="true") == [report_id]
        assert shown(as_(actor), overdue="true", unit=district.units["90001"]) == [report_id]
        assert shown(as_(actor), overdue="true", state="accepted") == []


def test_a_clock_that_stands_still_does_not_run_out(as_, district, report, at):
    report_id = report(received=NOW)
    officer, leader = as_(district.staff(Role.OFFICER, "90001")), district.staff(Role.LEADER)
    move(officer, report_id, "accepted")
    move(officer, report_id, "awaiting_resident", question="Số nhà?")

    at(DUE + timedelta(hours=1))

    assert shown(as_(leader), overdue="true") == []
    assert shown(as_(leader)) == [report_id]


def test_the_desks_queue_has_what_it_reviews_for_whoever_reviews_or_watches(as_, session, district, report):
    contested, own = report(IN_AN), report(IN_BINH, about_unit=True)
    session.execute(
        text("update reports set state = 'contested', review_by_desk = true, contests = 1 where id = :id"),
        {"id": contested},
    )
    desk, dispatcher = district.units["desk"], district.staff(Role.DISPATCHER, "desk")

    for actor in (dispatcher, district.staff(Role.LEADER)):
        assert sorted(shown(as_(actor), unit=desk)) == sorted([contested, own])
    assert sorted(shown(as_(dispatcher))) == sorted([contested, own])
    assert shown(as_(district.staff(Role.OFFICER, "desk"))) == [own]
    assert refused(as_(dispatcher), unit=district.units["90001"]) == (404, "unit_not_found")
