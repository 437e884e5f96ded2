"""Every connection to the database notices within half a minute that nobody is at the other end any more."""

import psycopg
from psycopg import AsyncConnection

import loops
from app.config import Settings
from app.core.db import Database
from app.live.database import connect
from workers import relay, schedule

WANTED = {
    "keepalives_idle": "10",
    "keepalives_interval": "5",
    "keepalives_count": "3",
    "tcp_user_timeout": "10000",
}


def told(parameters: dict[str, str]) -> dict[str, str]:
    return {name: value for name, value in parameters.items() if name in WANTED}


def test_of_the_web_and_the_jobs(committed: Database) -> None:
    with committed.sessions() as session:
        raw = session.connection().connection.driver_connection
        assert isinstance(raw, psycopg.Connection)
        assert told(raw.info.get_parameters()) == WANTED


def test_of_the_live_process(settings: Settings) -> None:
    async def ask() -> dict[str, str]:
        connection: AsyncConnection = await connect(settings.database_url)
        async with connection:
            return connection.info.get_parameters()

    assert told(loops.run(ask())) == WANTED


def test_of_the_relay_and_the_schedule(settings: Settings, monkeypatch) -> None:
    made = []
    real = psycopg.connect

    def note(*args, **how):
        made.append(real(*args, **how))
        return made[-1]

    monkeypatch.setattr(psycopg, "connect", note)
    with relay.listening(settings.database_url), schedule.alone(settings.database_url):
        assert [told(connection.info.get_parameters()) for connection in made] == [WANTED, WANTED]
