"""Both stores are taken away under running processes, which wait, come back by themselves, and lose and double nothing."""

import os
import signal
import subprocess

import pytest
from redis import Redis
from sqlalchemy import text
from test_work import RELAY
from trial import Outbox, Processes, Valkey, eventually

from workers.queues import WORKERS
from workers.schedule import ADVISORY_LOCK


@pytest.fixture
def work(processes: Processes, valkey: Redis) -> subprocess.Popen[bytes]:
    """Relay, schedule and workers, as ./run has them, with the trial handlers."""
    processes.start("-c", RELAY)
    processes.start("-m", "workers", "schedule")
    work = processes.start("-m", "workers", "work")
    eventually(lambda: valkey.scard("rq:workers") == len(WORKERS), seconds=30)
    return work


WRONG_TWICE = """
from app.core import clock
compare, left = clock.compare, [1, 2]
def wrong_twice(theirs):
    if left:
        left.pop()
        raise clock.ClockWrong
    return compare(theirs)
clock.compare = wrong_twice
"""


def test_a_relay_with_a_wrong_clock_waits_as_in_an_outage(
    processes: Processes, valkey: Redis, promises: Outbox
) -> None:
    relay = processes.start("-c", WRONG_TWICE + RELAY)
    (id_,) = promises.emit("trial.effect")
    eventually(lambda: promises.row(id_).sends == 1, seconds=15)
    assert relay.poll() is None


def schedules(promises: Outbox) -> int:
    with promises.database.unit_of_work() as session:
        held = text(
            "select count(*) from pg_locks join pg_database d on d.oid = database and d.datname = current_database() "
            "where locktype = 'advisory' and objid = :lock and granted"
        )
        return int(session.execute(held, {"lock": ADVISORY_LOCK}).scalar_one())


def cut_off_everybody_else(promises: Outbox) -> int:
    """End every other connection of the service to this database, as a restart of PostgreSQL does; how many."""
    with promises.database.unit_of_work() as session:
        cut = text(
            "select count(pg_terminate_backend(pid)) from pg_stat_activity "
            "where datname = current_database() and usename = current_user and pid <> pg_backend_pid()"
        )
        return int(session.execute(cut).scalar_one())


def test_what_is_promised_while_a_store_is_away_is_kept_once(
    work: subprocess.Popen[bytes], valkey_server: Valkey, promises: Outbox
) -> None:
    # The workers are held, so that there is something in the queue to be lost with it.
    os.killpg(work.pid, signal.SIGSTOP)
    promised = promises.emit("trial.effect", 40)
    eventually(lambda: promises.row(promised[-1]).sends == 1, seconds=10)
    valkey_server.kill()
    os.killpg(work.pid, signal.SIGCONT)
    valkey_server.empty()
    promised += promises.emit("trial.effect", 40)
    valkey_server.start()
    eventually(lambda: promises.waiting() == 0, seconds=30)
    assert promises.written("effect") == promised

    # The relay listens on one connection, and the schedule holds its lock on another: both are among them.
    assert cut_off_everybody_else(promises) >= 2
    promised += promises.emit("trial.effect", 20)
    eventually(lambda: promises.waiting() == 0, seconds=30)
    assert promises.written("effect") == promised
    eventually(lambda: schedules(promises) == 1, seconds=10)
