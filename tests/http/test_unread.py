"""Who is refused in the middle of a long body lives to read why."""

from io import BytesIO

import pytest

from app.http import unread


def refused(small, body: BytesIO, **headers: str):
    return small.post(
        "/things",
        input_stream=body,
        content_type="application/json",
        headers=headers,
        environ_overrides={"wsgi.input_terminated": True, "HTTP_TRANSFER_ENCODING": "chunked"},
    )


def test_the_rest_of_a_refused_body_is_read_once_the_answer_is_out(small):
    body = BytesIO(b" " * 2_000_000)
    answer = refused(small, body)
    assert (answer.status_code, body.tell() < 2_000_000) == (413, True)
    answer.close()
    assert body.read() == b""


def test_nothing_is_read_from_who_waits_to_be_asked(small):
    body = BytesIO(b" " * 2_000_000)
    refused(small, body, Expect="100-continue").close()
    assert body.read() != b""


def test_an_answer_that_is_no_refusal_reads_nothing_more(small):
    body = BytesIO(b"{}")
    answer = small.get("/things", input_stream=body, environ_overrides={"wsgi.input_terminated": True})
    answer.close()
    assert (answer.status_code, body.read()) == (200, b"{}")


@pytest.mark.parametrize(("bound", "value"), [("MOST_BYTES", 100_000), ("MOST_SECONDS", 0.0)])
def test_reading_on_has_bounds(monkeypatch, bound, value):
    monkeypatch.setattr(unread, bound, value)
    body = BytesIO(b" " * 2_000_000)
    unread.discard(body)
    assert len(body.read()) == 2_000_000 - (value if bound == "MOST_BYTES" else 0)
