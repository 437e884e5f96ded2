"""A worker for each row of queues, so that none holds another up, and this process above that keeps them alive.

It loads what every worker needs and then makes each by a fork: they share that memory and start at once. It holds no
connection. More of these processes, on this or other machines, share the work.
"""

import gc
import multiprocessing
import os
import signal
import threading
import time
from collections.abc import Collection, Sequence
from multiprocessing.context import ForkProcess

import structlog

from app.config import Settings
from workers.queues import JobQueue
from workers.work import work

log = structlog.get_logger("supervisor")

# What a stopping worker is given to end its job, in seconds; what is not ended then runs again elsewhere.
GRACE_S = 8.0

STOPS = {signal.SIGTERM, signal.SIGINT}


def _work_under(parent: int, queues: Sequence[JobQueue], settings: Settings) -> None:
    """Be the worker of these queues, and stop when the process above is gone, however it went."""
    signal.pthread_sigmask(signal.SIG_UNBLOCK, STOPS)

    def watch() -> None:
        while os.getppid() == parent:
            time.sleep(1)
        os.kill(os.getpid(), signal.SIGTERM)

    threading.Thread(target=watch, daemon=True).start()
    work(queues, settings)


class _Child:
    """The worker of one row of queues, started again when it dies, each time a little later."""

    def __init__(self, queues: Sequence[JobQueue], settings: Settings) -> None:
        self._queues = queues
        self._name = ", ".join(queue.name for queue in queues)
        self._settings = settings
        self._process: ForkProcess | None = None
        self._started = 0.0
        self._due = 0.0
        self._pause_s = 0.2

    def keep(self) -> None:
        """Start the worker if it does not run and its pause is over."""
        now = time.monotonic()
        if self._process is not None and not self._process.is_alive():
            lasted = now - self._started
            self._pause_s = 0.2 if lasted > 10 else min(self._pause_s * 2, 5.0)
            self._due = now + self._pause_s
            log.warning("worker ended", queue=self._name, status=self._process.exitcode, again_in=self._pause_s)
            self._process = None
        if self._process is None and now >= self._due:
            self._started = now
            self._process = multiprocessing.get_context("fork").Process(
                target=_work_under, args=(os.getpid(), self._queues, self._settings), name=self._name
            )
            # A fork runs the libraries' hooks, and what a signal raises inside one of them is lost.
            signal.pthread_sigmask(signal.SIG_BLOCK, STOPS)
            self._process.start()
            signal.pthread_sigmask(signal.SIG_UNBLOCK, STOPS)

    def ask_to_stop(self) -> None:
        """Let the worker end its job and go."""
        if self._process is not None:
            self._process.terminate()

    def wait(self, seconds: float) -> None:
        """Wait for the worker to go; then kill it."""
        if self._process is not None:
            self._process.join(max(seconds, 0.1))
            self._process.kill()
            self._process.join()


def supervise(workers: Collection[Sequence[JobQueue]], settings: Settings) -> None:
    """Keep a worker for each of these rows of queues alive until SIGTERM or SIGINT."""
    gc.collect()
    gc.freeze()  # what is shared is not written to by collecting garbage
    children = [_Child(queues, settings) for queues in workers]
    try:
        while True:
            for child in children:
                child.keep()
            time.sleep(0.2)
    finally:
        for number in STOPS:
            signal.signal(number, signal.SIG_IGN)
        deadline = time.monotonic() + GRACE_S
        for child in children:
            child.ask_to_stop()
        for child in children:
            child.wait(deadline - time.monotonic())
