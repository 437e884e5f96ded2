"""Real PostGIS for every test, built by the migrations; each test's changes are rolled back.

`./test` starts the servers and names them in the environment. Each xdist worker has a database of its own. `session`
and `database` (and the app made from it) share one connection inside one outer transaction: what a request commits is
seen by the test and gone after it. Tests that need real commits, threads or processes take `committed` instead.
"""

import os
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import Connection, Engine, create_engine, text
from sqlalchemy.orm import Session
from xdist.remote import Producer
from xdist.scheduler import LoadScopeScheduling

import app.metadata
import district as district_
from app import create_app
from app.config import Settings
from app.core import clock
from app.core.db import Database
from app.http.container import KEY, Container
from app.identity.permissions import Actor
from databases import migrated_database, url_of
from running_copy import copy, database_behind, running  # noqa: F401 -- fixtures

# What a migration puts into a fresh database, and so what stays when a test that committed is cleaned up.
SEEDED = {"alembic_version", "spatial_ref_sys", "cities", "rulebook_revision"}


@pytest.fixture(scope="session")
def database_name(worker_id: str) -> str:
    """A migrated database for this worker alone."""
    name = f"haigio_test_{worker_id}"
    migrated_database(name)
    return name


@pytest.fixture(scope="session")
def engine(database_name: str) -> Iterator[Engine]:
    # Pinged first: a test of outages may have cut this connection off with all others.
    url, options = url_of("HAIGIO_DATABASE_URL", database_name), {"options": "-c timezone=UTC"}
    engine = create_engine(url, connect_args=options, pool_pre_ping=True)
    yield engine
    engine.dispose()


@pytest.fixture
def connection(engine: Engine) -> Iterator[Connection]:
    """The test's connection, in a transaction that is never committed."""
    with engine.connect() as connection:
        outer = connection.begin()
        yield connection
        outer.rollback()


@pytest.fixture
def session(connection: Connection) -> Iterator[Session]:
    with Session(connection, join_transaction_mode="create_savepoint", expire_on_commit=False) as session:
        yield session


@pytest.fixture
def settings(database_name: str, tmp_path: Path) -> Settings:
    return Settings(
        env="test",
        database_url=url_of("HAIGIO_DATABASE_URL", database_name),
        queue_url=os.environ["HAIGIO_QUEUE_URL"],
        photos=tmp_path / "photos",
        secret="a secret for tests, of more than 32 letters",
    )


@pytest.fixture
def database(settings: Settings, connection: Connection) -> Iterator[Database]:
    """A Database whose every unit of work is a savepoint in the test's transaction."""
    database = Database(settings.database_url)
    database.sessions.configure(bind=connection, join_transaction_mode="create_savepoint")
    yield database
    database.close()


@pytest.fixture
def committed(settings: Settings, database_name: str) -> Iterator[Database]:
    """A Database that really commits, for threads and processes; everything is deleted afterwards, as the owner."""
    database = Database(settings.database_url)
    yield database
    database.close()
    tables = [table for table in app.metadata.metadata.tables if table not in SEEDED]
    owner = create_engine(url_of("HAIGIO_OWNER_DATABASE_URL", database_name))
    with owner.begin() as connection:
        connection.execute(text(f"truncate {', '.join(tables)} restart identity cascade"))
        connection.execute(
            text("insert into units (city_id, kind, code, name) values (1, 'desk', 'desk', 'Tổ điều phối thành phố')")
        )
    owner.dispose()


@pytest.fixture
def district(session: Session) -> district_.District:
    """Three square wards with units, kinds and people to come."""
    return district_.found(session)


@pytest.fixture(scope="session")
def wired(database_name: str, tmp_path_factory: pytest.TempPathFactory) -> Flask:
    """The web application, wired once a worker; `app` gives it the test's own database."""
    return create_app(
        Settings(
            env="test",
            database_url=url_of("HAIGIO_DATABASE_URL", database_name),
            queue_url=os.environ["HAIGIO_QUEUE_URL"],
            photos=tmp_path_factory.mktemp("photos"),
            secret="a secret for tests, of more than 32 letters",
        )
    )


@pytest.fixture
def web(wired: Flask, database: Database) -> Flask:
    """The web application in the test's transaction, with no rules of another test in memory."""
    container: Container = wired.extensions[KEY]
    container.database = database
    container.rulebook.forget()
    return wired


@pytest.fixture
def as_(web: Flask) -> Callable[[Actor | None], FlaskClient]:
    """A client that is signed in as somebody."""

    def client(actor: Actor | None = None) -> FlaskClient:
        client = web.test_client()
        if actor is not None:
            tokens = web.extensions[KEY].tokens
            token = tokens.issue(actor.person_id, actor.session_id, is_staff=actor.is_staff, now=clock.now())
            client.environ_base["HTTP_AUTHORIZATION"] = f"Bearer {token}"
        return client

    return client


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Say what the faults suite killed and found, also when another process ran it."""
    for outcome in ("passed", "failed"):
        for report in terminalreporter.stats.get(outcome, ()):
            for told in (value for name, value in getattr(report, "user_properties", ()) if name == "faults"):
                terminalreporter.write_line(told)


class _FaultsTogether(LoadScopeScheduling):
    """The tests of faults one after the other in one process, each other test wherever there is room.

    xdist's own `loadgroup` does not know this pytest's node ids: it takes every test for a group of its own.
    """

    def _split_scope(self, nodeid: str) -> str:
        return "faults" if nodeid.startswith("tests/faults/") else nodeid


def pytest_xdist_make_scheduler(config: pytest.Config, log: Producer) -> LoadScopeScheduling:
    return _FaultsTogether(config, log)
