"""A backlog in the outbox handed to RQ: rows a second, beside RQ's own `enqueue_many` of the same jobs without an outbox.

    bench/run relay [--rounds 5] [--rows 10000]

Rounds take turns; the figure is the median. The relay reads, locks, hands over and notes each row; the other side only
hands over, in pieces of the same size. Wanted: at least 3,000 rows a second.
"""

import argparse
import cProfile
import os
import pstats
import statistics
import time

from redis import Redis
from rq import Queue
from sqlalchemy import text

from app.core import clock
from app.core.db import Database
from bench.running import database, told
from workers import relay
from workers.queues import SMALL, connect
from workers.relay import Handler, Relay

TOPIC, JOB = "bench.nothing", "workers.jobs.recurrence.mark_recurrence"  # never run here
PAYLOAD = '{"report_id": "019ab4c1-7d3a-7c11-9c7e-3a6a8f6f0c11", "units": [26929]}'


def promise(store: Database, rows: int) -> None:
    """An outbox with this backlog, and nothing else."""
    with store.unit_of_work() as session:
        session.execute(text("delete from outbox"))
        session.execute(
            text(
                "insert into outbox (topic, payload, at) "
                "select :topic, cast(:payload as jsonb), now() from generate_series(1, :rows)"
            ),
            {"topic": TOPIC, "payload": PAYLOAD, "rows": rows},
        )


def by_relay(store: Database, queue: Redis, rows: int) -> float:
    """Rows a second through the relay."""
    promise(store, rows)
    made = Relay(store, queue, {TOPIC: Handler(SMALL, JOB)})
    made.turn(clock.now())  # the first one finds out that this server is new
    already = SMALL.open(queue).count
    began = time.perf_counter()
    while made.turn(clock.now()):
        pass
    took = time.perf_counter() - began
    handed = SMALL.open(queue).count
    assert handed == rows, f"{handed} of {rows}"
    return (handed - already) / took


def by_hand(queue: Redis, rows: int) -> float:
    """Jobs a second through RQ alone."""
    open_queue = SMALL.open(queue)
    payload = {"report_id": "019ab4c1-7d3a-7c11-9c7e-3a6a8f6f0c11", "units": [26929]}
    began = time.perf_counter()
    for first in range(0, rows, relay.BATCH):
        open_queue.enqueue_many(
            [
                Queue.prepare_data(
                    JOB, args=(number, payload), job_id=f"o{number}-1", description=TOPIC, timeout=SMALL.timeout_s,
                    result_ttl=relay.REMEMBERS_RESULT_S, failure_ttl=relay.REMEMBERS_FAILURE_S, retry=relay.RETRY,
                )
                for number in range(first, min(first + relay.BATCH, rows))
            ]
        )  # fmt: skip
    return rows / (time.perf_counter() - began)


def main() -> None:
    """Measure in turns and tell."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--rows", type=int, default=10_000)
    parser.add_argument("--profile", action="store_true", help="tell where the relay's time goes")
    asked = parser.parse_args()
    with database("haigio_bench_relay") as environment, connect(os.environ["HAIGIO_QUEUE_URL"]) as queue:
        store = Database(environment["HAIGIO_DATABASE_URL"], pool_size=1)
        ours: list[float] = []
        alone: list[float] = []
        for turn in range(asked.rounds + 1):
            queue.flushdb()
            handed = by_relay(store, queue, asked.rows)
            queue.flushdb()
            floor = by_hand(queue, asked.rows)
            if turn:  # the first one warms up
                ours.append(handed)
                alone.append(floor)
        if asked.profile:
            queue.flushdb()
            with cProfile.Profile() as profile:
                by_relay(store, queue, asked.rows)
            pstats.Stats(profile).sort_stats("tottime").print_stats(25)
        queue.flushdb()
        store.close()
        ratios = [mine / floor for mine, floor in zip(ours, alone, strict=True)]
        told(
            "relay: outbox rows handed to RQ a second",
            statistics.median(ours),
            "at least 3000",
            unit="/s",
            enqueue_many=f"{statistics.median(alone):.0f}/s",
            ratio=f"{statistics.median(ratios):.2f} ({min(ratios):.2f}..{max(ratios):.2f})",
        )


if __name__ == "__main__":
    main()
