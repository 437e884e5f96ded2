"""Keeps processes alive, and at the end leaves none of them behind."""

import contextlib
import ctypes
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import FrameType
from typing import NoReturn, Self

from stack.progress import Refusal, become, say, tail

LOG_BYTES = 10_000_000
FIRST_WAIT_S = 0.5
LONGEST_WAIT_S = 15.0
# Whoever lived this long did not die of its start: the next wait is short again.
LIVED_S = 10.0
SET_DEATH_SIGNAL = 1  # PR_SET_PDEATHSIG of prctl(2)


STOP_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class Stop(BaseException):
    """Somebody asked us to stop (Ctrl-C, SIGTERM, a closed terminal). Not an Exception: nothing may swallow it."""

    def __init__(self, number: int) -> None:
        super().__init__(number)
        self.number = number


def stop_at_signals() -> None:
    """Let signals raise Stop from now on, so that whatever is under way ends its own children."""

    def raise_stop(number: int, _frame: FrameType | None) -> NoReturn:
        raise Stop(number)

    for number in _heard():
        signal.signal(number, raise_stop)


def _heard() -> list[signal.Signals]:
    """Return the signals that stop us. Under nohup a closed terminal is none of them."""
    return [number for number in STOP_SIGNALS if number != signal.SIGHUP or signal.getsignal(number) != signal.SIG_IGN]


@dataclass
class Process:
    """A long-running command, and how it is stopped. `last` ones stop after all the others."""

    name: str
    argv: Sequence[str]
    environment: Mapping[str, str]
    cwd: Path
    user: str | None = None
    stop_signal: int = signal.SIGTERM
    stop_seconds: float = 10
    harder_signal: int = signal.SIGKILL
    before: Callable[[], None] | None = None
    last: bool = False

    running: "subprocess.Popen[bytes] | None" = field(default=None, init=False)
    started: float = field(default=0, init=False)
    deaths: int = field(default=0, init=False)
    wait: float = field(default=FIRST_WAIT_S, init=False)
    due: float = field(default=0, init=False)


class Supervisor:
    """Starts processes, starts again what dies, stops everything.

    Use as a context manager: leaving it stops all. While it is open SIGINT, SIGTERM and SIGHUP raise Stop.
    """

    def __init__(self, log: Path) -> None:
        self._log = log
        self._processes: list[Process] = []
        self._asked: int | None = None
        self._busy = False
        self._looked_at_logs = 0.0

    def __enter__(self) -> Self:
        for number in _heard():
            signal.signal(number, self._on_signal)
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def start(self, process: Process) -> None:
        """Start a process and keep it alive from now on."""
        self._processes.append(process)
        self._spawn(process)

    def deaths(self) -> dict[str, int]:
        """Return how often each process has died."""
        return {process.name: process.deaths for process in self._processes}

    def wait_for(self, what: str, ready: Callable[[], bool], seconds: float, *, deaths: int = 3) -> None:
        """Keep everything alive until something is ready.

        Args:
            what: the process waited for.
            ready: asked again and again.
            seconds: how long at most.
            deaths: how often the process may die meanwhile.

        Raises:
            Refusal: it is not ready in time, or dies too often; with the end of its log.
        """
        deadline = time.monotonic() + seconds
        while not ready():
            self.tick()
            if time.monotonic() > deadline or self.deaths().get(what, 0) >= deaths:
                log = self._log / f"{what}.log"
                raise Refusal(f"{what} does not come up. The end of {log}:\n{tail(log)}")
            time.sleep(0.05)

    def run(self, argv: Sequence[str], environment: Mapping[str, str], cwd: Path) -> int:
        """Run a command on our terminal, keeping the processes alive meanwhile, and return its status."""
        command = subprocess.Popen(argv, env=environment, cwd=cwd, preexec_fn=die_with_parent(signal.SIGTERM))  # noqa: PLW1509
        try:
            while True:
                with contextlib.suppress(subprocess.TimeoutExpired):
                    return command.wait(0.1)
                self.tick()
        except Stop as stop:
            # Ctrl-C at the terminal reached it as well: let it clear up first. Python clears up at SIGINT only.
            end(command, [(0, 10 if stop.number == signal.SIGINT else 0), (signal.SIGINT, 10), (signal.SIGTERM, 5)])
            raise

    def forever(self) -> NoReturn:
        """Keep the processes alive until somebody says stop."""
        while True:
            self.tick()
            time.sleep(0.2)

    def tick(self) -> None:
        """Look once after every process and, now and then, after the size of the logs."""
        now = time.monotonic()
        for process in self._processes:
            if process.running is not None and process.running.poll() is not None:
                self._mourn(process, now)
            elif process.running is None and now >= process.due:
                self._spawn(process)
        if now - self._looked_at_logs > 10:
            self._looked_at_logs = now
            for process in self._processes:
                rotate(self._log / f"{process.name}.log")

    def stop(self) -> None:
        """Stop all processes, stores last, and wait until none is left."""
        for number in STOP_SIGNALS:
            signal.signal(number, signal.SIG_IGN)
        for last in (False, True):
            group = [(p, p.running) for p in self._processes if p.last is last and p.running is not None]
            for process, running in group:
                running.send_signal(process.stop_signal)  # all at once, then wait for each
            for process, running in group:
                end(running, [(0, process.stop_seconds), (process.harder_signal, 5)])
                kill_session(running.pid)
                process.running = None

    def _spawn(self, process: Process) -> None:
        if process.before:
            process.before()
        with (self._log / f"{process.name}.log").open("ab") as output, self._uninterrupted():
            process.running = subprocess.Popen(
                process.argv,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                env=process.environment,
                cwd=process.cwd,
                # Its own session: Ctrl-C reaches us alone, and what it leaves behind can be found by the session.
                start_new_session=True,
                preexec_fn=die_with_parent(process.stop_signal),  # noqa: PLW1509 (we have one thread)
                **become(process.user),
            )
            process.started = time.monotonic()

    def _mourn(self, process: Process, now: float) -> None:
        assert process.running is not None  # noqa: S101 (for the type checker)
        status = process.running.returncode
        kill_session(process.running.pid)  # a dead server's children would keep its port
        process.running = None
        process.deaths += 1
        process.wait = FIRST_WAIT_S if now - process.started > LIVED_S else min(process.wait * 2, LONGEST_WAIT_S)
        process.due = now + process.wait
        how = f"was killed by {signal.Signals(-status).name}" if status < 0 else f"ended with status {status}"
        say(f"{process.name} {how}; starting it again in {process.wait:g} s (log: {self._log / process.name}.log)")

    def _on_signal(self, number: int, _frame: FrameType | None) -> None:
        self._asked = number
        if not self._busy:
            raise Stop(number)

    @contextlib.contextmanager
    def _uninterrupted(self) -> Iterator[None]:
        """Hold signals back, so that no process is born without being written down."""
        self._busy = True
        try:
            yield
        finally:
            self._busy = False
        if self._asked is not None:
            raise Stop(self._asked)


def end(process: "subprocess.Popen[bytes]", signals: Sequence[tuple[int, float]]) -> None:
    """Send signals one after the other, each with the seconds it is given, and at last SIGKILL."""
    for number, seconds in [*signals, (signal.SIGKILL, 60)]:
        if process.poll() is not None:
            return
        process.send_signal(number)
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(seconds)


def kill_session(session: int) -> None:
    """Kill what is left of a process's session: its children, also those that made process groups of their own."""
    for folder in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError, ValueError):
            # The name, in parentheses, may hold anything; after it: state, parent, group, session.
            fields = (folder / "stat").read_text().rpartition(")")[2].split()
            if int(fields[3]) == session:
                os.kill(int(folder.name), signal.SIGKILL)


def die_with_parent(number: int) -> Callable[[], None] | None:
    """Return what a child does before its command, so that the kernel signals it when we are killed outright.

    Linux only; elsewhere a killed supervisor leaves its processes behind.
    """
    if sys.platform != "linux":
        return None
    libc = ctypes.CDLL(None)
    parent = os.getpid()

    def ask_kernel() -> None:
        libc.prctl(SET_DEATH_SIGNAL, number)
        if os.getppid() != parent:
            os._exit(1)

    return ask_kernel


def rotate(log: Path, largest: int = LOG_BYTES) -> None:
    """Move a log's content to its .1 when it has grown too large.

    The process keeps the file open for appending, so the file is copied and emptied, not renamed; a line written
    between the two is lost, which a log of a development machine bears.
    """
    with contextlib.suppress(FileNotFoundError):
        if log.stat().st_size > largest:
            shutil.copyfile(log, log.with_name(f"{log.name}.1"))
            os.truncate(log, 0)
