"""Where a copy of Hai Giờ lies: its folder, its sockets, its lock, the environment of its processes."""

import fcntl
import hashlib
import os
import secrets
import shlex
import stat
import subprocess
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from stack.progress import Refusal, become

ROOT = Path(__file__).resolve().parent.parent
# The kernel's limit for a socket's path is 107 bytes; PostgreSQL adds "/.s.PGSQL.5432" and "pg/", Valkey less.
LONGEST_SOCKET_FOLDER = 85


@dataclass(frozen=True)
class Place:
    """One copy's folders. Two copies with different `var` share nothing but, if wished, the virtual environment."""

    var: Path
    venv: Path

    @property
    def log(self) -> Path:
        """The folder of the logs, one file a process."""
        return self.var / "log"

    @property
    def python(self) -> Path:
        """The virtual environment's interpreter."""
        return self.venv / "bin" / "python"

    @property
    def accounts(self) -> Path:
        """The demo accounts, made by the application in development only."""
        return self.var / "demo-accounts.json"

    @property
    def environment(self) -> Path:
        """The environment of the running copy, for ./haigio and for people; there only while the copy runs."""
        return self.var / "environment"

    @property
    def key(self) -> str:
        """A short name for this copy, the same at every start."""
        return hashlib.sha256(f"{os.geteuid()}:{self.var}".encode()).hexdigest()[:10]

    def sockets(self) -> Path:
        """Return the folder of the unix sockets, made if needed.

        Its name can be guessed and the temporary directory is everybody's, so it is used only when it is ours.

        Raises:
            Refusal: somebody else made it, or it is open to others.
        """
        parent = Path(tempfile.gettempdir())
        if len(bytes(parent)) > LONGEST_SOCKET_FOLDER - len("/haigio-0123456789"):
            parent = Path("/tmp")  # noqa: S108 (checked below like any other)
        folder = parent / f"haigio-{self.key}"
        # Root's PostgreSQL runs as another user and must be able to pass through; its own folder inside is closed.
        mode = 0o711 if os.geteuid() == 0 else 0o700
        try:
            folder.mkdir(mode=mode)
            folder.chmod(mode)  # whatever the umask made of it
        except FileExistsError:
            found = folder.lstat()
            if not stat.S_ISDIR(found.st_mode) or found.st_uid != os.geteuid() or found.st_mode & 0o022:
                raise Refusal(f"{folder} exists and is not a private folder of this user: remove it") from None
        return folder

    def reachable_by(self, user: str | None) -> Path:
        """Return a folder for data of `user`: in `var`, or beside the system's data when `var` is closed to it.

        A checkout in /root is closed to everybody but root, and PostgreSQL refuses to run as root.
        """
        if user is None:
            return self.var
        passes = subprocess.run(
            ["/bin/sh", "-c", 'test -x "$1"', "sh", str(self.var)],
            cwd="/",
            check=False,
            **become(user),
        )
        return self.var if passes.returncode == 0 else Path("/var/lib") / f"haigio-{self.key}"

    @contextmanager
    def locked(self, what: str) -> Iterator[None]:
        """Hold this copy for one command; the kernel lets go of it when the command ends, however it ends.

        Raises:
            Refusal: another command holds it.
        """
        with (self.var / "lock").open("a+") as file:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                file.seek(0)
                raise Refusal(f"{what} already runs in {self.var} (process {file.read().strip() or '?'})") from None
            file.truncate(0)
            file.write(str(os.getpid()))
            file.flush()
            yield

    def secret(self) -> str:
        """Return this copy's own secret, made at the first start. For development; production brings its own."""
        path = self.var / "secret"
        if not path.exists():
            write_private(path, secrets.token_urlsafe(48))
        return path.read_text().strip()

    def write_environment(self, variables: Mapping[str, str]) -> None:
        """Write variables as lines a shell can source, readable by this user only."""
        lines = [f"export {name}={shlex.quote(value)}\n" for name, value in sorted(variables.items())]
        write_private(self.environment, "".join(lines))


def find_place(environment: Mapping[str, str], inside: str = "") -> Place:
    """Return the place that HAIGIO_VAR and HAIGIO_VENV name, or var/ of this checkout; `inside` is a folder in it.

    Raises:
        Refusal: the folder cannot be made or written.
    """
    base = Path(environment.get("HAIGIO_VAR") or ROOT / "var").absolute()
    venv = Path(environment.get("HAIGIO_VENV") or base / "venv").absolute()
    var = base / inside
    try:
        (var / "log").mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise Refusal(f"{var}: {error.strerror}. HAIGIO_VAR names another folder") from error
    if not os.access(var, os.W_OK):
        raise Refusal(f"{var} is not writable by this user. HAIGIO_VAR names another folder")
    return Place(var=var.resolve(), venv=venv)


def write_private(path: Path, text: str) -> None:
    """Replace a file in one step; nobody but this user can ever read it."""
    draft = path.with_name(f"{path.name}.new")
    draft.unlink(missing_ok=True)
    with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        file.write(text)
    draft.replace(path)
