"""One worker for each queue, so that photos never hold up what is small, and this process above that keeps them alive.

More of them, on this or other machines, share the work.
"""

import contextlib
import os
import signal
import subprocess
import sys
import threading
import time
from types import FrameType
from typing import NoReturn

import structlog

from workers.queues import QUEUES, JobQueue

log = structlog.get_logger("supervisor")

# What a stopping worker is given to end its job, in seconds; what is not ended then runs again elsewhere.
GRACE_S = 8.0


def die_with_parent() -> None:
    """Stop this process when the one above it is gone, however it went: then nobody holds the pipe open any more."""

    def watch() -> None:
        while os.read(sys.stdin.fileno(), 1):
            pass
        os.kill(os.getpid(), signal.SIGTERM)

    threading.Thread(target=watch, daemon=True).start()


class _Child:
    """The worker of one queue, started again when it dies, each time a little later."""

    def __init__(self, queue: JobQueue) -> None:
        self._queue = queue
        self._process: subprocess.Popen[bytes] | None = None
        self._started = 0.0
        self._due = 0.0
        self._pause_s = 0.2

    def keep(self) -> None:
        """Start the worker if it does not run and its pause is over."""
        now = time.monotonic()
        if self._process is not None and self._process.poll() is not None:
            lasted = now - self._started
            self._pause_s = 0.2 if lasted > 10 else min(self._pause_s * 2, 5.0)
            self._due = now + self._pause_s
            log.warning("worker ended", queue=self._queue.name, status=self._process.returncode, again_in=self._pause_s)
            self._process = None
        if self._process is None and now >= self._due:
            self._started = now
            # The pipe is never written to: when this process dies, however it dies, it closes.
            self._process = subprocess.Popen(  # noqa: S603 -- our own interpreter and names
                [sys.executable, "-m", "workers", "work", self._queue.name], stdin=subprocess.PIPE
            )

    def ask_to_stop(self) -> None:
        """Let the worker end its job and go."""
        if self._process is not None:
            self._process.terminate()

    def wait(self, seconds: float) -> None:
        """Wait for the worker to go; then kill it."""
        if self._process is not None:
            with contextlib.suppress(subprocess.TimeoutExpired):
                self._process.wait(max(seconds, 0.1))
            self._process.kill()
            self._process.wait()


def supervise() -> None:
    """Keep one worker a queue alive until SIGTERM or SIGINT."""
    children = [_Child(queue) for queue in QUEUES.values()]
    try:
        while True:
            for child in children:
                child.keep()
            time.sleep(0.2)
    finally:
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, signal.SIG_IGN)
        deadline = time.monotonic() + GRACE_S
        for child in children:
            child.ask_to_stop()
        for child in children:
            child.wait(deadline - time.monotonic())


def stop_on_signals() -> None:
    """Turn SIGTERM and SIGINT into SystemExit, so that every `with` and `finally` is run."""

    def stop(_number: int, _frame: FrameType | None) -> NoReturn:
        raise SystemExit(0)

    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, stop)
