import contextlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from stack.supervisor import rotate

ROOT = Path(__file__).parent.parent.parent
SUPERVISED = Path(__file__).with_name("supervised.py")
linux = pytest.mark.skipif(sys.platform != "linux", reason="the kernel's death signal and /proc are Linux's")


def wait_until(condition: Callable[[], object]) -> None:
    """Wait for something that another process does; long only when it fails."""
    deadline = time.monotonic() + 30
    while not condition():
        assert time.monotonic() < deadline, "it never came"
        time.sleep(0.02)


@contextlib.contextmanager
def supervised(folder: Path, **lines: str) -> Iterator["subprocess.Popen[str]"]:
    """The program of supervised.py with these shell lines."""
    argv = [sys.executable, str(SUPERVISED), str(folder), *(f"{name}={line}" for name, line in lines.items())]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    with subprocess.Popen(argv, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as program:
        try:
            yield program
        finally:
            if program.poll() is None:
                program.terminate()


def pids(file: Path) -> list[int]:
    return [int(line) for line in file.read_text().split()] if file.exists() else []


def alive(pid: int) -> bool:
    """Whether a process runs; one that is dead but not yet collected by its parent does not."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


@linux
def test_what_is_killed_is_started_again_and_said(tmp_path: Path) -> None:
    born = tmp_path / "born"
    with supervised(tmp_path, web="echo $$ >> born; exec sleep 1000") as program:
        wait_until(lambda: len(pids(born)) == 1)
        os.kill(pids(born)[0], signal.SIGKILL)
        wait_until(lambda: len(pids(born)) == 2)
        assert alive(pids(born)[1])
        program.terminate()
        said = program.communicate()[0]
    assert "web was killed by SIGKILL; starting it again" in said


@linux
def test_stopping_leaves_nothing_behind_not_even_a_deaf_child_with_a_group_of_its_own(tmp_path: Path) -> None:
    born = tmp_path / "born"
    deaf = (
        f"exec {sys.executable} -c 'import os, signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); "
        'child = os.fork() == 0 and (os.setpgrp() or True); print(os.getpid(), file=open("born", "a")); '
        "time.sleep(1000)'"
    )
    with supervised(tmp_path, work=deaf) as program:
        wait_until(lambda: len(pids(born)) == 2)
        program.terminate()
        assert program.wait(30) == 0
    wait_until(lambda: not any(map(alive, pids(born))))


@linux
def test_a_supervisor_killed_outright_takes_its_processes_along(tmp_path: Path) -> None:
    born = tmp_path / "born"
    with supervised(tmp_path, web="echo $$ >> born; exec sleep 1000") as program:
        wait_until(lambda: pids(born))
        program.kill()
        program.wait(30)
        wait_until(lambda: not alive(pids(born)[0]))


def test_stores_stop_after_those_who_use_them(tmp_path: Path) -> None:
    line = "trap 'echo {0} >> gone; exit' TERM; touch {0}.up; while :; do sleep 0.05; done"
    names = ["store", "web", "work"]
    with supervised(tmp_path, **{name: line.format(name) for name in names}) as program:
        wait_until(lambda: all((tmp_path / f"{name}.up").exists() for name in names))
        program.terminate()
        assert program.wait(30) == 0
    assert (tmp_path / "gone").read_text().split()[-1] == "store"


def test_a_process_that_dies_at_every_start_ends_the_start_with_the_end_of_its_log(tmp_path: Path) -> None:
    with supervised(tmp_path, web="echo no module named wsgi; exit 7", until="never") as program:
        said, complaint = program.communicate(timeout=60)
    assert program.returncode == 1
    assert said.count("web ended with status 7") == 3
    assert "web does not come up" in complaint
    assert "    no module named wsgi" in complaint


def test_a_log_that_grew_too_large_moves_aside_while_its_writer_goes_on(tmp_path: Path) -> None:
    log = tmp_path / "web.log"
    with log.open("a") as writer:
        writer.write("old " * 10)
        writer.flush()
        rotate(log, largest=20)
        writer.write("new")
    assert log.read_text() == "new"
    assert (tmp_path / "web.log.1").read_text() == "old " * 10


def test_a_small_log_stays(tmp_path: Path) -> None:
    log = tmp_path / "web.log"
    log.write_text("short")
    rotate(log, largest=20)
    assert log.read_text() == "short"
    assert not (tmp_path / "web.log.1").exists()
