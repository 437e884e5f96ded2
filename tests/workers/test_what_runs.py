"""What `haigio status` finds out while the real processes run, and when they are gone."""

from types import SimpleNamespace

import pytest
from redis import Redis
from trial import Outbox, Processes, Valkey, eventually

from app.commands import status
from app.commands.standing import findings
from app.core import clock
from workers.queues import QUEUES


@pytest.fixture
def place(settings, committed, valkey_server: Valkey) -> SimpleNamespace:
    return SimpleNamespace(database=committed, settings=SimpleNamespace(queue_url=valkey_server.url))


def test_what_runs_is_seen_and_what_does_not_is_said(
    place: SimpleNamespace, processes: Processes, valkey: Redis, promises: Outbox
) -> None:
    relay = processes.start("-m", "workers", "relay")
    processes.start("-m", "workers", "schedule")
    processes.start("-m", "workers", "schedule")
    processes.start("-m", "workers", "work")
    eventually(lambda: valkey.scard("rq:workers") == len(QUEUES), seconds=30)

    def facts():
        return status.gather(place, clock.now())

    eventually(lambda: facts().stored.leads and facts().stored.schedules == 2, seconds=10)
    now = facts()
    assert (now.stored.relays, now.stored.live) == (1, 0)
    assert {queue for worker in now.queued.workers for queue in worker.queues} == set(QUEUES)
    assert findings(now) == []

    relay.kill()
    eventually(lambda: facts().stored.relays == 0, seconds=10)
    assert [found.command for found in findings(facts())] == ["python -m workers relay"]
