"""The time a case has: used, left, stopped. Pure arithmetic on four instants; nobody else adds or subtracts them.

A case must be dealt with by `due_at`; the due instant itself is still on time. The time left is time of its calendar.
While the case is stopped none of it passes: when it runs again, due is as much working time away as it was before.

What is past due is overdue by time on the wall, whatever the calendar: nights and holidays make a resident wait too.
Where the calendar lacks a year, the time on the wall stands in for it, as for a case received in such a year (see
`policies.due`), and `missing_year` says so to whoever moved the clock.
"""

import math
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum

from app.targets.calendar import ROUND_THE_CLOCK, Calendar, YearMissing

# Longer than this a question to the resident stops no clock (design 3.5).
LONGEST_STOP = timedelta(hours=24)


class Running(StrEnum):
    """What the clock of a case does."""

    RUNS = "runs"
    STOPPED = "stopped"
    ENDED = "ended"


@dataclass(frozen=True)
class Stopwatch:
    """The clock of one case. `stopped_s` sums whole seconds on the wall that it stood still; all instants are aware."""

    due_at: datetime
    stopped_at: datetime | None = None
    stopped_s: int = 0
    ended_at: datetime | None = None
    calendar: Calendar = ROUND_THE_CLOCK
    missing_year: int | None = None

    @property
    def running(self) -> Running:
        """Whether time runs."""
        if self.ended_at is not None:
            return Running.ENDED
        return Running.RUNS if self.stopped_at is None else Running.STOPPED

    def seconds_left(self, now: datetime) -> int:
        """Whole working seconds until due; when overdue, seconds on the wall since then, negative.

        A clock that is stopped or has ended stands at the figure of that instant.
        """
        return math.floor(self._left(self._standing(now)).total_seconds())

    def seconds_used(self, now: datetime, allowed: timedelta) -> int:
        """Whole seconds used up of what the case was allowed: more than that when overdue."""
        return math.ceil((allowed - self._left(self._standing(now))).total_seconds())

    def is_overdue(self, now: datetime) -> bool:
        """Whether the time was up before the case ended, was stopped, or before now."""
        return self._standing(now) > self.due_at

    @property
    def due_if_unanswered(self) -> datetime | None:
        """When a stopped case will be due if its question stays unanswered for 24 hours; None of any other."""
        return None if self.stopped_at is None else self.resume(self.stopped_at + LONGEST_STOP).due_at

    def stop(self, now: datetime) -> "Stopwatch":
        """Stand still from now on."""
        return replace(self, stopped_at=now)

    def resume(self, now: datetime) -> "Stopwatch":
        """Run again with what was left: due moves on, for a stop of 24 hours at most, however late the call."""
        if self.stopped_at is None:
            return self
        return replace(self._moved(self.stopped_at, min(now, self.stopped_at + LONGEST_STOP)), stopped_at=None)

    def end(self, now: datetime) -> "Stopwatch":
        """The case is dealt with (or withdrawn); a clock that stood still resumes first."""
        return replace(self.resume(now), ended_at=now)

    def go_on(self, now: datetime) -> "Stopwatch":
        """A case that had ended is open again, with the time that was left: it stood still since it ended."""
        if self.ended_at is None:
            return self
        return replace(self._moved(self.ended_at, now), ended_at=None)

    def _standing(self, now: datetime) -> datetime:
        return self.ended_at or self.stopped_at or now

    def _left(self, at: datetime) -> timedelta:
        if at > self.due_at:
            return self.due_at - at
        try:
            return self.calendar.between(at, self.due_at)
        except YearMissing:
            return self.due_at - at

    def _moved(self, stood_from: datetime, until: datetime) -> "Stopwatch":
        """Due as far from `until` as it was from `stood_from`; never earlier than it was."""
        until = max(stood_from, until)
        stood = until - stood_from
        missing_year = None
        due_at = self.due_at + stood
        if stood and stood_from <= self.due_at:
            try:
                due_at = self.calendar.add(until, self.calendar.between(stood_from, self.due_at))
            except YearMissing as missing:
                missing_year = missing.year
        return replace(
            self,
            due_at=max(self.due_at, due_at),
            stopped_s=self.stopped_s + math.floor(stood.total_seconds()),
            missing_year=missing_year,
        )
