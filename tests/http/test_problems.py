"""Every refusal is a problem of its own, in the asker's language, and none of them is our mistake."""

import pytest
from flask import Flask

from app.core.errors import all_errors
from app.http.statuses import answer_for

# The table by hand: what a client may rely on.
EXPECTED = [
    ("not_found", 404, "not_found"),
    ("not_signed_in", 401, "not_signed_in"),
    ("not_permitted", 403, "not_permitted"),
    ("stale", 412, "stale"),
    ("code_wrong", 401, "code_wrong"),
    ("code_too_soon", 429, "code_too_soon"),
    ("invalid_at", 422, "invalid"),
    ("unavailable", 503, "unavailable"),
    ("nowhere", 422, "outside_area"),
    ("pool", 503, "unavailable"),
    ("down", 503, "unavailable"),
    ("unstorable", 422, "invalid"),
]


@pytest.mark.parametrize(("what", "status", "code"), EXPECTED)
def test_an_error_has_one_status_and_one_code(small, what, status, code):
    answer = small.get(f"/raise/{what}")
    body = answer.get_json(force=True)
    assert answer.status_code == body["status"] == status
    assert answer.mimetype == "application/problem+json"
    assert body["code"] == code
    assert body["type"] == f"https://haigio.example/api/problems#{code}"
    assert body["title"]
    assert body["detail"]


@pytest.mark.parametrize(
    ("asked", "language", "detail"),
    [
        (None, "vi", "Không tìm thấy."),
        ("en", "en", "Not found."),
        ("en-US,en;q=0.9,vi;q=0.8", "en", "Not found."),
        ("vi-VN,en;q=0.5", "vi", "Không tìm thấy."),
        ("fr", "vi", "Không tìm thấy."),
        ("rubbish;q=x", "vi", "Không tìm thấy."),
    ],
)
def test_a_problem_speaks_the_language_asked_for(small, asked, language, detail):
    answer = small.get("/raise/not_found", headers={} if asked is None else {"Accept-Language": asked})
    assert answer.get_json(force=True)["detail"] == detail
    assert answer.headers["Content-Language"] == language
    assert "Accept-Language" in answer.headers["Vary"]


def test_facts_are_members_of_their_own(small):
    assert small.get("/raise/code_wrong").get_json(force=True)["tries_left"] == 3


def test_a_wrong_member_is_named(small):
    body = small.get("/raise/invalid_at").get_json(force=True)
    assert [wrong["at"] for wrong in body["errors"]] == ["location.lat"]
    assert body["errors"][0]["code"] == "invalid"


@pytest.mark.parametrize(
    ("what", "header", "value"),
    [
        ("code_too_soon", "Retry-After", "42"),
        ("unavailable", "Retry-After", "5"),
        ("pool", "Retry-After", "5"),
        ("not_signed_in", "WWW-Authenticate", "Bearer"),
    ],
)
def test_headers_tell_a_program_what_to_do(small, what, header, value):
    assert small.get(f"/raise/{what}").headers[header] == value


@pytest.mark.parametrize(
    ("lat", "lon", "code"),
    [
        ("106.7", "10.8", "coordinates_swapped"),
        ("48.85", "2.35", "coordinates_outside_viet_nam"),
        ("nan", "106.7", "coordinates_not_finite"),
        ("inf", "106.7", "coordinates_not_finite"),
    ],
)
def test_a_place_that_cannot_be_is_refused_by_its_own_name(small, lat, lon, code):
    answer = small.get("/place", query_string={"lat": lat, "lon": lon})
    assert (answer.status_code, answer.get_json(force=True)["code"]) == (422, code)


def test_an_unknown_address_is_a_problem_too(small):
    assert small.get("/nothing").get_json(force=True)["code"] == "not_found"


def test_a_method_that_is_not_done_names_those_that_are(small):
    answer = small.delete("/things")
    assert answer.get_json(force=True)["code"] == "method_not_allowed"
    assert {"GET", "POST"} <= {method.strip() for method in answer.headers["Allow"].split(",")}


def test_our_own_mistake_says_nothing_and_can_be_found(small, lines):
    answer = small.get("/person", headers={"X-Request-Id": "abcdef-123456"})
    body = answer.get_json(force=True)
    assert (answer.status_code, body["code"], body["request_id"]) == (500, "internal", "abcdef-123456")
    assert "abcdef-123456" in body["detail"]
    logged = lines
    mistake = next(line for line in logged if line["event"] == "internal_error")
    assert mistake["request_id"] == "abcdef-123456"
    assert any("secret_of_a_person" in frame for frame in mistake["trace"])
    assert "0912345678" not in answer.text + str(logged)


def test_what_a_statement_held_is_never_told_nor_logged(small, lines):
    answers = small.get("/raise/down").text + small.get("/raise/unstorable").text
    assert "0912345678" not in answers + str(lines)


def test_every_class_of_error_has_a_status():
    assert all(100 <= answer_for(error).status < 600 for error in all_errors())


def test_the_site_is_the_one_that_was_asked_when_no_public_url_is_set(small_app: Flask):
    small_app.config["PUBLIC_URL"] = ""
    body = small_app.test_client().get("/raise/not_found", base_url="http://127.0.0.1:8080").get_json(force=True)
    assert body["type"] == "http://127.0.0.1:8080/api/problems#not_found"
