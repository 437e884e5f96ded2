"""Webhooks are an administrator's, on record, and go nowhere that is not safe."""

from dataclasses import replace
from datetime import UTC, datetime

import pytest
from sqlalchemy import select, text

from app.core import clock
from app.core.db import new_id
from app.http.container import KEY
from app.identity.permissions import Role
from app.notifications.models import Webhook

NOW = datetime(2026, 11, 23, 3, 0, tzinfo=UTC)
WEBHOOKS = "/api/v1/webhooks"
HOOK = {"url": "https://somebody.example/hook", "topics": ["report.concluded", "report.accepted"]}


@pytest.fixture(autouse=True)
def _at_ten(monkeypatch):
    monkeypatch.setattr(clock, "now", lambda: NOW)


@pytest.fixture
def admin(district):
    return district.staff(Role.ADMIN)


def test_one_is_added_shown_with_its_secret_and_taken_away_on_record(as_, admin, session, district):
    client = as_(admin)
    added = client.post(WEBHOOKS, json={**HOOK, "unit": district.units["90001"]})
    assert added.status_code == 201
    shown = added.get_json()
    assert shown == {
        "id": shown["id"],
        "url": "https://somebody.example/hook",
        "topics": ["report.accepted", "report.concluded"],
        "unit": district.units["90001"],
        "created_at": "2026-11-23T03:00:00+00:00",
        "secret": shown["secret"],
    }
    assert shown["secret"].startswith("whsec_")
    del shown["secret"]  # shown this once
    assert client.get(WEBHOOKS).get_json() == {"items": [shown]}

    assert client.delete(f"{WEBHOOKS}/{shown['id']}").status_code == 204
    assert client.get(WEBHOOKS).get_json() == {"items": []}
    assert client.delete(f"{WEBHOOKS}/{shown['id']}").get_json()["code"] == "webhook_not_found"
    assert client.delete(f"{WEBHOOKS}/{new_id()}").status_code == 404
    trace = session.execute(
        text("select action, actor_id from audit where subject = :subject order by id"),
        {"subject": f"webhook/{shown['id']}"},
    ).all()
    assert [tuple(row) for row in trace] == [("webhook:add", admin.person_id), ("webhook:remove", admin.person_id)]


def test_each_has_a_secret_of_its_own(as_, admin):
    client = as_(admin)
    one, two = client.post(WEBHOOKS, json=HOOK).get_json(), client.post(WEBHOOKS, json=HOOK).get_json()
    assert one["secret"] != two["secret"]


@pytest.mark.parametrize(
    "given",
    [
        {"url": "https://somebody.example/hook"},
        {**HOOK, "topics": []},
        {**HOOK, "topics": ["report.exploded"]},
        {**HOOK, "url": "ftp://somebody.example/hook"},
        {**HOOK, "url": "https://user:password@somebody.example/hook"},
        {**HOOK, "url": "https:///hook"},
        {**HOOK, "url": "https://somebody.example/a b"},
        {**HOOK, "url": "https://somebody.example:99999/"},
        {**HOOK, "url": "https://somebody.example/" + "a" * 2000},
    ],
)
def test_what_is_no_webhook_is_refused(as_, admin, given):
    assert as_(admin).post(WEBHOOKS, json=given).status_code == 422


def test_an_unknown_unit_is_said_to_be(as_, admin):
    assert as_(admin).post(WEBHOOKS, json={**HOOK, "unit": 987654}).get_json()["code"] == "unit_not_found"


def test_in_production_nothing_is_told_in_the_clear(as_, admin, web, monkeypatch):
    clear = {**HOOK, "url": "http://somebody.example/hook"}
    assert as_(admin).post(WEBHOOKS, json=clear).status_code == 201
    container = web.extensions[KEY]
    monkeypatch.setattr(container, "settings", replace(container.settings, env="production"))
    answer = as_(admin).post(WEBHOOKS, json=clear)
    assert (answer.status_code, answer.get_json()["code"]) == (422, "webhook_address")
    assert as_(admin).post(WEBHOOKS, json=HOOK).status_code == 201


def test_there_are_twenty_at_most(as_, admin, session):
    session.add_all(Webhook(id=new_id(), url=HOOK["url"], topics=["report.*"], created_at=NOW) for _ in range(20))
    session.flush()
    answer = as_(admin).post(WEBHOOKS, json=HOOK)
    assert (answer.status_code, answer.get_json()["code"]) == (409, "too_many_webhooks")
    assert len(session.scalars(select(Webhook)).all()) == 20


def test_nobody_else_sees_them(as_, district):
    for actor in (
        None,
        district.resident(),
        district.staff(Role.CHAIR, "90001"),
        district.staff(Role.LEADER),
        district.staff(Role.DISPATCHER, "desk"),
    ):
        client = as_(actor)
        expected = 401 if actor is None else 403
        assert client.get(WEBHOOKS).status_code == expected
        assert client.post(WEBHOOKS, json=HOOK).status_code == expected
        assert client.delete(f"{WEBHOOKS}/{new_id()}").status_code == expected
