"""From the outbox to this process: one connection that listens, and reads what is new after each notification."""

import asyncio
from collections.abc import Callable, Sequence
from typing import Any, Final, LiteralString

import structlog
from psycopg import AsyncConnection

from app.core import clock
from app.live.database import connect
from app.live.events import Event, Log, event_of
from app.live.gaps import Seen

log = structlog.get_logger("live")

# A burst of changes is read ten times a second at most; the first one at once.
BETWEEN_READS_S: Final = 0.1
# A notification wakes the feed; this is for the one that was lost with its connection.
POLL_S: Final = 5.0
LONGEST_PAUSE_S: Final = 1.0
# A line to the database that has gone dead says nothing; the server ends a statement sooner.
PATIENCE_S: Final = 15.0
MOST_ROWS: Final = 2_000
# How far back a fresh process looks for the last ten minutes.
LOOKS_BACK: Final = 20_000

# Of a gap a thousand rows at a time: a transaction of more is read in several turns.
_NEW: Final = """
    (select id, topic, payload, at from outbox where id > %(high)s order by id limit %(most)s)
    union all
    select late.id, late.topic, late.payload, late.at
    from unnest(%(first)s::bigint[], %(last)s::bigint[]) as gap (first, last)
    cross join lateral (
        select id, topic, payload, at from outbox where id between gap.first and gap.last order by id limit 1000
    ) as late
    order by id
"""


class Feed:
    """Reads every row of the outbox once, late ones too, remembers ten minutes of them and tells `hear`."""

    def __init__(self, database_url: str, hear: Callable[[Sequence[Event]], None]) -> None:
        self._database_url = database_url
        self._hear = hear
        self._seen: Seen | None = None
        self.log = Log()
        self.follows = False
        self._read_at = 0.0

    async def run(self) -> None:
        """Follow the outbox for ever. An outage is waited out; what was written meanwhile is read after it."""
        pause_s = 0.25
        while True:
            try:
                await self._follow()
            except Exception as outage:  # noqa: BLE001 -- whatever it was, desks must not stay deaf for ever
                pause_s = 0.25 if self.follows else min(pause_s * 2, LONGEST_PAUSE_S)
                self.follows = False
                log.warning("feed waits", reason=type(outage).__name__, seconds=pause_s)
                await asyncio.sleep(pause_s)

    async def _follow(self) -> None:
        clock_s = asyncio.get_running_loop().time
        connection = await connect(self._database_url)
        try:
            await connection.execute("listen outbox")
            while True:
                while await self._read(connection):
                    pass
                if not self.follows:
                    log.info("feed follows", remembered=len(self.log))
                self.follows = True
                # Whatever notified before the read that follows is in it.
                async for _ in connection.notifies(timeout=POLL_S, stop_after=1):
                    pass
                await asyncio.sleep(max(0.0, self._read_at + BETWEEN_READS_S - clock_s()))
                async for _ in connection.notifies(timeout=0):
                    pass
        finally:
            await connection.close()

    async def _begin(self, connection: AsyncConnection[Any]) -> Seen:
        """Where a fresh process begins to read, in the past: to remember what it was not there for."""
        (start,) = await _row(connection, "select greatest(max(id) - %s, 0) from outbox", LOOKS_BACK)
        self._seen = Seen(start or 0)
        (before,) = await _row(
            connection,
            "select max(at) from (select at from outbox where id <= %s order by id desc limit 1000) as earlier",
            self._seen.high,
        )
        if before is not None:
            self.log.lose(before)
        return self._seen

    async def _read(self, connection: AsyncConnection[Any]) -> bool:
        """Read once what is new; True when there may be more."""
        seen, now = self._seen or await self._begin(connection), clock.now()
        self._read_at = asyncio.get_running_loop().time()
        gaps = tuple(seen.gaps)
        values = {
            "high": seen.high,
            "most": MOST_ROWS,
            "first": [gap.first for gap in gaps],
            "last": [gap.last for gap in gaps],
        }
        async with asyncio.timeout(PATIENCE_S):
            rows = await (await connection.execute(_NEW, values)).fetchall()
        fresh = [row for row in rows if seen.take(row[0], now)]
        if fresh or seen.gaps:
            seen.forget(now)
        events = [event for row in fresh if (event := event_of(*row)) is not None]
        if events:
            self.log.add(events, now=now)
            self._hear(events)
        return len(rows) >= MOST_ROWS


async def _row(connection: AsyncConnection[Any], statement: LiteralString, *values: Any) -> tuple[Any, ...]:
    found: tuple[Any, ...] = await (await connection.execute(statement, values)).fetchone() or ()
    return found
