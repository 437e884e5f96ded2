"""Installing packages of the system's: as root, with apt."""

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from stack.progress import step

# Another apt, such as the system's own upgrade, is waited for.
APT = ["env", "DEBIAN_FRONTEND=noninteractive", "apt-get", "-o", "DPkg::Lock::Timeout=300"]


def as_root() -> list[str] | None:
    """Return what to put before a command to run it as root, None when there is no way."""
    if os.geteuid() == 0:
        return []
    sudo = shutil.which("sudo")
    if sudo is None:
        return None
    if subprocess.run([sudo, "-n", "true"], capture_output=True, check=False).returncode == 0:
        return [sudo, "-n"]
    # One that asks for a password is of use only when somebody is there to type it.
    if sys.stdin.isatty() and subprocess.run([sudo, "-v"], check=False).returncode == 0:
        return [sudo, "-n"]
    return None


def update(runner: Sequence[str], log: Path) -> None:
    """Read the package lists anew; `runner` is what as_root() returned.

    Raises:
        Refusal: it failed.
    """
    step("Reading the system's package lists", [*runner, *APT, "update"], log)


def install(runner: Sequence[str], log: Path, *names: str) -> None:
    """Install packages and what they need, but not what they recommend.

    Raises:
        Refusal: it failed.
    """
    argv = [*runner, *APT, "install", "--yes", "--no-install-recommends", *names]
    step(f"Installing {' and '.join(names)} by apt", argv, log)


def offered_version(name: str) -> str | None:
    """Return the version of a package that apt would install, None when there is none."""
    shown = subprocess.run(
        ["apt-cache", "show", "--no-all-versions", name], capture_output=True, text=True, check=False
    )
    found = re.search(r"^Version: (.+)$", shown.stdout, re.MULTILINE)
    return found[1] if found else None
