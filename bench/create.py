"""What taking in a report costs: CPU of web and database, beside a bare psycopg endpoint on the same server.

    bench/run create [--rounds 7] [--each 300]

Rounds take turns; the figure is the median of the rounds' ratios. Wanted: at most 2.5 times the bare endpoint.
"""

import argparse
import statistics
from concurrent.futures import ThreadPoolExecutor

import httpx

from app.core.db import new_id
from bench.running import SPOTS, cpu_seconds, database, postmaster, sign_in, told, web

THREADS = 4


def send(address: str, path: str, tokens: list[str], number: int) -> None:
    """Send `number` new reports from a few threads; every one must be accepted."""

    def one(turn: int) -> None:
        lat, lon = SPOTS[turn % len(SPOTS)]
        body = {
            "id": str(new_id()), "kind": "SW01", "note": "Bàn ghế choán hết vỉa hè",
            "location": {"lat": lat, "lon": lon, "accuracy_m": 12.0},
        }  # fmt: skip
        # Each report comes from another address and another of many residents: limits must not be what is measured.
        headers = {
            "Authorization": f"Bearer {tokens[turn % len(tokens)]}",
            "X-Forwarded-For": f"10.{turn // 65536 % 256}.{turn // 256 % 256}.{turn % 256}",
        }
        answer = clients[turn % THREADS].post(path, json=body, headers=headers)
        if answer.status_code != 201:
            raise SystemExit(f"{path}: {answer.status_code} {answer.text[:300]}")

    clients = [httpx.Client(base_url=address, timeout=30) for _ in range(THREADS)]
    with ThreadPoolExecutor(THREADS) as threads:
        list(threads.map(one, range(number)))
    for client in clients:
        client.close()


def main() -> None:
    """Measure in turns and say the ratio."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--each", type=int, default=300)
    asked = parser.parse_args()
    with database("haigio_bench_create") as environment, web(environment, "bench.bare:app") as (address, pid):
        # A resident may send 60 reports an hour.
        residents = asked.rounds * asked.each // 40 + 20
        tokens = [sign_in(address, environment) for _ in range(residents)]
        server = postmaster(environment["HAIGIO_DATABASE_URL"])
        for path in ("/api/v1/reports", "/bare"):
            send(address, path, tokens, 100)
        spent: dict[str, list[float]] = {"/api/v1/reports": [], "/bare": []}
        for _ in range(asked.rounds):
            for path, rounds in spent.items():
                before = cpu_seconds(pid) + cpu_seconds(server)
                send(address, path, tokens, asked.each)
                rounds.append((cpu_seconds(pid) + cpu_seconds(server) - before) / asked.each * 1000)
        ratios = [real / bare for real, bare in zip(*spent.values(), strict=True)]
        told(
            "create: CPU per accepted report, web and database, beside bare psycopg",
            statistics.median(ratios),
            "at most 2.5",
            ours_ms=round(statistics.median(spent["/api/v1/reports"]), 2),
            bare_ms=round(statistics.median(spent["/bare"]), 2),
            ratios=f"{min(ratios):.2f}..{max(ratios):.2f}",
        )


if __name__ == "__main__":
    main()
