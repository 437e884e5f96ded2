"""What was promised reaches its job, whatever is lost on the way; and its effect happens once."""

import re
import threading
from datetime import timedelta
from importlib import import_module

import pytest
from redis import Redis
from redis.exceptions import RedisError
from rq import Queue
from rq.job import Job
from rq.serializers import JSONSerializer
from trial import HANDLERS, ROOT, Outbox, Valkey

from app.core import clock, outbox
from app.core.db import Database
from workers import relay
from workers.queues import PHOTOS, SMALL, connect
from workers.relay import MOST_SENDS, PATIENCE, Relay, patience
from workers.work import SmallWorker

pytestmark = pytest.mark.usefixtures("trial_context")


@pytest.fixture(autouse=True)
def small_batches(monkeypatch: pytest.MonkeyPatch) -> None:
    """Several batches of few jobs: running one costs the queue some forty questions."""
    monkeypatch.setattr(relay, "BATCH", 10)
    monkeypatch.setattr(relay, "AUDIT_BATCH", 10)


@pytest.fixture
def sender(committed: Database, valkey: Redis) -> Relay:
    return Relay(committed, valkey, HANDLERS)


def drain(sender: Relay) -> None:
    while sender.turn(clock.now()):
        pass


def work(valkey: Redis) -> None:
    """Run every job that is queued, as the worker does, and come back."""
    worker = SmallWorker([SMALL.open(valkey)], connection=valkey, serializer=JSONSerializer)
    worker.work(burst=True, logging_level="CRITICAL")


def queued(valkey: Redis) -> list[str]:
    return SMALL.open(valkey).job_ids


def test_a_promise_is_kept_by_its_job(sender: Relay, valkey: Redis, promises: Outbox) -> None:
    ids = promises.emit("trial.effect", 25)
    drain(sender)
    assert queued(valkey) == [f"o{id_}-1" for id_ in ids]
    work(valkey)
    assert promises.written("effect") == ids
    assert promises.waiting() == 0


def test_a_topic_goes_to_its_own_queue(sender: Relay, valkey: Redis, promises: Outbox) -> None:
    (small,), (photo,) = promises.emit("trial.effect"), promises.emit("trial.hang_forked")
    drain(sender)
    assert queued(valkey) == [f"o{small}-1"]
    job = Job.fetch(f"o{photo}-1", valkey, JSONSerializer)
    assert (job.origin, job.timeout, job.args) == ("photos", PHOTOS.timeout_s, [photo, {"of": "no importance"}])


def test_what_nobody_needs_is_done_and_what_nobody_knows_is_left(
    sender: Relay, promises: Outbox, capsys: pytest.CaptureFixture[str]
) -> None:
    (unneeded,), (unknown,), (known,) = (promises.emit(topic) for topic in ("trial.unneeded", "newer", "trial.effect"))
    drain(sender)
    drain(sender)
    assert promises.row(unneeded).done_at is not None
    assert (promises.row(unknown).done_at, promises.row(unknown).sends) == (None, 0)
    assert promises.row(known).sends == 1
    assert capsys.readouterr().out.count("'newer': 1") == 1


def test_a_relay_that_dies_between_queue_and_commit_tells_twice_and_has_one_effect(
    sender: Relay, valkey: Redis, promises: Outbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    ids = promises.emit("trial.effect", 8)
    with monkeypatch.context() as broken:
        broken.setattr(outbox, "mark_sent", lambda *_, **__: exec("raise KeyboardInterrupt"))
        with pytest.raises(KeyboardInterrupt):
            sender.turn(clock.now())
    assert len(queued(valkey)) == 8
    assert promises.row(ids[0]).sends == 0
    drain(sender)
    assert len(queued(valkey)) == 16
    work(valkey)
    assert promises.written("effect") == ids


def test_a_queue_that_is_emptied_before_the_work_loses_nothing(sender: Relay, valkey: Redis, promises: Outbox) -> None:
    ids = promises.emit("trial.effect", 25)
    drain(sender)
    valkey.flushall()
    drain(sender)
    assert sorted(queued(valkey)) == sorted(f"o{id_}-2" for id_ in ids)
    work(valkey)
    assert promises.written("effect") == ids


def test_a_server_that_is_killed_keeps_the_relay_waiting_and_what_it_still_has_is_not_sent_twice(
    valkey_server: Valkey, valkey: Redis, committed: Database, promises: Outbox
) -> None:
    sender = Relay(committed, valkey, HANDLERS)
    kept = promises.emit("trial.effect", 3)
    drain(sender)
    valkey_server.kill()
    new = promises.emit("trial.effect", 2)
    with pytest.raises(RedisError):
        sender.turn(clock.now())
    assert promises.row(new[0]).sends == 0
    valkey_server.start()
    drain(sender)
    assert queued(valkey) == [f"o{id_}-1" for id_ in kept + new]

    valkey_server.kill()
    valkey_server.empty()
    valkey_server.start()
    drain(sender)
    assert sorted(queued(valkey)) == sorted(f"o{id_}-2" for id_ in kept + new)
    work(valkey)
    assert promises.written("effect") == kept + new


def test_a_job_that_the_queue_lost_alone_is_sent_again_after_two_minutes(
    sender: Relay, valkey: Redis, promises: Outbox
) -> None:
    lost, waiting = promises.emit("trial.effect", 2)
    drain(sender)
    Job.fetch(f"o{lost}-1", valkey, JSONSerializer).delete()
    sender.turn(clock.now() + PATIENCE - timedelta(seconds=5))
    assert queued(valkey) == [f"o{waiting}-1"]
    sender.turn(clock.now() + PATIENCE + timedelta(seconds=5))
    assert queued(valkey) == [f"o{waiting}-1", f"o{lost}-2"]


def test_a_long_backlog_is_looked_through_piece_by_piece(sender: Relay, valkey: Redis, promises: Outbox) -> None:
    ids = promises.emit("trial.effect", 45)
    drain(sender)
    Job.fetch(f"o{ids[-1]}-1", valkey, JSONSerializer).delete()
    later = clock.now() + PATIENCE + timedelta(seconds=5)
    for _ in range(4):
        sender.turn(later)
    assert promises.row(ids[-1]).sends == 1
    sender.turn(later)
    assert promises.row(ids[-1]).sends == 2


def fail_for_good(valkey: Redis, id_: int, sends: int) -> None:
    valkey.hset(Job.key_for(f"o{id_}-{sends}"), "retries_left", 0)
    work(valkey)


def test_a_job_that_failed_for_good_says_why_without_a_persons_data(
    sender: Relay, valkey: Redis, promises: Outbox, capsys: pytest.CaptureFixture[str]
) -> None:
    (id_,) = promises.emit("trial.fail")
    drain(sender)
    fail_for_good(valkey, id_, 1)
    sender.turn(clock.now() + PATIENCE)
    assert promises.row(id_).failed == "send 1: ValueError"
    everything = [valkey.dump(key) for key in valkey.scan_iter("*")]
    assert not any(b"0912345678" in (value or b"") for value in everything)
    assert "0912345678" not in capsys.readouterr().out


def test_a_job_that_fails_is_sent_again_with_growing_patience_and_not_for_ever(
    sender: Relay, valkey: Redis, promises: Outbox
) -> None:
    (id_,) = promises.emit("trial.fail")
    now = clock.now()
    sender.turn(now)
    for sends in range(1, MOST_SENDS):
        fail_for_good(valkey, id_, sends)
        sender.turn(now + patience(sends) - timedelta(seconds=1))
        assert promises.row(id_).sends == sends
        now += patience(sends)
        sender.turn(now)
        assert promises.row(id_).sends == sends + 1
    fail_for_good(valkey, id_, MOST_SENDS)
    for days in range(1, 4):
        sender.turn(now + timedelta(days=days))
    row = promises.row(id_)
    assert (row.sends, row.failed, row.done_at) == (MOST_SENDS, "send 8: ValueError", None)
    assert [patience(sends) / PATIENCE for sends in range(1, 5)] == [1, 2, 4, 8]


def test_a_job_that_forgets_its_promise_counts_as_failed(sender: Relay, valkey: Redis, promises: Outbox) -> None:
    (id_,) = promises.emit("trial.forget")
    drain(sender)
    work(valkey)
    sender.turn(clock.now() + PATIENCE)
    assert promises.row(id_).failed == "send 1: ended without marking its promise as done"


def test_two_relays_side_by_side_have_no_effect_twice(
    committed: Database, valkey_server: Valkey, valkey: Redis, promises: Outbox
) -> None:
    ids = promises.emit("trial.effect", 60)
    gate = threading.Barrier(2)
    clients = [connect(valkey_server.url) for _ in range(2)]

    def one(client: Redis) -> None:
        gate.wait()
        drain(Relay(committed, client, HANDLERS))

    threads = [threading.Thread(target=one, args=[client]) for client in clients]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for client in clients:
        client.close()
    # The row locks keep them apart; a queue found to be new at the same time by both may be told twice.
    assert {id_.split("-")[0] for id_ in queued(valkey)} == {f"o{id_}" for id_ in ids}
    valkey_jobs: Queue = SMALL.open(valkey)
    assert len(valkey_jobs) == 60
    work(valkey)
    assert promises.written("effect") == ids


def test_every_topic_that_is_emitted_has_a_handler() -> None:
    source = "\n".join(path.read_text() for path in (ROOT / "app").rglob("*.py"))
    emitted = set(re.findall(r"(?:outbox\.emit|\btell)\(\s*\w+,\s*\"([a-z.]+)\"", source))
    emitted |= set(re.findall(r"insert into outbox[^;]*?'([a-z]+\.[a-z]+)'", source))
    assert emitted >= {"report.received", "report.moved", "report.entry", "photo.received", "decision.entered"}
    assert emitted <= set(relay.HANDLERS)


def test_every_job_is_handled_and_every_handler_has_its_job() -> None:
    files = {path.stem for path in (ROOT / "workers/jobs").glob("[a-z]*.py")}
    handlers = [handler.job for handler in relay.HANDLERS.values() if handler is not None]
    assert {job.split(".")[2] for job in handlers} == files
    for job in handlers:
        module, _, name = job.rpartition(".")
        assert callable(getattr(import_module(module), name))
