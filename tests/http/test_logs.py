"""One line a request, with an id and without a person; and the headers of every answer."""

import pytest


def test_a_request_leaves_one_line(small, lines):
    small.get("/things?name=0912345678", headers={"Authorization": "Bearer secret-token"})
    (line,) = [line for line in lines if line["event"] == "request"]
    assert (line["method"], line["route"], line["status"], line["by"]) == ("GET", "/things", 200, "nobody")
    assert line["ms"] >= 0
    assert "0912345678" not in str(line)
    assert "secret-token" not in str(line)


def test_a_line_names_the_template_and_not_the_address(small, lines):
    small.get("/raise/not_found")
    (line,) = [line for line in lines if line["event"] == "request"]
    assert (line["route"], line["status"], line["problem"]) == ("/raise/<what>", 404, "not_found")


def test_a_request_keeps_the_id_that_a_proxy_gave_it(small):
    assert small.get("/things", headers={"X-Request-Id": "proxy-0001.a_b"}).headers["X-Request-Id"] == "proxy-0001.a_b"


@pytest.mark.parametrize("given", ["short", "has space in it", "x" * 65, "<script>alert(1)</script>", "đường-dài-quá"])
def test_an_ill_formed_id_is_replaced(small, given):
    made = small.get("/things", headers={"X-Request-Id": given.encode().decode("latin-1")}).headers["X-Request-Id"]
    assert made != given
    assert len(made) == 32


@pytest.mark.parametrize("path", ["/things", "/nothing", "/person"])
def test_every_answer_is_safe_to_hand_to_a_browser(small, path):
    headers = small.get(path).headers
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["Cache-Control"] == "no-store"
    assert "frame-ancestors 'none'" in headers["Content-Security-Policy"]
    assert "Access-Control-Allow-Origin" not in headers
