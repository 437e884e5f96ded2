"""Who listens: the same question as every request of the API asks, for many streams at once."""

import asyncio
from collections.abc import Collection
from datetime import datetime
from typing import Any, Final
from uuid import UUID

import psycopg
from psycopg import AsyncConnection

from app.identity.permissions import Acting, Actor, Role
from app.live.database import connect
from geo.validity import local_day

# As app/identity/queries.py has it for one: alive, not disabled, with the memberships of the local day.
_ACTORS: Final = """
    select s.id, p.id, p.is_staff, m.role, m.unit_id
    from sessions s
    join people p on p.id = s.person_id
    left join memberships m
        on m.person_id = p.id and m.valid_from <= %(day)s and (m.valid_to is null or %(day)s < m.valid_to)
    where s.id = any(%(sessions)s) and s.ended_at is null and p.disabled_at is null
"""

# How long the database may take, in seconds, before whoever waits is told to come again.
PATIENCE_S: Final = 3.0


class Access:
    """Looks sessions up in the database, on one connection, one question after the other."""

    def __init__(self, database_url: str) -> None:
        self._database_url = database_url
        self._connection: AsyncConnection[Any] | None = None
        self._turn = asyncio.Lock()

    async def actors(self, sessions: Collection[UUID], now: datetime) -> dict[UUID, Actor]:
        """Who acts through each of these sessions now. One that has ended, or whose person is disabled, is missing.

        Raises psycopg.Error, OSError when the database does not answer.
        """
        values = {"sessions": list(sessions), "day": local_day(now)}
        async with self._turn:
            try:
                rows = await self._ask(values)
            except psycopg.OperationalError:
                # The server may have been restarted since the last question: a new connection tells.
                rows = await self._ask(values)
        acting: dict[tuple[UUID, UUID, bool], list[Acting]] = {}
        for session_id, person_id, is_staff, role, unit_id in rows:
            memberships = acting.setdefault((person_id, session_id, is_staff), [])
            if role is not None:
                memberships.append(Acting(Role(role), unit_id))
        return {
            session_id: Actor(person_id, session_id, is_staff=is_staff, memberships=tuple(memberships))
            for (person_id, session_id, is_staff), memberships in acting.items()
        }

    async def close(self) -> None:
        """Let go of the connection."""
        if self._connection is not None:
            await self._connection.close()
            self._connection = None

    async def _ask(self, values: dict[str, Any]) -> list[tuple[Any, ...]]:
        try:
            async with asyncio.timeout(PATIENCE_S):
                if self._connection is None:
                    self._connection = await connect(self._database_url)
                return await (await self._connection.execute(_ACTORS, values)).fetchall()
        except BaseException:
            await self.close()  # in what state it was left nobody knows
            raise
