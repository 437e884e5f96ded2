import os
import signal
import subprocess
import tempfile
from pathlib import Path
from threading import Thread

import pytest

from stack.cluster import Cluster, data_version, server_user
from stack.place import find_place
from stack.progress import Refusal
from stack.server import Server, choose, examine, find_server

PG_BIN = Path(os.environ["PG_BIN"])  # the server that ./test itself runs on


@pytest.fixture
def server() -> Server:
    found = examine(PG_BIN)
    assert found is not None
    return found


@pytest.fixture
def cluster(server: Server, tmp_path: Path) -> Cluster:
    place = find_place({"HAIGIO_VAR": str(tmp_path / "var")})
    return Cluster(server, place, tmp_path / "data", tmp_path / "sockets", None)


def test_a_named_server_is_taken(tmp_path: Path, server: Server) -> None:
    place = find_place({"HAIGIO_VAR": str(tmp_path)})
    assert find_server(place, {"PG_BIN": str(PG_BIN)}, None) == server


def test_a_named_server_without_postgis_is_refused_not_replaced(tmp_path: Path) -> None:
    place = find_place({"HAIGIO_VAR": str(tmp_path)})
    with pytest.raises(Refusal, match="PG_BIN"):
        find_server(place, {"PG_BIN": str(tmp_path)}, None)


@pytest.mark.parametrize(
    ("version", "files", "usable"),
    [
        ("14.2", ("postgis", "btree_gist"), True),
        ("13.9", ("postgis", "btree_gist"), False),
        ("17.1", ("btree_gist",), False),
        ("17.1", ("postgis",), False),
    ],
)
def test_a_server_counts_when_it_is_new_enough_and_has_both_extensions(
    tmp_path: Path, version: str, files: tuple[str, ...], usable: bool
) -> None:
    programs, share = tmp_path / "bin", tmp_path / "share"
    (share / "extension").mkdir(parents=True)
    programs.mkdir()
    for name in ("postgres", "initdb", "psql", "pg_isready"):
        (programs / name).write_text(f"#!/bin/sh\necho 'postgres (PostgreSQL) {version}'\n")
        (programs / name).chmod(0o755)
    (programs / "pg_config").write_text(f"#!/bin/sh\necho '{share}'\n")
    (programs / "pg_config").chmod(0o755)
    for name in files:
        (share / "extension" / f"{name}.control").touch()
    assert (examine(programs) is not None) == usable


@pytest.mark.parametrize(("made_by", "chosen"), [(None, 17), (15, 15), (14, 17)])
def test_data_keeps_the_version_that_made_it_and_new_data_gets_the_newest(made_by: int | None, chosen: int) -> None:
    servers = [Server(Path(f"/pg/{major}"), major) for major in (15, 17, 16)]
    best = choose(servers, made_by)
    assert best is not None
    assert best.major == chosen


def test_data_of_another_version_is_left_alone_and_said(cluster: Cluster) -> None:
    cluster.data.mkdir()
    (cluster.data / "PG_VERSION").write_text("9\n")
    with pytest.raises(Refusal, match="was made by PostgreSQL 9"):
        cluster.make()
    assert data_version(cluster.data) == 9


def test_a_stale_lock_goes_but_the_stranger_who_has_its_number_by_now_lives(cluster: Cluster) -> None:
    cluster.data.mkdir()
    with subprocess.Popen(["sleep", "1000"]) as stranger:
        try:
            (cluster.data / "postmaster.pid").write_text(f"{stranger.pid}\n{cluster.data}\n")
            cluster.clear_remains()
            assert not (cluster.data / "postmaster.pid").exists()
            assert stranger.poll() is None
        finally:
            stranger.kill()


def test_a_server_left_over_by_a_killed_supervisor_is_stopped(cluster: Cluster) -> None:
    cluster.data.mkdir()
    with subprocess.Popen(["sleep", "1000"], cwd=cluster.data) as leftover:  # a postmaster's folder is its data
        (cluster.data / "postmaster.pid").write_text(f"{leftover.pid}\n{cluster.data}\n")
        burial = Thread(target=leftover.wait)  # what init does for a real one
        burial.start()
        try:
            cluster.clear_remains()
            burial.join(10)
            assert leftover.returncode == -signal.SIGINT
        finally:
            leftover.kill()


def test_a_cluster_whose_making_was_cut_short_is_made_anew(server: Server, tmp_path: Path) -> None:
    place = find_place({"HAIGIO_VAR": str(tmp_path / "var")})
    with tempfile.TemporaryDirectory(dir="/tmp") as folder:
        Path(folder).chmod(0o711)  # as root the server is another user, who cannot pass through tmp_path
        data = Path(folder, "postgres", "data")
        draft = data.with_name("data.new")
        draft.mkdir(parents=True)
        (draft / "PG_VERSION").write_text("15\n")
        Cluster(server, place, data, Path(folder, "sockets"), server_user(), throwaway=True).make()
        assert data_version(data) == server.major
        assert not draft.exists()
