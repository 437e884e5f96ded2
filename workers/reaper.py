"""Jobs whose worker died run again; retries whose pause is over are queued."""

from datetime import datetime, timedelta

import structlog
from redis import Redis
from rq import Queue
from rq.job import Job, JobStatus
from rq.registry import clean_registries
from rq.scheduler import RQScheduler
from rq.serializers import JSONSerializer
from rq.worker_registration import clean_worker_registry

from workers.queues import QUEUES

log = structlog.get_logger("reaper")

# A worker takes a job out of the queue and enters it as started within milliseconds of each other.
BETWEEN_QUEUE_AND_START = timedelta(seconds=5)

_UNDER_WAY = {JobStatus.QUEUED.value.encode(), JobStatus.STARTED.value.encode()}


class Reaper:
    """Looks after every queue. It remembers what it saw, so a process has one of them."""

    def __init__(self, connection: Redis) -> None:
        self._connection = connection
        self._queues = [queue.open(connection) for queue in QUEUES.values()]
        self._seen: dict[str, datetime] = {}
        self._retries = RQScheduler(self._queues, connection, logging_level="WARNING", serializer=JSONSerializer)
        self._retries.prepare_registries(QUEUES)

    def queue_retries(self, _now: datetime) -> None:
        """Put jobs that failed back into their queue when their pause is over; the library looks at the clock."""
        self._retries.enqueue_scheduled_jobs()  # type: ignore[no-untyped-call]

    def revive(self, now: datetime) -> None:
        """Have jobs run again that count as started and gave no sign of life, or that were lost before the start."""
        taken: dict[str, datetime] = {}
        for queue in self._queues:
            clean_registries(queue)
            clean_worker_registry(queue)
            started = set(queue.started_job_registry.get_job_ids(cleanup=False))
            for job_id in queue.intermediate_queue.get_job_ids():
                since = taken[job_id] = self._seen.get(job_id, now)
                if job_id not in started and now - since >= BETWEEN_QUEUE_AND_START:
                    self._put_back(queue, job_id)
        self._seen = taken

    def _put_back(self, queue: Queue, job_id: str) -> None:
        """Return to its queue what a worker had taken out when it died."""
        status = self._connection.hget(Job.key_for(job_id), "status")
        with self._connection.pipeline() as pipeline:
            pipeline.lrem(queue.intermediate_queue_key, 1, job_id)
            if status in _UNDER_WAY:
                queue.push_job_id(job_id, pipeline=pipeline, at_front=True)
                log.warning("job put back", job=job_id, queue=queue.name)
            pipeline.execute()
