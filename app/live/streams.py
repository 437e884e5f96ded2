"""The open streams: who listens to what, what waits for each, and who has to go."""

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any, Final
from uuid import UUID

from app.core.errors import TooMany, Unavailable
from app.identity.permissions import Actor, Do, could, units_for
from app.live.events import PULSE, RESET, Event, hears

Send = Callable[[dict[str, Any]], Awaitable[None]]

MOST_STREAMS: Final = 2_000
MOST_OF_A_PERSON: Final = 10
# A browser that is this far behind is told to fetch everything anew instead.
MOST_WAITING: Final = 500
# Who takes nothing for this long is cut off, and resumes when they can.
STALLED_S: Final = 20.0
FULL_RETRY_S: Final = 30


class Stream:
    """One open stream. `units` are those whose queues it hears of, None for every one."""

    def __init__(self, actor: Actor) -> None:
        self.person_id = actor.person_id
        self.session_id = actor.session_id
        self.units = units_for(actor, Do.READ_QUEUE)
        self._waiting: list[bytes] = []
        self._woken = asyncio.Event()
        self._is_over = False
        self._sending_since: float | None = None
        self._task: asyncio.Task[None] | None = None

    def fits(self, actor: Actor | None) -> bool:
        """Whether it may go on as it is, its session being this actor's now."""
        return (
            actor is not None
            and actor.person_id == self.person_id
            and could(actor, Do.READ_QUEUE)
            and units_for(actor, Do.READ_QUEUE) == self.units
        )

    def tell(self, frames: Iterable[bytes]) -> None:
        """Send these when the browser takes them; of too many only that there were many."""
        self._waiting.extend(frames)
        if len(self._waiting) > MOST_WAITING:
            self._waiting = [RESET]
        self._woken.set()

    def pulse(self, now_s: float) -> None:
        """Show that the line is alive; cut it off when the other end has taken nothing for too long."""
        if self._sending_since is None:
            self.tell([PULSE])
        elif now_s - self._sending_since > STALLED_S and self._task is not None:
            self._task.cancel()

    def end(self) -> None:
        """Send what waits, and then no more."""
        self._is_over = True
        self._woken.set()

    async def pour(self, send: Send, gone: Awaitable[None]) -> None:
        """Send what there is to tell until it is ended, cut off, or `gone` returns."""
        self._task = asyncio.ensure_future(self._pour(send))
        leaving = asyncio.ensure_future(gone)
        try:
            await asyncio.wait({self._task, leaving}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in (self._task, leaving):
                task.cancel()
            await asyncio.gather(self._task, leaving, return_exceptions=True)

    async def _pour(self, send: Send) -> None:
        clock = asyncio.get_running_loop().time
        while True:
            await self._woken.wait()
            self._woken.clear()
            frames, self._waiting = self._waiting, []
            self._sending_since = clock()
            await send({"type": "http.response.body", "body": b"".join(frames), "more_body": not self._is_over})
            self._sending_since = None
            if self._is_over:
                return


class Streams:
    """All of them."""

    def __init__(self) -> None:
        self._streams: set[Stream] = set()
        self._of_person: Counter[UUID] = Counter()

    def __len__(self) -> int:
        return len(self._streams)

    def __iter__(self) -> Iterator[Stream]:
        return iter(tuple(self._streams))

    def add(self, stream: Stream) -> None:
        """Let a stream in. Raises Unavailable when there are too many, TooMany when they are of one person."""
        if len(self._streams) >= MOST_STREAMS:
            raise Unavailable
        if self._of_person[stream.person_id] >= MOST_OF_A_PERSON:
            raise TooMany(retry_after_s=FULL_RETRY_S)
        self._streams.add(stream)
        self._of_person[stream.person_id] += 1

    def remove(self, stream: Stream) -> None:
        """Forget a stream that has ended."""
        self._streams.discard(stream)
        self._of_person[stream.person_id] -= 1
        if not self._of_person[stream.person_id]:
            del self._of_person[stream.person_id]

    def hear(self, events: Sequence[Event]) -> None:
        """Tell every stream what it hears of these."""
        framed = [(event, event.frame) for event in events]
        for stream in self._streams:
            if frames := [frame for event, frame in framed if hears(stream.units, event)]:
                stream.tell(frames)

    def pulse(self, now_s: float) -> None:
        """Let every line be felt, and find out who no longer takes anything."""
        for stream in self:
            stream.pulse(now_s)

    def recheck(self, actors: Mapping[UUID, Actor]) -> int:
        """End the streams of sessions that are over or may hear something else now; return how many."""
        unfit = [stream for stream in self if not stream.fits(actors.get(stream.session_id))]
        for stream in unfit:
            stream.end()
        return len(unfit)

    def end(self) -> None:
        """End them all: who listens comes again."""
        for stream in self:
            stream.end()
