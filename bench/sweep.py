"""The sweep of 10,000 cases that reach a rung of their time, beside one bare statement; and a sweep with nothing to do.

    bench/run sweep [--reports 200000] [--rounds 7]

The sweep runs as the schedule runs it, in batches of a thousand, each a transaction: a timeline entry and a promise for
every case. The bare statement marks the same 10,000 cases and writes as many rows of the same size at once, with no
batches, no order, no lock that it skips and no regard for a warning that was given before. Both are timed in turns, each on
cases that nobody was warned of. Wanted: the sweep at least 0.8 times as fast. An idle sweep is the statement alone on one
connection, in turns with `select 1`. Wanted: at most 5 times.
"""

import argparse
import statistics
import time
from collections.abc import Callable

from sqlalchemy import Engine, create_engine, event, text
from sqlalchemy.orm import Session

from app.core import clock
from app.core.db import Database
from app.reports import sweep
from bench.queue import OPEN, generate, seconds
from bench.running import database, told, url
from workers.schedule import BATCH

TURNS = 400

# Half an hour ago every open case had used half of its time, and no more of it falls due while this runs.
DUE = """
update reports set warned = 0, due_at = now() + interval '2 days',
    rungs = array[now() - interval '30 min', now() + interval '1 day', now() + interval '2 days'] where state = 'accepted'
"""
AGAIN = (
    "delete from timeline",
    "delete from outbox",
    DUE,
    "vacuum analyze reports",
    "vacuum timeline",
    "vacuum outbox",
    "checkpoint",
)

BARE = """
with swept as (
    update reports set warned = 1
    where state = 'accepted' and stopped_at is null and rungs[1] <= now() and warned = 0
    returning id, unit_id
), entry as (
    insert into timeline (report_id, entry_id, at, type, by_role, unit_id, shown_to, data)
    select id, gen_random_uuid(), now(), 'warned', 'system', unit_id, 'unit', jsonb_build_object('rung', 1, 'unit', unit_id)
    from swept
    returning report_id, entry_id, unit_id
)
insert into outbox (topic, payload, at)
select 'report.warned', jsonb_build_object('report_id', report_id, 'entry_id', entry_id, 'unit_id', unit_id, 'rung', 1,
    'units', jsonb_build_array(unit_id)), now()
from entry
"""


def swept(ours: Database) -> float:
    """Seconds until every case is swept, in batches."""
    began = time.perf_counter()
    done = BATCH
    while done >= BATCH:
        with ours.unit_of_work() as session:
            done = sweep.warn_due(session, clock.now(), BATCH)
    return time.perf_counter() - began


def bare(engine: Engine) -> float:
    """Seconds that the one statement takes."""
    with engine.begin() as connection:
        began = time.perf_counter()
        connection.exec_driver_sql(BARE)
    return time.perf_counter() - began


def timed(again: Callable[[], None], what: Callable[[], float], counted: Callable[[], int]) -> float:
    """One turn on fresh cases; it must have done all of them."""
    again()
    took = what()
    assert counted() == OPEN, counted()
    return took


def idle(engine: Engine) -> tuple[float, float]:
    """Median seconds of a sweep that finds nothing, and of `select 1`, as the application sends them."""
    seen = []

    def catch(*args: object) -> None:
        seen.append((args[2], args[3]))

    with engine.connect() as connection:
        event.listen(connection, "before_cursor_execute", catch)
        assert sweep.warn_due(Session(connection), clock.now(), BATCH) == 0
        event.remove(connection, "before_cursor_execute", catch)
        cursor = connection.connection.cursor()
        one, nothing = [], []
        for _ in range(TURNS):
            one.append(seconds(cursor, "select 1", None)[0])
            nothing.append(seconds(cursor, *seen[-1])[0])
    return statistics.median(nothing), statistics.median(one)


def main() -> None:
    """Fill, time in turns, tell."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--reports", type=int, default=200_000)
    parser.add_argument("--rounds", type=int, default=7)
    asked = parser.parse_args()
    name = "haigio_bench_sweep"
    with database(name) as environment:
        generate(url("HAIGIO_SUPERUSER_DATABASE_URL", name), asked.reports)
        admin = create_engine(url("HAIGIO_SUPERUSER_DATABASE_URL", name), isolation_level="AUTOCOMMIT")
        engine, ours = create_engine(environment["HAIGIO_DATABASE_URL"]), Database(environment["HAIGIO_DATABASE_URL"])

        def again() -> None:
            with admin.connect() as connection:
                for statement in AGAIN:
                    connection.exec_driver_sql(statement)

        def counted() -> int:
            with engine.connect() as connection:
                return connection.execute(
                    text("select count(*) from timeline t join outbox o on o.payload->>'entry_id' = t.entry_id::text")
                ).scalar_one()

        floor, batches = [], []
        for _ in range(asked.rounds):
            floor.append(timed(again, lambda: bare(engine), counted))
            batches.append(timed(again, lambda: swept(ours), counted))
        told(
            "sweep: 10,000 cases beside one bare statement",
            statistics.median(floor) / statistics.median(batches),
            "at least 0.8",
            sweep_ms=round(statistics.median(batches) * 1e3),
            bare_ms=round(statistics.median(floor) * 1e3),
        )
        nothing, one = idle(engine)
        told("sweep: idle", nothing / one, "at most 5", idle_us=round(nothing * 1e6), select_1_us=round(one * 1e6))
        ours.close()
        engine.dispose()
        admin.dispose()


if __name__ == "__main__":
    main()
