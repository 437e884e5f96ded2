"""How the queues in Valkey stand and who works on them: read as RQ keeps them, without loading it.

A queue is known to the server from its first job or worker on, and not at all after it was emptied.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from redis import Redis
from redis.backoff import NoBackoff
from redis.retry import Retry

_QUEUE, _WORKER = "rq:queue:", "rq:worker:"

EXPECTED: Final = ("blur", "code", "email", "photos", "push", "small", "text", "webhook")
"""The queues that must have a worker, whatever the server knows of them: those of workers/queues.py."""


@dataclass(frozen=True, slots=True)
class QueueStanding:
    """How much lies in a queue. What failed is kept for a day; the relay has it tried again meanwhile."""

    name: str
    depth: int  # wait for a worker
    under_way: int
    retrying: int  # failed, and wait for their pause to be over
    failed: int


@dataclass(frozen=True, slots=True)
class WorkerStanding:
    """A worker that is registered, the queues it takes from, and its last sign of life."""

    name: str
    queues: tuple[str, ...]
    seen_at: datetime


def connect(url: str) -> Redis:
    """A client for a look: it gives up on a server that does not answer within a second, and connects when first used."""
    return Redis.from_url(url, socket_timeout=1, socket_connect_timeout=1, retry=Retry(NoBackoff(), 0))


def standing(connection: Redis) -> tuple[Sequence[QueueStanding], Sequence[WorkerStanding]]:
    """Every queue and every worker, by name. Raises RedisError when the server does not answer."""
    workers = _workers(connection)
    known = {key.removeprefix(_QUEUE) for key in _members(connection, "rq:queues")}
    names = sorted(known.union(*(worker.queues for worker in workers)))
    with connection.pipeline(transaction=False) as pipeline:
        for name in names:
            pipeline.llen(_QUEUE + name)
            for registry in ("wip", "scheduled", "failed"):
                pipeline.zcard(f"rq:{registry}:{name}")
        counts = iter(pipeline.execute())
    return [QueueStanding(name, *(next(counts) for _ in range(4))) for name in names], workers


def _workers(connection: Redis) -> Sequence[WorkerStanding]:
    keys = sorted(_members(connection, "rq:workers"))
    with connection.pipeline(transaction=False) as pipeline:
        for key in keys:
            pipeline.hmget(key, "queues", "last_heartbeat")
        told = pipeline.execute()
    return [
        WorkerStanding(
            key.removeprefix(_WORKER), tuple(queues.decode().split(",")), datetime.fromisoformat(seen_at.decode())
        )
        for key, (queues, seen_at) in zip(keys, told, strict=True)
        if queues and seen_at  # else it died without saying so, and its record has run out
    ]


def _members(connection: Redis, key: str) -> set[str]:
    return {member if isinstance(member, str) else member.decode() for member in connection.smembers(key)}
