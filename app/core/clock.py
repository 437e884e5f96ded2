"""The only reader of the clock. Everything else is given `now`."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Final

import structlog

from app.core.errors import Unavailable

log = structlog.get_logger("clock")

# Machines that keep their time by the network differ by milliseconds.
FURTHEST: Final = timedelta(seconds=5)


class ClockWrong(Unavailable):
    """This machine's clock is not the database's. A time that it wrote would stand in somebody's case."""

    code = "clock_wrong"
    vi = "Đồng hồ của máy chủ đang sai nên chưa thể tiếp nhận; hãy thử lại."
    en = "The clock of the server is wrong, so nothing is taken in for the moment; please try again."


def now() -> datetime:
    """The present instant, aware, in UTC, to the microsecond."""
    return datetime.now(UTC)


def compare(theirs: Callable[[], datetime]) -> datetime:
    """What another clock says, which `theirs` asks, when this machine's agrees with it; however long the answer takes.

    Raises ClockWrong when they are more than 5 s apart.
    """
    asked = datetime.now(UTC)
    told = theirs()
    answered = datetime.now(UTC)
    if told < asked - FURTHEST or told > answered + FURTHEST:
        log.error("clock_wrong", ahead_s=round((answered - told).total_seconds(), 1))
        raise ClockWrong
    return told
