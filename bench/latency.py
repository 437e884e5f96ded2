"""How long until a ward's team sees a report, with fifty reports a second coming in.

    bench/run latency [--seconds 20]

A report counts as seen when it stands in the answer to its unit's queue; the queue is asked for again and again, from
where it was left. The figure is the 99th percentile from the first byte of POST. Wanted: under 5 seconds.
"""

import argparse
import statistics
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import httpx

from app.core.db import new_id
from bench.running import SPOTS, database, sign_in, told, web

A_SECOND = 50


def main() -> None:
    """Send at a steady pace, watch the queue, tell."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--seconds", type=int, default=20)
    asked = parser.parse_args()
    number = asked.seconds * A_SECOND
    with database("haigio_bench_latency") as environment, web(environment) as (address, _):
        tokens = [sign_in(address, environment) for _ in range(number // 40 + 2)]
        officer = sign_in(address, environment, "canbo.26929")
        sent, seen, stop = {}, {}, threading.Event()

        def watch() -> None:
            with httpx.Client(base_url=address, headers={"Authorization": f"Bearer {officer}"}, timeout=30) as http:
                cursor = None
                while not stop.is_set():
                    asked_for = {"limit": 200} | ({"cursor": cursor} if cursor else {})
                    page = http.get("/api/v1/queue", params=asked_for).json()
                    now = time.perf_counter()
                    for item in page["items"]:
                        seen.setdefault(item["id"], now)
                    # New reports are due last: go on where the pages end, and ask for that end again.
                    cursor = page["next"] or cursor
                    if not page["next"]:
                        time.sleep(0.2)

        def send(turn: int) -> None:
            time.sleep(max(0.0, began + turn / A_SECOND - time.perf_counter()))
            report_id = str(new_id())
            lat, lon = SPOTS[turn % len(SPOTS)]
            headers = {
                "Authorization": f"Bearer {tokens[turn % len(tokens)]}",
                "X-Forwarded-For": f"10.9.{turn // 256 % 256}.{turn % 256}",
            }
            sent[report_id] = time.perf_counter()
            body = {"id": report_id, "kind": "SW01", "location": {"lat": lat, "lon": lon}}
            clients[turn % len(clients)].post("/api/v1/reports", json=body, headers=headers).raise_for_status()

        watcher = threading.Thread(target=watch)
        watcher.start()
        clients = [httpx.Client(base_url=address, timeout=30) for _ in range(8)]
        began = time.perf_counter()
        with ThreadPoolExecutor(8) as threads:
            list(threads.map(send, range(number)))
        until = time.monotonic() + 30
        while len(seen) < number and time.monotonic() < until:
            time.sleep(0.2)
        stop.set()
        watcher.join()
        waits = sorted(seen[report_id] - at for report_id, at in sent.items() if report_id in seen)
        told(
            f"latency: POST to queue at {A_SECOND} a second, p99",
            waits[int(len(waits) * 0.99)],
            "under 5 s",
            unit=" s",
            median_ms=round(statistics.median(waits) * 1000),
            seen=f"{len(waits)} of {number}",
        )


if __name__ == "__main__":
    main()
