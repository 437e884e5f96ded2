"""Getting a short text to a phone. Two ways, one form: a log line in development, an HTTP gateway in production."""

import json
import urllib.request
from typing import Final, Protocol
from urllib.parse import urlsplit

import structlog

from app.config import Settings, SettingsError

log = structlog.get_logger("sms")

# Below the ten seconds that a small job may take (workers/queues.py).
TIMEOUT_S: Final = 5


class SmsSender(Protocol):
    """Whoever can send a text. May be called twice for one text: `key` tells a repetition."""

    def send(self, to: str, text: str, *, key: str) -> None:
        """Send `text` to a number in E.164. Raises OSError when it could not be handed over."""


class LogSms:
    """Writes the text to the log, with the last three digits of the number only. Never in production."""

    def send(self, to: str, text: str, *, key: str) -> None:
        """Log it."""
        log.info("sms", to=f"…{to[-3:]}", text=text, key=key)


class HttpSms:
    """Posts `{"to", "text"}` as JSON to a gateway, with the key as `Idempotency-Key`."""

    def __init__(self, url: str) -> None:
        if urlsplit(url).scheme not in {"http", "https"}:
            raise SettingsError("Hai Giờ cannot start: HAIGIO_SMS_URL must be an http(s) address")
        self._url = url
        self._opener = urllib.request.build_opener(_NoRedirects)

    def send(self, to: str, text: str, *, key: str) -> None:
        """Post it; anything but a 2xx answer is an OSError."""
        body = json.dumps({"to": to, "text": text}).encode()
        headers = {"Content-Type": "application/json", "Idempotency-Key": key}
        request = urllib.request.Request(self._url, body, headers)  # noqa: S310 -- the scheme was checked above
        with self._opener.open(request, timeout=TIMEOUT_S):
            pass


class _NoRedirects(urllib.request.HTTPRedirectHandler):
    """A redirected POST would be repeated as a GET, without its text, and count as sent."""

    def redirect_request(self, *_: object) -> None:
        """Follow nothing; the answer is then an HTTPError, which is an OSError."""


def sender_for(settings: Settings) -> SmsSender:
    """The gateway if one is set, else the log; production always has a gateway (`read_settings` sees to it)."""
    return HttpSms(settings.sms_url) if settings.sms_url else LogSms()
