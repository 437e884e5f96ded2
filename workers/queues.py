"""The queues in Valkey: small jobs, which must be quick, and what must not hold them up: photos, and everybody outside."""

from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from redis import Redis
from rq import Queue
from rq.exceptions import DequeueTimeout
from rq.job import Job
from rq.serializers import JSONSerializer


class OrderedQueue(Queue):
    """A queue of which a worker may take several, in their order.

    The library's own way with several takes a job out without a trace: what a worker held that died a moment later
    would be lost. Here each job passes through the list where the reaper finds it.
    """

    @classmethod
    def dequeue_any(  # type: ignore[override]
        cls, queues: Iterable[Queue], timeout: int | None, connection: Redis, **how: Any
    ) -> tuple[Job, Queue] | None:
        """The first job of the first queue that has one, waiting `timeout` seconds for it; None waits for none.

        Who waits hears of the first queue at once, and of the others within a second. Raises DequeueTimeout.
        """
        every = list(queues)
        if len(every) == 1:
            return super().dequeue_any(every, timeout, connection, **how)
        for second in range((timeout or 0) + 1):
            for queue in every:
                found = super().dequeue_any([queue], None, connection, **how)
                if found is not None:
                    return found
            if second == timeout:
                raise DequeueTimeout(timeout, [queue.key for queue in every])
            if timeout is not None:
                with suppress(DequeueTimeout):
                    return super().dequeue_any(every[:1], 1, connection, **how)
        return None


@dataclass(frozen=True, slots=True)
class JobQueue:
    """A queue, how long one of its jobs may take, and whether each job gets a process of its own.

    A fork costs some 20 ms and keeps a crash or a leak of an image library from doing harm; a small job is too cheap
    for that, and is run by the worker itself.
    """

    name: str
    timeout_s: int
    forks: bool

    def open(self, connection: Redis) -> Queue:
        """The queue over `connection`. Jobs are written as JSON: reading one never runs code that somebody left there."""
        return OrderedQueue(self.name, connection=connection, default_timeout=self.timeout_s, serializer=JSONSerializer)


SMALL = JobQueue("small", timeout_s=10, forks=False)
PHOTOS = JobQueue("photos", timeout_s=120, forks=True)

# What the public and the unit see of a photo takes several times as long as what is shown first.
BLUR = JobQueue("blur", timeout_s=120, forks=True)

# One for each way out of the house, so that a slow gateway delays only itself.
PUSH = JobQueue("push", timeout_s=20, forks=False)
TEXT = JobQueue("text", timeout_s=20, forks=False)
EMAIL = JobQueue("email", timeout_s=20, forks=False)
WEBHOOK = JobQueue("webhook", timeout_s=20, forks=False)

# One-time codes go by the gateway of the notices, and before them: somebody stands at the door. A code whose worker died
# is sent again soon: its job is over in little more than the eight seconds that a gateway has.
CODE = JobQueue("code", timeout_s=12, forks=False)

WORKERS: Sequence[Sequence[JobQueue]] = ((SMALL,), (PHOTOS,), (BLUR,), (PUSH,), (CODE, TEXT), (EMAIL,), (WEBHOOK,))
"""What each worker takes from: the first of its queues that has a job."""

QUEUES = {queue.name: queue for queues in WORKERS for queue in queues}


def connect(url: str) -> Redis:
    """A client that gives up on a server that does not answer within 5 s. It connects when first used."""
    return Redis.from_url(url, socket_timeout=5, socket_connect_timeout=2)
