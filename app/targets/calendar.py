"""Working time: when a calendar is open, and how instants move by hours that count. Pure.

Opening hours are local spans of each weekday. A day off has none; a make-up day (the state swaps days around its
holidays) has those of the weekday that it stands for. Only years whose holidays were brought in are reckoned with:
whoever asks beyond them is told which year is missing, and gets no guess.
"""

import re
from bisect import bisect_left, bisect_right
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from functools import cached_property
from typing import NamedTuple

from geo.validity import day_start, local_day

_NOTHING = timedelta(0)
_DAY = timedelta(days=1)
_SPAN = re.compile(r"([01]\d|2[0-3]):([0-5]\d)-(?:([01]\d|2[0-3]):([0-5]\d)|24:00)", re.ASCII)


class YearMissing(Exception):
    """The answer needs a day of a year whose holidays nobody brought in."""

    def __init__(self, year: int) -> None:
        super().__init__(f"the holidays of {year} are not loaded")
        self.year = year


class Span(NamedTuple):
    """Open from one time of a local day until before another, both counted from its beginning."""

    starts: timedelta
    ends: timedelta


def spans(texts: Sequence[str]) -> tuple[Span, ...]:
    """Spans as people write them, `07:30-11:30`, in order; `24:00` is the end of the day.

    Raises:
        ValueError: one is no span, or begins before the one in front of it ends.
    """
    read: list[Span] = []
    for said in texts:
        found = _SPAN.fullmatch(said)
        if found is None:
            raise ValueError(f"{said!r} is not like 07:30-11:30")
        hours, minutes, until_hours, until_minutes = (None if part is None else int(part) for part in found.groups())
        starts = timedelta(hours=hours or 0, minutes=minutes or 0)
        ends = _DAY if until_hours is None else timedelta(hours=until_hours, minutes=until_minutes or 0)
        if ends <= starts or (read and starts < read[-1].ends):
            raise ValueError(f"{said!r} ends before it begins, or begins before the span in front of it ends")
        read.append(Span(starts, ends))
    return tuple(read)


@dataclass(frozen=True, eq=False)
class Calendar:
    """When work is done.

    `hours` by ISO weekday (1 is Monday), `off` the days without any, `instead` the make-up days and the weekday whose
    hours each has, `years` those that are loaded. `add` and `between` look two positions up in a table of spans, which
    is made when it is first needed: they cost microseconds, however far apart the instants are.
    """

    code: str
    hours: Mapping[int, tuple[Span, ...]]
    off: frozenset[date] = frozenset()
    instead: Mapping[date, int] = field(default_factory=dict)
    years: frozenset[int] = frozenset()

    def add(self, start: datetime, working: timedelta) -> datetime:
        """The instant, in UTC, that lies so much working time after `start`, before it when `working` is negative.

        Forwards it is the earliest such instant: what ends with the day's work ends at closing time. Backwards it is
        the latest: what begins with the day's work begins at opening time. Nothing added is `start` itself.

        Raises:
            YearMissing: `start` or the answer lies in a year that is not loaded.
        """
        if not working:
            return start
        run = self._run(local_day(start).year)
        done = run.done_by(start) + working
        return run.earliest(done) if working > _NOTHING else run.latest(done)

    def between(self, start: datetime, end: datetime) -> timedelta:
        """The working time from one instant until another, negative when the other one is earlier.

        Raises:
            YearMissing: a year of this time is not loaded.
        """
        if end < start:
            return -self.between(end, start)
        if start == end:
            return _NOTHING
        run = self._run(local_day(start).year)
        if end > run.until:
            raise YearMissing(run.last_year + 1)
        return run.done_by(end) - run.done_by(start)

    def open_on(self, day: date) -> tuple[Span, ...]:
        """The spans of a local day of a loaded year."""
        if day in self.off:
            return ()
        return self.hours.get(self.instead.get(day, day.isoweekday()), ())

    def _run(self, year: int) -> "_Run":
        run = self._runs.get(year)
        if run is None:
            raise YearMissing(year)
        return run

    @cached_property
    def _runs(self) -> Mapping[int, "_Run"]:
        """By year, the table of the unbroken run of loaded years that it belongs to."""
        runs: dict[int, _Run] = {}
        for first in sorted(self.years):
            if first in runs:
                continue
            last = first
            while last + 1 in self.years:
                last += 1
            runs.update(dict.fromkeys(range(first, last + 1), self._tabulate(first, last)))
        return runs

    def _tabulate(self, first: int, last: int) -> "_Run":
        opens: list[datetime] = []
        done = [_NOTHING]
        for day in _days(first, last):
            begins = day_start(day)
            for span in self.open_on(day):
                opens.append(begins + span.starts)
                done.append(done[-1] + span.ends - span.starts)
        return _Run(first, last, day_start(date(last + 1, 1, 1)), opens, done)


class _Run(NamedTuple):
    """All open spans of consecutive years: when each begins, and the working time before it (at the end: all of it)."""

    first_year: int
    last_year: int
    until: datetime
    opens: Sequence[datetime]
    done: Sequence[timedelta]

    def done_by(self, at: datetime) -> timedelta:
        """The working time from the beginning of the run until an instant of it."""
        place = bisect_right(self.opens, at) - 1
        return _NOTHING if place < 0 else min(self.done[place] + (at - self.opens[place]), self.done[place + 1])

    def earliest(self, done: timedelta) -> datetime:
        """The first instant by which so much is done."""
        if done > self.done[-1]:
            raise YearMissing(self.last_year + 1)
        place = bisect_left(self.done, done) - 1
        return self.opens[place] + (done - self.done[place])

    def latest(self, done: timedelta) -> datetime:
        """The last instant by which no more is done."""
        if done < _NOTHING:
            raise YearMissing(self.first_year - 1)
        place = bisect_right(self.done, done) - 1
        return self.opens[place] + (done - self.done[place])


class _RoundTheClock(Calendar):
    """Always open: no year is ever missing, and working time is time."""

    def add(self, start: datetime, working: timedelta) -> datetime:
        return start + working

    def between(self, start: datetime, end: datetime) -> timedelta:
        return end - start


ROUND_THE_CLOCK: Calendar = _RoundTheClock("", {weekday: (Span(_NOTHING, _DAY),) for weekday in range(1, 8)})


def _days(first_year: int, last_year: int) -> Iterator[date]:
    day, end = date(first_year, 1, 1), date(last_year + 1, 1, 1)
    while day < end:
        yield day
        day += _DAY
