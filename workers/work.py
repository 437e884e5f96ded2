"""A worker: takes jobs from its queues, the first of them first, and runs them.

It tells the queue every few seconds that its job is alive; when it stops telling, `workers.reaper` has the job run again.
"""

import sys
import time
import traceback
from collections.abc import Sequence
from contextlib import nullcontext, suppress
from importlib import import_module
from typing import Any

import structlog
from redis.client import Pipeline
from redis.exceptions import RedisError
from rq import SimpleWorker, Worker
from rq.job import Job
from rq.queue import Queue
from rq.serializers import JSONSerializer
from rq.worker import BaseWorker
from rq.worker_registration import register
from sqlalchemy.exc import DBAPIError

from app.config import Settings
from app.core.clock import ClockWrong
from app.core.db import Database
from workers.context import context
from workers.queues import JobQueue, OrderedQueue, connect
from workers.relay import HANDLERS

log = structlog.get_logger("work")

# How long after its last sign of life a forked job counts as dead, and how often it gives one, in seconds.
SIGN_OF_LIFE_S = 12
SIGN_EVERY_S = 3

# A worker waits this long for a job before it tells that it is alive itself; the library takes 15 s off.
WORKER_TTL_S = 35

# Between two jobs nobody needs to hear that a worker lives more often than this.
SAYS_AGAIN_AFTER_S = 5.0


class _Careful(BaseWorker):
    """What both kinds of worker have in common."""

    queue_class = OrderedQueue
    max_connection_wait_time = 5.0
    log_result_lifespan = False

    def heartbeat(self, timeout: int | None = None, pipeline: Pipeline | None = None) -> None:
        """Give a sign of life; when it is the only thing told, see to it that it is known whose it is."""
        super().heartbeat(timeout, pipeline=pipeline)
        if pipeline is None:
            self.stay_registered()

    def stay_registered(self) -> None:
        """Register anew with a server that was emptied: else nobody who looks would know that this worker lives."""
        if self.connection.hexists(self.key, "queues"):
            return
        with self.connection.pipeline() as pipeline:
            pipeline.hset(self.key, mapping=self.serialize())
            register(self, pipeline)
            pipeline.expire(self.key, self.worker_ttl + 60)
            pipeline.execute()

    def handle_exception(self, job: Job, *exc_info: Any) -> None:
        """Log what kind of error a job ended with, and where. What it says may name a person, and stays unsaid."""
        error = exc_info[1]
        place = traceback.extract_tb(error.__traceback__)[-1] if error is not None else None
        where = f"{place.filename}:{place.lineno}" if place else None
        log.error("job raised", job=job.id, topic=job.description, error=type(error).__name__, where=where)

    def handle_job_failure(
        self,
        job: Job,
        queue: Queue,
        started_job_registry: Any = None,
        exc_string: str = "",
        execution: Any = None,
    ) -> None:
        """Leave the places and the kind of an error in the queue, not what it says."""
        error = sys.exception()
        if error is not None:
            exc_string = "".join(traceback.format_tb(error.__traceback__)) + type(error).__name__
        super().handle_job_failure(job, queue, started_job_registry, exc_string, execution)


def _import_early(job: str) -> None:
    """Import a job's module now, and let it prepare if it wants. What cannot be imported fails when it is run, alone."""
    try:
        module = import_module(job.rpartition(".")[0])
    except ImportError:
        log.exception("job cannot be imported", job=job)
    else:
        getattr(module, "prepare", lambda: None)()


class SmallWorker(_Careful, SimpleWorker):
    """Runs each job itself. It gives no sign of life during one, so a job counts as dead when its time is over.

    Of the twenty questions that the library asks the queue for every job, half say again what was said a moment ago.
    Beside a job of a few milliseconds they would be most of the work, and are left out.
    """

    _said_at_s = float("-inf")

    def heartbeat(self, timeout: int | None = None, pipeline: Pipeline | None = None) -> None:  # noqa: ARG002
        """Give a sign of life: with what is told anyway, else every few seconds. It is always good until the next one."""
        now_s = time.monotonic()
        if pipeline is None and now_s - self._said_at_s < SAYS_AGAIN_AFTER_S:
            return
        self._said_at_s = now_s
        with nullcontext(pipeline) if pipeline is not None else self.connection.pipeline() as told:
            super().heartbeat(pipeline=told)
            if pipeline is None:
                told.execute()
                self.stay_registered()

    def set_state(self, state: str, pipeline: Pipeline | None = None) -> None:
        """Tell what this worker does, when that is news."""
        if pipeline is not None or state != self._state:
            super().set_state(state, pipeline)

    def get_heartbeat_ttl(self, job: Job, working_time: float = 0.0) -> int:  # noqa: ARG002 -- the library's signature
        """Seconds until this job counts as dead."""
        return int(job.timeout or 0) + 5


class ForkingWorker(_Careful, Worker):
    """Runs each job in a process of its own, and gives signs of life for it."""

    def get_heartbeat_ttl(self, job: Job, working_time: float = 0.0) -> int:  # noqa: ARG002 -- the library's signature
        """Seconds until this job counts as dead."""
        return SIGN_OF_LIFE_S


def _stop_with_a_wrong_clock(database: Database) -> None:
    """End at once when this machine's clock is not the database's; the process above tries again.

    Not only our times go by it: the queue would hold its jobs for dead, or its retries for far away.
    """
    with suppress(DBAPIError), database.sessions() as session:  # without the database jobs fail, and come again
        try:
            database.compare_clocks(session)
        except ClockWrong:
            raise SystemExit(1) from None


def work(queues: Sequence[JobQueue], settings: Settings) -> None:
    """Work on these queues, of one kind, until told to stop, or until the connection breaks in the middle of a job."""
    # Made and imported once, before any fork, and not at the cost of the first jobs.
    _stop_with_a_wrong_clock(context().database)
    for handler in HANDLERS.values():
        if handler is not None and handler.queue in queues:
            _import_early(handler.job)
    connection = connect(settings.queue_url)
    kind = ForkingWorker if queues[0].forks else SmallWorker
    worker = kind(
        [queue.open(connection) for queue in queues],
        connection=connection,
        serializer=JSONSerializer,
        worker_ttl=WORKER_TTL_S,
        job_monitoring_interval=SIGN_EVERY_S,
        log_job_description=False,
    )
    try:
        worker.work(logging_level="WARNING")
    except RedisError as outage:
        # The library gives up when the queue goes away in the middle of a job; the process above starts us again.
        log.warning("worker lost its queue", queue=queues[0].name, reason=type(outage).__name__)
        raise SystemExit(1) from None
