"""What happens by time alone, done by one process only.

Whoever holds a lock in the database is the schedule; others stand by and take over when it is gone. A tick that was
missed is made up for once, not as often as it was missed. Every tick is bounded and safe to run twice.

What time it is, the database says: whichever machine the schedule runs on, and however wrong its clock, nothing is warned
about, closed or forgotten an hour early or late.
"""

import time
import traceback
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import NamedTuple

import psycopg
import structlog
from redis import Redis
from redis.exceptions import RedisError
from sqlalchemy import make_url
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session

from app.config import Settings
from app.core import clock, outbox
from app.core.clock import ClockWrong
from app.core.db import Database
from app.core.keepalive import KEEPALIVE
from app.identity import actions as identity
from app.notifications import actions as notifications
from app.photos import erasing, uploads
from app.photos.errors import StoreUnavailable
from app.photos.storage import PhotoStore
from app.reports import custody, reform, sweep
from app.reports.rulebook import RulebookCache
from app.targets import queries as targets
from workers.queues import QUEUES, connect
from workers.reaper import Reaper

log = structlog.get_logger("schedule")

# The number is ours, for this only.
ADVISORY_LOCK = 7_205_118

STAND_BY_S = 1.0
BATCH = 1000
KEEP_DONE = timedelta(days=14)

# An upload that a crash broke off is not taken up again after this.
KEEP_HALF_FILES = timedelta(days=1)

Tick = Callable[[datetime], bool | None]
"""Does what is due at an instant; True when there is more than it did."""


class Every(NamedTuple):
    """So many seconds, and what is done that often."""

    seconds: float
    tick: Tick


def timetable(database: Database, queue: Redis, photos: PhotoStore, city_id: int) -> Sequence[Every]:
    """What is done how often. What people were promised an instant for comes before the house's own."""
    reaper = Reaper(queue)
    sweeps = Sweeps(database, city_id)

    def erase_photos_whose_time_is_over(now: datetime) -> bool:
        return sweeps.erase_photos_whose_time_is_over(photos, now)

    return (
        Every(1, sweeps.warn_of_cases_that_reach_a_rung),
        Every(10, sweeps.resume_clocks_stopped_for_24_hours),
        Every(1, reaper.queue_retries),
        Every(5, reaper.revive),
        Every(60, sweeps.end_expired_sign_ins),
        Every(60, sweeps.complete_rungs_that_an_older_program_left_out),
        Every(60, sweeps.close_what_was_concluded_seven_days_ago),
        Every(60, sweeps.tell_leaders_what_became_overdue),
        Every(60, sweeps.rehome_cases_of_units_that_are_no_more),
        Every(60, sweeps.forget_uploads_that_were_given_up),
        Every(60, Gauges(database, queue).tell),
        Every(3600, sweeps.complain_of_calendars_that_lack_a_year),
        Every(3600, sweeps.forget_kept_promises),
        Every(3600, sweeps.forget_old_notices),
        Every(3600, lambda now: discard_half_photos(photos, now)),
        Every(3600, erase_photos_whose_time_is_over),
    )


class Sweeps:
    """One bounded batch of each thing that time brings about, in a transaction of its own."""

    def __init__(self, database: Database, city_id: int) -> None:
        self._database = database
        self._city_id = city_id
        self._rulebook = RulebookCache(city_id)

    def _batch(self, what: Callable[[Session], int]) -> bool:
        with self._database.unit_of_work() as session:
            return what(session) >= BATCH

    def warn_of_cases_that_reach_a_rung(self, now: datetime) -> bool:
        """Promise warnings at 50, 80 and 100 % of the time of a case."""
        return self._batch(lambda session: sweep.warn_due(session, now, BATCH))

    def resume_clocks_stopped_for_24_hours(self, now: datetime) -> bool:
        """Let cases go on whose resident did not answer."""
        return self._batch(lambda session: sweep.resume_due(session, now, BATCH))

    def complete_rungs_that_an_older_program_left_out(self, _now: datetime) -> bool:
        """Reckon when cases are warned about that were taken in or moved by a program that did not."""
        return self._batch(lambda session: sweep.complete_rungs(session, BATCH))

    def close_what_was_concluded_seven_days_ago(self, now: datetime) -> bool:
        """Close cases that nobody contested in time."""
        return self._batch(lambda session: sweep.close_due(session, now, BATCH))

    def rehome_cases_of_units_that_are_no_more(self, now: datetime) -> bool:
        """Give open cases to who acts at their point, after a reform of the wards."""
        return self._batch(lambda session: reform.rehome(session, self._rulebook.current(session), now, BATCH))

    def tell_leaders_what_became_overdue(self, now: datetime) -> None:
        """Send the hour's digest, if it was not sent and there is something to tell."""
        with self._database.unit_of_work() as session:
            notifications.digest(session, self._city_id, now)

    def complain_of_calendars_that_lack_a_year(self, now: datetime) -> None:
        """Say loudly which working hours cannot be reckoned: their cases are judged round the clock meanwhile."""
        with self._database.unit_of_work() as session:
            for gap in targets.gaps(session, self._city_id, now):
                log.error("calendar lacks years", calendar=gap.calendar_code, years=gap.years)

    def forget_kept_promises(self, now: datetime) -> bool:
        """Delete outbox rows that were done 14 days ago."""
        return self._batch(lambda session: outbox.forget_done(session, before=now - KEEP_DONE, limit=BATCH))

    def end_expired_sign_ins(self, now: datetime) -> bool:
        """End sign-ins that ran out, and delete codes and wrong passwords that can decide nothing any more."""
        return self._batch(lambda session: identity.forget_expired(session, now, BATCH))

    def forget_uploads_that_were_given_up(self, now: datetime) -> bool:
        """Forget uploads that nobody went on with for a day; what they reserved is free again."""
        return self._batch(lambda session: uploads.forget_expired(session, now, BATCH))

    def forget_old_notices(self, now: datetime) -> bool:
        """Delete what stood in inboxes for half a year."""
        return self._batch(lambda session: notifications.forget_old(session, now, BATCH))

    def erase_photos_whose_time_is_over(self, photos: PhotoStore, now: datetime) -> bool:
        """Erase photos that were kept long enough, then their files; a crash in between is made up for by the next turn."""
        with self._database.unit_of_work() as session:
            cases = custody.expire(session, self._city_id, now)
        with self._database.unit_of_work() as session:
            files = erasing.delete_files(session, photos, now)
        if cases or files:
            log.info("photos_erased", cases=cases, files=files)
        return cases > 0 or files > 0


def discard_half_photos(photos: PhotoStore, now: datetime) -> bool:
    """Delete what uploads left behind that a crash broke off."""
    discarded = photos.discard_abandoned(before=now - KEEP_HALF_FILES, limit=BATCH)
    if discarded:
        log.info("half_photos_discarded", number=discarded)
    return discarded >= BATCH


class Gauges:
    """How much waits, told to the log."""

    def __init__(self, database: Database, queue: Redis) -> None:
        self._database = database
        self._queues = [each.open(queue) for each in QUEUES.values()]

    def tell(self, now: datetime) -> None:
        """Log how the outbox and the queues stand."""
        with self._database.unit_of_work() as session:
            outstanding = outbox.backlog(session, now)
        log.info(
            "gauges",
            outbox_waiting=outstanding.waiting,
            outbox_oldest_s=round(outstanding.oldest_s, 1),
            outbox_failed=outstanding.failed,
            queued={queue.name: queue.count for queue in self._queues},
            failed={queue.name: queue.failed_job_registry.get_job_count(cleanup=False) for queue in self._queues},
        )


class Round:
    """Runs each row of a timetable when it is due."""

    def __init__(self, every: Sequence[Every]) -> None:
        self._every = every
        self._due = [0.0] * len(every)

    def run(self, seconds: float, now: datetime) -> None:
        """Do what is due at `seconds` of a monotonic clock. What fails is tried again in its next turn, and stops no other."""
        for position, (period, tick) in enumerate(self._every):
            if self._due[position] > seconds:
                continue
            self._due[position] = seconds + period
            try:
                if tick(now):
                    self._due[position] = seconds
            except (DBAPIError, RedisError, StoreUnavailable, ClockWrong) as outage:
                log.warning("tick failed", tick=getattr(tick, "__name__", "tick"), reason=type(outage).__name__)
            except Exception as error:  # noqa: BLE001 -- a mistake in one tick must not keep the others from their time
                # Where it was and of what kind. What an error says may hold what somebody wrote, and stays unsaid.
                place = traceback.extract_tb(error.__traceback__)[-1]
                log.error(  # noqa: TRY400
                    "tick broke",
                    tick=getattr(tick, "__name__", "tick"),
                    error=type(error).__name__,
                    where=f"{place.filename}:{place.lineno}",
                )


@contextmanager
def alone(database_url: str) -> Iterator[Callable[[], datetime]]:
    """Wait until nobody else is the schedule. Yields what tells the present instant, by the database's clock.

    It raises psycopg.Error when it is no longer sure that nobody else is, and ClockWrong when this machine's clock is
    another: the library that looks after jobs goes by that one.
    """
    url = make_url(database_url).set(drivername="postgresql").render_as_string(hide_password=False)
    with psycopg.connect(
        url, autocommit=True, application_name="haigio schedule", connect_timeout=5, **KEEPALIVE
    ) as connection:
        # When this machine falls silent the server lets go of the lock within half a minute.
        for name, value in (("idle", 10), ("interval", 5), ("count", 3)):
            connection.execute(f"set tcp_keepalives_{name} = {value}".encode())

        def theirs() -> datetime:
            row = connection.execute("select clock_timestamp()").fetchone()
            if row is None:
                raise psycopg.OperationalError("no answer")
            now: datetime = row[0].astimezone(UTC)
            return now

        def present() -> datetime:
            return clock.compare(theirs)

        while True:
            present()
            row = connection.execute("select pg_try_advisory_lock(%s)", [ADVISORY_LOCK]).fetchone()
            if row is not None and row[0]:
                break
            time.sleep(STAND_BY_S)

        yield present


def run(settings: Settings, *, every: Sequence[Every] | None = None) -> None:
    """Be the schedule, or stand by, for ever. An outage of the database is waited out."""
    database = Database(settings.database_url, pool_size=1)
    table = (
        timetable(database, connect(settings.queue_url), PhotoStore(settings.photos), settings.city_id)
        if every is None
        else every
    )
    while True:
        try:
            with alone(settings.database_url) as present:
                log.info("this is the schedule now")
                turn = Round(table)
                while True:
                    turn.run(time.monotonic(), present())
                    time.sleep(0.25)
        except (psycopg.Error, ClockWrong) as outage:
            log.warning("schedule waits", reason=type(outage).__name__)
            database.close()
            time.sleep(STAND_BY_S)
