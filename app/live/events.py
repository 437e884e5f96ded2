"""What open desks are told: that a case changed, which one, and nothing else about it. Who hears it. Pure."""

import json
from collections import deque
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

# What the desk is told of each topic of the outbox; of the others it is told nothing.
WHAT: Final[Mapping[str, str]] = {
    "report.received": "received",
    "report.moved": "moved",
    "report.entry": "entry",
    "report.warned": "warned",
    "photo.received": "photo",
    "photo.ready": "photo",
    "photo.refused": "photo",
    "video.received": "photo",
    "video.ready": "photo",
    "decision.entered": "decision",
}

REMEMBERED: Final = timedelta(minutes=10)
MOST_REMEMBERED: Final = 10_000

# Between a row's instant and its commit, at most: the database ends a statement after 30 seconds.
LONGEST_COMMIT: Final = timedelta(seconds=60)

# "retry" is how long a browser waits, in ms, before it comes again by itself.
OPENING: Final = b"retry: 2000\n\n"
PULSE: Final = b": \n\n"
# An event without data is none (WHATWG HTML, 9.2.6).
RESET: Final = b"event: reset\ndata: {}\n\n"


@dataclass(frozen=True, slots=True)
class Event:
    """A change of a case. `id` is that of its outbox row, `at` the instant of the transaction that wrote it."""

    id: int
    units: frozenset[int]
    what: str
    report_id: str
    at: datetime

    @property
    def frame(self) -> bytes:
        """The event as it goes to a browser."""
        said = json.dumps({"report": self.report_id, "what": self.what}, separators=(",", ":"))
        return f"id: {self.id}\nevent: case\ndata: {said}\n\n".encode()


def event_of(row_id: int, topic: str, payload: Mapping[str, Any], at: datetime) -> Event | None:
    """The event that an outbox row is, None when it is none: of another topic, or of no report of any unit."""
    what, report_id, units = WHAT.get(topic), payload.get("report_id"), payload.get("units")
    if what is None or not report_id or not isinstance(units, list) or not units:
        return None
    return Event(row_id, frozenset(units), what, str(report_id), at)


def hears(units: frozenset[int] | None, event: Event) -> bool:
    """Whether somebody who reads the queues of these units hears of it; None is every unit.

    What a case was handed over to and from both hear; what the desk reviews, the desk hears too.
    """
    return units is None or not units.isdisjoint(event.units)


class Log:
    """The events of the last ten minutes, in the order in which they were seen.

    `lost_until` is the instant of the latest one that is not remembered, None while all that ever were are.
    """

    def __init__(self) -> None:
        self._events: deque[Event] = deque()
        self.lost_until: datetime | None = None

    def __len__(self) -> int:
        return len(self._events)

    def add(self, events: Iterable[Event], *, now: datetime) -> None:
        """Remember these, and forget what is too old or too much."""
        self._events.extend(events)
        while self._events and (len(self._events) > MOST_REMEMBERED or self._events[0].at <= now - REMEMBERED):
            self.lose(self._events.popleft().at)

    def lose(self, at: datetime) -> None:
        """Note that something of this instant is not remembered."""
        self.lost_until = max(at, self.lost_until or at)

    def after(self, last: int, units: frozenset[int] | None) -> list[Event] | None:
        """What somebody has to hear whose last event was `last`; None when nobody can tell: then all may be new.

        Ids become visible out of order. So whatever may have been committed after the last event was seen comes too:
        some of it a second time, which does no harm.
        """
        known = max((event for event in self._events if event.id <= last), key=lambda event: event.id, default=None)
        if known is None:
            return None
        since = known.at - LONGEST_COMMIT
        if self.lost_until is not None and since <= self.lost_until:
            return None
        return [
            event
            for event in self._events
            if event.id != last and (event.id > last or event.at >= since) and hears(units, event)
        ]
