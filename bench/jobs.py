"""Jobs that the benches have run: as little as possible, and one that is like ours."""

import time
from functools import cache
from typing import Any

from redis import Redis

from app.core import clock, outbox
from workers.context import context
from workers.queues import connect

BEGAN = "bench:began"


def nothing(message_id: int, payload: dict[str, Any]) -> None:
    """Do nothing."""


def keep(message_id: int, payload: dict[str, Any]) -> None:  # noqa: ARG001 -- the form of a job
    """Keep a promise as our jobs do, and write down when this began (the monotonic clock is that of the machine)."""
    began = time.monotonic()
    with context().database.unit_of_work() as session:
        outbox.done(session, message_id, at=clock.now())
    _queue().rpush(BEGAN, f"{message_id} {began}")


@cache
def _queue() -> Redis:
    return connect(context().settings.queue_url)
