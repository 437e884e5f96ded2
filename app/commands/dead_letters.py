"""Dead letters at a terminal: shown, tried again, dropped."""

import getpass
import json
from collections.abc import Callable, Iterator, Sequence
from datetime import datetime
from typing import Any

from app.commands.place import Place
from app.core import clock, dead_letters
from app.core.outbox import OutboxMessage
from geo.validity import LOCAL_ZONE

# How many are tried again in one transaction.
BATCH = 500


def table(place: Place, *, topic: str | None, limit: int) -> Iterator[str]:
    """The lines of a table, the last given up first."""
    with place.database.unit_of_work() as session:
        found = dead_letters.dead_letters(session, limit + 1, topic=topic)
    if not found:
        yield "No dead letters."
        return
    rows = [("id", "topic", "given up", "tries", "why", "about")]
    rows += [
        (str(one.id), one.topic, _local(one.given_up_at), str(one.sends), one.failed or "", _ids(one.payload))
        for one in found[:limit]
    ]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    for row in rows:
        yield "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
    if len(found) > limit:
        yield f"... and more: --limit shows up to 1000, {limit} are shown"


def retry(place: Place, ids: Sequence[int]) -> str:
    """Have these tried again, all or none. Raises DeadLetterNotFound."""
    return f"{_each(place, ids, dead_letters.retry)} will be tried again within seconds"


def retry_topic(place: Place, topic: str) -> str:
    """Have all those on a topic tried again that are given up now."""
    number = 0
    while True:
        now = clock.now()
        with place.database.unit_of_work() as session:
            found: Sequence[OutboxMessage] = dead_letters.dead_letters(session, BATCH, topic=topic)
            for message in found:
                dead_letters.retry(session, message.id, at=now, by=None, terminal=getpass.getuser())
        number += len(found)
        if len(found) < BATCH:
            return f"{number} will be tried again within seconds"


def drop(place: Place, ids: Sequence[int]) -> str:
    """Let these be, all or none. Raises DeadLetterNotFound."""
    return f"{_each(place, ids, dead_letters.drop)} dropped"


def _each(place: Place, ids: Sequence[int], act: Callable[..., None]) -> int:
    now, each = clock.now(), dict.fromkeys(ids)
    with place.database.unit_of_work() as session:
        for message_id in each:
            act(session, message_id, at=now, by=None, terminal=getpass.getuser())
    return len(each)


def _local(instant: datetime | None) -> str:
    return f"{instant.astimezone(LOCAL_ZONE):%Y-%m-%d %H:%M}" if instant else ""


def _ids(payload: dict[str, Any]) -> str:
    return " ".join(
        f"{name}={value if isinstance(value, str) else json.dumps(value)}" for name, value in payload.items()
    )
