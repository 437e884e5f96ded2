"""Who listens: the same question as every request of the API asks, for many streams at once."""

from collections.abc import Collection
from datetime import datetime
from typing import Final
from uuid import UUID

from psycopg_pool import AsyncConnectionPool

from app.identity.permissions import Acting, Actor, Role
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

# How long somebody who connects waits for the database, in seconds, before they are told to come again.
PATIENCE_S: Final = 3.0


class Access:
    """Looks sessions up in the database."""

    def __init__(self, database_url: str) -> None:
        self._pool = AsyncConnectionPool(
            database_url.replace("postgresql+psycopg://", "postgresql://", 1),
            min_size=1,
            max_size=2,
            open=False,
            timeout=PATIENCE_S,
            check=AsyncConnectionPool.check_connection,
            kwargs={
                "autocommit": True,
                "connect_timeout": 5,
                "application_name": "haigio live",
                "options": "-c statement_timeout=10s -c timezone=UTC",
            },
        )

    async def open(self) -> None:
        """Begin to connect; nobody waits for it."""
        await self._pool.open(wait=False)

    async def close(self) -> None:
        """Let go of the connections."""
        await self._pool.close()

    async def actors(self, sessions: Collection[UUID], now: datetime) -> dict[UUID, Actor]:
        """Who acts through each of these sessions now. One that has ended, or whose person is disabled, is missing.

        Raises psycopg.Error, psycopg_pool.PoolTimeout when the database does not answer.
        """
        async with self._pool.connection() as connection:
            values = {"sessions": list(sessions), "day": local_day(now)}
            rows = await (await connection.execute(_ACTORS, values)).fetchall()
        acting: dict[tuple[UUID, UUID, bool], list[Acting]] = {}
        for session_id, person_id, is_staff, role, unit_id in rows:
            memberships = acting.setdefault((person_id, session_id, is_staff), [])
            if role is not None:
                memberships.append(Acting(Role(role), unit_id))
        return {
            session_id: Actor(person_id, session_id, is_staff=is_staff, memberships=tuple(memberships))
            for (person_id, session_id, is_staff), memberships in acting.items()
        }
