"""Small jobs: how many a second, and how soon after the commit that promised one it begins.

    bench/run small [--seconds 20] [--jobs 400] [--rounds 5]

First our small worker beside RQ's forking one, on the same jobs, which do nothing, in turns and in one process: the
figure is the median of the rounds' ratios. Wanted: at least 3 times. Then a real relay and a real worker while fifty
promises a second are committed one by one, each kept by a job in a transaction: the 99th percentile from the commit to
the job's first line. Wanted: under 250 ms.
"""

import argparse
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager

from redis import Redis
from rq import Queue, Worker
from rq.serializers import JSONSerializer
from sqlalchemy import text

from app.core.db import Database
from bench.jobs import BEGAN
from bench.running import ROOT, cpu_seconds, database, told
from workers.queues import SMALL, connect
from workers.work import SmallWorker

A_SECOND = 50
RELAY = """
from app.config import read_settings
from workers import relay
from workers.queues import SMALL
relay.run(read_settings(), {"bench.keep": relay.Handler(SMALL, "bench.jobs.keep")})
"""


def jobs_a_second(queue: Redis, kind: type, number: int) -> float:
    """How many jobs that do nothing a worker of this kind runs a second."""
    queue.flushdb()
    SMALL.open(queue).enqueue_many(
        [
            Queue.prepare_data("bench.jobs.nothing", args=(each, {}), timeout=SMALL.timeout_s, result_ttl=600)
            for each in range(number)
        ]
    )
    worker = kind([SMALL.open(queue)], connection=queue, serializer=JSONSerializer)
    began = time.perf_counter()
    worker.work(burst=True, logging_level="CRITICAL")
    return number / (time.perf_counter() - began)


@contextmanager
def processes(environment: dict[str, str]) -> Iterator[list[subprocess.Popen[bytes]]]:
    """The relay and one worker of the small queue, as the service runs them."""
    commands = (["-c", RELAY], ["-m", "workers", "work", SMALL.name])
    # A worker ends when the pipe from the process above it closes.
    running = [
        subprocess.Popen(
            [sys.executable, *command], cwd=ROOT, env=environment, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL
        )
        for command in commands
    ]
    try:
        yield running
    finally:
        for process in running:
            process.terminate()
        for process in running:
            process.wait(timeout=20)


def waits(store: Database, queue: Redis, seconds: int) -> list[float]:
    """Commit at a steady pace; the seconds from each commit until its job began, sorted."""
    committed: dict[int, float] = {}
    number = seconds * A_SECOND
    began = time.monotonic()
    for turn in range(number):
        time.sleep(max(0.0, began + turn / A_SECOND - time.monotonic()))
        with store.unit_of_work() as session:
            promised = session.execute(
                text("insert into outbox (topic, payload, at) values ('bench.keep', '{}', now()) returning id")
            ).scalar_one()
        committed[promised] = time.monotonic()
    until = time.monotonic() + 30
    while queue.llen(BEGAN) < number and time.monotonic() < until:
        time.sleep(0.1)
    starts = dict(line.decode().split() for line in queue.lrange(BEGAN, 0, -1))
    assert len(starts) == number, f"{len(starts)} of {number} jobs began"
    return sorted(max(0.0, float(at) - committed[int(id_)]) for id_, at in starts.items())


def main() -> None:
    """Measure both and tell."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--seconds", type=int, default=20)
    parser.add_argument("--jobs", type=int, default=400)
    parser.add_argument("--rounds", type=int, default=5)
    asked = parser.parse_args()
    with database("haigio_bench_small") as environment, connect(os.environ["HAIGIO_QUEUE_URL"]) as queue:
        rates: dict[type, list[float]] = {SmallWorker: [], Worker: []}
        for _ in range(asked.rounds):
            for kind, seen in rates.items():
                seen.append(jobs_a_second(queue, kind, asked.jobs if kind is SmallWorker else asked.jobs // 4))
        ratios = [ours / forking for ours, forking in zip(*rates.values(), strict=True)]
        told(
            "small: our small worker beside RQ's forking one",
            statistics.median(ratios),
            "at least 3",
            ours=f"{statistics.median(rates[SmallWorker]):.0f}/s",
            forking=f"{statistics.median(rates[Worker]):.0f}/s",
            ratios=f"{min(ratios):.2f}..{max(ratios):.2f}",
        )
        queue.flushdb()
        store = Database(environment["HAIGIO_DATABASE_URL"], pool_size=1)
        with processes(environment) as running:
            until = time.monotonic() + 30
            while queue.scard("rq:workers") < 1 and time.monotonic() < until:
                time.sleep(0.1)
            waits(store, queue, 2)  # what is done once is done
            queue.delete(BEGAN)
            before = [cpu_seconds(process.pid) for process in running]
            seen_waits = waits(store, queue, asked.seconds)
            spent = [cpu_seconds(process.pid) - was for process, was in zip(running, before, strict=True)]
        store.close()
        queue.flushdb()
        told(
            f"small: commit to the start of the job at {A_SECOND} a second, p99",
            seen_waits[int(len(seen_waits) * 0.99)] * 1000,
            "under 250 ms",
            unit=" ms",
            median_ms=round(statistics.median(seen_waits) * 1000, 1),
            longest_ms=round(seen_waits[-1] * 1000),
            relay_cpu=f"{spent[0] / asked.seconds:.0%} of a core",
            worker_cpu=f"{spent[1] / asked.seconds:.0%}",
        )


if __name__ == "__main__":
    main()
