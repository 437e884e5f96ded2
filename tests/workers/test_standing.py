"""What the doors say of the queues is what RQ itself says."""

from datetime import timedelta

import pytest
from redis import Redis
from redis.exceptions import RedisError
from rq.serializers import JSONSerializer
from trial import HANDLERS, Outbox, Valkey

from app.core import clock
from app.http import queues
from app.http.queues import QueueStanding
from workers.queues import CODE, EMAIL, SMALL, TEXT
from workers.relay import Relay
from workers.work import ForkingWorker, SmallWorker

pytestmark = pytest.mark.usefixtures("trial_context")


def test_an_unused_server_has_neither_queues_nor_workers(valkey: Redis) -> None:
    assert queues.standing(valkey) == ([], [])


def test_what_waits_was_tried_and_failed_is_told_by_queue(valkey: Redis, promises: Outbox) -> None:
    promises.emit("trial.fail", 2)
    photos = promises.emit("trial.hang_forked", 3)
    promises.emit("trial.forget")
    Relay(promises.database, valkey, HANDLERS).turn(clock.now())
    for key in valkey.scan_iter("rq:job:o*-1"):
        # The first of the two that fail has no tries left.
        valkey.hset(key, "retries_left", 0 if key == b"rq:job:o1-1" else 3)
    SmallWorker([SMALL.open(valkey)], connection=valkey, serializer=JSONSerializer).work(burst=True)
    known, _ = queues.standing(valkey)
    assert known == [
        QueueStanding("photos", depth=len(photos), under_way=0, retrying=0, failed=0),
        QueueStanding("small", depth=0, under_way=0, retrying=1, failed=1),
    ]


def test_a_worker_is_told_with_its_queue_and_its_last_sign_of_life(valkey: Redis) -> None:
    began = clock.now()
    worker = SmallWorker([EMAIL.open(valkey)], connection=valkey, serializer=JSONSerializer, name="one")
    worker.register_birth()
    known, (seen,) = queues.standing(valkey)
    assert [queue.name for queue in known] == ["email"]
    assert (seen.name, seen.queues) == ("one", ("email",))
    assert abs(seen.seen_at - began) < timedelta(seconds=10)
    valkey.delete("rq:worker:one")  # it died, and its record has run out
    assert queues.standing(valkey)[1] == []


@pytest.mark.parametrize("kind", [SmallWorker, ForkingWorker])
def test_a_worker_is_known_again_after_the_server_was_emptied(valkey: Redis, kind) -> None:
    queues_of_one = [CODE.open(valkey), TEXT.open(valkey)]
    worker = kind(queues_of_one, connection=valkey, serializer=JSONSerializer, name="one")
    worker.register_birth()
    valkey.flushall()
    worker.heartbeat()
    known, (seen,) = queues.standing(valkey)
    assert (seen.name, seen.queues) == ("one", ("code", "text"))
    assert [queue.name for queue in known] == ["code", "text"]
    assert 0 < valkey.ttl("rq:worker:one") <= worker.worker_ttl + 60


def test_a_server_that_is_gone_is_an_error_within_a_second_or_two(tmp_path) -> None:
    with pytest.raises(RedisError), queues.connect(Valkey(tmp_path).url) as connection:
        queues.standing(connection)
