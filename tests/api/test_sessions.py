"""Signing in, staying and leaving over HTTP, and what somebody may read and change about themselves."""

from datetime import datetime, timedelta

import pytest
from sqlalchemy import func, select, update

from app.core import clock
from app.core.audit import AuditEntry
from app.identity import actions
from app.identity.models import Consent, OtpChallenge, SignIn, SignInFailure, Staff
from app.identity.permissions import Role

API = "/api/v1"
PASSWORD = "đường Lê Quang Định"


@pytest.fixture
def client(as_):
    return as_()


def ask(client, phone="0912 345 678", **kwargs):
    return client.post(f"{API}/sessions/otp", json={"phone": phone}, **kwargs)


def answer(client, asked, code=None):
    body = {"challenge_id": asked.json["challenge_id"], "code": code or asked.json["dev_code"]}
    return client.post(f"{API}/sessions", json=body)


def wrong(asked):
    return "000000" if asked.json["dev_code"] != "000000" else "000001"


def enter(client, password=PASSWORD, **more):
    return client.post(f"{API}/staff/sessions", json={"username": "lan", "password": password, **more})


def bearer(signed_in):
    return {"Authorization": f"Bearer {signed_in.json['access_token']}"}


def get_me(client, signed_in):
    return client.get(f"{API}/me", headers=bearer(signed_in)).json


def hire(session, *memberships):
    return actions.register_staff(
        session, username="lan", name="Lan", password=PASSWORD, memberships=memberships, now=clock.now()
    )


def refresh(client, token):
    return client.post(f"{API}/sessions/refresh", json={"refresh_token": token})


def test_a_resident_comes_in_by_a_code(client):
    asked = ask(client)
    assert asked.status_code == 202
    assert set(asked.json) == {"challenge_id", "expires_at", "resend_at", "dev_code"}
    expires, resend = (datetime.fromisoformat(asked.json[name]) for name in ("expires_at", "resend_at"))
    assert expires - resend == timedelta(minutes=4)
    signed_in = answer(client, asked)
    assert signed_in.status_code == 201
    assert set(signed_in.json) == {"access_token", "refresh_token", "expires_in", "person"}
    assert signed_in.json["expires_in"] == 900
    me = client.get(f"{API}/me", headers=bearer(signed_in)).json
    assert {name: me[name] for name in ("id", "role", "units")} == signed_in.json["person"]
    assert (me["role"], me["units"], me["phone"]) == ("resident", [], "+84912345678")


def test_the_answer_is_the_same_for_a_number_that_is_known(client, session):
    actions.resident_of(session, "0987654321", now=clock.now())
    known, unknown = ask(client, "0987654321"), ask(client, "0987654322")
    assert known.status_code == unknown.status_code == 202
    assert known.json.keys() == unknown.json.keys()


def test_in_production_no_code_is_shown(client, web, monkeypatch):
    container = web.extensions["haigio"]
    monkeypatch.setattr(type(container.settings), "shows_codes", False)
    assert "dev_code" not in ask(client).json


def test_a_refused_code_is_a_try_that_counts(client, session):
    asked = ask(client)
    refused = answer(client, asked, wrong(asked))
    assert (refused.status_code, refused.json["code"], refused.json["tries_left"]) == (401, "code_wrong", 4)
    assert session.scalar(select(OtpChallenge.tries)) == 1
    for _ in range(4):
        answer(client, asked, wrong(asked))
    spent = answer(client, asked)
    assert (spent.status_code, spent.json["code"]) == (401, "code_spent")
    assert session.scalar(select(func.count()).select_from(SignIn)) == 0


def test_a_second_code_must_wait_and_is_told_how_long(client):
    ask(client)
    refused = ask(client)
    assert (refused.status_code, refused.json["code"]) == (429, "code_too_soon")
    assert 0 < int(refused.headers["Retry-After"]) <= 60


@pytest.mark.parametrize("phone", ["", "12345", "+14155550123", "không"])
def test_a_number_that_is_none_is_named(client, phone):
    refused = ask(client, phone)
    assert refused.status_code == 422
    assert refused.json["errors"][0]["at"] == "phone"


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"challenge_id": "1", "code": "123456"},
        {"challenge_id": "0192f000-0000-7000-8000-000000000001"},
        {"challenge_id": "0192f000-0000-7000-8000-000000000001", "code": 123456},
        {"challenge_id": "0192f000-0000-7000-8000-000000000001", "code": "1" * 21},
        [],
    ],
)
def test_what_is_no_answer_to_a_code_is_refused_by_name(client, body):
    refused = client.post(f"{API}/sessions", json=body)
    assert (refused.status_code, refused.json["code"]) == (422, "input_invalid")


def test_staff_come_in_and_are_told_what_they_act_for(client, session, district):
    hire(session, (Role.CHAIR, district.units["90001"]), (Role.OFFICER, district.units["90002"]))
    signed_in = enter(client)
    assert signed_in.status_code == 201
    assert signed_in.json["person"]["role"] == "chair"
    assert [(unit["name"], unit["role"]) for unit in signed_in.json["person"]["units"]] == [
        ("Phường An", "chair"),
        ("Phường Bình", "officer"),
    ]
    assert client.get(f"{API}/queue", headers=bearer(signed_in)).status_code == 200


def test_staff_have_a_name_and_residents_a_number(client, session):
    hire(session, (Role.LEADER, None))
    lan, resident = enter(client), answer(client, ask(client))

    assert [(me["name"], me["phone"]) for me in (get_me(client, lan), get_me(client, resident))] == [
        ("Lan", None),
        (None, "+84912345678"),
    ]


def test_staff_who_act_for_nobody_come_in_to_nothing(client, session):
    hire(session)
    signed_in = enter(client)
    assert signed_in.json["person"]["role"] is None
    assert client.get(f"{API}/me", headers=bearer(signed_in)).json["role"] is None
    assert client.get(f"{API}/queue", headers=bearer(signed_in)).status_code == 403


def test_a_failure_of_staff_is_counted_and_tells_nothing(client, session):
    hire(session)
    wrong_password, nobody = enter(client, "wrong"), enter(client, username="nobody")
    assert wrong_password.status_code == nobody.status_code == 401
    assert wrong_password.json == nobody.json
    assert session.scalar(select(Staff.failures)) == 1
    assert session.scalar(select(func.count()).select_from(SignInFailure)) == 2


def test_a_second_factor_is_asked_for(client, session):
    hire(session)
    session.execute(update(Staff).values(totp_secret="JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP"))
    assert enter(client).json["code"] == "totp_needed"
    assert enter(client, totp="12345").json["code"] == "sign_in_failed"


def test_a_session_is_carried_on_and_a_stolen_token_ends_it(client, session):
    first = answer(client, ask(client))
    second = refresh(client, first.json["refresh_token"])
    assert second.status_code == 200
    assert second.json["person"] == first.json["person"]
    assert client.get(f"{API}/me", headers=bearer(second)).status_code == 200

    reused = refresh(client, first.json["refresh_token"])
    assert (reused.status_code, reused.json["code"]) == (401, "refresh_reused")
    assert client.get(f"{API}/me", headers=bearer(second)).json["code"] == "session_ended"
    assert refresh(client, second.json["refresh_token"]).status_code == 401
    assert session.scalar(select(func.count()).where(AuditEntry.action == "session:reuse")) == 1


def test_whoever_signs_out_is_out_at_once(client):
    signed_in = answer(client, ask(client))
    left = client.delete(f"{API}/sessions/current", headers=bearer(signed_in))
    assert (left.status_code, left.data) == (204, b"")
    for answered in (
        client.get(f"{API}/me", headers=bearer(signed_in)),
        client.delete(f"{API}/sessions/current", headers=bearer(signed_in)),
        refresh(client, signed_in.json["refresh_token"]),
    ):
        assert answered.status_code == 401


@pytest.mark.parametrize(("verb", "path"), [("get", "/me"), ("patch", "/me"), ("delete", "/sessions/current")])
def test_nobody_has_no_account(client, verb, path):
    refused = getattr(client, verb)(f"{API}{path}")
    assert (refused.status_code, refused.json["code"]) == (401, "not_signed_in")
    assert refused.headers["WWW-Authenticate"] == "Bearer"


def test_nothing_is_consented_to_from_the_start(as_, district):
    me = as_(district.resident()).get(f"{API}/me").json
    assert (me["language"], me["channels"], me["consents"]) == ("vi", [], [])


def test_a_person_changes_what_they_say_and_nothing_else(as_, district):
    client = as_(district.resident())
    changed = client.patch(f"{API}/me", json={"language": "en", "channels": ["sms", "push", "sms"]})
    assert changed.status_code == 200
    assert changed.json["channels"] == ["sms", "push"]
    assert client.patch(f"{API}/me", json={"channels": []}).json["language"] == "en"
    assert client.get(f"{API}/me").json == changed.json | {"channels": []}


def test_consents_are_dated_and_kept(as_, district, session):
    client = as_(district.resident())

    def say(version, *, given):
        body = {"consents": [{"purpose": "follow_up", "version": version, "given": given}]}
        said = client.patch(f"{API}/me", json=body)
        assert said.status_code == 200
        return [(consent["version"], consent["given"]) for consent in said.json["consents"]]

    assert say("1", given=True) == [("1", True)]
    assert say("1", given=True) == [("1", True)], "said again it is the same consent"
    assert say("2", given=True) == [("1", False), ("2", True)]
    assert say("2", given=False) == [("1", False), ("2", False)]
    assert say("2", given=False) == [("1", False), ("2", False)]
    rows = session.execute(select(Consent.given_at, Consent.withdrawn_at).order_by(Consent.given_at)).all()
    assert rows[0].withdrawn_at == rows[1].given_at
    assert all(row.given_at < row.withdrawn_at for row in rows)


@pytest.mark.parametrize(
    "body",
    [
        {"language": "fr"},
        {"channels": ["pigeon"]},
        {"channels": "sms"},
        {"role": "admin"},
        {"phone": "0987654321"},
        {"consents": [{"purpose": "follow_up", "version": "1"}]},
        {"consents": [{"purpose": "follow_up", "version": "1", "given": "on"}]},
        {"consents": [{"purpose": "follow_up", "version": "", "given": True}]},
        {"consents": [{"purpose": "Follow up", "version": "1", "given": True}]},
        {"consents": [{"purpose": "follow_up", "version": version, "given": True} for version in ("1", "2")]},
    ],
)
def test_what_cannot_be_wished_for_changes_nothing(as_, district, session, body):
    client = as_(district.resident())
    before = client.get(f"{API}/me").json
    assert client.patch(f"{API}/me", json={"channels": ["sms"]} | body).status_code == 422
    assert client.get(f"{API}/me").json == before
    assert session.scalar(select(func.count()).select_from(Consent)) == 0


def test_two_people_change_their_own_account_only(as_, district):
    mine, yours = as_(district.resident()), as_(district.resident())
    mine.patch(f"{API}/me", json={"language": "en"})
    assert yours.get(f"{API}/me").json["language"] == "vi"
