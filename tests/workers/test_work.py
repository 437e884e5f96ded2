"""A worker that is killed in the middle of a job: the job runs again within 30 s, and its effect happens once."""

import os
import signal
import subprocess
import sys
import time
from datetime import timedelta
from pathlib import Path

import pytest
from redis import Redis
from rq.job import Job, JobStatus
from rq.serializers import JSONSerializer
from trial import HANDLERS, ROOT, Outbox, Processes, eventually

from app.core import clock
from workers.queues import SMALL, WORKERS
from workers.reaper import BETWEEN_QUEUE_AND_START, Reaper
from workers.relay import Relay
from workers.schedule import ADVISORY_LOCK

RELAY = "from app.config import read_settings; from trial import HANDLERS; from workers import relay; "
RELAY += "relay.run(read_settings(), HANDLERS)"


def children(pid: int) -> list[int]:
    return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


def descendants(pid: int) -> list[int]:
    return [each for child in children(pid) for each in (child, *descendants(child))]


def lives(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


@pytest.fixture
def work(processes: Processes, valkey: Redis) -> subprocess.Popen[bytes]:
    """Relay, schedule and workers as ./run has them, with the trial handlers."""
    processes.start("-c", RELAY)
    processes.start("-m", "workers", "schedule")
    work = processes.start("-m", "workers", "work")
    eventually(lambda: valkey.scard("rq:workers") == len(WORKERS), seconds=30)
    return work


def test_jobs_run_again_within_half_a_minute_whatever_was_killed(
    work: subprocess.Popen[bytes], processes: Processes, promises: Outbox
) -> None:
    # Only the process of the job: its worker sees it and has it run again.
    (forked,) = promises.emit("trial.hang_forked")
    eventually(lambda: promises.written("attempt", forked), seconds=10)
    # Photos are held up now, and what is small is not.
    (quick,) = promises.emit("trial.effect")
    assert eventually(lambda: promises.written("effect", quick), seconds=5) < 5
    os.kill(promises.pid_of_attempt(forked), signal.SIGKILL)
    assert eventually(lambda: promises.written("effect", forked), seconds=30) < 30

    # Everything at once, as when a machine fails: nobody is left who saw it.
    (small,), (forked,) = promises.emit("trial.hang_small"), promises.emit("trial.hang_forked")
    eventually(lambda: promises.written("attempt", small) and promises.written("attempt", forked), seconds=10)
    for pid in (work.pid, *descendants(work.pid)):
        os.kill(pid, signal.SIGKILL)
    again = processes.start("-m", "workers", "work")
    took = eventually(lambda: promises.written("effect", small) and promises.written("effect", forked), seconds=30)
    assert took < 30
    assert promises.written("effect") == sorted({*promises.written("effect")})
    eventually(lambda: promises.waiting() == 0, seconds=5)

    # A worker that lost its parent goes too, and a stop leaves nothing behind.
    eventually(lambda: len(descendants(again.pid)) == len(WORKERS), seconds=10)  # the process of the last job is going
    orphans = descendants(again.pid)
    again.kill()
    eventually(lambda: not any(lives(pid) for pid in orphans), seconds=10)
    last = processes.start("-m", "workers", "work")
    eventually(lambda: len(descendants(last.pid)) == len(WORKERS), seconds=10)
    below = descendants(last.pid)
    last.terminate()
    assert last.wait(timeout=20) == 0
    eventually(lambda: not any(lives(pid) for pid in below), seconds=10)


@pytest.mark.parametrize("pause_s", [0.0, 0.1])
def test_a_stop_right_after_the_first_fork_is_not_lost(processes: Processes, valkey: Redis, pause_s: float) -> None:
    work = processes.start("-m", "workers", "work")
    eventually(lambda: children(work.pid), seconds=30)
    time.sleep(pause_s)
    work.terminate()
    assert work.wait(timeout=25) == 0


@pytest.mark.parametrize(
    ("module", "others"),
    [("workers.supervisor", {"PIL", "pillow_heif", "flask"}), ("workers.relay", {"PIL", "flask", "shapely"})],
)
def test_a_process_loads_no_library_that_only_others_need(module: str, others: set[str]) -> None:
    told = f"import sys, {module}; print(*sorted(set(sys.modules) & {others!r}), *(m for m in sys.modules if '.jobs.' in m))"
    assert subprocess.check_output([sys.executable, "-c", told], text=True, cwd=ROOT).strip() == ""


@pytest.fixture
def taken(committed, valkey: Redis, promises: Outbox) -> str:
    """A job that a worker took out of the queue, and died."""
    (id_,) = promises.emit("trial.effect")
    Relay(committed, valkey, HANDLERS).turn(clock.now())
    queue = SMALL.open(valkey)
    assert valkey.lmove(queue.key, queue.intermediate_queue_key) == f"o{id_}-1".encode()
    return f"o{id_}-1"


def test_a_job_taken_by_a_worker_that_died_before_its_start_is_put_back(valkey: Redis, taken: str) -> None:
    reaper, now = Reaper(valkey), clock.now()
    reaper.revive(now)
    assert SMALL.open(valkey).job_ids == []
    reaper.revive(now + BETWEEN_QUEUE_AND_START)
    assert SMALL.open(valkey).job_ids == [taken]
    assert SMALL.open(valkey).intermediate_queue.get_job_ids() == []


def test_a_job_taken_and_ended_is_not_put_back(valkey: Redis, taken: str) -> None:
    Job.fetch(taken, valkey, JSONSerializer).set_status(JobStatus.FINISHED)
    reaper, now = Reaper(valkey), clock.now()
    reaper.revive(now)
    reaper.revive(now + timedelta(minutes=1))
    assert SMALL.open(valkey).job_ids == []
    assert SMALL.open(valkey).intermediate_queue.get_job_ids() == []


def test_the_number_of_the_lock_is_not_that_of_the_migrations() -> None:
    assert f"{ADVISORY_LOCK:_}" not in Path("migrations/env.py").read_text()
