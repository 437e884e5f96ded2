"""The time a case has: used, left, stopped. Pure arithmetic on four instants; nobody else adds or subtracts them.

A case must be dealt with by `due_at`. While it is stopped, time stands still; when it runs again, `due_at` moves by
the time stood still. The due instant itself is still on time.
"""

import math
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum

# Longer than this a question to the resident stops no clock (design 3.5).
LONGEST_STOP = timedelta(hours=24)


class Running(StrEnum):
    """What the clock of a case does."""

    RUNS = "runs"
    STOPPED = "stopped"
    ENDED = "ended"


@dataclass(frozen=True)
class Stopwatch:
    """The clock of one case. `stopped_s` sums whole seconds stood still; all instants are aware."""

    due_at: datetime
    stopped_at: datetime | None = None
    stopped_s: int = 0
    ended_at: datetime | None = None

    @property
    def running(self) -> Running:
        """Whether time runs."""
        if self.ended_at is not None:
            return Running.ENDED
        return Running.RUNS if self.stopped_at is None else Running.STOPPED

    def seconds_left(self, now: datetime) -> int:
        """Whole seconds until due, negative when overdue; the figure at which a stopped or ended clock stands."""
        standing = self.ended_at or self.stopped_at or now
        return math.floor((self.due_at - standing).total_seconds())

    def is_overdue(self, now: datetime) -> bool:
        """Whether the time was up before the case ended, was stopped, or before now."""
        return (self.ended_at or self.stopped_at or now) > self.due_at

    def stop(self, now: datetime) -> "Stopwatch":
        """Stand still from now on."""
        return replace(self, stopped_at=now)

    def resume(self, now: datetime) -> "Stopwatch":
        """Run again: due moves by the time stood still, of which 24 hours count at most, however late the call."""
        if self.stopped_at is None:
            return self
        return replace(self._moved(min(now - self.stopped_at, LONGEST_STOP)), stopped_at=None)

    def end(self, now: datetime) -> "Stopwatch":
        """The case is dealt with (or withdrawn); a clock that stood still resumes first."""
        return replace(self.resume(now), ended_at=now)

    def go_on(self, now: datetime) -> "Stopwatch":
        """A case that had ended is open again, with the time that was left: it stood still since it ended."""
        if self.ended_at is None:
            return self
        return replace(self._moved(now - self.ended_at), ended_at=None)

    def _moved(self, stood: timedelta) -> "Stopwatch":
        stood = max(stood, timedelta(0))
        return replace(self, due_at=self.due_at + stood, stopped_s=self.stopped_s + math.floor(stood.total_seconds()))
