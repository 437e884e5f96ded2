"""Requests and answers in the shape of the server (ASGI), with the headers and problems of all our answers."""

import json
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any, Self, cast
from urllib.parse import urlsplit

from app.config import Settings
from app.core.errors import DomainError, Language
from app.http import statuses

Send = Callable[[dict[str, Any]], Awaitable[None]]

_LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})


@dataclass(frozen=True)
class Asked:
    """A request; names of headers are in small letters."""

    method: str
    path: str
    query: str
    headers: Mapping[str, str]

    @classmethod
    def of(cls, scope: Mapping[str, Any]) -> Self:
        """The request of an ASGI scope."""
        headers = {name.decode("latin-1").lower(): value.decode("latin-1") for name, value in scope["headers"]}
        return cls(scope["method"], scope["path"], scope["query_string"].decode("latin-1"), headers)

    @property
    def language(self) -> Language:
        """The first of the asker's languages that we speak; Vietnamese if there is none."""
        for part in self.headers.get("accept-language", "").split(","):
            primary = part.partition(";")[0].strip().partition("-")[0].lower()
            if primary in {"vi", "en"}:
                return cast("Language", primary)
        return "vi"


def is_own_page(asked: Asked, settings: Settings) -> bool:
    """Whether a page of ours asks, or no page at all: a browser names the origin of a page that is not this one's.

    Ours is `public_url`. In development, where ports are all that differs, it is whatever is served from the same host.
    """
    origin = asked.headers.get("origin")
    if origin is None:
        return True
    own = urlsplit(settings.public_url)
    if settings.public_url and origin == f"{own.scheme}://{own.netloc}":
        return True
    if settings.env == "production" or not origin.startswith(("http://", "https://")):
        return False
    there, here = _host(origin), _host(f"//{asked.headers.get('host', '')}")
    return there is not None and (there == here or {there, here} <= _LOOPBACK)


def _host(url: str) -> str | None:
    try:
        return urlsplit(url).hostname
    except ValueError:  # what somebody sent need not be an address
        return None


async def answer(  # noqa: PLR0917 -- as one reads an answer: whose, which, of what
    send: Send,
    asked: Asked,
    settings: Settings,
    status: int,
    media_type: str,
    more: Mapping[str, str] | None = None,
    *,
    body: bytes | None = None,
) -> None:
    """Send the head of an answer and, when there is one, its whole body."""
    headers = {
        "content-type": media_type,
        "cache-control": "no-store",
        "x-content-type-options": "nosniff",
        "referrer-policy": "no-referrer",
        "content-security-policy": "default-src 'none'; frame-ancestors 'none'",
        "vary": "Origin",
        **(more or {}),
    }
    if "origin" in asked.headers and is_own_page(asked, settings):
        headers["access-control-allow-origin"] = asked.headers["origin"]
    if body is not None:
        headers["content-length"] = str(len(body))
    encoded = [(name.lower().encode(), value.encode("latin-1")) for name, value in headers.items()]
    await send({"type": "http.response.start", "status": status, "headers": encoded})
    if body is not None:
        await send({"type": "http.response.body", "body": body})


async def refuse(send: Send, asked: Asked, error: DomainError, settings: Settings) -> None:
    """Send a refusal as the API does: a problem, with what a program should do about it."""
    spoken = asked.language
    body = statuses.body_of(error, spoken, site=settings.public_url)
    more = {"content-language": spoken, "vary": "Origin, Accept-Language", **statuses.advice(error)}
    sent = json.dumps(body, ensure_ascii=False).encode()
    await answer(send, asked, settings, body["status"], statuses.MEDIA_TYPE, more, body=sent)
