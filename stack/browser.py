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
# What Playwright's own program links to; a minimal system lacks it.
PLAYWRIGHT_NEEDS = "libatomic1"


def wanted_by(arguments: Sequence[str]) -> bool:
    """Tell whether a pytest command line reaches tests/browser: it names no file at all, or one in or around it."""
    words = [(ROOT / word.partition("::")[0]).resolve() for word in arguments if not word.startswith("-")]
    named = [path for path in words if _meet(path, ALL_TESTS)]  # the others are the values of options
    return not named or any(_meet(path, TESTS) for path in named)


def find_browser(place: Place, environment: Mapping[str, str]) -> str:
    """Return the program of a Chromium that Playwright, which must be in `place.venv`, can drive; install what is missing.

    In this order: the one that HAIGIO_CHROMIUM names, one on this system, one that Playwright downloaded earlier, the
    package by apt as root or with sudo, and where apt has none (Ubuntu has a snap instead) a download by Playwright.

    Raises:
        Refusal: none can be had, with what to do.
    """
    environment = {"PLAYWRIGHT_BROWSERS_PATH": str(place.venv.with_name("browsers")), **environment}
    program, drives = _find(place, environment), _drives(place)
    if program and drives:
        return program
    runner = apt.as_root() if shutil.which("apt-get") else None
    if runner is None:
        missing = f"{PLAYWRIGHT_NEEDS}, which Playwright needs," if program else "Chromium"
        raise Refusal(
            f"{missing} is not here and cannot be installed without apt and root or sudo. Install it"
            + ("." if program else ", or name its program in HAIGIO_CHROMIUM.")
        )
    _install(place, environment, runner, program=not program, needs=not drives)
    program = _find(place, environment)
    if not program or not _drives(place):
        raise Refusal(
            f"Chromium was installed, but {'Playwright does not start' if program else 'none that runs is found'} "
            f"(log: {place.log / 'install.log'}). HAIGIO_CHROMIUM may name the program of another one."
        )
    return program


def answers(*argv: str) -> bool:
    """Tell whether a program runs and says its version. Ubuntu's chromium-browser may only ask for a snap."""
    try:
        said = subprocess.run([*argv, "--version"], capture_output=True, text=True, timeout=60, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return False
    return said.returncode == 0 and re.search(r"\d+\.\d+", said.stdout) is not None


def _meet(one: Path, other: Path) -> bool:
    """Tell whether two paths are the same or one lies in the other."""
    return one.is_relative_to(other) or other.is_relative_to(one)


def _drives(place: Place) -> bool:
    return answers(str(place.python), "-m", "playwright")


def _find(place: Place, environment: Mapping[str, str]) -> str | None:
    """Return the program of a Chromium that is here.

    Raises:
        Refusal: the one named is none.
    """
    if named := environment.get("HAIGIO_CHROMIUM"):
        program = shutil.which(named)
        if program is None or not answers(program):
            raise Refusal(f"HAIGIO_CHROMIUM={named}: no Chromium that runs")
        return str(Path(program).absolute())
    for name in NAMES:
        program = shutil.which(name)
        if program and answers(program):
            return program
    # The one that Playwright would start if told nothing, which need not be there.
    ask = "from playwright.sync_api import sync_playwright as p\nwith p() as q: print(q.chromium.executable_path)"
    asked = subprocess.run([str(place.python), "-c", ask], env=environment, capture_output=True, text=True, check=False)
    program = asked.stdout.strip()
    return program if Path(program).is_file() and answers(program) else None


def _install(
    place: Place, environment: Mapping[str, str], runner: Sequence[str], *, program: bool, needs: bool
) -> None:
    log = place.log / "install.log"
    apt.update(runner, log)
    packaged = "snap" not in (apt.offered_version("chromium") or "snap")
    packages = [PLAYWRIGHT_NEEDS] if needs else []
    if program and packaged:
        # The font has every Vietnamese letter. Chromium mostly brings it along, but is content with others.
        packages += ["chromium", "fonts-dejavu-core"]
    if packages:
        apt.install(runner, log, *packages)
    if program and not packaged:
        argv = [str(place.python), "-m", "playwright", "install", "--with-deps", "--no-shell", "chromium"]
        step("Downloading a Chromium by Playwright", argv, log, environment=environment)
