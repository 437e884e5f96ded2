"""A private PostgreSQL cluster that listens on a unix socket only."""

import os
import pwd
import shutil
import signal
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

from stack.place import Place
from stack.progress import Refusal, step, tail
from stack.server import Server
from stack.supervisor import Process

SUPERUSER = "postgres"
# A name that is nobody's port: nothing listens on TCP. PostgreSQL only makes the socket's name of it.
PORT = "5432"
HBA = """\
# Written at every start. Only the unix socket, and only for the system user that started this copy.
local all all peer map=haigio
"""
ROLES = """\
SELECT 'CREATE ROLE haigio_owner LOGIN' WHERE to_regrole('haigio_owner') IS NULL \\gexec
SELECT 'CREATE ROLE haigio_app LOGIN' WHERE to_regrole('haigio_app') IS NULL \\gexec
SELECT 'CREATE DATABASE haigio OWNER haigio_owner'
 WHERE NOT EXISTS (SELECT FROM pg_database WHERE datname = 'haigio') \\gexec
\\connect haigio
CREATE EXTENSION IF NOT EXISTS postgis;
CREATE EXTENSION IF NOT EXISTS btree_gist;
-- From version 15 on this is how a new database is; 14 still lets everybody make tables in it.
REVOKE CREATE ON SCHEMA public FROM PUBLIC;
GRANT CREATE ON SCHEMA public TO haigio_owner;
"""


@dataclass(frozen=True)
class Cluster:
    """A cluster and its folders. `throwaway` trades safety at a power cut for speed: for tests."""

    server: Server
    place: Place
    data: Path
    sockets: Path
    user: str | None
    throwaway: bool = False

    def process(self) -> Process:
        """Return the server as a process to supervise. SIGINT is PostgreSQL's fast shutdown."""
        settings = {
            "listen_addresses": "",
            "unix_socket_directories": str(self.sockets),
            "unix_socket_permissions": "0700",
            "port": PORT,
            "timezone": "UTC",
            "log_timezone": "UTC",
            "jit": "off",  # compiling costs more than our queries take
        }
        if self.throwaway:
            settings |= {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off"}
        arguments = [part for name, value in settings.items() for part in ("-c", f"{name}={value}")]
        return Process(
            name="postgres",
            argv=[self.server.program("postgres"), "-D", str(self.data), *arguments],
            environment={**os.environ, **self.server.environment},
            cwd=Path("/"),
            user=self.user,
            stop_signal=signal.SIGINT,
            stop_seconds=30,
            harder_signal=signal.SIGQUIT,
            last=True,
            before=self.clear_remains,
        )

    def url(self, role: str, database: str = "haigio") -> str:
        """Return the SQLAlchemy URL of a role: haigio_app, haigio_owner or postgres."""
        return f"postgresql+psycopg://{role}@/{database}?host={quote(str(self.sockets), safe='')}&port={PORT}"

    def make(self) -> None:
        """Make the cluster unless it is there, and write who may connect.

        Raises:
            Refusal: initdb failed, or another PostgreSQL version made the data.
        """
        self._make_folders()
        self._check_owner()
        made_by = data_version(self.data)
        if made_by is not None and made_by != self.server.major:
            if not self.throwaway:
                raise Refusal(
                    f"The data in {self.data} was made by PostgreSQL {made_by}, but only {self.server.major} with "
                    f"PostGIS is here. Install postgresql-{made_by}-postgis-3 (pg_upgrade then takes the data over), "
                    "or, if the data may go, remove that folder."
                )
            shutil.rmtree(self.data)
            made_by = None
        if made_by is None:
            self._initdb()
        (self.data / "pg_hba.conf").write_text(HBA)
        names = {_me(), self.user or _me()}
        roles = (SUPERUSER, "haigio_owner", "haigio_app")
        (self.data / "pg_ident.conf").write_text(
            "".join(f'haigio "{name}" {role}\n' for name in sorted(names) for role in roles)
        )

    def ready(self) -> bool:
        """Tell whether the server takes connections."""
        asked = subprocess.run(
            [self.server.program("pg_isready"), "-q", "-h", str(self.sockets), "-p", PORT],
            env={**os.environ, **self.server.environment},
            check=False,
        )
        return asked.returncode == 0

    def set_up(self) -> None:
        """Make the roles, the database and its extensions where they are missing.

        Raises:
            Refusal: the server refused.
        """
        log = self.place.log / "postgres-setup.log"
        command = [self.server.program("psql"), "-X", "-q", "-v", "ON_ERROR_STOP=1", "-f", "-"]
        command += ["-h", str(self.sockets), "-p", PORT, "-U", SUPERUSER, "-d", "postgres"]
        done = subprocess.run(
            command,
            input=f"SET client_min_messages = warning;\n{ROLES}",
            env={**os.environ, **self.server.environment, "PGOPTIONS": "-c client_min_messages=warning"},
            capture_output=True,
            text=True,
            check=False,
        )
        log.write_text(done.stdout + done.stderr)
        if done.returncode != 0:
            raise Refusal(f"The database could not be set up:\n{tail(log)}")

    def clear_remains(self) -> None:
        """Stop a server that outlived its supervisor, and remove a lock whose process number is another's by now.

        Nobody else's server is meant: the copy is locked by us, and the data folder is this copy's own.
        """
        lock = self.data / "postmaster.pid"
        try:
            pid = int(lock.read_text().split()[0])
        except (OSError, ValueError, IndexError):
            return
        if not _alive(pid):
            return  # PostgreSQL itself copes with that
        if Path(f"/proc/{pid}").exists() and not self._is_server(pid):
            lock.unlink(missing_ok=True)
            return
        for sign, seconds in ((signal.SIGINT, 30), (signal.SIGQUIT, 10)):
            os.kill(pid, sign)
            deadline = time.monotonic() + seconds
            while time.monotonic() < deadline:
                if not _alive(pid):
                    return
                time.sleep(0.05)
        raise Refusal(f"A PostgreSQL left over in {self.data} (process {pid}) does not stop")

    def _is_server(self, pid: int) -> bool:
        try:
            return Path(f"/proc/{pid}/cwd").readlink() == self.data
        except OSError:
            return False

    def _make_folders(self) -> None:
        self.data.parent.mkdir(parents=True, exist_ok=True)
        self.data.parent.chmod(0o711 if self.user else 0o700)
        self._own(self.sockets)

    def _check_owner(self) -> None:
        """Refuse data that another user made, as after `sudo ./run` in somebody's checkout: PostgreSQL would too."""
        if self.data.exists():
            owner = self.data.owner()
            if owner != (self.user or _me()):
                raise Refusal(f"The data in {self.data} belongs to {owner}: start as the user who started it before")

    def _own(self, folder: Path) -> None:
        """Make a folder that only the server's user can open."""
        folder.mkdir(mode=0o700, exist_ok=True)
        if self.user:
            shutil.chown(folder, self.user, self.user)

    def _initdb(self) -> None:
        """Make the data under another name and rename it: cut short, it is made anew, not taken for a cluster."""
        draft = self.data.with_name("data.new")
        shutil.rmtree(draft, ignore_errors=True)
        self._own(draft)
        argv = [self.server.program("initdb"), "-D", str(draft), "-U", SUPERUSER, "-A", "peer"]
        argv += ["-E", "UTF8", "--locale=C.UTF-8", *(["--no-sync"] if self.throwaway else [])]
        step(
            "Making the database cluster",
            argv,
            self.place.log / "initdb.log",
            environment={**os.environ, **self.server.environment},
            user=self.user,
        )
        draft.rename(self.data)


def server_user() -> str | None:
    """Return the user the server runs as, None for the present one.

    Raises:
        Refusal: we are root and there is no user postgres, without whom PostgreSQL will not run.
    """
    if os.geteuid() != 0:
        return None
    try:
        return pwd.getpwnam("postgres").pw_name
    except KeyError:
        raise Refusal("PostgreSQL does not run as root, and there is no user postgres: start as another") from None


def data_folder(place: Place, user: str | None) -> Path:
    """Return the folder of the cluster's data, one that the server's user can reach."""
    return place.reachable_by(user) / "postgres" / "data"


def data_version(data: Path) -> int | None:
    """Return the major version of PostgreSQL that made a data folder, None when there is none."""
    try:
        return int((data / "PG_VERSION").read_text())
    except OSError:
        return None


def _me() -> str:
    return pwd.getpwuid(os.geteuid()).pw_name  # not getpass.getuser(), which believes $USER


def _alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True
