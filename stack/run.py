"""./run: everything on this machine."""

import argparse
import http.client
import json
import os
import shutil
import socket
from collections.abc import Mapping
from contextlib import closing
from pathlib import Path

from stack.packages import RUNTIME, install
from stack.place import ROOT, Place, find_place
from stack.progress import Refusal, say
from stack.stores import start_stores
from stack.supervisor import Process, Supervisor

HOST = "127.0.0.1"
NOBODY = "mailto:nobody@localhost"
SHORTEST_SECRET = 32
# Of each of the two web processes. A thread is held by each photo that is on its way, which may take minutes on a bad
# network: two hundred phones at a time leave some fifty for everybody else. Idle ones end by themselves.
WEB_THREADS = 128
OURS = ("HAIGIO_DATABASE_URL", "HAIGIO_OWNER_DATABASE_URL", "HAIGIO_QUEUE_URL")


def run(arguments: list[str]) -> int:
    """Start everything and keep it alive until Ctrl-C.

    Raises:
        Refusal: it cannot start.
        Stop: somebody asked it to stop.
    """
    options = _options(arguments)
    kind = os.environ.get("HAIGIO_ENV") or "development"
    _check(kind, options)
    place = find_place(os.environ)
    if kind == "production" and place.accounts.exists():
        raise Refusal(
            f"{place.accounts}: this copy holds the demo, and its passwords would open production. "
            "HAIGIO_VAR names another folder"
        )
    with place.locked("./run"):
        install(place, RUNTIME)
        with Supervisor(place.log) as supervisor:
            stores = start_stores(place, supervisor)
            environment = _environment(place, kind, options.port, stores.variables())
            _prepare(place, supervisor, environment, kind, options)
            web, *others = _processes(place, environment, options.port)
            # People wait for the web, which on two cores must not share them meanwhile; promises keep.
            supervisor.start(web)
            supervisor.wait_for("web", lambda: is_ready(options.port), 60)
            for process in others:
                supervisor.start(process)
            place.write_environment(_to_tell(environment, kind))
            try:
                _welcome(place, kind, options.port)
                supervisor.forever()
            finally:
                place.environment.unlink(missing_ok=True)
                say("\nStopping ...")


def _options(arguments: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="./run", description="Start Hai Giờ on this machine; Ctrl-C stops it.")
    parser.add_argument("--port", type=int, default=8080, help="the web's port on 127.0.0.1 (default 8080)")
    parser.add_argument("--empty", action="store_true", help="wards, kinds and staff, but no reports")
    parser.add_argument("--wards", nargs="+", type=Path, metavar="FILE", default=[], help="boundary files (GeoJSON)")
    return parser.parse_args(arguments)


def _check(kind: str, options: argparse.Namespace) -> None:
    """Refuse at once what would only fail after minutes."""
    if kind not in {"development", "production"}:
        raise Refusal(f"HAIGIO_ENV={kind}: ./run knows development (the default) and production")
    if kind == "production" and len(os.environ.get("HAIGIO_SECRET", "")) < SHORTEST_SECRET:
        raise Refusal(
            f"HAIGIO_ENV=production needs HAIGIO_SECRET, at least {SHORTEST_SECRET} random characters, the same at "
            "every start. One is made by: python3 -c 'import secrets; print(secrets.token_urlsafe(48))'"
        )
    if kind == "production" and not (os.environ.get("HAIGIO_GATEWAY") or os.environ.get("HAIGIO_SMS_URL")):
        raise Refusal("HAIGIO_ENV=production needs HAIGIO_GATEWAY or HAIGIO_SMS_URL: codes must reach a phone")
    if kind == "production" and not os.environ.get("HAIGIO_PUBLIC_URL"):
        raise Refusal("HAIGIO_ENV=production needs HAIGIO_PUBLIC_URL: what is sent to people leads there")
    for file in options.wards:
        if not file.is_file():
            raise Refusal(f"--wards {file}: no such file")
    if not 1 <= options.port < 65535:
        raise Refusal(f"--port {options.port}: a port is a number from 1 to 65534; the next one is taken too")
    for port in (options.port, live_port(options.port)):
        with closing(socket.socket()) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind((HOST, port))
            except OSError as error:
                raise Refusal(
                    f"Port {port} cannot be used ({error.strerror}). ./run --port N takes N and the one after it"
                ) from None


def live_port(port: int) -> int:
    """Return the port on which open desks hear of changes, beside the web's."""
    return port + 1


def _environment(place: Place, kind: str, port: int, stores: Mapping[str, str]) -> dict[str, str]:
    """Return the environment of all our processes: the caller's, and what leads to this copy's stores."""
    for name in OURS:
        if os.environ.get(name):
            say(f"{name} is left aside: ./run only uses a database and a queue of its own.")
    secret = os.environ.get("HAIGIO_SECRET") or place.secret()
    photos = os.environ.get("HAIGIO_PHOTOS") or str(place.var / "photos")
    if not photos.startswith("s3://"):
        folder = Path(photos).absolute()
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        photos = str(folder)
    # In production only whoever runs the proxy knows how the outside reaches it; until they say so desks ask for news.
    here = f"http://{HOST}:{live_port(port)}/live" if kind == "development" else ""
    return {
        **os.environ,
        **stores,
        "HAIGIO_ENV": kind,
        "HAIGIO_VAR": str(place.var),
        "HAIGIO_VENV": str(place.venv),
        "HAIGIO_PHOTOS": photos,
        "HAIGIO_SECRET": secret,
        "HAIGIO_LIVE_URL": os.environ.get("HAIGIO_LIVE_URL") or here,
        # Push services want to know whom they could write to; a copy to try things on has nobody.
        "HAIGIO_VAPID_SUBJECT": os.environ.get("HAIGIO_VAPID_SUBJECT") or (NOBODY if kind == "development" else ""),
        "PYTHONPATH": str(ROOT),
    }


def _to_tell(environment: Mapping[str, str], kind: str) -> dict[str, str]:
    """Return what ./haigio needs. What production was given may be secret and is not written to the disk."""
    ours = {name: value for name, value in environment.items() if name.startswith("HAIGIO_")}
    if kind == "production":
        return {name: value for name, value in ours.items() if value != os.environ.get(name)}
    return ours


def _prepare(
    place: Place, supervisor: Supervisor, environment: Mapping[str, str], kind: str, options: argparse.Namespace
) -> None:
    """Bring schema, wards, kinds and, in development, staff and demo up to date: one command, for one Python start."""
    verbs = [str(place.python), "-m", "app.commands", "prepare"]
    for file in options.wards:
        verbs += ["--wards", str(file.resolve())]
    if kind == "production":
        verbs.append("--production")
    else:
        verbs += ["--accounts", str(place.accounts)]
        verbs += ["--empty"] if options.empty else []
    status = supervisor.run(verbs, environment, ROOT)
    if status != 0:
        raise Refusal(f"Preparing the database failed (status {status})")


def _processes(place: Place, environment: Mapping[str, str], port: int) -> list[Process]:
    granian = ["granian", "--host", HOST, "--no-ws", "--no-access-log", "--log-level", "warning"]
    granian += ["--respawn-failed-workers", "--workers-kill-timeout", "5"]
    # Requests are logged by the application, without personal data; the server itself only says what goes wrong.
    web = [*granian, "--port", str(port), "--interface", "wsgi", "--workers", "2"]
    web += ["--blocking-threads", str(WEB_THREADS)]
    # One process holds every stream; it refuses by itself what is over 2,000.
    live = [*granian, "--port", str(live_port(port)), "--interface", "asgi", "--workers", "1", "--backpressure", "2200"]
    commands = {"web": [*web, "wsgi:app"], "live": [*live, "app.live:app"]}
    commands |= {name: ["workers", name] for name in ("work", "relay", "schedule")}
    # The web's processes add up their metrics in this folder; those of an earlier start are over.
    metrics = place.var / "metrics"
    shutil.rmtree(metrics, ignore_errors=True)
    metrics.mkdir(mode=0o700)
    of_web = {"PROMETHEUS_MULTIPROC_DIR": str(metrics)}
    return [
        Process(
            name=name,
            argv=[str(place.python), "-m", *command],
            environment={**environment, **(of_web if name == "web" else {})},
            cwd=ROOT,
        )
        for name, command in commands.items()
    ]


def is_ready(port: int) -> bool:
    """Tell whether the web says that everything it needs is there."""
    with closing(http.client.HTTPConnection(HOST, port, timeout=5)) as connection:
        try:
            connection.request("GET", "/health/ready")
            return connection.getresponse().status == http.HTTPStatus.OK
        except (OSError, http.client.HTTPException):
            return False


def _welcome(place: Place, kind: str, port: int) -> None:
    address = f"http://{HOST}:{port}"
    say(
        f"\nHai Giờ runs.\n  Residents {address}/\n  Staff     {address}/desk\n  Leaders   {address}/board\n"
        f"  API       {address}/api/v1\n  Docs      {address}/api/docs\n  Logs      {place.log}"
    )
    if kind == "development" and place.accounts.is_file():
        say(f"  Accounts  {place.accounts}\n\n{accounts_table(json.loads(place.accounts.read_text()))}")
    say("\nCtrl-C stops everything.")


def accounts_table(accounts: list[dict[str, str | None]]) -> str:
    """Return the demo accounts as aligned lines; a role for the whole city has no ward."""
    rows = [("role", "ward", "username", "password")]
    rows += [(a["role"] or "", a["ward"] or "-", a["username"] or "", a["password"] or "") for a in accounts]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return "\n".join("  " + "  ".join(c.ljust(w) for c, w in zip(row, widths, strict=True)).rstrip() for row in rows)
