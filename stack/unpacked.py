"""The last resort: PostgreSQL's Debian packages unpacked into the copy's folder, without root.

Such a server gets no security updates from the system; whoever can should install the packages properly.
"""

import os
import re
import shutil
import subprocess
from collections.abc import Mapping
from pathlib import Path

from stack.place import Place
from stack.progress import Refusal, say, step

MARK = ".unpacked-by-haigio"


def folder(place: Place) -> Path:
    """Return the folder the packages are unpacked into."""
    return place.venv.with_name("unpacked")


def root_of(programs: Path) -> Path | None:
    """Return the folder that a server's programs were unpacked into, None for a properly installed server."""
    root = programs.parents[4] if len(programs.parents) > 4 else None
    return root if root and (root / MARK).exists() else None


def environment(root: Path) -> dict[str, str]:
    """Return what programs unpacked below `root` need: their libraries, and PROJ's grids and definitions."""
    libraries = [*root.glob("usr/lib/*-linux-*"), *root.glob("usr/lib/*-linux-*/*"), root / "usr/lib"]
    holding = [str(path) for path in libraries if path.is_dir() and any(path.glob("*.so*"))]
    return {"LD_LIBRARY_PATH": ":".join(holding), "PROJ_DATA": str(root / "usr/share/proj")}


def offered_majors(options: list[str]) -> list[int]:
    """Return the PostgreSQL versions for which apt has PostGIS; `options` go to apt-cache."""
    listed = subprocess.run(
        ["apt-cache", *options, "pkgnames", "postgresql-"], capture_output=True, text=True, check=False
    )
    return [int(found[1]) for found in re.finditer(r"^postgresql-(\d+)-postgis-3$", listed.stdout, re.MULTILINE)]


def fetch(place: Place) -> None:
    """Download the packages with an apt whose state is private to the copy, and unpack them.

    Raises:
        Refusal: nothing to download, or it failed.
    """
    root = folder(place)
    log = place.log / "install.log"
    options = _private_apt(root.with_name("apt"))
    say("No PostgreSQL with PostGIS here, and no way to install it for the system: unpacking one into var/.")
    say("    It gets no security updates from the system. With root or sudo, apt would do this properly.")
    step("Reading the package lists", ["apt-get", *options, "update"], log)
    majors = offered_majors(options)
    if not majors:
        raise Refusal("apt offers no postgresql-NN-postgis-3; install PostgreSQL with PostGIS and set PG_BIN")
    wanted = [f"postgresql-{max(majors)}", f"postgresql-{max(majors)}-postgis-3"]
    download = ["install", "--yes", "--download-only", "--no-install-recommends", *wanted]
    step(f"Downloading {wanted[1]}", ["apt-get", *options, *download], log)
    draft = root.with_name("unpacked.new")
    shutil.rmtree(draft, ignore_errors=True)
    archives = root.with_name("apt") / "cache/archives"
    unpack = 'for archive in "$1"/*.deb; do echo "$archive"; dpkg-deb -x "$archive" "$2" || exit 1; done'
    draft.mkdir(parents=True)
    step("Unpacking", ["/bin/sh", "-c", unpack, "sh", str(archives), str(draft)], log)
    for extension in draft.glob("usr/share/postgresql/*/extension"):
        # Debian makes this name when the package is configured, which unpacking does not do.
        control = extension / "postgis.control"
        if not control.exists():
            control.symlink_to("postgis-3.control")
    (draft / MARK).touch()
    shutil.rmtree(root, ignore_errors=True)
    draft.rename(root)
    shutil.rmtree(archives, ignore_errors=True)


def _private_apt(state: Path) -> list[str]:
    for name in ("state/lists/partial", "cache/archives/partial"):
        (state / name).mkdir(parents=True, exist_ok=True)
    installed = Path("/var/lib/dpkg/status")
    shutil.copyfile(installed, state / "status")
    settings: Mapping[str, str] = {
        "Dir::State": str(state / "state"),
        "Dir::State::status": str(state / "status"),
        "Dir::Cache": str(state / "cache"),
        "Debug::NoLocking": "1",
        "APT::Sandbox::User": os.environ.get("USER", ""),
    }
    return [part for name, value in settings.items() for part in ("-o", f"{name}={value}")]
