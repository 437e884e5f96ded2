"""./test and bench/run: the tests and the benches, against stores of their own."""

import os
import secrets
import shutil
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager

from stack.browser import find_browser, wanted_by
from stack.javascript import find_javascript
from stack.packages import DEVELOPMENT, install
from stack.place import ROOT, Place, find_place
from stack.progress import Refusal, complain, say
from stack.stores import start_stores
from stack.supervisor import Supervisor

BENCHES = ("create", "queue", "latency", "photos", "blur", "live", "relay", "small", "sweep", "uploads")


def test(arguments: list[str]) -> int:
    """Run pytest with the arguments (the whole suite when none are given) and return its status.

    Without a Chromium the tests in a browser are left out, and without what npm brings those that send with tus-js-client;
    unless HAIGIO_BROWSER=needed, as .ci/run says.

    Raises:
        Refusal: the stores cannot be started, or a Chromium or what npm brings is needed and cannot be had.
        Stop: somebody asked it to stop.
    """
    with _prepared("test") as place:
        javascript, browser, left_out = {}, {}, ""
        try:
            javascript = {"HAIGIO_JAVASCRIPT": str(find_javascript(place))}
        except Refusal as refusal:
            if os.environ.get("HAIGIO_BROWSER") == "needed":
                raise
            left_out = f"\nTHE TESTS WITH TUS-JS-CLIENT ARE LEFT OUT. {str(refusal).partition(chr(10))[0]}"
            complain(left_out)
        if wanted_by(arguments):
            try:
                browser = {"HAIGIO_CHROMIUM": find_browser(place, os.environ)}
            except Refusal as refusal:
                if os.environ.get("HAIGIO_BROWSER") == "needed":
                    raise
                why = str(refusal).partition("\n")[0]
                no_browser = f"\nTHE TESTS IN A BROWSER (tests/browser) ARE LEFT OUT. {why}"
                complain(no_browser)
                left_out += no_browser
        status = _beside_stores(place, [["-m", "pytest", "-n", "2", *arguments]], {**javascript, **browser})
        if left_out:
            complain(left_out)  # once more, where it is read
        return status


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
    with _prepared("bench") as place:
        return _beside_stores(place, [["-m", f"bench.{name}", *options] for name in named or BENCHES])


@contextmanager
def _prepared(inside: str) -> Iterator[Place]:
    """Hold a place inside the copy's own, its environment filled, while a command runs."""
    place = find_place(os.environ, inside=inside)
    with place.locked(f"./{inside}"):
        install(place, DEVELOPMENT)
        yield place


def _beside_stores(place: Place, commands: Sequence[list[str]], more: Mapping[str, str] | None = None) -> int:
    """Run Python commands against a cluster and a queue of their own; the first status that is not 0, or 0.

    Nothing of a running copy is touched: folder, cluster, sockets and queue are others. Of the caller's variables for
    Hai Giờ the commands see none, only ours and `more`.
    """
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
            **(more or {}),
        }
        for command in commands:
            if command[1].startswith("bench."):
                say(f"\n== {command[1]}")
            status = supervisor.run([str(place.python), *command], environment, ROOT)
            if status != 0:
                return status
        return 0
