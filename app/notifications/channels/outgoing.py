"""The one way out by HTTP: a POST that is over in time, follows nobody, and reads no more than it must.

`http.client` over a connection of our own (connection.py), because three things must be ours: the address that is
connected to is the address that was checked; one limit covers the whole call, not each read; and nothing is followed,
decoded or asked for twice behind our back. A larger client library would have to be told all of this through its
innards. Bodies, addresses and headers are never logged and never part of an error: they hold tokens and words.
"""

import json
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field, replace
from http.client import HTTPConnection, HTTPException, HTTPSConnection
from time import monotonic
from typing import Any, Final
from urllib.parse import SplitResult, urlsplit

from app.notifications.channels import Gone, Refused, Unreachable
from app.notifications.channels.breaker import Breakers
from app.notifications.channels.connection import Way

MOST_BYTES: Final = 65_536
MOST_URL: Final = 2_000
SLOW_S: Final = 4.0

# The answers after which the same message may be taken later: too slow, too much, and all that are the server's fault.
_LATER: Final = frozenset({408, 425, 429})


@dataclass(frozen=True)
class Answer:
    """What a server said, at most `MOST_BYTES` of it."""

    status: int
    body: bytes = field(repr=False)

    def require_now(self) -> None:
        """Raises Unreachable when the server says that it cannot, now."""
        if self.status in _LATER or self.status >= 500:
            raise Unreachable(f"answered {self.status}")

    def accept(self, *, gone: Collection[int] = (), later: Collection[int] = ()) -> None:
        """Go on if the message was taken.

        Raises:
            Gone: the status is one of those by which this kind of server says that an address is no more.
            Unreachable: the status is one of `later`.
            Refused: any other that is no 2xx; also a redirect, which could take a message anywhere.
        """
        if 200 <= self.status < 300:
            return
        if self.status in gone:
            raise Gone(f"answered {self.status}")
        if self.status in later:
            raise Unreachable(f"answered {self.status}")
        raise Refused(f"answered {self.status}")

    def member(self, path: str) -> Any:
        """A member of the JSON answer by its dotted path, as in `error.status`; None when there is none."""
        try:
            found = json.loads(self.body)
        except (ValueError, RecursionError):
            return None
        for name in path.split("."):
            found = found.get(name) if isinstance(found, dict) else None
        return found


def parse_url(url: str, *, https_only: bool = True) -> SplitResult:
    """An address to post to, split. Raises ValueError, without the address, unless it is a plain http(s) one."""
    if len(url) > MOST_URL or not url.isascii() or any(letter <= " " or letter == "\x7f" for letter in url):
        raise ValueError("an address is printable ASCII of at most 2,000 letters")
    parts = urlsplit(url)
    if parts.scheme not in ({"https"} if https_only else {"http", "https"}):
        raise ValueError(f"an address begins with {'https' if https_only else 'http(s)'}://")
    if not parts.hostname or "@" in parts.netloc or parts.port == 0:  # `port` raises ValueError itself
        raise ValueError("an address has a host, and no user")
    return parts


@dataclass(frozen=True)
class Outgoing:
    """Posts over `way`. `https_only` and a public way are for addresses that others named, in production.

    `leaves_the_slow` is for them as well: a stranger's server that answers in 7 s would hold up everybody's messages. The
    operator's own gateway may be slow: what it takes it takes, and nobody waits behind it but its own texts.

    Where one destination leads to many people, some of whom it cannot reach, being left alone would punish the others:
    one mobile network that hangs would cost everybody their code. With `hurried_s`, while its breaker is open, it is still
    asked, but waited for no longer than that; only a message that was given its full time counts for the breaker.
    """

    way: Way = field(default_factory=Way)
    https_only: bool = False
    leaves_the_slow: bool = False
    hurried_s: float | None = None
    breakers: Breakers = field(default_factory=Breakers)
    monotonic: Callable[[], float] = monotonic

    def post(self, url: str, body: bytes, headers: Mapping[str, str]) -> Answer:
        """Post once and return the answer, unless it says "later".

        Raises:
            Refused: the address is none that we post to.
            Unreachable: no answer, one of 5xx, 408, 425 or 429, or left alone because its breaker is open.

        An answer that took over 4 s is an answer; where the slow are left it counts as a failure all the same, as behind
        such a destination a queue grows as behind a dead one.
        """
        try:
            parts = parse_url(url, https_only=self.https_only)
        except ValueError as error:
            raise Refused(str(error)) from None
        began = self.monotonic()
        if not self.breakers.lets_through(parts.netloc, began):
            if self.hurried_s is None:
                raise Unreachable("left alone for a while, as it failed several times in a row")
            answer = self._exchange(replace(self.way, total_s=self.hurried_s), parts, body, headers)
            answer.require_now()
            return answer
        try:
            answer = self._exchange(self.way, parts, body, headers)
            answer.require_now()
        except Unreachable:
            self.breakers.failed(parts.netloc, self.monotonic())
            raise
        ended = self.monotonic()
        if self.leaves_the_slow and ended - began > SLOW_S:
            self.breakers.failed(parts.netloc, ended)
        else:
            self.breakers.succeeded(parts.netloc)
        return answer

    def _exchange(self, way: Way, parts: SplitResult, body: bytes, headers: Mapping[str, str]) -> Answer:
        host, is_tls = str(parts.hostname), parts.scheme == "https"
        port = parts.port or (443 if is_tls else 80)
        client = (HTTPSConnection if is_tls else HTTPConnection)(host, port)
        path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
        try:
            with way.open(host, port, tls=is_tls) as client.sock:
                client.request("POST", path, body, {**headers, "Connection": "close", "User-Agent": "haigio"})
                answer = client.getresponse()
                return Answer(answer.status, answer.read(MOST_BYTES))
        except HTTPException as error:
            raise Unreachable(f"spoke no HTTP: {type(error).__name__}") from error
        finally:
            client.close()
