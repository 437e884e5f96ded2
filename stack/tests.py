"""./test: the tests, against stores of their own."""

import os
import secrets
import shutil

from stack.packages import DEVELOPMENT, install
from stack.place import ROOT, find_place
from stack.stores import start_stores
from stack.supervisor import Supervisor


def test(arguments: list[str]) -> int:
    """Run pytest with the arguments (the whole suite when none are given) and return its status.

    Nothing of a running copy is touched: folder, cluster, sockets and queue are others. The environment of the
    caller decides where the folder lies and nothing else.

    Raises:
        Refusal: the stores cannot be started.
        Stop: somebody asked it to stop.
    """
    place = find_place(os.environ, inside="test")
    with place.locked("./test"):
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
            return supervisor.run([str(place.python), "-m", "pytest", "-n", "2", *arguments], environment, ROOT)
