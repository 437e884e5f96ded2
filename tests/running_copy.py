"""A whole running copy for the stories in `journeys` and `browser`: web, live, relay, worker, schedule and Valkey as processes of their own.

It is started as ./run starts it, on a database of its own, and the stories talk to it over HTTP only. Processes can be
killed and started again, which is what some of the stories are about.
"""

import hashlib
import io
import json
import os
import random
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from uuid import UUID

import httpx
import pytest
from PIL import Image, ImageDraw
from sqlalchemy import Engine, create_engine, text

from app.core.db import new_id
from databases import ROOT, migrated_database, url_of
from workers.queues import PHOTOS, connect

PROCESSES = {
    "relay": [sys.executable, "-m", "workers", "relay"],
    "worker": [sys.executable, "-m", "workers", "work"],
    "schedule": [sys.executable, "-m", "workers", "schedule"],
}

# In the middle of today's Phường Bình Thạnh and Phường Gia Định, far from any border of the sketch.
PLACES = {"26929": {"lat": 10.8115, "lon": 106.7050}, "26944": {"lat": 10.7995, "lon": 106.7020}}


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def photo(seed: int, size: tuple[int, int] = (1200, 900)) -> bytes:
    """A JPEG that no other seed makes."""
    shades = random.Random(seed)
    image = Image.new("RGB", size, (shades.randrange(256), shades.randrange(256), shades.randrange(256)))
    draw = ImageDraw.Draw(image)
    for _ in range(200):
        x, y = shades.randrange(size[0]), shades.randrange(size[1])
        draw.rectangle((x, y, x + 60, y + 40), fill=(shades.randrange(256), shades.randrange(256), 90))
    out = io.BytesIO()
    image.save(out, "JPEG", quality=88)
    return out.getvalue()


@dataclass
class Someone:
    """A signed-in person and their requests."""

    http: httpx.Client
    person: dict[str, Any]

    def get(self, path: str, **kwargs: Any) -> httpx.Response:
        return self.http.get(path, **kwargs)

    def post(self, path: str, body: dict[str, Any] | None = None, **kwargs: Any) -> httpx.Response:
        return self.http.post(path, json=body, **kwargs)

    def report(self, place: dict[str, float], *, report_id: UUID | None = None, **said: Any) -> httpx.Response:
        body = {"id": str(report_id or new_id()), "kind": "SW01", "location": place, **said}
        return self.post("/reports", body)

    def move(self, report_id: str, to: str, **given: Any) -> httpx.Response:
        return self.post(f"/reports/{report_id}/moves", {"to": to, **given})

    def send_photo(self, report_id: str, content: bytes, role: str = "before") -> tuple[str, httpx.Response]:
        sha256 = hashlib.sha256(content).hexdigest()
        answer = self.http.put(f"/reports/{report_id}/photos/{sha256}", params={"role": role}, content=content)
        return sha256, answer


@dataclass
class Copy:
    """A running copy of the service."""

    folder: Path
    environment: dict[str, str]
    port: int
    live_port: int
    valkey_binary: str
    accounts: list[dict[str, str]] = field(default_factory=list)
    running: dict[str, subprocess.Popen[bytes]] = field(default_factory=dict)
    clients: list[httpx.Client] = field(default_factory=list)
    web_processes: int = 2
    _phones: int = 0

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/api/v1"

    def start(self, name: str) -> None:
        log = (self.folder / f"{name}.log").open("ab")
        command = PROCESSES.get(name) or getattr(self, f"_{name}_command")()
        self.running[name] = subprocess.Popen(
            command, cwd=ROOT, env=self.environment, stdout=log, stderr=log, start_new_session=True
        )
        log.close()

    def kill(self, name: str, how: signal.Signals = signal.SIGKILL) -> None:
        """Kill a process and everything that it started, as a crash of the machine would."""
        process = self.running.pop(name)
        with suppress(ProcessLookupError):
            os.killpg(process.pid, how)
        process.wait(timeout=20)

    def start_all(self) -> None:
        self.start("valkey")
        self.start("web")
        self.start("live")
        for name in PROCESSES:
            self.start(name)
        for port in (self.port, self.live_port):
            self.wait_until(lambda port=port: httpx.get(f"http://127.0.0.1:{port}/health/ready").status_code == 200)

    def stop_all(self) -> None:
        for name in list(self.running):
            self.kill(name, signal.SIGTERM if name != "valkey" else signal.SIGKILL)

    def wait_until(self, holds: Any, *, seconds: float = 40) -> Any:
        """What `holds` returns as soon as it is true; connection errors count as not yet."""
        until = time.monotonic() + seconds
        while True:
            with suppress(httpx.TransportError):
                if found := holds():
                    return found
            if time.monotonic() > until:
                logs = {path.name: path.read_text(errors="replace")[-1500:] for path in self.folder.glob("*.log")}
                pytest.fail(
                    f"not within {seconds} s; the logs end with {json.dumps(logs, indent=1, ensure_ascii=False)}"
                )
            time.sleep(0.1)

    def resident(self) -> Someone:
        """A new resident, signed in by a one-time code."""
        self._phones += 1
        with httpx.Client(base_url=self.url) as http:
            asked = http.post("/sessions/otp", json={"phone": f"09{os.getpid() % 1000:03d}{self._phones:05d}"}).json()
            return self._signed_in(
                http.post("/sessions", json={"challenge_id": asked["challenge_id"], "code": asked["dev_code"]})
            )

    def staff(self, role: str, ward: str | None = None) -> Someone:
        """The demo account of a role, of a ward or of the city."""
        account = next(one for one in self.accounts if (one["role"], one["ward"]) == (role, ward))
        with httpx.Client(base_url=self.url) as http:
            return self._signed_in(
                http.post("/staff/sessions", json={key: account[key] for key in ("username", "password")})
            )

    def _signed_in(self, answer: httpx.Response) -> Someone:
        assert answer.status_code == 201, answer.text
        said = answer.json()
        headers = {"Authorization": f"Bearer {said['access_token']}"}
        client = httpx.Client(base_url=self.url, headers=headers, timeout=30)
        self.clients.append(client)
        return Someone(client, said["person"])

    def _web_command(self) -> list[str]:
        return [
            sys.executable, "-m", "granian", "--interface", "wsgi", "--host", "127.0.0.1", "--port", str(self.port),
            "--workers", str(self.web_processes), "--blocking-threads", "32", "--respawn-failed-workers", "wsgi:app",
        ]  # fmt: skip

    def _live_command(self) -> list[str]:
        return [
            sys.executable, "-m", "granian", "--interface", "asgi", "--host", "127.0.0.1", "--port", str(self.live_port),
            "--workers", "1", "--no-ws", "--backpressure", "2200", "--respawn-failed-workers", "app.live:app",
        ]  # fmt: skip

    def _valkey_command(self) -> list[str]:
        data = self.folder / "valkey"
        data.mkdir(exist_ok=True)
        return [
            self.valkey_binary, "--port", "0", "--unixsocket", self.environment["HAIGIO_QUEUE_URL"].removeprefix("unix://"),
            "--dir", str(data), "--appendonly", "yes", "--save", "", "--maxmemory-policy", "noeviction",
        ]  # fmt: skip

    def let_an_hour_pass(self) -> None:
        """Forget the codes that were asked for: all stories come from one address, which may have twenty an hour."""
        engine = create_engine(self.environment["HAIGIO_OWNER_DATABASE_URL"])
        with engine.begin() as connection:
            connection.execute(text("delete from otp_challenges"))
        engine.dispose()

    @contextmanager
    def photos_left_as_they_come(self) -> Iterator[None]:
        """No worker meanwhile; nobody wants copies of what came then. So no story waits for the photos of another."""
        self.kill("worker")
        yield
        engine = create_engine(self.environment["HAIGIO_OWNER_DATABASE_URL"])
        with engine.begin() as connection:
            connection.execute(
                text("update outbox set done_at = now() where topic = 'photo.received' and done_at is null")
            )
        engine.dispose()
        with connect(self.environment["HAIGIO_QUEUE_URL"]) as queue:
            PHOTOS.open(queue).empty()
        self.start("worker")

    def forget_queue(self) -> None:
        """Kill Valkey, delete all it has, and start it again empty."""
        self.kill("valkey")
        shutil.rmtree(self.folder / "valkey")
        self.start("valkey")


@contextmanager
def started(folder: Path, name: str, *, web_processes: int = 2, **more: str) -> Iterator[Copy]:
    """A copy whose database and sockets are called `name`, with `more` in its environment."""
    sockets = Path(f"/tmp/haigio-{name}-{os.getpid()}")
    sockets.mkdir(mode=0o700)
    migrated_database(f"haigio_{name}")
    environment = {
        **os.environ,
        "HAIGIO_ENV": "development",
        "HAIGIO_DATABASE_URL": url_of("HAIGIO_DATABASE_URL", f"haigio_{name}"),
        "HAIGIO_OWNER_DATABASE_URL": url_of("HAIGIO_OWNER_DATABASE_URL", f"haigio_{name}"),
        "HAIGIO_QUEUE_URL": f"unix://{sockets}/valkey.sock",
        "HAIGIO_PHOTOS": str(folder / "photos"),
        "PYTHONPATH": str(ROOT),
        **more,
    }
    port, live_port = free_port(), free_port()
    environment["HAIGIO_LIVE_URL"] = f"http://127.0.0.1:{live_port}/live"
    made = Copy(folder, environment, port, live_port, os.environ["HAIGIO_VALKEY_SERVER"], web_processes=web_processes)
    accounts = folder / "demo-accounts.json"
    subprocess.run(
        [sys.executable, "-m", "app.commands", "prepare", "--empty", "--accounts", str(accounts)],
        cwd=ROOT, env=environment, check=True, capture_output=True,
    )  # fmt: skip
    made.accounts = json.loads(accounts.read_text())
    try:
        made.start_all()
        yield made
    finally:
        while made.clients:
            made.clients.pop().close()
        made.stop_all()
        shutil.rmtree(sockets, ignore_errors=True)


@pytest.fixture(scope="session")
def running(tmp_path_factory: pytest.TempPathFactory, worker_id: str) -> Iterator[Copy]:
    """One copy for all the stories of a test run."""
    with started(tmp_path_factory.mktemp("copy"), f"journeys_{worker_id}") as made:
        yield made


@pytest.fixture
def copy(running: Copy) -> Iterator[Copy]:
    """The copy, with everything of it alive when a story begins, and nobody left on the line when it ends."""
    for name in ("valkey", "web", "live", *PROCESSES):
        if name not in running.running:
            running.start(name)
    running.let_an_hour_pass()
    yield running
    while running.clients:
        running.clients.pop().close()


@pytest.fixture
def database_behind(copy: Copy) -> Iterator[Engine]:
    """The copy's database, for looking at what the API does not tell."""
    engine = create_engine(copy.environment["HAIGIO_OWNER_DATABASE_URL"])
    yield engine
    engine.dispose()


def count(engine: Engine, sql: str, **values: Any) -> int:
    with engine.connect() as connection:
        return int(connection.execute(text(sql), values).scalar_one())
