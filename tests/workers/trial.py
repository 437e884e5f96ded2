"""What the tests of the workers are made of: a Valkey that may be killed, promises, processes, and handlers of trial jobs."""

import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from redis.exceptions import RedisError
from sqlalchemy import text

from app.core import audit, clock, outbox
from app.core.db import Database
from workers.queues import PHOTOS, SMALL, connect
from workers.relay import Handler

ROOT = Path(__file__).parents[2]
HERE = Path(__file__).parent

HANDLERS = {
    "trial.effect": Handler(SMALL, "trial_jobs.effect"),
    "trial.hang_small": Handler(SMALL, "trial_jobs.hang_at_first"),
    "trial.hang_forked": Handler(PHOTOS, "trial_jobs.hang_at_first"),
    "trial.fail": Handler(SMALL, "trial_jobs.fail"),
    "trial.forget": Handler(SMALL, "trial_jobs.forget"),
    "trial.unneeded": None,
}


def eventually(holds: Callable[[], object], *, seconds: float) -> float:
    """Wait until something holds; return the seconds that it took."""
    began = time.monotonic()
    while not holds():
        if time.monotonic() - began > seconds:
            pytest.fail(f"not within {seconds} s")
        time.sleep(0.05)
    return time.monotonic() - began


@dataclass
class Valkey:
    """A server with its data in a folder."""

    folder: Path
    process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        return f"unix://{self.folder}/valkey"

    def start(self) -> None:
        self.process = subprocess.Popen(
            [
                os.environ["HAIGIO_VALKEY_SERVER"], "--port", "0", "--unixsocket", f"{self.folder}/valkey",
                "--dir", str(self.folder), "--appendonly", "yes", "--appendfsync", "always", "--save", "",
            ],
            stdout=subprocess.DEVNULL,
        )  # fmt: skip
        eventually(self._answers, seconds=10)

    def _answers(self) -> bool:
        with suppress(RedisError), connect(self.url) as client:
            return client.ping()
        return False

    def kill(self) -> None:
        self.process.kill()
        self.process.wait()

    def empty(self) -> None:
        shutil.rmtree(self.folder / "appendonlydir")


@dataclass
class Outbox:
    """The outbox and the effects of the trial jobs, with real commits."""

    database: Database

    def emit(self, topic: str, number: int = 1) -> list[int]:
        with self.database.unit_of_work() as session:
            for _ in range(number):
                outbox.emit(session, topic, {"of": "no importance"}, at=clock.now())
            ids = session.execute(text("select id from outbox order by id desc limit :n"), {"n": number})
            return sorted(ids.scalars())

    def row(self, message_id: int) -> outbox.OutboxMessage:
        with self.database.unit_of_work() as session:
            return session.get_one(outbox.OutboxMessage, message_id)

    def write(self, action: str, number: int) -> None:
        with self.database.unit_of_work() as session:
            audit.record(session, by=None, action=action, subject=str(number), at=clock.now())

    def written(self, action: str, message_id: int | None = None) -> list[int]:
        """The ids of the promises that the jobs wrote `action` about, once each time."""
        with self.database.unit_of_work() as session:
            rows = session.execute(
                text(
                    "select subject::bigint from audit where action = :action "
                    "and (cast(:id as text) is null or subject = :id) order by 1"
                ),
                {"action": action, "id": str(message_id) if message_id else None},
            )
            return list(rows.scalars())

    def pid_of_attempt(self, message_id: int) -> int:
        with self.database.unit_of_work() as session:
            row = session.execute(
                text("select data->>'pid' from audit where action = 'attempt' and subject = :id order by id"),
                {"id": str(message_id)},
            )
            return int(row.scalars().first())

    def waiting(self) -> int:
        with self.database.unit_of_work() as session:
            return outbox.backlog(session, clock.now()).waiting


@dataclass
class Processes:
    """Processes of the service, each in a group of its own."""

    environment: dict[str, str]
    log: Path
    running: list[subprocess.Popen[bytes]] = field(default_factory=list)

    def start(self, *arguments: str) -> subprocess.Popen[bytes]:
        with self.log.open("ab") as log:
            process = subprocess.Popen(
                [sys.executable, *arguments], cwd=ROOT, env=self.environment, stdout=log, stderr=log,
                start_new_session=True,
            )  # fmt: skip
        self.running.append(process)
        return process

    def end(self) -> None:
        for process in self.running:
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()
