"""What the person at the terminal reads while something takes long."""

import contextlib
import os
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any


class Refusal(Exception):
    """A start that cannot go on; its text tells the person at the terminal what to do. Ends with exit status 1."""


def say(text: str) -> None:
    """Print a line at once, even into a pipe. When nobody reads any more, go on in silence."""
    try:
        print(text, flush=True)
    except OSError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def tail(log: Path, lines: int = 15) -> str:
    """Return the last lines of a log, indented, or an empty string when there is no log."""
    try:
        text = log.read_text(errors="replace")
    except OSError:
        return ""
    return "\n".join(f"    {line}" for line in text.splitlines()[-lines:])


def step(
    title: str,
    argv: Sequence[str],
    log: Path,
    *,
    environment: Mapping[str, str] | None = None,
    user: str | None = None,
) -> None:
    """Run a long command into a log while saying now and then how far it is.

    Args:
        title: what happens, for the terminal.
        argv: the command.
        log: appended to.
        environment: the command's whole environment; ours when None.
        user: the user to become (only root can).

    Raises:
        Refusal: the command failed; with the end of its log.
    """
    say(f"{title} ...")
    started = time.monotonic()
    log.parent.mkdir(parents=True, exist_ok=True)
    with log.open("a") as output:
        begin = output.tell()
        process = subprocess.Popen(
            argv,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            env=environment,
            cwd="/" if user else None,
            **become(user),
        )
    try:
        spoken = started
        while (status := _wait(process, 0.2)) is None:
            if time.monotonic() - spoken >= 5:
                spoken = time.monotonic()
                say(f"    {spoken - started:3.0f} s  {_last_line(log, begin)}")
    except BaseException:
        with contextlib.suppress(PermissionError):  # sudo's; a Ctrl-C at the terminal has reached it already
            process.terminate()
        process.wait()
        raise
    if status != 0:
        raise Refusal(f"{title}: failed (status {status}). The end of {log}:\n{tail(log)}")
    if time.monotonic() - started >= 5:
        say(f"    done in {time.monotonic() - started:.0f} s")


def become(user: str | None) -> dict[str, Any]:
    """Return the Popen arguments that run a command as another user, none when there is no need."""
    return {"user": user, "group": user, "extra_groups": []} if user else {}


def _wait(process: "subprocess.Popen[bytes]", seconds: float) -> int | None:
    try:
        return process.wait(seconds)
    except subprocess.TimeoutExpired:
        return None


def _last_line(log: Path, begin: int) -> str:
    with log.open("rb") as file:
        file.seek(max(begin, log.stat().st_size - 2000))
        lines = file.read().decode(errors="replace").replace("\r", "\n").split("\n")
    return next((line.strip()[:90] for line in reversed(lines) if line.strip()), "")


def complain(text: str) -> None:
    """Print a line for standard error."""
    print(text, file=sys.stderr, flush=True)
