"""Five hundred open desks that all hear of a change each second.

    bench/run live [--desks 500] [--seconds 30]

Every desk is a socket of this process with a stream open, of officers of one unit, so that each change goes to all. A
change is a row of the outbox, as every act writes one; it counts as delivered to a desk when its event is read there.
The figures are the CPU of the live process (user and system, all of its children) per second of wall time, and the 99th
percentile from just before the row is written. Wanted: under 15 % of one core, and under a second. The memory of a
stream, resident, is told beside them.
"""

import argparse
import asyncio
import json
import os
import resource
import socket
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import quote
from uuid import UUID, uuid4

import httpx
from psycopg import AsyncConnection
from sqlalchemy import create_engine, text

from app.config import Settings
from app.core import clock
from app.identity.tickets import KEY_PURPOSE, LiveTickets
from app.live.streams import MOST_OF_A_PERSON
from bench.running import ROOT, cpu_seconds, database, told

CHANGE = """
    insert into outbox (topic, payload, at)
    values ('report.moved', jsonb_build_object('report_id', %s::text, 'units', jsonb_build_array(%s::int)), now())
"""


def officers(database_url: str, number: int) -> tuple[int, list[tuple[UUID, UUID]]]:
    """A unit, and the ids and sign-ins of this many officers of it."""
    engine = create_engine(database_url)
    with engine.begin() as connection:
        unit = connection.execute(text("select min(id) from units where kind = 'ward'")).scalar_one()
        people = [(uuid4(), uuid4()) for _ in range(number)]
        for person, session in people:
            values = {"person": person, "session": session, "unit": unit, "name": person.hex}
            for sql in (
                "insert into people (id, is_staff, created_at) values (:person, true, now())",
                "insert into staff (person_id, username, name, password_hash) values (:person, :name, :name, '!')",
                "insert into memberships (person_id, role, unit_id, valid_from) select :person, 'officer', :unit, '2024-01-01'",
                "insert into sessions (id, person_id, created_at) values (:session, :person, now())",
            ):
                connection.execute(text(sql), values)
    engine.dispose()
    return unit, people


@contextmanager
def live(environment: dict[str, str]) -> Iterator[tuple[int, int]]:
    """The process as ./run starts it; yields its port and its process id."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    served = [
        sys.executable, "-m", "granian", "--interface", "asgi", "--host", "127.0.0.1", "--port", str(port),
        "--workers", "1", "--no-ws", "--no-access-log", "--log-level", "warning", "--backpressure", "2200", "app.live:app",
    ]  # fmt: skip
    process = subprocess.Popen(served, cwd=ROOT, env=environment, stdout=subprocess.DEVNULL)
    try:
        until = time.monotonic() + 30
        while time.monotonic() < until:
            try:
                if httpx.get(f"http://127.0.0.1:{port}/health/ready").status_code == 200:
                    break
            except httpx.TransportError:
                time.sleep(0.1)
        yield port, process.pid
    finally:
        process.terminate()
        process.wait(timeout=20)


def resident_kb(root_pid: int) -> int:
    """The resident memory of a process and of its children, in kB."""
    total = 0
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            parent = int((folder / "stat").read_text().rpartition(")")[2].split()[1])
            if root_pid in {int(folder.name), parent}:
                total += int((folder / "statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE") // 1024
        except (FileNotFoundError, ProcessLookupError):
            continue
    return total


async def listen(
    port: int, ticket: str, opened: asyncio.Queue[bool], waits: list[float], sent: dict[str, float]
) -> None:
    """Keep one stream open, and note for each event how long it took."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(f"GET /live?ticket={quote(ticket)} HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n".encode())
    status = await reader.readline()
    assert b" 200 " in status, status
    while b"retry" not in await reader.readline():
        pass
    await opened.put(True)
    while line := await reader.readline():
        if line.startswith(b"data: "):
            report = json.loads(line[6:])["report"]
            waits.append(time.perf_counter() - sent[report])


async def measure(asked: argparse.Namespace, environment: dict[str, str], port: int, pid: int) -> None:
    """Open the desks, make the changes, tell."""
    unit, people = officers(environment["HAIGIO_DATABASE_URL"], -(-asked.desks // MOST_OF_A_PERSON))
    tickets = LiveTickets(Settings("test", "", "", Path(), environment["HAIGIO_SECRET"]).key(KEY_PURPOSE))
    empty_kb = resident_kb(pid)
    waits: list[float] = []
    sent: dict[str, float] = {}
    opened: asyncio.Queue[bool] = asyncio.Queue()
    began, desks = time.perf_counter(), []
    for number in range(asked.desks):
        ticket = tickets.issue(*people[number // MOST_OF_A_PERSON], now=clock.now())
        desks.append(asyncio.create_task(listen(port, ticket, opened, waits, sent)))
    for _ in desks:
        await asyncio.wait_for(opened.get(), 60)
    connected_s = time.perf_counter() - began
    url = environment["HAIGIO_DATABASE_URL"].replace("postgresql+psycopg://", "postgresql://", 1)
    async with await AsyncConnection.connect(url, autocommit=True) as connection:
        await asyncio.sleep(2)
        cpu, wall = cpu_seconds(pid), time.perf_counter()
        for turn in range(asked.seconds):
            report = str(uuid4())
            sent[report] = time.perf_counter()
            await connection.execute(CHANGE, (report, unit))
            await asyncio.sleep(max(0.0, wall + turn + 1 - time.perf_counter()))
        share = (cpu_seconds(pid) - cpu) / (time.perf_counter() - wall)
    full_kb = resident_kb(pid)
    for desk in desks:
        desk.cancel()
    waits.sort()
    told(
        f"live: CPU with a change each second to {asked.desks} desks",
        share * 100,
        "under 15 % of one core",
        unit=" %",
        connecting_all_s=round(connected_s, 2),
        memory_mb=round(full_kb / 1024),
        kb_a_stream=round((full_kb - empty_kb) / asked.desks, 1),
    )
    told(
        "live: from the change to every desk, p99",
        waits[int(len(waits) * 0.99)] * 1000,
        "under 1,000 ms",
        unit=" ms",
        median_ms=round(statistics.median(waits) * 1000, 1),
        delivered=f"{len(waits)} of {asked.desks * asked.seconds}",
    )


def main() -> None:
    """A database, a live process, the desks."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--desks", type=int, default=500)
    parser.add_argument("--seconds", type=int, default=30)
    asked = parser.parse_args()
    resource.setrlimit(
        resource.RLIMIT_NOFILE, (max(4096, asked.desks * 2), resource.getrlimit(resource.RLIMIT_NOFILE)[1])
    )
    with database("haigio_bench_live") as environment, live(environment) as (port, pid):
        asyncio.run(measure(asked, environment, port, pid))


if __name__ == "__main__":
    main()
