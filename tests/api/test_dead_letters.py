"""Administrators look after what was given up; nobody else does."""

from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import select

from app.core import clock, outbox
from app.core.audit import AuditEntry
from app.core.outbox import OutboxMessage
from app.identity.permissions import Role

NOW = datetime(2026, 11, 23, 3, 0, tzinfo=UTC)
LETTERS = "/api/v1/dead-letters"


@pytest.fixture(autouse=True)
def _at_ten(monkeypatch):
    monkeypatch.setattr(clock, "now", lambda: NOW)


@pytest.fixture
def admin(district):
    return district.staff(Role.ADMIN)


@pytest.fixture
def given_up(session):
    """Promises something and gives it up, so many minutes ago; tells its number."""

    def make(ago=0, topic="notice.text", why="Refused") -> int:
        at = NOW - timedelta(minutes=ago)
        outbox.emit(session, topic, {"notification_id": "n1"}, at=at - timedelta(hours=1))
        message = session.scalars(select(OutboxMessage).order_by(OutboxMessage.id.desc()).limit(1)).one()
        outbox.mark_sent(session, [message.id], at=at)
        outbox.give_up(session, message.id, why, at=at)
        session.refresh(message)
        return message.id

    return make


def test_it_shows_what_when_how_often_and_why(as_, admin, given_up):
    id_ = given_up()
    page = as_(admin).get(LETTERS).get_json()
    assert page["items"] == [
        {
            "id": id_,
            "topic": "notice.text",
            "payload": {"notification_id": "n1"},
            "at": "2026-11-23T02:00:00+00:00",
            "sends": 1,
            "failed": "Refused",
            "given_up_at": "2026-11-23T03:00:00+00:00",
        }
    ]
    assert page["next"] is None


def test_pages_go_from_the_last_to_the_first_without_a_gap(as_, admin, given_up):
    ids = [given_up(ago) for ago in (3, 2, 2, 1)]
    client, seen, cursor = as_(admin), [], None
    while True:
        asked = {"limit": 1} | ({"cursor": cursor} if cursor else {})
        page = client.get(LETTERS, query_string=asked).get_json()
        seen += [item["id"] for item in page["items"]]
        cursor = page["next"]
        if not cursor:
            break
    assert seen == ids[::-1]


def test_one_topic_alone_can_be_asked_for(as_, admin, given_up):
    given_up(topic="notice.email")
    wanted = given_up(topic="webhook.call")
    items = as_(admin).get(LETTERS, query_string={"topic": "webhook.call"}).get_json()["items"]
    assert [item["id"] for item in items] == [wanted]


def test_tried_again_it_waits_for_the_relay_and_no_more_for_a_person(as_, admin, given_up, session):
    id_, client = given_up(), as_(admin)
    assert client.post(f"{LETTERS}/{id_}/retry").status_code == 204
    assert client.get(LETTERS).get_json()["items"] == []
    assert [message.id for message in outbox.unsent(session, ["notice.text"], 5, now=NOW)] == [id_]
    again = client.post(f"{LETTERS}/{id_}/retry")
    assert (again.status_code, again.get_json()["code"]) == (404, "dead_letter_not_found")


def test_dropped_it_is_done_and_who_did_it_is_on_record(as_, admin, given_up, session):
    id_, client = given_up(), as_(admin)
    assert client.delete(f"{LETTERS}/{id_}").status_code == 204
    assert session.scalar(select(OutboxMessage.done_at).where(OutboxMessage.id == id_)) == NOW
    left = session.scalars(select(AuditEntry).where(AuditEntry.action == "dead_letter:drop")).one()
    assert (left.actor_id, left.subject) == (admin.person_id, f"outbox/{id_}")
    again = client.delete(f"{LETTERS}/{id_}")
    assert (again.status_code, again.get_json()["code"]) == (404, "dead_letter_not_found")


@pytest.mark.parametrize("number", ["0", "-1", "x", str(2**63 - 1), str(2**63), "9" * 40])
def test_a_number_that_is_none_of_ours_is_not_found(as_, admin, number):
    client = as_(admin)
    assert client.delete(f"{LETTERS}/{number}").status_code == 404
    assert client.post(f"{LETTERS}/{number}/retry").status_code == 404


def test_a_cursor_of_another_list_or_of_nobody_is_refused(as_, admin):
    answer = as_(admin).get(LETTERS, query_string={"cursor": "bm9uc2Vuc2U"})
    assert (answer.status_code, answer.get_json()["code"]) == (422, "cursor_invalid")
    # That of a list whose items have ids of 128 bits.
    elsewhere = as_(admin).get(
        LETTERS,
        query_string={
            "cursor": "WyIyMDI2LTExLTIzVDAzOjAwOjAwKzAwOjAwIiwiMDE5M2Y1YzAtMDAwMC03MDAwLTgwMDAtMDAwMDAwMDAwMDAwIl0"
        },
    )
    assert (elsewhere.status_code, elsewhere.get_json()["code"]) == (422, "invalid")


@pytest.mark.parametrize(
    ("role", "status"),
    [(Role.ADMIN, 200), (Role.LEADER, 403), (Role.DISPATCHER, 403), (Role.CHAIR, 403), (Role.OFFICER, 403)],
)
def test_nobody_but_an_administrator_sees_any(as_, district, given_up, role, status):
    given_up()
    unit = {Role.CHAIR: "90001", Role.OFFICER: "90001", Role.DISPATCHER: "desk"}.get(role)
    client = as_(district.staff(role, unit))
    assert client.get(LETTERS).status_code == status


def test_a_resident_and_a_stranger_can_do_nothing_to_them(as_, district, given_up):
    id_ = given_up()
    for client, status in ((as_(district.resident()), 403), (as_(), 401)):
        assert client.get(LETTERS).status_code == status
        assert client.post(f"{LETTERS}/{id_}/retry").status_code == status
        assert client.delete(f"{LETTERS}/{id_}").status_code == status
