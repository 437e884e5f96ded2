"""The whole service under the supervisor of ./run, everything but the web more than once: stage.py FOLDER PORT.

Web, relay, schedule and the stores are the very processes of `./run`, on a durable cluster and a queue of their own in
FOLDER. `stage.json` there says when it is up and how to reach it, `pids.json` which process runs under which number.
It ends by SIGTERM, or when whoever started it is gone.
"""

import json
import os
import sys
import time
from dataclasses import replace
from pathlib import Path

from stack.place import ROOT, Place
from stack.progress import Refusal
from stack.run import _processes
from stack.stores import start_stores
from stack.supervisor import Process, Stop, Supervisor

HOW_MANY = {"web": 1, "live": 1, "work": 3, "relay": 2, "schedule": 2}


def doubles(process: Process) -> list[Process]:
    number = HOW_MANY[process.name]
    return [process] if number == 1 else [replace(process, name=f"{process.name}-{i + 1}") for i in range(number)]


def main() -> None:
    folder, port, parent = Path(sys.argv[1]), int(sys.argv[2]), os.getppid()
    place = Place(var=folder, venv=Path(os.environ["HAIGIO_VENV"]))
    place.log.mkdir(exist_ok=True)
    with Supervisor(place.log) as supervisor:
        stores = start_stores(place, supervisor)
        environment = {**os.environ, **stores.variables(), "HAIGIO_VAR": str(folder), "PYTHONPATH": str(ROOT)}
        environment["HAIGIO_SUPERUSER_DATABASE_URL"] = stores.cluster.url("postgres")
        prepare = [str(place.python), "-m", "app.commands", "prepare", "--empty", "--accounts", str(place.accounts)]
        if supervisor.run(prepare, environment, ROOT) != 0:
            raise Refusal("preparing the database failed")
        running = [double for process in _processes(place, environment, port) for double in doubles(process)]
        for process in running:
            supervisor.start(process)
        tell(folder / "stage.json", environment)
        told: dict[str, int] = {}
        while os.getppid() == parent:
            supervisor.tick()
            pids = {one.name: one.running.pid for one in supervisor._processes if one.running is not None}
            if pids != told:
                tell(folder / "pids.json", pids)
                told = pids
            time.sleep(0.1)


def tell(file: Path, what: dict[str, str] | dict[str, int]) -> None:
    draft = file.with_suffix(".new")
    draft.write_text(json.dumps(what))
    draft.replace(file)


if __name__ == "__main__":
    try:
        main()
    except Stop:
        sys.exit(0)
    except Refusal as refusal:
        sys.exit(str(refusal))
