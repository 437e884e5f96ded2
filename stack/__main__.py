"""python3 -m stack run|test|bench|install ...: called by the scripts at the top of the checkout."""

import os
import sys

from stack.packages import DEVELOPMENT, install
from stack.place import find_place
from stack.progress import Refusal, complain
from stack.run import run
from stack.supervisor import Stop, stop_at_signals
from stack.tests import bench, test


def install_everything(_arguments: list[str]) -> int:
    """Only fill the virtual environment, linters included: the first step of .ci/run."""
    install(find_place(os.environ), DEVELOPMENT)
    return 0


COMMANDS = {"run": run, "test": test, "bench": bench, "install": install_everything}


def main(argv: list[str]) -> int:
    """Run a command and turn what ends it into an exit status."""
    if not argv or argv[0] not in COMMANDS:
        complain(f"python3 -m stack {'|'.join(COMMANDS)} ...")
        return 2
    stop_at_signals()
    try:
        return COMMANDS[argv[0]](argv[1:])
    except Refusal as refusal:
        complain(f"\n{refusal}")
        return 1
    except Stop as stop:
        return 0 if argv[0] == "run" else 128 + stop.number


sys.exit(main(sys.argv[1:]))
