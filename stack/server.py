"""Finding a PostgreSQL server with PostGIS, or installing one."""

import os
import re
import shutil
import subprocess
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from stack import apt, unpacked
from stack.place import Place
from stack.progress import Refusal

OLDEST = 14
PROGRAMS = ("postgres", "initdb", "psql", "pg_isready")
# Newer servers first within a pattern. Debian's pg_config on PATH is a wrapper that may name another version than the
# one with PostGIS, so the folders themselves are looked at.
FOLDERS = (
    "/usr/lib/postgresql/*/bin",
    "/usr/pgsql-*/bin",
    "/usr/local/pgsql/bin",
    "/opt/homebrew/opt/postgresql*/bin",
    "/usr/local/opt/postgresql*/bin",
    "/Applications/Postgres.app/Contents/Versions/*/bin",
)


@dataclass(frozen=True)
class Server:
    """A PostgreSQL server's programs. `environment` is what they need beside the usual."""

    folder: Path
    major: int
    environment: Mapping[str, str] = field(default_factory=dict)

    def program(self, name: str) -> str:
        """Return the path of one of its programs."""
        return str(self.folder / name)


def find_server(place: Place, environment: Mapping[str, str], made_by: int | None) -> Server:
    """Return a server of at least version 14 that has PostGIS, installing one when there is none.

    In this order: the folder that PG_BIN names, one on this system, packages by apt as root or with sudo, the same
    packages unpacked into the copy's folder.

    Args:
        place: the copy, for logs and unpacked packages.
        environment: where PG_BIN may be.
        made_by: the major version that made the copy's data, which is preferred; None when there is none yet.

    Raises:
        Refusal: none can be had, with what to install.
    """
    if named := environment.get("PG_BIN"):
        server = examine(Path(named))
        if server is None:
            raise Refusal(f"PG_BIN={named}: no PostgreSQL >= {OLDEST} with PostGIS there")
        return server
    if server := choose(_installed(), made_by):
        return server
    if shutil.which("apt-get"):
        runner = apt.as_root()
        if runner is not None:
            _install_by_apt(place, runner)
            if server := choose(_installed(), made_by):
                return server
            raise Refusal("PostGIS was installed, but no server with it is found; name its folder in PG_BIN")
        folder = unpacked.folder(place)
        if server := choose(_unpacked(folder), made_by):
            return server
        unpacked.fetch(place)
        if server := choose(_unpacked(folder), made_by):
            return server
    raise Refusal(
        f"PostgreSQL {OLDEST} or newer with PostGIS is needed and cannot be installed from here. Install it "
        "(Debian, Ubuntu: postgresql and postgresql-NN-postgis-3), or name the folder of its programs in PG_BIN."
    )


def examine(folder: Path) -> Server | None:
    """Return the server in a folder of programs if it is new enough and has PostGIS and btree_gist, else None."""
    if not all((folder / name).exists() for name in PROGRAMS):
        return None
    root = unpacked.root_of(folder)
    environment = unpacked.environment(root) if root else {}
    found = re.search(r"\) (\d+)", _output([str(folder / "postgres"), "--version"], environment))
    if not found or int(found[1]) < OLDEST:
        return None
    share = Path(root or "/") / "usr/share/postgresql" / found[1]
    if not root and (folder / "pg_config").exists():
        share = Path(_output([str(folder / "pg_config"), "--sharedir"], environment).strip())
    if not all((share / "extension" / f"{name}.control").exists() for name in ("postgis", "btree_gist")):
        return None
    return Server(folder, int(found[1]), environment)


def choose(servers: Iterable[Server], made_by: int | None) -> Server | None:
    """Return the server that made the data, or else the newest, None when there is none."""
    return max(servers, key=lambda server: (server.major == made_by, server.major), default=None)


def _output(argv: list[str], environment: Mapping[str, str]) -> str:
    try:
        return subprocess.run(
            argv, env={**os.environ, **environment}, capture_output=True, text=True, check=False
        ).stdout
    except OSError:
        return ""  # another machine's program, or one that may not be run: as good as none


def _installed() -> Iterator[Server]:
    for pattern in FOLDERS:
        for folder in Path("/").glob(pattern[1:]):
            if server := examine(folder):
                yield server


def _unpacked(root: Path) -> Iterator[Server]:
    for folder in root.glob("usr/lib/postgresql/*/bin"):
        if server := examine(folder):
            yield server


def _install_by_apt(place: Place, runner: list[str]) -> None:
    log = place.log / "install.log"
    apt.update(runner, log)
    present = [int(path.parent.parent.name) for path in Path("/usr/lib/postgresql").glob("[0-9]*/bin/postgres")]
    offered = unpacked.offered_majors([])
    usable = [major for major in offered if major >= OLDEST]
    if not usable:
        raise Refusal(
            f"apt offers no postgresql-NN-postgis-3 with NN >= {OLDEST}. On Ubuntu it is in universe; "
            "otherwise install PostgreSQL with PostGIS yourself and name its programs' folder in PG_BIN."
        )
    if beside := [major for major in usable if major in present]:
        names = [f"postgresql-{max(beside)}-postgis-3"]  # the server is there: add to it, bring no second one
    else:
        names = [f"postgresql-{max(usable)}", f"postgresql-{max(usable)}-postgis-3"]
    script = Path(__file__).with_name("without-cluster.sh")
    apt.install([*runner, "/bin/sh", str(script)], log, *names)
