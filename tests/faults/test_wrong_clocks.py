"""A machine whose clock is an hour back: it says so, does nothing, and no case is stamped by it.

The machine is one process of ours under libfaketime; the others go by the right time beside it.
"""

import importlib.util
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import httpx
import pytest
from findings import waiting
from sqlalchemy import text

from app.core import clock
from app.core.db import new_id
from running_copy import PLACES, free_port

pytestmark = pytest.mark.timeout(240)


@pytest.fixture(scope="module")
def an_hour_back() -> dict[str, str]:
    """The environment in which a process believes that it is an hour ago."""
    package = Path(importlib.util.find_spec("libfaketime").origin).parent
    library = next(package.glob("vendor/libfaketime/src/libfaketime*.so.1"), None)
    environment = {
        "LD_PRELOAD": str(library), "FAKETIME": "-1h", "FAKETIME_DONT_FAKE_MONOTONIC": "1", "DONT_FAKE_MONOTONIC": "1",
    }  # fmt: skip
    asked = [sys.executable, "-c", "import time; print(time.time())"]
    told = subprocess.run(asked, env={**os.environ, **environment}, capture_output=True, text=True, check=False).stdout
    if not told or clock.now().timestamp() - float(told) < 3000:
        pytest.skip("the library that deceives a process about the time is not made for this machine")
    return environment


@contextmanager
def beside(town, environment, *arguments: str) -> Iterator[Path]:
    """One process more with that environment; yields its log."""
    name = f"{arguments[0]}-an-hour-back-{arguments[1].strip('-')}"
    process = town.process(*arguments, log=name, **environment)
    try:
        yield town.folder / "log" / f"{name}.log"
    finally:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def test_a_web_that_is_an_hour_back_takes_nothing_in_and_is_not_ready(town, street, behind, an_hour_back):
    resident = street.shown_code("10.3.0.1", 1)
    report = {"id": str(new_id()), "kind": "EN08", "location": PLACES["26929"]}
    headers, port = {"Authorization": f"Bearer {resident.tokens['access_token']}"}, free_port()
    wrong = f"http://127.0.0.1:{port}"
    web = ["granian", "--interface", "wsgi", "--host", "127.0.0.1", "--port", str(port), "--workers", "1", "wsgi:app"]

    with beside(town, an_hour_back, *web):
        town.wait_until(lambda: httpx.get(f"{wrong}/health/live").status_code == 200, 60, "the web an hour back")
        ready = httpx.get(f"{wrong}/health/ready")
        refused = httpx.post(f"{wrong}/api/v1/reports", json=report, headers=headers)

    assert (ready.status_code, ready.json()["checks"]["clock"]) == (503, "down")
    assert (refused.status_code, refused.json()["code"]) == (503, "clock_wrong")
    assert "Retry-After" in refused.headers
    there = "select count(*) from reports where id = :id"
    with behind.connect() as connection:
        assert connection.execute(text(there), {"id": report["id"]}).scalar_one() == 0
    assert resident.send("report", "POST", "/reports", json=report).status_code == 201


def test_relay_schedule_and_worker_an_hour_back_change_no_case_and_lose_no_promise(town, street, behind, an_hour_back):
    resident = street.shown_code("10.3.0.2", 2)
    with behind.connect() as connection:
        began = connection.execute(text("select clock_timestamp()")).scalar_one()

    with (
        beside(town, an_hour_back, "workers", "relay") as relay,
        beside(town, an_hour_back, "workers", "schedule") as schedule,
        beside(town, an_hour_back, "workers", "work") as work,
    ):
        said = {log.name: log for log in (relay, schedule, work)}
        town.wait_until(lambda: all("clock_wrong" in log.read_text() for log in said.values()), 60, "all three say so")
        for pid in town.pids("schedule"):  # it may be the only one that asks for the lock
            os.kill(pid, signal.SIGKILL)
        cases = []
        for _ in range(10):
            body = {"id": str(new_id()), "kind": "EN08", "location": PLACES["26929"]}
            assert resident.send("report", "POST", "/reports", json=body).status_code == 201
            move = {"to": "accepted", "id": str(new_id())}
            path = f"/reports/{body['id']}/moves"
            assert street.officers["26929"].send("move", "POST", path, json=move).status_code == 200
            cases.append(body["id"])
        kept = town.wait_until(lambda: waiting(behind) == 0, 60, "every promise kept")
        became = "this is the schedule now" in schedule.read_text()

    with behind.connect() as connection:
        stamps = connection.execute(
            text(
                "select min(at) from (select at from timeline where report_id = any(:ids) union all "
                "select done_at from outbox where payload->>'report_id' = any(:texts)) as stamped (at)"
            ),
            {"ids": cases, "texts": cases},
        ).scalar_one()
    assert not became
    assert kept < 30
    assert stamps > began
