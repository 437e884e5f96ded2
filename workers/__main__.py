"""`python -m workers work [QUEUE]|relay|schedule`: plain foreground processes, stopped by SIGTERM or Ctrl-C."""

import argparse
import signal
import sys
from types import FrameType
from typing import NoReturn

from app.config import SettingsError, read_settings
from workers import logs
from workers.queues import QUEUES, WORKERS


def main() -> int:
    """Run what the command line names; return the status."""
    parser = argparse.ArgumentParser(prog="python -m workers", description=__doc__)
    parser.add_argument("process", choices=("work", "relay", "schedule"))
    parser.add_argument(
        "queue", nargs="?", choices=tuple(QUEUES), help="work: on this queue only, beside workers that do all"
    )
    arguments = parser.parse_args()
    logs.configure()
    try:
        settings = read_settings()
    except SettingsError as refusal:
        print(refusal, file=sys.stderr)  # noqa: T201 -- said to whoever started it
        return 2
    stop_on_signals()
    # Each process imports what it needs: the relay never loads an image library.
    if arguments.process == "work":
        from workers import supervisor  # noqa: PLC0415

        only = arguments.queue
        supervisor.supervise([[QUEUES[only]]] if only else WORKERS, settings)
    elif arguments.process == "relay":
        from workers import relay  # noqa: PLC0415

        relay.run(settings)
    else:
        from workers import schedule  # noqa: PLC0415

        schedule.run(settings)
    return 0


def stop_on_signals() -> None:
    """Turn SIGTERM and SIGINT into SystemExit, so that every `with` and `finally` is run."""

    def stop(_number: int, _frame: FrameType | None) -> NoReturn:
        raise SystemExit(0)

    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, stop)


if __name__ == "__main__":
    sys.exit(main())
