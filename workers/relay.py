"""From the outbox to the queue, at least once.

A row is handed over under a lock in the transaction that notes it, so a relay that dies half-way leaves nothing
untold and at worst something told twice. What was handed over and is not done is looked up in the queue: a job that is
no longer there is sent again. The queue may be lost at any time; the outbox is what was promised.
"""

import time
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import psycopg
import structlog
from redis import Redis
from redis.exceptions import RedisError
from rq import Queue, Retry
from rq.exceptions import NoSuchJobError
from rq.job import Job, JobStatus
from rq.serializers import JSONSerializer
from sqlalchemy import make_url
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session

from app.config import Settings
from app.core import clock, outbox
from app.core.clock import ClockWrong
from app.core.db import Database
from app.core.keepalive import KEEPALIVE
from app.core.outbox import OutboxMessage
from workers.queues import BLUR, CODE, EMAIL, PHOTOS, PUSH, SMALL, TEXT, WEBHOOK, JobQueue, connect

log = structlog.get_logger("relay")


# A job that raised is tried again by the queue, in all over some 4 minutes.
RETRY = Retry(max=5, interval=[1, 5, 20, 60, 180])

# A code is good for five minutes: the last of these finds it over. Its reader asks for another sooner, and each try of
# one that a gateway will not take keeps those behind it waiting.
RETRY_CODE = Retry(max=4, interval=[2, 15, 60, 240])


@dataclass(frozen=True, slots=True)
class Handler:
    """On which queue a topic is handled, by which job (its dotted name: the relay imports none of them), tried how often."""

    queue: JobQueue
    job: str
    retry: Retry = RETRY


# What goes out of the house goes by a queue of its own: CODE, PUSH, TEXT, EMAIL, WEBHOOK.
HANDLERS: Mapping[str, Handler | None] = {
    "report.received": Handler(SMALL, "workers.jobs.news.take_in"),
    "report.moved": Handler(SMALL, "workers.jobs.news.tell"),
    "report.entry": Handler(SMALL, "workers.jobs.news.tell"),
    "report.warned": Handler(SMALL, "workers.jobs.news.warn"),
    "photo.received": Handler(PHOTOS, "workers.jobs.photos.make_copies"),
    "video.received": Handler(PHOTOS, "workers.jobs.photos.examine_video"),
    "photo.blur": Handler(BLUR, "workers.jobs.blurs.make_public_copy"),
    "code.wanted": Handler(CODE, "workers.jobs.codes.send_code", RETRY_CODE),
    "notice.push": Handler(PUSH, "workers.jobs.notices.push"),
    "notice.text": Handler(TEXT, "workers.jobs.notices.text"),
    "notice.email": Handler(EMAIL, "workers.jobs.notices.email"),
    "webhook.call": Handler(WEBHOOK, "workers.jobs.webhooks.call"),
    "decision.entered": None,  # a sanction is between the chair and the violator
    "photo.ready": None,  # what open desks are told by app/live
    "photo.refused": None,  # the same
    "video.ready": None,  # the same
}

BATCH = 250
AUDIT_BATCH = 500

# A notification wakes the relay; this is for the one that was lost with its connection.
POLL_S = 2.0

# With news coming in all the time, what was sent is still looked after this often.
LOOK_AFTER_S = 1.0

# In an outage the relay tries again at least this often: codes wait for it, and their readers with them.
LONGEST_PAUSE_S = 2.0

# After its tries the relay sends it again, 2, 4, 8 ... minutes from the last send, and gives up after the eighth.
PATIENCE = timedelta(minutes=2)
MOST_SENDS = 8

# How long the queue remembers the end of a job, in seconds: longer than the relay's longest wait.
REMEMBERS_RESULT_S = 600
REMEMBERS_FAILURE_S = 24 * 3600

# Under this key the queue knows which run of the server it was whole on.
MARKER = "haigio:whole-on-run"

# A job that ended, while its promise is not kept.
_ENDED = {JobStatus.FINISHED, JobStatus.FAILED, JobStatus.STOPPED, JobStatus.CANCELED}
_START = (datetime.min.replace(tzinfo=UTC), 0)
_OUTAGES = (RedisError, DBAPIError, psycopg.Error, ClockWrong)


def patience(sends: int) -> timedelta:
    """How long after its send number `sends` a promise is sent again when it came to nothing."""
    return PATIENCE * (1 << (min(sends, MOST_SENDS) - 1))


def job_id(message: OutboxMessage) -> str:
    """The queue's name for the last send of a promise."""
    return f"o{message.id}-{message.sends}"


def _send_number(message: OutboxMessage) -> str:
    return f"send {message.sends}: "


class Relay:
    """Hands promises to the queue and sees to it that they are kept. Several may run side by side."""

    def __init__(
        self, database: Database, connection: Redis, handlers: Mapping[str, Handler | None] = HANDLERS
    ) -> None:
        self._database = database
        self._connection = connection
        self._handled = {topic: handler for topic, handler in handlers.items() if handler is not None}
        self._known = list(handlers)
        self._queues: dict[str, Queue] = {}
        self._audited = _START
        self._strangers: dict[str, int] = {}

    def turn(self, now: datetime) -> bool:
        """Hand over what is new, and when that is all, look after what was; True when there is more.

        Raises RedisError or DBAPIError during an outage; nothing is lost by it.
        """
        if self.hand_over(now):
            return True
        self.look_after(now)
        return False

    def hand_over(self, now: datetime) -> bool:
        """Send what is new; True when there is more new than was sent. Raises as `turn` does."""
        with self._database.unit_of_work() as session:
            new = outbox.unsent(session, self._known, BATCH, now=now)
            self._send(session, [message for message in new if message.topic in self._handled], now)
            unneeded = [message.id for message in new if message.topic not in self._handled]
            if unneeded:
                outbox.mark_unneeded(session, unneeded, at=now)
        return len(new) == BATCH

    def look_after(self, now: datetime) -> None:
        """See to a part of what was sent and is not kept, and complain of what nobody sends. Raises as `turn` does."""
        self._look_for_a_loss(now)
        self._audited = self._audit(self._audited, now, sent_before=now - PATIENCE)
        self._complain_of_strangers()

    def _send(self, session: Session, messages: Sequence[OutboxMessage], now: datetime) -> None:
        if not messages:
            return
        by_queue = defaultdict(list)
        for message in messages:
            handler = self._handled[message.topic]
            by_queue[handler.queue].append(
                Queue.prepare_data(
                    handler.job,
                    args=(message.id, message.payload),
                    job_id=f"o{message.id}-{message.sends + 1}",
                    description=message.topic,
                    timeout=handler.queue.timeout_s,
                    result_ttl=REMEMBERS_RESULT_S,
                    failure_ttl=REMEMBERS_FAILURE_S,
                    retry=handler.retry,
                )
            )
        for queue, jobs in by_queue.items():
            self._open(queue).enqueue_many(jobs)
        outbox.mark_sent(session, [message.id for message in messages], at=now)

    def _open(self, queue: JobQueue) -> Queue:
        return self._queues.setdefault(queue.name, queue.open(self._connection))

    def _look_for_a_loss(self, now: datetime) -> None:
        """Send again at once what a restarted or emptied queue no longer has."""
        run = str(self._connection.info("server")["run_id"]).encode()
        if self._connection.get(MARKER) == run:
            return
        log.warning("queue may have lost jobs", reason="server restarted or emptied")
        position = self._audit(_START, now, sent_before=now, at_once=True)
        while position != _START:
            position = self._audit(position, now, sent_before=now, at_once=True)
        self._connection.set(MARKER, run)

    def _audit(
        self, after: tuple[datetime, int], now: datetime, *, sent_before: datetime, at_once: bool = False
    ) -> tuple[datetime, int]:
        """Look up one batch of what was sent and is not done; return where the next batch begins."""
        with self._database.unit_of_work() as session:
            # While the rows are locked no job can mark one as done: what the queue says of them is the present state.
            messages = outbox.outstanding(session, before=sent_before, after=after, limit=AUDIT_BATCH)
            known = [message for message in messages if message.topic in self._handled]
            again = []
            for message, status in zip(known, self._statuses(known), strict=True):
                if status in _ENDED:
                    self._note_failure(message, status, now)
                if self._is_due_again(message, status, now, at_once=at_once):
                    again.append(message)
            self._send(session, again, now)
        if again:
            log.warning("sent again", number=len(again))
        if len(messages) < AUDIT_BATCH or messages[-1].sent_at is None:
            return _START
        return messages[-1].sent_at, messages[-1].id

    def _statuses(self, messages: Sequence[OutboxMessage]) -> list[str | None]:
        with self._connection.pipeline(transaction=False) as pipeline:
            for message in messages:
                pipeline.hget(Job.key_for(job_id(message)), "status")
            return [status.decode() if status else None for status in pipeline.execute()]

    @staticmethod
    def _is_due_again(message: OutboxMessage, status: str | None, now: datetime, *, at_once: bool) -> bool:
        if message.given_up_at is not None:
            return False
        rested = message.sent_at is not None and now >= message.sent_at + patience(message.sends)
        # What the queue lost is sent as often as it loses it.
        return rested if status in _ENDED else status is None and (at_once or rested)

    def _note_failure(self, message: OutboxMessage, status: str | None, now: datetime) -> None:
        """Write on the row why its last send came to nothing, once a send; after the last one it is given up."""
        if (message.failed or "").startswith(_send_number(message)):
            return
        why = "ended without marking its promise as done" if status == JobStatus.FINISHED else self._why(message)
        message.failed = _send_number(message) + why
        given_up = message.sends >= MOST_SENDS
        if given_up:
            message.given_up_at = now
        log.error("job failed", message=message.id, topic=message.topic, failed=message.failed, given_up=given_up)

    def _why(self, message: OutboxMessage) -> str:
        """The last line of what the queue knows of a failure."""
        try:
            result = Job.fetch(job_id(message), self._connection, JSONSerializer).latest_result()
        except NoSuchJobError:
            return "unknown"
        lines = (result.exc_string or "" if result else "").strip().splitlines()
        return lines[-1][:200] if lines else "unknown"

    def _complain_of_strangers(self) -> None:
        """An unknown topic may belong to a newer release that is being rolled out: it is left, loudly."""
        with self._database.unit_of_work() as session:
            strangers = outbox.strangers(session, self._known)
        if strangers and strangers != self._strangers:
            log.error("topics without a handler", waiting=strangers)
        self._strangers = strangers


@contextmanager
def listening(database_url: str) -> Iterator[Callable[[float], None]]:
    """A function that waits for news of the outbox, at most the seconds it is given."""
    url = make_url(database_url).set(drivername="postgresql").render_as_string(hide_password=False)
    with psycopg.connect(
        url, autocommit=True, application_name="haigio relay", connect_timeout=5, **KEEPALIVE
    ) as connection:
        connection.execute("listen outbox")

        def wait(seconds: float) -> None:
            for _ in connection.notifies(timeout=seconds, stop_after=1):
                pass

        yield wait


def run(settings: Settings, handlers: Mapping[str, Handler | None] = HANDLERS) -> None:
    """Relay for ever. An outage of the database or the queue is waited out; rows wait with it."""
    database = Database(settings.database_url, pool_size=1)
    relay = Relay(database, connect(settings.queue_url), handlers)
    pause_s = 0.5
    while True:
        try:
            with listening(settings.database_url) as wait_for_news:
                log.info("relay listens")
                looked_at = -LOOK_AFTER_S
                while True:
                    more = relay.hand_over(clock.now())
                    if time.monotonic() - looked_at >= LOOK_AFTER_S:
                        relay.look_after(clock.now())
                        looked_at = time.monotonic()
                    pause_s = 0.5
                    if not more:
                        wait_for_news(POLL_S)
        except _OUTAGES as outage:
            log.warning("relay waits", reason=type(outage).__name__, seconds=pause_s)
            database.close()
            time.sleep(pause_s)
            pause_s = min(pause_s * 2, LONGEST_PAUSE_S)
