"""Who is asking, and what becomes of what they did: on the real wiring, with probes for routes."""

import base64
import json
from datetime import UTC, date, datetime, timedelta

import pytest
from flask import Flask, abort
from joserfc import jwt
from joserfc.jwk import OctKey
from sqlalchemy import event, insert, text, update

from app import create_app
from app.core import clock
from app.core.db import new_id
from app.core.errors import Invalid
from app.http import access, problems
from app.http.access import needs
from app.identity.models import Membership, Person, SignIn
from app.identity.permissions import Actor, Do, Role
from app.identity.tokens import ACCESS_LIFE, AccessTokens

NOW = datetime(2026, 11, 1, 3, 0, tzinfo=UTC)
PURPOSE = "access tokens"


def leave_a_trace() -> None:
    access.session().execute(
        text("insert into audit (at, action, subject, data) values (:at, 'probe:run', 'probe', '{}')"),
        {"at": access.now()},
    )


def traces(session) -> int:
    return session.execute(text("select count(*) from audit where action = 'probe:run'")).scalar_one()


@pytest.fixture
def probed(settings, database, monkeypatch) -> Flask:
    """The app with a few routes more."""
    monkeypatch.setattr(clock, "now", lambda: NOW)
    app = create_app(settings, database)

    def probe(rule: str, do: Do, view, **kwargs) -> None:
        app.add_url_rule(rule, rule, needs(do, **kwargs)(view), methods=["GET", "POST"])

    def whoami():
        asking = access.actor_or_none()
        return {
            "person": str(asking.person_id) if asking else None,
            "roles": sorted(asking.roles) if asking else [],
            "units": sorted(asking.units()) if asking else [],
        }

    def raises():
        leave_a_trace()
        raise Invalid

    def refuses():
        leave_a_trace()
        return problems.answer(Invalid())

    def aborts():
        leave_a_trace()
        abort(404)

    def leaves():
        leave_a_trace()
        return {"now": access.now().isoformat()}

    def asks_for_an_actor():
        return str(access.actor().person_id)

    probe("/probe/open", Do.READ_PUBLIC, whoami)
    probe("/probe/open/actor", Do.READ_PUBLIC, asks_for_an_actor)
    probe("/probe/me", Do.READ_ME, whoami)
    probe("/probe/token", Do.SUBMIT, whoami, by_token=True)
    probe("/probe/queue", Do.READ_QUEUE, whoami)
    probe("/probe/raises", Do.READ_PUBLIC, raises)
    probe("/probe/refuses", Do.READ_PUBLIC, refuses)
    probe("/probe/aborts", Do.READ_PUBLIC, aborts)
    probe("/probe/leaves", Do.READ_PUBLIC, leaves)
    return app


@pytest.fixture
def client(probed):
    return probed.test_client()


@pytest.fixture
def token(settings):
    """The access token of an actor, made at an instant."""
    tokens = AccessTokens(settings.key(PURPOSE))

    def made(actor: Actor, at: datetime = NOW) -> str:
        return tokens.issue(actor.person_id, actor.session_id, is_staff=actor.is_staff, now=at)

    return made


def bearer(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"}


def code_of(answer) -> tuple[int, str]:
    return answer.status_code, answer.get_json(force=True)["code"]


def test_a_good_token_says_who_is_asking(client, district, token):
    officer = district.staff(Role.CHAIR, "90001")
    answer = client.get("/probe/me", headers=bearer(token(officer))).get_json()
    assert answer == {
        "person": str(officer.person_id),
        "roles": ["chair", "officer"],
        "units": [district.units["90001"]],
    }


def test_nobody_is_told_to_sign_in(client):
    assert code_of(client.get("/probe/me")) == (401, "not_signed_in")


def test_a_token_is_good_for_fifteen_minutes_and_no_longer(client, district, token):
    resident = district.resident()
    just = token(resident, NOW - ACCESS_LIFE + timedelta(seconds=1))
    gone = token(resident, NOW - ACCESS_LIFE)
    assert client.get("/probe/me", headers=bearer(just)).status_code == 200
    assert code_of(client.get("/probe/me", headers=bearer(gone))) == (401, "token_expired")


def forged(actor: Actor, **changes):
    claims = {
        "iss": "haigio",
        "sub": str(actor.person_id),
        "sid": str(actor.session_id),
        "staff": actor.is_staff,
        "iat": int(NOW.timestamp()),
        "exp": int((NOW + ACCESS_LIFE).timestamp()),
    } | changes
    return {name: value for name, value in claims.items() if value is not None}


def signed(claims, key: bytes, algorithm: str = "HS256") -> str:
    return jwt.encode({"alg": algorithm}, claims, OctKey.import_key(key), algorithms=[algorithm])


def unsigned(claims, algorithm: str) -> str:
    def part(value) -> str:
        return base64.urlsafe_b64encode(json.dumps(value).encode()).decode().rstrip("=")

    return f"{part({'alg': algorithm, 'typ': 'JWT'})}.{part(claims)}."


@pytest.mark.parametrize("route", ["/probe/me", "/probe/token"])
def test_a_forged_token_is_no_token(client, settings, district, route):
    resident = district.resident()
    good, key = forged(resident), settings.key(PURPOSE)
    head, body, signature = signed(good, key).split(".")
    other = signed(forged(district.resident()), key).split(".")[1]
    refused = [
        signed(good, b"another key of thirty-two bytes!!"),
        signed(good, settings.key("otp")),
        signed(good, key, "HS512"),
        unsigned(good, "none"),
        unsigned(good, "HS256"),
        f"{head}.{body}.",
        f"{head}.{body}",
        f"{head}.{other}.{signature}",
        f"{head}.{body}.{signature[:-4]}AAAA",
        signed(forged(resident, iss="elsewhere"), key),
        signed(forged(resident, iss=None), key),
        signed(forged(resident, sub="admin"), key),
        signed(forged(resident, sub=7), key),
        signed(forged(resident, sid=None), key),
        signed(forged(resident, staff="yes"), key),
        signed(forged(resident, exp=None), key),
        signed(forged(resident, exp="tomorrow"), key),
        signed(forged(resident, exp=10**30), key),
        "",
        "a.b.c",
        "x" * 5000,
    ]
    assert client.get(route, headers=bearer(signed(good, key))).status_code == 200
    assert {code_of(client.get(route, headers=bearer(token))) for token in refused} == {(401, "token_invalid")}


@pytest.mark.parametrize("header", ["Basic YTpi", "Bearer", "token", ""])
def test_another_way_to_sign_in_is_none(client, header):
    assert code_of(client.get("/probe/me", headers={"Authorization": header})) == (401, "token_invalid")


@pytest.mark.parametrize("given", ["Bearer rubbish", "Basic YTpi", ""])
def test_what_is_open_to_all_is_open_to_a_bad_token_too(client, given):
    answer = client.get("/probe/open", headers={"Authorization": given})
    assert (answer.status_code, answer.get_json()["person"]) == (200, None)


def test_what_is_open_to_all_knows_who_is_asking_all_the_same(client, district, token):
    resident = district.resident()
    headers = bearer(token(resident))
    assert client.get("/probe/open", headers=headers).get_json()["person"] == str(resident.person_id)
    assert client.get("/probe/open/actor", headers=headers).text == str(resident.person_id)
    assert code_of(client.get("/probe/open/actor")) == (401, "not_signed_in")


@pytest.mark.parametrize("staff", [True, False])
def test_an_ended_session_is_over_before_its_token(client, session, district, token, staff):
    actor = district.staff(Role.OFFICER, "90001") if staff else district.resident()
    session.execute(update(SignIn).where(SignIn.id == actor.session_id).values(ended_at=NOW))
    assert code_of(client.get("/probe/me", headers=bearer(token(actor)))) == (401, "session_ended")


def test_a_disabled_person_is_out_at_once(client, session, district, token):
    officer = district.staff(Role.OFFICER, "90001")
    session.execute(update(Person).where(Person.id == officer.person_id).values(disabled_at=NOW))
    assert code_of(client.get("/probe/queue", headers=bearer(token(officer)))) == (401, "session_ended")


def test_a_token_of_one_person_and_the_session_of_another_are_nobody(client, district, token):
    one, other = district.resident(), district.resident()
    mixed = Actor(one.person_id, other.session_id, is_staff=False)
    assert code_of(client.get("/probe/me", headers=bearer(token(mixed)))) == (401, "session_ended")


def test_a_membership_counts_on_its_local_days(client, session, district, token, monkeypatch):
    officer = district.staff(Role.OFFICER, "90001")
    session.execute(
        update(Membership).where(Membership.person_id == officer.person_id).values(valid_to=date(2026, 11, 2))
    )
    last = datetime(2026, 11, 1, 16, 59, 59, tzinfo=UTC)  # still 1 November in Viet Nam
    monkeypatch.setattr(clock, "now", lambda: last)
    assert client.get("/probe/queue", headers=bearer(token(officer, last))).status_code == 200
    over = last + timedelta(seconds=1)
    monkeypatch.setattr(clock, "now", lambda: over)
    assert code_of(client.get("/probe/queue", headers=bearer(token(officer, over)))) == (403, "not_permitted")


def test_one_person_may_act_for_two_units(client, session, district, token):
    officer = district.staff(Role.OFFICER, "90001")
    session.execute(
        insert(Membership).values(
            person_id=officer.person_id, role="chair", unit_id=district.units["90002"], valid_from=date(2026, 1, 1)
        )
    )
    answer = client.get("/probe/queue", headers=bearer(token(officer))).get_json()
    assert answer["units"] == sorted([district.units["90001"], district.units["90002"]])


def statements(connection) -> list[str]:
    run: list[str] = []
    event.listen(connection, "before_cursor_execute", lambda *a: run.append(a[2]))
    return run


def test_a_resident_is_believed_by_token_alone_where_the_route_checks_itself(client, connection, district, token):
    resident = district.resident()
    run = statements(connection)
    assert client.get("/probe/token", headers=bearer(token(resident))).status_code == 200
    assert not [statement for statement in run if "from sessions" in statement]


def test_staff_are_looked_up_even_there(client, connection, district, token):
    officer = district.staff(Role.OFFICER, "90001")
    run = statements(connection)
    assert client.get("/probe/token", headers=bearer(token(officer))).get_json()["roles"] == ["officer"]
    assert len([statement for statement in run if "from sessions" in statement]) == 1


def test_a_token_cannot_call_itself_staff_without_being_looked_up(client, settings, district):
    resident = district.resident()
    claims = forged(Actor(resident.person_id, resident.session_id, is_staff=True))
    answer = client.get("/probe/token", headers=bearer(signed(claims, settings.key(PURPOSE))))
    assert answer.get_json()["roles"] == ["resident"]


def test_who_may_not_is_told_so_before_the_input_is_read(client, district, token):
    resident = bearer(token(district.resident()))
    missing = f"/api/v1/reports/{new_id()}/decisions"
    assert code_of(client.post(missing, data="{", headers=resident, content_type="application/json"))[0] == 403
    assert code_of(client.post(missing, data="{", content_type="application/json")) == (401, "not_signed_in")


@pytest.mark.parametrize(("route", "left"), [("leaves", 1), ("refuses", 1), ("raises", 0), ("aborts", 0)])
def test_what_returns_is_kept_and_what_raises_is_not(client, session, route, left):
    client.get(f"/probe/{route}")
    assert traces(session) == left


def test_a_request_has_one_instant(client):
    assert client.get("/probe/leaves").get_json()["now"] == NOW.isoformat()


def test_what_needs_no_database_must_be_open_to_all():
    with pytest.raises(ValueError, match="read_me"):
        needs(Do.READ_ME, without_database=True)
