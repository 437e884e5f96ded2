"""Finding a Chromium for tests/browser, or installing one."""

import re
import shutil
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path

from stack import apt
from stack.place import ROOT, Place
from stack.progress import Refusal, step

ALL_TESTS = ROOT / "tests"
TESTS = ALL_TESTS / "browser"
NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")


def wanted_by(arguments: Sequence[str]) -> bool:
    """Tell whether a pytest command line reaches tests/browser: it names no file at all, or one in or around it."""
    words = [(ROOT / word.partition("::")[0]).resolve() for word in arguments if not word.startswith("-")]
    named = [path for path in words if _meet(path, ALL_TESTS)]  # the others are the values of options
    return not named or any(_meet(path, TESTS) for path in named)


def find_browser(place: Place, environment: Mapping[str, str]) -> str:
    """Return the program of a Chromium, installing one when there is none. Playwright must be in `place.venv`.

    In this order: the one that HAIGIO_CHROMIUM names, one on this system, one that Playwright downloaded earlier, the
    package by apt as root or with sudo, and where apt has none (Ubuntu has a snap instead) a download by Playwright.

    Raises:
        Refusal: none can be had, with what to do.
    """
    if named := environment.get("HAIGIO_CHROMIUM"):
        program = shutil.which(named)
        if program is None or not answers(program):
            raise Refusal(f"HAIGIO_CHROMIUM={named}: no Chromium that runs")
        return str(Path(program).absolute())
    downloads = {"PLAYWRIGHT_BROWSERS_PATH": str(place.venv.with_name("browsers")), **environment}
    if found := _installed() or _downloaded(place, downloads):
        return found
    runner = apt.as_root() if shutil.which("apt-get") else None
    if runner is None:
        raise Refusal(
            "No Chromium here, and no way to install one (that takes apt, as root or with sudo). "
            "Install one, or name its program in HAIGIO_CHROMIUM."
        )
    log = place.log / "install.log"
    apt.update(runner, log)
    if "snap" in (apt.offered_version("chromium") or "snap"):
        argv = [str(place.python), "-m", "playwright", "install", "--with-deps", "--no-shell", "chromium"]
        step("Downloading a Chromium by Playwright", argv, log, environment=downloads)
    else:
        # The font has every Vietnamese letter. Chromium mostly brings it along, but is content with others.
        apt.install(runner, log, "chromium", "fonts-dejavu-core")
    if found := _installed() or _downloaded(place, downloads):
        return found
    raise Refusal(
        f"Chromium was installed, but none that runs is found; name its program in HAIGIO_CHROMIUM (log: {log})"
    )


def answers(program: str) -> bool:
    """Tell whether a program is a browser that runs. Ubuntu's chromium-browser may only ask for a snap."""
    try:
        said = subprocess.run([program, "--version"], capture_output=True, text=True, timeout=60, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return False
    return said.returncode == 0 and re.search(r"\d+\.\d+", said.stdout) is not None


def _meet(one: Path, other: Path) -> bool:
    """Tell whether two paths are the same or one lies in the other."""
    return one.is_relative_to(other) or other.is_relative_to(one)


def _installed() -> str | None:
    found = (shutil.which(name) for name in NAMES)
    return next((program for program in found if program and answers(program)), None)


def _downloaded(place: Place, environment: Mapping[str, str]) -> str | None:
    """Return the Chromium that Playwright would start if told nothing, None when it is not there."""
    ask = "from playwright.sync_api import sync_playwright as p\nwith p() as q: print(q.chromium.executable_path)"
    asked = subprocess.run([str(place.python), "-c", ask], env=environment, capture_output=True, text=True, check=False)
    program = asked.stdout.strip()
    return program if Path(program).is_file() and answers(program) else None
