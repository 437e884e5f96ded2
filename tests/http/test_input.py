"""What is not JSON, or no text, is told so: never a 500, and never half of it taken."""

from io import BytesIO

import pytest


def sent(small, body: bytes | str, content_type: str = "application/json"):
    return small.post("/things", data=body, content_type=content_type)


@pytest.mark.parametrize(
    "body",
    [
        b'{"name": "a"',
        b"",
        b"not json",
        b'{"name": "a", "place": {"lat": NaN, "lon": 106.7}}',
        b'{"name": "a", "place": {"lat": 10.8, "lon": Infinity}}',
        b'{"name": "a", "place": {"lat": 10.8, "lon": -Infinity}}',
        b'{"name": "a", "count": ' + b"9" * 5000 + b"}",
        b"[" * 30_000,
        b'{"a":' * 10_000 + b"1" + b"}" * 10_000,
        b'\xff\xfe{"name": "a"}',
        b'{"name": "\xff"}',
        b'{"name": "\x00"}',
    ],
    ids=lambda body: repr(body[:40]),
)
def test_what_is_no_json_is_malformed(small, body):
    answer = sent(small, body)
    assert (answer.status_code, answer.get_json(force=True)["code"]) == (400, "json_malformed")


@pytest.mark.parametrize("literal", ["1e999", "-1e999", '"NaN"', '"inf"'])
def test_what_is_no_finite_number_is_named(small, literal):
    body = sent(small, f'{{"name": "a", "place": {{"lat": {literal}, "lon": 106.7}}}}').get_json(force=True)
    assert [(wrong["at"], wrong["code"]) for wrong in body["errors"]] == [("place.lat", "number_invalid")]


@pytest.mark.parametrize("literal", ["1e999", "2.5", '"2"'])
def test_what_is_no_whole_number_is_named(small, literal):
    body = sent(small, f'{{"name": "a", "count": {literal}}}').get_json(force=True)
    assert [wrong["at"] for wrong in body["errors"]] == ["count"]


@pytest.mark.parametrize(
    ("body", "at"),
    [
        (r'{"name": "\u0000"}', "name"),
        (r'{"name": "\ud800"}', "name"),
        (r'{"name": "a", "tags": ["a", "\udfff"]}', "tags.1"),
        (r'{"name": "a", "place": {"\u0000": 1}}', "place"),
    ],
)
def test_text_that_no_column_holds_is_refused(small, body, at):
    answer = sent(small, body)
    problem = answer.get_json(force=True)
    assert (answer.status_code, problem["code"]) == (422, "input_invalid")
    assert [(wrong["at"], wrong["code"]) for wrong in problem["errors"]] == [(at, "text_invalid")]


def test_a_whole_surrogate_pair_is_a_letter(small):
    assert sent(small, r'{"name": "\ud83d\ude00"}').get_json() == {"name": "😀"}


def test_nul_in_a_query_is_refused(small):
    body = small.get("/things?name=a%00b").get_json(force=True)
    assert [(wrong["at"], wrong["code"]) for wrong in body["errors"]] == [("name", "text_invalid")]


def test_a_body_of_another_kind_is_refused(small):
    answer = sent(small, "name=a", "application/x-www-form-urlencoded")
    assert (answer.status_code, answer.get_json(force=True)["code"]) == (415, "unsupported_media_type")


def test_no_body_at_all_lacks_its_members(small):
    body = small.post("/things").get_json(force=True)
    assert body["code"] == "input_invalid"
    assert [(wrong["at"], wrong["code"]) for wrong in body["errors"]] == [("name", "required")]


def test_a_long_body_is_too_large(small):
    answer = sent(small, b'{"name": "' + b"a" * 70_000 + b'"}')
    body = answer.get_json(force=True)
    assert (answer.status_code, body["code"], body["limit_bytes"]) == (413, "body_too_large", 65_536)


def test_a_long_body_in_chunks_is_too_large(small):
    answer = small.post(
        "/things",
        input_stream=BytesIO(b'{"name": "a"}' + b" " * 70_000),
        content_type="application/json",
        environ_overrides={"wsgi.input_terminated": True, "HTTP_TRANSFER_ENCODING": "chunked"},
    )
    assert (answer.status_code, answer.get_json(force=True)["code"]) == (413, "body_too_large")


def test_every_wrong_member_is_named_by_its_path(small):
    body = sent(
        small,
        '{"name": "a long name, longer than twenty", "count": "2", "place": {"lat": "x"}, "tags": ["a", "c"], "odd": 1}',
    ).get_json(force=True)
    assert body["code"] == "input_invalid"
    assert {(wrong["at"], wrong["code"]) for wrong in body["errors"]} == {
        ("name", "length_invalid"),
        ("count", "number_invalid"),
        ("place.lat", "number_invalid"),
        ("place.lon", "required"),
        ("tags.1", "not_offered"),
        ("odd", "unknown_member"),
    }
    assert all(wrong["detail"] for wrong in body["errors"])


@pytest.mark.parametrize("body", ["[]", "1", '"a"', "null", "true"])
def test_a_body_that_is_no_object_is_of_the_wrong_type(small, body):
    answer = sent(small, body)
    assert (answer.status_code, answer.get_json(force=True)["code"]) == (422, "input_invalid")


def test_an_error_of_a_query_names_its_member(small):
    body = small.get("/things?count=many").get_json(force=True)
    assert [wrong["at"] for wrong in body["errors"]] == ["count"]


@pytest.mark.parametrize(
    ("language", "detail"), [("vi", "Thiếu trường này."), ("en", "Missing data for required field.")]
)
def test_members_are_told_in_the_language_asked_for(small, language, detail):
    body = small.post("/things", headers={"Accept-Language": language}).get_json(force=True)
    assert body["errors"][0]["detail"] == detail
