"""What `haigio status` finds out while the real processes run, and when they are gone."""

from types import SimpleNamespace

import pytest
from redis import Redis
from trial import Outbox, Processes, Valkey, eventually

from app.commands import status
from app.commands.standing import findings
from app.core import clock
from app.core.clock import ClockWrong
from app.http.queues import EXPECTED
from workers.queues import QUEUES, WORKERS


@pytest.fixture
def place(settings, committed, valkey_server: Valkey) -> SimpleNamespace:
    return SimpleNamespace(database=committed, settings=SimpleNamespace(queue_url=valkey_server.url, city_id=1))


def test_the_queues_that_are_expected_are_those_that_are_worked_on() -> None:
    assert set(EXPECTED) == set(QUEUES)


def test_a_wrong_clock_is_found_and_not_taken_for_an_outage(
    place: SimpleNamespace, monkeypatch: pytest.MonkeyPatch
) -> None:
    def wrong(_theirs: object) -> None:
        raise ClockWrong

    monkeypatch.setattr(clock, "compare", wrong)
    monkeypatch.setattr(place.database, "_compare_at", 0.0)
    found = status.gather(place, clock.now())
    assert (found.stored, found.clock_wrong, found.queued is not None) == (None, True, True)


def test_what_runs_is_seen_and_what_does_not_is_said(
    place: SimpleNamespace, processes: Processes, valkey: Redis, promises: Outbox
) -> None:
    relay = processes.start("-m", "workers", "relay")
    processes.start("-m", "workers", "schedule")
    processes.start("-m", "workers", "schedule")
    processes.start("-m", "workers", "work")
    eventually(lambda: valkey.scard("rq:workers") == len(WORKERS), seconds=30)

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
