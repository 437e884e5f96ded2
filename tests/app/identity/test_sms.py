"""The gateway for messages, spoken to over a real socket; and the log that stands for it in development."""

import json
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest
import structlog

from app.config import Settings, SettingsError
from app.identity import sms


@pytest.fixture
def gateway():
    """A gateway that answers with the next of `answers` (200 when there is none) and keeps what it got."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self):
            body = self.rfile.read(int(self.headers["Content-Length"]))
            self.server.got.append((self.path, dict(self.headers), json.loads(body)))
            self.send_response(self.server.answers.pop(0) if self.server.answers else 200)
            self.send_header("Location", "/elsewhere")
            self.send_header("Content-Length", "0")
            self.end_headers()

        def do_GET(self):
            self.server.got.append((self.path, {}, None))
            self.send_response(200)
            self.end_headers()

        def log_message(self, *_):
            pass

    with HTTPServer(("127.0.0.1", 0), Handler) as server:
        server.got, server.answers = [], []
        server.url = f"http://127.0.0.1:{server.server_port}/send"
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield server
        server.shutdown()
        thread.join()


def test_a_message_reaches_the_gateway_with_a_key_that_tells_repetitions(gateway):
    sms.HttpSms(gateway.url).send("+84912345678", "mã 123456", key="a-challenge")
    ((path, headers, body),) = gateway.got
    assert (path, body) == ("/send", {"to": "+84912345678", "text": "mã 123456"})
    assert headers["Content-Type"] == "application/json"
    assert headers["Idempotency-Key"] == "a-challenge"


@pytest.mark.parametrize("status", [302, 303, 400, 401, 429, 500, 503])
def test_whatever_is_not_taken_is_an_error_and_is_not_asked_for_elsewhere(gateway, status):
    gateway.answers.append(status)
    with pytest.raises(OSError, match=str(status)):
        sms.HttpSms(gateway.url).send("+84912345678", "mã 123456", key="k")
    assert len(gateway.got) == 1


def test_a_gateway_that_is_away_is_an_error():
    with pytest.raises(OSError, match="refused"):
        sms.HttpSms("http://127.0.0.1:1/send").send("+84912345678", "x", key="k")


@pytest.mark.parametrize("url", ["file:///etc/passwd", "ftp://gateway/send", "gateway:80/send"])
def test_only_http_is_a_gateway(url):
    with pytest.raises(SettingsError) as refused:
        sms.HttpSms(url)
    assert url not in str(refused.value)


def test_in_development_the_log_holds_the_text_and_three_digits_of_the_number():
    with structlog.testing.capture_logs() as lines:
        sms.LogSms().send("+84912345678", "mã 123456", key="k")
    assert lines[0]["text"] == "mã 123456"
    assert lines[0]["to"] == "…678"
    assert "912345" not in str(lines)


def test_the_settings_decide(settings: Settings):
    assert isinstance(sms.sender_for(settings), sms.LogSms)
    given = Settings(
        env="production",
        database_url=settings.database_url,
        queue_url=settings.queue_url,
        photos=settings.photos,
        secret=settings.secret,
        sms_url="https://gateway.example/send",
    )
    assert isinstance(sms.sender_for(given), sms.HttpSms)
