"""The application that a server runs (ASGI 3): one stream a desk, and two addresses for whoever keeps it running."""

import asyncio
import contextlib
import resource
import signal
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Final, NamedTuple
from urllib.parse import parse_qs

import psycopg
import structlog

from app.config import Settings
from app.core import clock, logs
from app.core.errors import DomainError, NotFound, NotPermitted, Unavailable
from app.http.statuses import MethodNotAllowed
from app.identity.errors import SessionEnded, TokenInvalid
from app.identity.permissions import Do, could
from app.identity.tickets import KEY_PURPOSE, LiveTickets, Ticket
from app.live.access import Access
from app.live.answers import Asked, Send, answer, is_own_page, refuse
from app.live.events import OPENING, RESET
from app.live.feed import Feed
from app.live.streams import MOST_STREAMS, Stream, Streams

log = structlog.get_logger("live")

Receive = Callable[[], Awaitable[dict[str, Any]]]

PULSE_S: Final = 15.0
RECHECK_S: Final = 30.0
# While nobody can be looked up: how soon it is tried again, and how long streams stay open without.
RETRY_S: Final = 2.0
LONGEST_UNCHECKED_S: Final = 60.0

# Outages, to whoever connects meanwhile.
_OUTAGES: Final = (psycopg.Error, OSError)


class Route(NamedTuple):
    """A path: the permission that it asks for, and the method of Live that answers."""

    needs: Do
    answer: str


ROUTES: Final[Mapping[str, Route]] = {
    "/live": Route(Do.READ_QUEUE, "stream"),
    "/health/live": Route(Do.WATCH, "alive"),
    "/health/ready": Route(Do.WATCH, "ready"),
}


class Live:
    """Hears of changes from the database, and tells open desks of those that they may hear of."""

    def __init__(self, settings: Settings) -> None:
        logs.configure(for_people=settings.env != "production")
        self._settings = settings
        self._tickets = LiveTickets(settings.key(KEY_PURPOSE))
        self._access = Access(settings.database_url)
        self._streams = Streams()
        self._feed = Feed(settings.database_url, self._streams.hear)

    async def __call__(self, scope: dict[str, Any], receive: Receive, send: Send) -> None:
        """Answer one request, or live and die with the server."""
        if scope["type"] == "lifespan":
            await self._live(receive, send)
        elif scope["type"] == "http":
            asked = Asked.of(scope)
            try:
                route = ROUTES.get(asked.path)
                if route is None:
                    raise NotFound
                if asked.method != "GET":
                    raise MethodNotAllowed(method=asked.method)
                await getattr(self, route.answer)(asked, receive, send)
            except DomainError as error:
                log.info("refused", route=asked.path if asked.path in ROUTES else "(none)", problem=error.code)
                await refuse(send, asked, error, self._settings)

    async def stream(self, asked: Asked, receive: Receive, send: Send) -> None:
        """News of the cases that the holder of a ticket may read in a queue.

        Raises NotPermitted, TokenInvalid, TokenExpired, SessionEnded, TooMany, Unavailable: all before the first byte.
        """
        if not is_own_page(asked, self._settings):
            raise NotPermitted
        query = parse_qs(asked.query)
        ticket = self._tickets.read(query.get("ticket", [""])[0], now=clock.now())
        last = _last(asked.headers.get("last-event-id") or query.get("last", [""])[0])
        if not self._feed.follows:
            raise Unavailable
        stream = await self._admit(ticket)
        try:
            # Between being let in and this nothing was waited for: no event is heard twice, none is left out.
            missed = [] if last is None else self._feed.log.after(last, stream.units)
            stream.tell([OPENING, *([RESET] if missed is None else (event.frame for event in missed))])
            await answer(
                send, asked, self._settings, 200, "text/event-stream; charset=utf-8", {"x-accel-buffering": "no"}
            )
            await stream.pour(send, _gone(receive))
        finally:
            self._streams.remove(stream)

    async def _admit(self, ticket: Ticket) -> Stream:
        try:
            actor = (await self._access.actors([ticket.session_id], clock.now())).get(ticket.session_id)
        except _OUTAGES as outage:
            log.warning("nobody can be looked up", reason=type(outage).__name__)
            raise Unavailable from outage
        if actor is None:
            raise SessionEnded
        if actor.person_id != ticket.person_id:
            raise TokenInvalid
        if not could(actor, ROUTES["/live"].needs):
            raise NotPermitted
        stream = Stream(actor)
        self._streams.add(stream)
        return stream

    async def alive(self, asked: Asked, _receive: Receive, send: Send) -> None:
        """Whether the process answers."""
        await answer(send, asked, self._settings, 200, "application/json", body=b'{"status":"ok"}')

    async def ready(self, asked: Asked, _receive: Receive, send: Send) -> None:
        """Whether it hears of changes, and to how many it tells them."""
        status = "ok" if self._feed.follows else "down"
        body = f'{{"status":"{status}","streams":{len(self._streams)}}}'.encode()
        await answer(send, asked, self._settings, 200 if self._feed.follows else 503, "application/json", body=body)

    async def _live(self, receive: Receive, send: Send) -> None:
        """Run what runs beside the requests, from the server's start to its end."""
        await receive()
        _allow_sockets(MOST_STREAMS + 200)
        self._end_streams_at_signals()
        beside = [asyncio.ensure_future(work) for work in (self._feed.run(), self._pulse(), self._recheck())]
        await send({"type": "lifespan.startup.complete"})
        await receive()
        for task in beside:
            task.cancel()
        await asyncio.gather(*beside, return_exceptions=True)
        await self._access.close()
        await send({"type": "lifespan.shutdown.complete"})

    def _end_streams_at_signals(self) -> None:
        """End the streams when the server is asked to stop: it waits for them, and they end by nothing else."""
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            earlier = signal.getsignal(number)

            def end(number: int, frame: Any, earlier: Any = earlier) -> None:
                loop.call_soon_threadsafe(self._streams.end)
                if callable(earlier):
                    earlier(number, frame)

            with contextlib.suppress(ValueError):  # a server that runs us in another thread has to wait
                signal.signal(number, end)

    async def _pulse(self) -> None:
        loop = asyncio.get_running_loop()
        while True:
            await asyncio.sleep(PULSE_S)
            self._streams.pulse(loop.time())

    async def _recheck(self) -> None:
        """Look up who listens, all in one statement; without a database for a minute nobody listens any more."""
        loop, wait_s = asyncio.get_running_loop(), RECHECK_S
        checked_at = loop.time()
        while True:
            await asyncio.sleep(wait_s)
            sessions = {stream.session_id for stream in self._streams}
            try:
                ended = self._streams.recheck(await self._access.actors(sessions, clock.now())) if sessions else 0
            except Exception as outage:  # noqa: BLE001 -- whatever it was, nobody listens unchecked
                log.warning("nobody can be looked up", reason=type(outage).__name__)
                wait_s = RETRY_S
                if loop.time() - checked_at > LONGEST_UNCHECKED_S:
                    self._streams.end()
                continue
            checked_at, wait_s = loop.time(), RECHECK_S
            if ended:
                log.info("streams ended", number=ended)


def _allow_sockets(number: int) -> None:
    """Raise the number of files that this process may open, which is often 1,024, as far as we may."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft != resource.RLIM_INFINITY and soft < number:
        most = number if hard == resource.RLIM_INFINITY else min(number, hard)
        resource.setrlimit(resource.RLIMIT_NOFILE, (most, hard))


async def _gone(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass


def _last(text: str) -> int | None:
    """The id of the last event that somebody had. What is none counts as one that nobody remembers."""
    if not text:
        return None
    return int(text) if text.isascii() and text.isdigit() and len(text) < 19 else 0
