"""Who is on duty in a unit, by dated shifts. Where nothing is said, everybody is, always. Pure."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from uuid import UUID

from geo.validity import LOCAL_ZONE, Days

_DAY = timedelta(days=1)


@dataclass(frozen=True)
class Shift:
    """A person's hours in a unit on some weekdays (ISO: 1 is Monday) of a period of local days.

    `starts` and `ends` are local times, half-open. One that ends no later than it starts goes on over midnight (the
    same time twice is a day and a night), and belongs to the weekday, and to the period, of the day on which it begins.
    """

    person: UUID
    unit_id: int
    weekdays: frozenset[int]
    starts: time
    ends: time
    days: Days

    def begins_on(self, day: date) -> bool:
        """Whether the person takes up this duty on a local day."""
        return self.days.contains(day) and day.isoweekday() in self.weekdays

    def covers(self, at: datetime) -> bool:
        """Whether the person is on duty at an instant, by this shift."""
        local = at.astimezone(LOCAL_ZONE)
        day, clock = local.date(), local.time()
        if self.starts < self.ends:
            return self.begins_on(day) and self.starts <= clock < self.ends
        return (self.begins_on(day) and self.starts <= clock) or (self.begins_on(day - _DAY) and clock < self.ends)


def on_duty(shifts: Iterable[Shift], at: datetime) -> frozenset[UUID] | None:
    """Who is on duty by the shifts of one unit; None when they say nothing, so that everybody is.

    They say something on every local day on which one of them is in force, and for as long as a night shift of the
    last of these days goes on. Nobody at all is an answer too: the empty set.
    """
    shifts = tuple(shifts)
    on = frozenset(shift.person for shift in shifts if shift.covers(at))
    day = at.astimezone(LOCAL_ZONE).date()
    return on if on or any(shift.days.contains(day) for shift in shifts) else None
