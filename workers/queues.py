"""The queues in Valkey: small jobs, which must be quick, and what must not hold them up: photos, and everybody outside."""

from dataclasses import dataclass

from redis import Redis
from rq import Queue
from rq.serializers import JSONSerializer


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
        return Queue(self.name, connection=connection, default_timeout=self.timeout_s, serializer=JSONSerializer)


SMALL = JobQueue("small", timeout_s=10, forks=False)
PHOTOS = JobQueue("photos", timeout_s=120, forks=True)

# One for each way out of the house, so that a slow gateway delays only itself.
PUSH = JobQueue("push", timeout_s=20, forks=False)
TEXT = JobQueue("text", timeout_s=20, forks=False)
EMAIL = JobQueue("email", timeout_s=20, forks=False)
WEBHOOK = JobQueue("webhook", timeout_s=20, forks=False)

QUEUES = {queue.name: queue for queue in (SMALL, PHOTOS, PUSH, TEXT, EMAIL, WEBHOOK)}


def connect(url: str) -> Redis:
    """A client that gives up on a server that does not answer within 5 s. It connects when first used."""
    return Redis.from_url(url, socket_timeout=5, socket_connect_timeout=2)
