"""./run as a person meets it when it says no: at once, in one line or two, having made and started nothing."""

import os
import socket
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from stack.run import accounts_table

ROOT = Path(__file__).parent.parent.parent


def refused(tmp_path: Path, *arguments: str, **environment: str) -> str:
    """What ./run answers when it will not start; fails if it made anything."""
    answer = refused_in(tmp_path / "var", *arguments, **environment)
    assert not (tmp_path / "var").exists()
    return answer


def refused_in(var: Path, *arguments: str, **environment: str) -> str:
    """What ./run answers when it will not start in a folder that may be there."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("HAIGIO_")}
    done = subprocess.run(
        [ROOT / "run", *arguments],
        env={**kept, "HAIGIO_VAR": str(var), **environment},
        cwd=var.parent,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1, done.stdout + done.stderr
    return done.stderr


@pytest.fixture
def taken_port() -> Iterator[int]:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        yield listener.getsockname()[1]


@pytest.fixture
def free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]


def test_a_taken_port(tmp_path: Path, taken_port: int) -> None:
    assert f"Port {taken_port} cannot be used" in refused(tmp_path, "--port", str(taken_port))


def test_the_port_after_it_is_needed_too(tmp_path: Path, taken_port: int) -> None:
    assert f"Port {taken_port} cannot be used" in refused(tmp_path, "--port", str(taken_port - 1))


def test_a_port_that_is_none(tmp_path: Path) -> None:
    assert "from 1 to 65534" in refused(tmp_path, "--port", "70000")


@pytest.mark.parametrize("secret", ["", "too short"])
def test_production_without_a_proper_secret(tmp_path: Path, secret: str) -> None:
    assert "needs HAIGIO_SECRET" in refused(tmp_path, HAIGIO_ENV="production", HAIGIO_SECRET=secret)


def test_production_without_a_way_to_send_codes(tmp_path: Path) -> None:
    assert "needs HAIGIO_GATEWAY or HAIGIO_SMS_URL" in refused(
        tmp_path, HAIGIO_ENV="production", HAIGIO_SECRET="s" * 40
    )


PRODUCTION = {"HAIGIO_ENV": "production", "HAIGIO_SECRET": "s" * 40, "HAIGIO_SMS_URL": "http://127.0.0.1:9/sms"}


def test_production_without_an_address_to_send_people_to(tmp_path: Path) -> None:
    assert "needs HAIGIO_PUBLIC_URL" in refused(tmp_path, **PRODUCTION)


def test_production_in_a_folder_that_holds_the_demo(tmp_path: Path, free_port: int) -> None:
    (tmp_path / "demo-accounts.json").write_text("[]")
    production = {**PRODUCTION, "HAIGIO_PUBLIC_URL": "https://haigio.example"}
    assert "this copy holds the demo" in refused_in(tmp_path, "--port", str(free_port), **production)


def test_an_unknown_environment(tmp_path: Path) -> None:
    assert "HAIGIO_ENV=staging" in refused(tmp_path, HAIGIO_ENV="staging")


def test_a_boundary_file_that_is_not_there(tmp_path: Path) -> None:
    assert "wards.geojson: no such file" in refused(tmp_path, "--wards", "wards.geojson")


def test_haigio_without_a_running_copy(tmp_path: Path) -> None:
    done = subprocess.run(
        [ROOT / "haigio", "status"],
        env={**os.environ, "HAIGIO_VAR": str(tmp_path)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1
    assert "Start it with ./run" in done.stderr


def test_accounts_are_shown_in_columns() -> None:
    table = accounts_table(
        [
            {"role": "leader", "ward": None, "username": "theo.doi", "password": "p1"},
            {"role": "officer", "ward": "26929", "username": "cb.26929", "password": "p2"},
        ]
    )
    assert [line.split() for line in table.splitlines()[1:]] == [
        ["leader", "-", "theo.doi", "p1"],
        ["officer", "26929", "cb.26929", "p2"],
    ]


@pytest.mark.parametrize("name", sorted(path.name for path in ROOT.glob("requirements*.lock")))
def test_a_lock_names_no_registry_and_every_package_has_a_hash(name: str) -> None:
    lines = (ROOT / name).read_text().splitlines()
    assert not [line for line in lines if "://" in line or "index-url" in line or "find-links" in line]
    pins = [number for number, line in enumerate(lines) if "==" in line and not line.startswith((" ", "#"))]
    assert pins
    assert all(lines[number + 1].strip().startswith("--hash=sha256:") for number in pins)
