"""Days on which a ward version is valid, and which day it is in Viet Nam.

The one place that compares dates. Periods are half-open, [first, until), and None is unbounded: two versions that meet
share no day and leave none out.
"""

from datetime import UTC, date, datetime, time, timedelta
from typing import NamedTuple
from zoneinfo import ZoneInfo

LOCAL_ZONE = ZoneInfo("Asia/Ho_Chi_Minh")

_ONE_DAY = timedelta(days=1)


def local_day(instant: datetime) -> date:
    """The calendar day in Viet Nam at an instant: 2025-06-30T17:00:00Z is already 1 July.

    Raises:
        ValueError: the instant has no offset, so that nobody knows which one it is.
    """
    if instant.tzinfo is None or instant.utcoffset() is None:
        raise ValueError(f"an instant needs an offset: {instant!r}")
    return instant.astimezone(LOCAL_ZONE).date()


def day_start(day: date) -> datetime:
    """The instant, in UTC, at which a local day begins."""
    return datetime.combine(day, time.min, tzinfo=LOCAL_ZONE).astimezone(UTC)


class Days(NamedTuple):
    """The half-open period of local days [first, until); None is unbounded."""

    first: date | None = None
    until: date | None = None

    @classmethod
    def through(cls, first: date | None, last: date | None) -> "Days":
        """The period from `first` to `last`, both included, as laws and boundary files have it.

        Raises:
            ValueError: the period ends before it begins, or after the last day that a date can hold.
        """
        if first is not None and last is not None and last < first:
            raise ValueError(f"the last day {last} is before the first day {first}")
        if last == date.max:
            raise ValueError(f"no day follows {last}; leave the last day out if the period is open")
        return cls(first, None if last is None else last + _ONE_DAY)

    @property
    def last(self) -> date | None:
        """The last day that belongs to the period, or None."""
        return None if self.until is None else self.until - _ONE_DAY

    def contains(self, day: date) -> bool:
        """Whether the day belongs to the period."""
        return (self.first is None or self.first <= day) and (self.until is None or day < self.until)

    def overlaps(self, other: "Days") -> bool:
        """Whether the two periods share a day."""
        return _begins_before_end(self.first, other.until) and _begins_before_end(other.first, self.until)

    def begins_after(self, other: "Days") -> bool:
        """Whether this period begins on a later day than the other one."""
        return self.first is not None and (other.first is None or other.first < self.first)

    def meets(self, later: "Days") -> bool:
        """Whether `later` begins on the day on which this period is over."""
        return self.until is not None and self.until == later.first

    def __str__(self) -> str:
        return f"{self.first or '...'} to {self.last or '...'}"


def change_days(periods: list[Days]) -> list[date]:
    """The days, in order, on which any of the periods begins or is over."""
    return sorted({day for period in periods for day in period if day is not None})


def _begins_before_end(first: date | None, until: date | None) -> bool:
    return first is None or until is None or first < until
