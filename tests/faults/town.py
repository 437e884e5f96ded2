"""A town to break things in: the service under its supervisor, and the hands that kill parts of it."""

import json
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

import httpx
import psycopg
import pytest
from gateway import Gateway
from sqlalchemy import Engine, create_engine, make_url

from app.core import clock
from databases import ROOT
from running_copy import free_port

# What is killed, and by which signal. The last two do not ask PostgreSQL to shut down: its crash is repaired from the log.
TARGETS = (
    "web", "live", "work", "relay", "schedule", "valkey", "valkey, wiped",
    "postgres, fast", "postgres, immediate", "postgres, killed",
)  # fmt: skip


@dataclass(frozen=True)
class Kill:
    """One kill: of what, how, and when."""

    target: str
    how: str
    at: datetime
    monotonic: float


@dataclass
class Probe:
    """Asks ten times a second whether requests can be served, and remembers since when they could not."""

    url: str
    outages: list[tuple[float, float]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._ask, daemon=True)
        self._thread.start()

    def _ask(self) -> None:
        down_since: float | None = None
        with httpx.Client(timeout=2) as http:
            while not self._over.wait(0.1):
                asked = time.monotonic()
                try:
                    serves = http.get(f"{self.url}/health/ready").status_code == 200
                except httpx.HTTPError:
                    serves = False
                if not serves and down_since is None:
                    down_since = asked
                if serves and down_since is not None:
                    self.outages.append((down_since, time.monotonic()))
                    down_since = None

    def close(self) -> None:
        self._over.set()
        self._thread.join()


@dataclass
class Town:
    """The running stage. Kills are drawn from `chance`, so that a seed brings them back."""

    folder: Path
    port: int
    gateway: Gateway
    stage: subprocess.Popen[bytes]
    environment: dict[str, str] = field(default_factory=dict)
    accounts: list[dict[str, str]] = field(default_factory=list)

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def pids(self, name: str) -> list[int]:
        """The processes of one kind: the doubles of a process are named process-1, process-2."""
        known = json.loads((self.folder / "pids.json").read_text())
        return [pid for each, pid in known.items() if each.partition("-")[0] == name]

    def database(self) -> Engine:
        return create_engine(self.environment["HAIGIO_OWNER_DATABASE_URL"], pool_pre_ping=True)

    def kill(self, target: str, chance: random.Random) -> Kill:
        name = target.partition(",")[0]
        at, began = clock.now(), time.monotonic()
        if name == "valkey":
            how = self._kill_valkey(wiped=target.endswith("wiped"))
        elif name == "postgres":
            how = self._kill_postgres(target, chance)
        else:
            how = self._kill_ours(name, chance)
        return Kill(target, how, at, began)

    def _kill_ours(self, name: str, chance: random.Random) -> str:
        pids = self.pids(name)
        if len(pids) > 1 and chance.random() < 0.5:
            pids, which = [chance.choice(pids)], "one"
        else:
            which = "all"
        how = chance.choice(("process", "group", "child"))
        for pid in pids:
            children = children_of(pid)
            with suppress(ProcessLookupError):
                if how == "group":
                    os.killpg(pid, signal.SIGKILL)
                elif how == "child" and children:
                    os.kill(chance.choice(children), signal.SIGKILL)
                else:
                    os.kill(pid, signal.SIGKILL)
        return f"{which}, {how}"

    def _kill_valkey(self, *, wiped: bool) -> str:
        data = self.folder / "valkey"
        for pid in self.pids("valkey"):
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
                while _lives(pid):  # it must not write while its files go
                    time.sleep(0.002)
        if wiped:
            for entry in data.iterdir():
                shutil.rmtree(entry, ignore_errors=True) if entry.is_dir() else entry.unlink(missing_ok=True)
        return "all its data" if wiped else "process"

    def _kill_postgres(self, target: str, chance: random.Random) -> str:
        pids, how = self.pids("postgres"), "server"
        sign = {"fast": signal.SIGINT, "immediate": signal.SIGQUIT}.get(target.partition(", ")[2], signal.SIGKILL)
        for pid in pids:
            if sign == signal.SIGKILL and chance.random() < 0.5 and (children := children_of(pid)):
                pid, how = chance.choice(children), "one of its processes"  # noqa: PLW2901
            with suppress(ProcessLookupError):
                os.kill(pid, sign)
        return how

    def serves(self) -> bool:
        try:
            return httpx.get(f"{self.address}/health/ready", timeout=5).status_code == 200
        except httpx.HTTPError:
            return False

    def wait_until(self, holds, seconds: float, what: str) -> float:
        """Wait until something holds; outages count as not yet. Returns the seconds that it took."""
        began = time.monotonic()
        while True:
            with suppress(psycopg.Error, httpx.HTTPError):
                if holds():
                    return time.monotonic() - began
            if self.stage.poll() is not None or time.monotonic() - began > seconds:
                pytest.fail(f"not within {seconds} s: {what}\n{self.logs()}")
            time.sleep(0.1)

    def logs(self) -> str:
        files = [self.folder / "stage.log", *sorted((self.folder / "log").glob("*.log"))]
        return "\n".join(f"== {file.name}\n{file.read_text(errors='replace')[-1500:]}" for file in files)

    def process(self, *arguments: str, **environment: str) -> subprocess.Popen[bytes]:
        """One process more, outside the supervisor, as on another machine."""
        name = environment.pop("log", arguments[-1])
        with (self.folder / "log" / f"{name}.log").open("ab") as log:
            return subprocess.Popen(
                [sys.executable, "-m", *arguments], cwd=ROOT, stdout=log, stderr=log, start_new_session=True,
                env={**self.environment, **environment},
            )  # fmt: skip


def open_town() -> Town:
    # Root's PostgreSQL runs as another user, who must be able to pass through.
    folder = Path(tempfile.mkdtemp(prefix="haigio-faults-", dir="/tmp"))
    folder.chmod(0o711)
    photos = folder / "photos"
    photos.mkdir(mode=0o700)
    port, gateway = free_port(), Gateway()
    environment = {
        **os.environ,
        "HAIGIO_ENV": "development",
        "HAIGIO_PHOTOS": str(photos),
        "HAIGIO_SMS_URL": gateway.url,
        "HAIGIO_TRUSTED_PROXIES": "1",  # each phone has an address of its own
        "PYTHONPATH": str(ROOT),
    }
    with (folder / "stage.log").open("ab") as log:
        stage = subprocess.Popen(
            [sys.executable, str(Path(__file__).with_name("stage.py")), str(folder), str(port)],
            cwd=ROOT, env=environment, stdout=log, stderr=log, stdin=subprocess.DEVNULL, start_new_session=True,
        )  # fmt: skip
    town = Town(folder, port, gateway, stage)
    try:
        town.wait_until((folder / "stage.json").exists, 120, "the stage")
        town.environment = json.loads((folder / "stage.json").read_text())
        town.accounts = json.loads((folder / "demo-accounts.json").read_text())
        town.wait_until(town.serves, 60, "the web")
    except BaseException:
        close_town(town)
        raise
    return town


def close_town(town: Town, *, keep: bool = False) -> None:
    town.stage.terminate()
    try:
        town.stage.wait(60)
    except subprocess.TimeoutExpired:
        town.stage.kill()
        town.stage.wait()
    town.gateway.close()
    if keep:
        print(f"\nkept for a look: {town.folder}")  # noqa: T201 -- for whoever asked for it
        return
    shutil.rmtree(town.folder, ignore_errors=True)
    if url := town.environment.get("HAIGIO_QUEUE_URL"):
        shutil.rmtree(Path(url.removeprefix("unix://")).parent, ignore_errors=True)


def plain(url: str) -> str:
    return make_url(url).set(drivername="postgresql").render_as_string(hide_password=False)


def children_of(pid: int) -> list[int]:
    found = []
    for stat in Path("/proc").glob("[0-9]*/stat"):
        with suppress(OSError, ValueError):
            if int(stat.read_text().rpartition(")")[2].split()[1]) == pid:
                found.append(int(stat.parent.name))
    return sorted(found)


def _lives(pid: int) -> bool:
    with suppress(OSError):
        return (Path(f"/proc/{pid}") / "stat").read_text().rpartition(")")[2].split()[0] not in {"Z", "X"}
    return False
