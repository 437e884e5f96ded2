"""What the benches share: a database of their own with the sketch, a web server on it, people to ask, and CPU told.

CPU is read from /proc: user and system time of a process and of everything below it, in seconds. The database's is
that of its whole server, so nothing else may use it meanwhile; bench/run starts one for the benches alone.
"""

import json
import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
from alembic import command
from alembic.config import Config
from sqlalchemy import create_engine, make_url, text

ROOT = Path(__file__).resolve().parent.parent
TICKS = os.sysconf("SC_CLK_TCK")
SPOTS = [(10.8115 + 0.0001 * i, 106.7050 + 0.0001 * j) for i in range(-8, 9) for j in range(-8, 9)]


def url(variable: str, database: str) -> str:
    """The address of `database` on the server that the variable names."""
    return make_url(os.environ[variable]).set(database=database).render_as_string(hide_password=False)


@contextmanager
def database(name: str) -> Iterator[dict[str, str]]:
    """A fresh migrated database with wards, kinds and staff; yields the environment that leads to it."""
    admin = create_engine(os.environ["HAIGIO_SUPERUSER_DATABASE_URL"], isolation_level="AUTOCOMMIT")
    with admin.connect() as connection:
        connection.execute(text(f'drop database if exists "{name}" with (force)'))
        connection.execute(text(f'create database "{name}" owner haigio_owner'))
    inside = create_engine(url("HAIGIO_SUPERUSER_DATABASE_URL", name), isolation_level="AUTOCOMMIT")
    with inside.connect() as connection:
        connection.execute(text("create extension postgis"))
        connection.execute(text("create extension btree_gist"))
    inside.dispose()
    owner = url("HAIGIO_OWNER_DATABASE_URL", name)
    environment = {
        **os.environ,
        "HAIGIO_ENV": "development",
        "HAIGIO_DATABASE_URL": url("HAIGIO_DATABASE_URL", name),
        "HAIGIO_OWNER_DATABASE_URL": owner,
        "HAIGIO_TRUSTED_PROXIES": "1",
        "PYTHONPATH": str(ROOT),
    }
    os.environ["HAIGIO_OWNER_DATABASE_URL"] = owner
    config = Config()
    config.set_main_option("script_location", str(ROOT / "migrations"))
    command.upgrade(config, "head")
    accounts = Path(os.environ["HAIGIO_VAR"]) / "bench-accounts.json"
    subprocess.run(
        [sys.executable, "-m", "app.commands", "prepare", "--empty", "--accounts", str(accounts)],
        cwd=ROOT, env=environment, check=True, stdout=subprocess.DEVNULL,
    )  # fmt: skip
    try:
        yield environment
    finally:
        with admin.connect() as connection:
            connection.execute(text(f'drop database if exists "{name}" with (force)'))
        admin.dispose()
        accounts.unlink(missing_ok=True)


@contextmanager
def web(environment: dict[str, str], app: str = "wsgi:app", *, threads: int = 4) -> Iterator[tuple[str, int]]:
    """A granian as ./run starts it, but for the number of threads; yields its address and its process id."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    served = [
        sys.executable, "-m", "granian", "--interface", "wsgi", "--host", "127.0.0.1", "--port", str(port),
        "--workers", "2", "--blocking-threads", str(threads), "--no-ws", "--no-access-log", "--log-level", "warning", app,
    ]  # fmt: skip
    process = subprocess.Popen(served, cwd=ROOT, env=environment, stdout=subprocess.DEVNULL)
    address = f"http://127.0.0.1:{port}"
    try:
        until = time.monotonic() + 30
        while time.monotonic() < until:
            try:
                if httpx.get(f"{address}/health/live").status_code == 200:
                    break
            except httpx.TransportError:
                time.sleep(0.1)
        yield address, process.pid
    finally:
        process.terminate()
        process.wait(timeout=20)


def sign_in(address: str, environment: dict[str, str], username: str | None = None) -> str:
    """An access token: of a new resident, or of a member of staff by their user name."""
    # Codes are limited by address, and the server trusts one proxy: each resident signs in from an address of their own.
    digits = f"{time.time_ns() // 1000 % 10**8:08d}"
    elsewhere = {"X-Forwarded-For": ".".join(("10", *(str(int(digits[i : i + 2])) for i in (2, 4, 6))))}
    with httpx.Client(base_url=f"{address}/api/v1", headers=elsewhere) as http:
        if username is None:
            asked = http.post("/sessions/otp", json={"phone": f"09{digits}"}).json()
            said = {"challenge_id": asked["challenge_id"], "code": asked["dev_code"]}
            return str(http.post("/sessions", json=said).json()["access_token"])
        accounts = json.loads((Path(environment["HAIGIO_VAR"]) / "bench-accounts.json").read_text())
        account = next(one for one in accounts if one["username"] == username)
        said = {"username": username, "password": account["password"]}
        return str(http.post("/staff/sessions", json=said).json()["access_token"])


def cpu_seconds(root_pid: int) -> float:
    """User and system time that a process and all below it have used so far, ended children included."""
    children: dict[int, list[int]] = {}
    spent: dict[int, float] = {}
    for entry in Path("/proc").iterdir():
        if not entry.name.isdigit():
            continue
        try:
            fields = (entry / "stat").read_text().rpartition(")")[2].split()
        except (FileNotFoundError, ProcessLookupError):
            continue
        pid = int(entry.name)
        children.setdefault(int(fields[1]), []).append(pid)
        spent[pid] = sum(int(ticks) for ticks in fields[11:15]) / TICKS
    total, waiting = 0.0, [root_pid]
    while waiting:
        pid = waiting.pop()
        total += spent.get(pid, 0.0)
        waiting += children.get(pid, [])
    return total


def postmaster(database_url: str) -> int:
    """The process id of the database server, by the lock file in its data folder."""
    engine = create_engine(database_url)
    with engine.connect() as connection:
        backend = connection.execute(text("select pg_backend_pid()")).scalar_one()
        status = Path(f"/proc/{backend}/stat").read_text().rpartition(")")[2].split()
    engine.dispose()
    return int(status[1])


def told(name: str, figure: float, wanted: str, *, unit: str = "x", **facts: Any) -> None:
    """One line of a bench's result."""
    beside = ", ".join(f"{fact} {value}" for fact, value in facts.items())
    print(f"{name}: {figure:.2f}{unit}  (wanted: {wanted})" + (f"  [{beside}]" if beside else ""))
