"""./test and bench/run: the tests and the benches, against stores of their own."""

import os
import secrets
import shutil
from collections.abc import Callable

from stack.packages import DEVELOPMENT, install
from stack.place import ROOT, Place, find_place
from stack.progress import Refusal, say
from stack.stores import start_stores
from stack.supervisor import Supervisor

BENCHES = ("create", "queue", "latency", "photos")


def test(arguments: list[str]) -> int:
    """Run pytest with the arguments (the whole suite when none are given) and return its status.

    Raises:
        Refusal: the stores cannot be started.
        Stop: somebody asked it to stop.
    """
    return _beside_stores("test", lambda _: [["-m", "pytest", "-n", "2", *arguments]])


def bench(arguments: list[str]) -> int:
    """Run the named benches, all of them when none is named, one after the other; options go to each.

    Raises:
        Refusal: there is no such bench, or the stores cannot be started.
        Stop: somebody asked it to stop.
    """
    named = [word for word in arguments if not word.startswith("-") and not word.isdigit()]
    unknown = [word for word in named if word not in BENCHES]
    if unknown:
        raise Refusal(f"bench/run {unknown[0]}: there are {', '.join(BENCHES)}")
    options = [word for word in arguments if word not in named]
    return _beside_stores("bench", lambda _: [["-m", f"bench.{name}", *options] for name in named or BENCHES])


def _beside_stores(inside: str, commands: Callable[[Place], list[list[str]]]) -> int:
    """Run Python commands against a cluster and a queue of their own; the first status that is not 0, or 0.

    Nothing of a running copy is touched: folder, cluster, sockets and queue are others. The environment of the
    caller decides where the folder lies and nothing else.
    """
    place = find_place(os.environ, inside=inside)
    with place.locked(f"./{inside}"):
        install(place, DEVELOPMENT)
        for folder in ("photos", "valkey"):
            shutil.rmtree(place.var / folder, ignore_errors=True)
        (place.var / "photos").mkdir(mode=0o700)
        with Supervisor(place.log) as supervisor:
            stores = start_stores(place, supervisor, throwaway=True)
            environment = {
                **{name: value for name, value in os.environ.items() if not name.startswith("HAIGIO_")},
                **stores.variables_for_tests(),
                "HAIGIO_ENV": "test",
                "HAIGIO_VAR": str(place.var),
                "HAIGIO_VENV": str(place.venv),
                "HAIGIO_PHOTOS": str(place.var / "photos"),
                "HAIGIO_SECRET": secrets.token_urlsafe(48),
                "PYTHONPATH": str(ROOT),
            }
            for command in commands(place):
                if inside == "bench":
                    say(f"\n== {command[1]}")
                status = supervisor.run([str(place.python), *command], environment, ROOT)
                if status != 0:
                    return status
            return 0
