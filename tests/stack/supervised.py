"""A small program around the supervisor, for the tests: supervised.py FOLDER NAME=SHELL...

The processes are shell lines. One whose name begins with "store" is stopped last. With "until=FILE" it waits for that
file as ./run waits for the web, then prints "up".
"""

import os
import sys
from pathlib import Path

from stack.progress import Refusal
from stack.supervisor import Process, Stop, Supervisor

folder = Path(sys.argv[1])
lines = dict(argument.split("=", 1) for argument in sys.argv[2:])
until = folder / lines.pop("until", "")
try:
    with Supervisor(folder) as supervisor:
        for name, line in lines.items():
            argv = ["/bin/sh", "-c", line]
            last = name.startswith("store")
            supervisor.start(Process(name, argv, os.environ, folder, stop_seconds=1, last=last))
        supervisor.wait_for(next(iter(lines)), until.exists, 30)
        print("up", flush=True)  # noqa: T201
        supervisor.forever()
except Stop:
    sys.exit(0)
except Refusal as refusal:
    sys.exit(str(refusal))
