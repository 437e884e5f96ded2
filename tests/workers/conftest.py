"""A Valkey of the tests' own, and the processes of `python -m workers`."""

import os
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
import trial_jobs
from redis import Redis
from trial import HERE, ROOT, Outbox, Processes, Valkey

from app.config import Settings
from app.core.db import Database
from workers.queues import connect


@pytest.fixture(scope="session")
def valkey_server() -> Iterator[Valkey]:
    # A socket's path must be short, which the tests' own folder is not.
    with tempfile.TemporaryDirectory(prefix="hg") as folder:
        server = Valkey(Path(folder))
        server.start()
        yield server
        server.kill()


@pytest.fixture
def valkey(valkey_server: Valkey) -> Iterator[Redis]:
    with connect(valkey_server.url) as client:
        client.flushall()
        yield client


@pytest.fixture
def promises(committed: Database) -> Outbox:
    return Outbox(committed)


@pytest.fixture
def processes(
    settings: Settings,
    committed: Database,  # its tables are emptied after these processes have ended, not under them
    valkey_server: Valkey,
    tmp_path: Path,
) -> Iterator[Processes]:
    started = Processes(
        {
            **os.environ,
            "HAIGIO_ENV": "test",
            "HAIGIO_DATABASE_URL": settings.database_url,
            "HAIGIO_QUEUE_URL": valkey_server.url,
            "HAIGIO_PHOTOS": str(settings.photos),
            "HAIGIO_SECRET": settings.secret,
            "PYTHONPATH": f"{ROOT}:{HERE}",
        },
        tmp_path / "processes.log",
    )
    yield started
    started.end()


@pytest.fixture
def trial_context(committed: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    """Lets a job run in the process of the test."""

    class Here:
        database = committed

    monkeypatch.setattr(trial_jobs, "context", Here)
