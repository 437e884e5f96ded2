"""A page's sign-in in cookies, and who may use them: our own pages, and nobody else's."""

from datetime import timedelta

import pytest
from sqlalchemy import select

from app.core import clock
from app.http.cookies import is_own_page
from app.identity import actions
from app.identity.models import OtpChallenge, SignIn
from app.identity.permissions import Role

API = "/api/v1"
OURS = {"Sec-Fetch-Site": "same-origin"}
PASSWORD = "đường Lê Quang Định"


@pytest.mark.parametrize(
    ("fetch_site", "origin", "ours"),
    [
        ("same-origin", None, True),
        ("same-origin", "https://evil.example", True),  # a page cannot set this header; the browser knows best
        ("same-site", "https://haigio.example", False),  # another host of the same city is another page
        ("cross-site", "https://haigio.example", False),
        ("none", None, False),  # typed by hand: nobody types a change
        ("", None, False),
        (None, "https://haigio.example", True),
        (None, "https://haigio.example:8443", False),
        (None, "http://haigio.example", False),  # what comes in the clear may come from anybody
        (None, "http://[", False),
        (None, "https://evil.example", False),
        (None, "null", False),  # a sandboxed frame, a file
        (None, "", False),
        (None, None, False),
    ],
)
def test_only_our_own_pages_count_as_ours(fetch_site, origin, ours):
    assert is_own_page(fetch_site, origin, {"https://haigio.example", ""}) is ours


@pytest.fixture
def page(as_):
    """A browser with a page of ours open: it keeps cookies."""
    return as_()


def sign_in(page, base_url="http://localhost", **headers):
    asked = page.post(f"{API}/sessions/otp", json={"phone": "0912345678"}).json
    body = {"challenge_id": asked["challenge_id"], "code": asked["dev_code"], "cookie": True}
    return page.post(f"{API}/sessions", json=body, headers=headers or OURS, base_url=base_url)


def set_cookies(response):
    return {line.split("=", 1)[0]: line for line in response.headers.getlist("Set-Cookie")}


def test_a_page_gets_cookies_that_no_script_reads_and_no_tokens(page):
    signed_in = sign_in(page)

    assert signed_in.status_code == 201
    assert set(signed_in.json) == {"expires_in", "person"}
    given = set_cookies(signed_in)
    assert set(given) == {"haigio_access", "haigio_refresh"}
    for line in given.values():
        assert "HttpOnly" in line
        assert "SameSite=Strict" in line
        assert "Max-Age=2592000" in line  # 30 days
    assert "Path=/api/v1;" in given["haigio_access"] + ";"
    assert "Path=/api/v1/sessions;" in given["haigio_refresh"] + ";"
    assert page.get(f"{API}/me").json["id"] == signed_in.json["person"]["id"]


def test_over_https_they_never_travel_in_the_clear(as_):
    assert all("Secure" in line for line in set_cookies(sign_in(as_(), "https://localhost")).values())


def test_staff_stay_for_a_shift(page, session):
    actions.register_staff(
        session, username="lan", name="Lan", password=PASSWORD, memberships=[(Role.LEADER, None)], now=clock.now()
    )
    body = {"username": "lan", "password": PASSWORD, "cookie": True}
    signed_in = page.post(f"{API}/staff/sessions", json=body, headers=OURS)

    assert signed_in.status_code == 201
    assert all("Max-Age=43200" in line for line in set_cookies(signed_in).values())  # 12 hours


@pytest.mark.parametrize(
    "headers", [{"Sec-Fetch-Site": "cross-site"}, {"Origin": "https://evil.example"}, {"X-Any": "1"}]
)
def test_another_site_changes_nothing_by_our_cookies(page, headers):
    sign_in(page)

    for send in (
        lambda: page.patch(f"{API}/me", json={"language": "en"}, headers=headers),
        lambda: page.post(f"{API}/reports", json={}, headers=headers),
        lambda: page.delete(f"{API}/sessions/current", headers=headers),
        lambda: page.post(f"{API}/sessions/refresh", json={}, headers=headers),
    ):
        refused = send()
        assert (refused.status_code, refused.json["code"]) == (403, "cross_site")
    assert page.get(f"{API}/me").json["language"] == "vi"


def test_another_site_signs_no_visitor_in(page):
    refused = sign_in(page, **{"Sec-Fetch-Site": "cross-site"})

    assert (refused.status_code, refused.json["code"]) == (403, "cross_site")
    assert not set_cookies(refused)


def test_our_own_page_may(page):
    sign_in(page)

    changed = page.patch(f"{API}/me", json={"language": "en"}, headers=OURS)
    by_origin = page.patch(f"{API}/me", json={"language": "vi"}, headers={"Origin": "http://localhost"})
    assert (changed.status_code, by_origin.status_code) == (200, 200)


def test_a_token_in_the_header_needs_no_page(as_, district):
    phone = as_(district.resident())

    assert phone.patch(f"{API}/me", json={"language": "en"}).status_code == 200


def test_the_header_comes_before_the_cookie(page, as_, district):
    sign_in(page)
    somebody = district.resident()
    token = as_(somebody).environ_base["HTTP_AUTHORIZATION"]

    assert page.get(f"{API}/me", headers={"Authorization": token}).json["id"] == str(somebody.person_id)


def test_a_session_goes_on_by_its_cookie(page):
    sign_in(page)
    before = page.get_cookie("haigio_refresh", path="/api/v1/sessions").value

    gone_on = page.post(f"{API}/sessions/refresh", json={}, headers=OURS)
    assert gone_on.status_code == 200
    assert set(gone_on.json) == {"expires_in", "person"}
    assert page.get_cookie("haigio_refresh", path="/api/v1/sessions").value != before
    assert page.get(f"{API}/me").status_code == 200


def test_two_tabs_that_go_on_with_one_attempt_both_do(page):
    sign_in(page)
    spent = page.get_cookie("haigio_refresh", path="/api/v1/sessions").value
    attempt = {"attempt": "0190d0a0-0000-7000-8000-000000000001"}

    first = page.post(f"{API}/sessions/refresh", json=attempt, headers=OURS)
    page.set_cookie("haigio_refresh", spent, path="/api/v1/sessions")
    second = page.post(f"{API}/sessions/refresh", json=attempt, headers=OURS)
    assert (first.status_code, second.status_code) == (200, 200)
    assert page.get(f"{API}/me").status_code == 200


def test_a_refused_refresh_leaves_no_cookies_behind(page, session):
    sign_in(page)
    session.execute(SignIn.__table__.update().values(ended_at=clock.now()))

    refused = page.post(f"{API}/sessions/refresh", json={}, headers=OURS)
    assert (refused.status_code, refused.json["code"]) == (401, "refresh_invalid")
    assert page.get_cookie("haigio_access", path="/api/v1") is None


def test_without_cookie_and_token_there_is_nothing_to_refresh(page):
    refused = page.post(f"{API}/sessions/refresh", json={}, headers=OURS)

    assert (refused.status_code, refused.json["code"]) == (401, "refresh_invalid")


def test_signing_out_ends_the_session_and_the_cookies(page, session):
    sign_in(page)

    assert page.delete(f"{API}/sessions/current", headers=OURS).status_code == 204
    assert page.get_cookie("haigio_access", path="/api/v1") is None
    assert page.get_cookie("haigio_refresh", path="/api/v1/sessions") is None
    assert session.scalars(select(SignIn.ended_at)).one() is not None


def test_answers_to_cookies_are_kept_apart_by_caches(page):
    sign_in(page)

    mine = page.get(f"{API}/me")
    assert "Cookie" in mine.headers["Vary"]
    assert mine.headers["Cache-Control"] == "no-store"
    assert "Cookie" not in page.get(f"{API}/catalogue").headers["Vary"]


def test_whoever_signs_in_over_somebody_ends_their_session(page, session):
    first = sign_in(page)
    held = page.get_cookie("haigio_access", path="/api/v1").value
    session.execute(OtpChallenge.__table__.delete())  # an hour later
    sign_in(page)

    assert first.status_code == 201
    old = page.get(f"{API}/me", headers={"Authorization": f"Bearer {held}"})
    assert (old.status_code, old.json["code"]) == (401, "session_ended")
    assert page.get(f"{API}/me").status_code == 200


def test_also_when_its_access_token_has_run_out(page, session, monkeypatch):
    sign_in(page)
    first = session.scalars(select(SignIn.id)).one()
    now = clock.now()
    monkeypatch.setattr(clock, "now", lambda: now + timedelta(hours=2))
    assert page.get(f"{API}/me").json["code"] == "token_expired"
    sign_in(page)

    open_ones = session.scalars(select(SignIn.id).where(SignIn.ended_at.is_(None))).all()
    assert len(open_ones) == 1
    assert open_ones != [first]


def test_an_origin_that_is_none_is_refused_and_nothing_breaks(page):
    refused = page.post(
        f"{API}/staff/sessions", json={"username": "x", "password": "y", "cookie": True}, headers={"Origin": "http://["}
    )

    assert (refused.status_code, refused.json["code"]) == (403, "cross_site")
