"""`python -m workers work|relay|schedule`: plain foreground processes, stopped by SIGTERM or Ctrl-C."""

import argparse
import sys

from app.config import SettingsError, read_settings
from workers import logs, supervisor
from workers.queues import QUEUES


def main() -> int:
    """Run what the command line names; return the status."""
    parser = argparse.ArgumentParser(prog="python -m workers", description=__doc__)
    parser.add_argument("process", choices=("work", "relay", "schedule"))
    parser.add_argument(
        "queue", nargs="?", choices=tuple(QUEUES), help="work: on this queue only, under another process"
    )
    arguments = parser.parse_args()
    logs.configure()
    try:
        settings = read_settings()
    except SettingsError as refusal:
        print(refusal, file=sys.stderr)  # noqa: T201 -- said to whoever started it
        return 2
    # Each process imports what it needs: the relay never loads an image library.
    if arguments.process == "work" and arguments.queue is not None:
        from workers import work  # noqa: PLC0415

        supervisor.die_with_parent()
        work.work(QUEUES[arguments.queue], settings)
        return 0
    supervisor.stop_on_signals()
    if arguments.process == "work":
        supervisor.supervise()
    elif arguments.process == "relay":
        from workers import relay  # noqa: PLC0415

        relay.run(settings)
    else:
        from workers import schedule  # noqa: PLC0415

        schedule.run(settings)
    return 0


if __name__ == "__main__":
    sys.exit(main())
