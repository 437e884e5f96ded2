"""A worker of several queues: the first one first, and what it took out is found when it dies."""

import threading
import time
from datetime import timedelta
from itertools import accumulate

import pytest
from redis import Redis
from rq.exceptions import DequeueTimeout
from rq.serializers import JSONSerializer
from trial import Outbox

from app.core import clock
from app.identity import otp
from workers.queues import CODE, TEXT, WORKERS, OrderedQueue
from workers.reaper import BETWEEN_QUEUE_AND_START, Reaper
from workers.relay import HANDLERS, Handler, Relay

TRIALS = {"trial.text": Handler(TEXT, "trial_jobs.effect"), "trial.code": Handler(CODE, "trial_jobs.effect")}


def taken(valkey: Redis, timeout: int | None = None) -> str | None:
    queues = [CODE.open(valkey), TEXT.open(valkey)]
    found = OrderedQueue.dequeue_any(queues, timeout, valkey, serializer=JSONSerializer)
    return found and found[0].id


@pytest.fixture
def send(promises: Outbox, valkey: Redis):
    def now(topic: str, number: int = 1) -> list[str]:
        ids = promises.emit(topic, number)
        Relay(promises.database, valkey, TRIALS).hand_over(clock.now())
        return [f"o{id_}-1" for id_ in ids]

    return now


def test_a_code_is_tried_four_times_while_it_is_good_and_then_found_over(promises: Outbox, valkey: Redis) -> None:
    (promise,) = promises.emit("code.wanted", 1)
    Relay(promises.database, valkey).hand_over(clock.now())
    intervals = CODE.open(valkey).fetch_job(f"o{promise}-1").retry_intervals
    tries = list(accumulate((timedelta(seconds=each) for each in intervals), initial=timedelta()))
    assert [each < otp.LIFE for each in tries] == [True] * 4 + [False]
    # The first three before its reader may ask for another.
    assert tries[2] < timedelta(minutes=1)


def test_codes_are_taken_before_the_notices_that_waited_longer(valkey: Redis, send) -> None:
    notices, codes = send("trial.text", 3), send("trial.code", 2)
    assert [taken(valkey) for _ in range(4)] == [*codes, *notices[:2]]
    more = send("trial.code")
    assert [taken(valkey) for _ in range(3)] == [*more, notices[2], None]


def test_who_waits_hears_of_a_code_at_once_and_of_a_notice_within_a_second_or_so(valkey: Redis, send) -> None:
    for topic, within in (("trial.code", 0.5), ("trial.text", 1.5)):
        threading.Timer(0.3, send, [topic]).start()
        began = time.monotonic()
        assert taken(valkey, 10) is not None
        assert time.monotonic() - began < 0.3 + within


def test_who_waits_in_vain_is_told_in_time(valkey: Redis) -> None:
    began = time.monotonic()
    with pytest.raises(DequeueTimeout):
        taken(valkey, 2)
    assert 1.5 < time.monotonic() - began < 3


@pytest.mark.parametrize(("topic", "queue"), [("trial.code", CODE), ("trial.text", TEXT)])
def test_what_a_worker_took_that_died_before_its_start_is_put_back(valkey: Redis, send, topic, queue) -> None:
    (job,) = send(topic)
    assert taken(valkey) == job
    assert queue.open(valkey).job_ids == []
    reaper, now = Reaper(valkey), clock.now()
    reaper.revive(now)
    reaper.revive(now + BETWEEN_QUEUE_AND_START + timedelta(seconds=1))
    assert queue.open(valkey).job_ids == [job]


def test_codes_and_notices_by_text_have_one_worker_codes_first() -> None:
    assert (CODE, TEXT) in WORKERS
    code = HANDLERS["code.wanted"]
    assert code is not None
    assert code.queue is CODE


def test_the_queues_of_one_worker_are_of_one_kind() -> None:
    for queues in WORKERS:
        assert len({queue.forks for queue in queues}) == 1
