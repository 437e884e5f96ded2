"""Which rows of the outbox were read. Ids are given in order and become visible out of order. Pure."""

from bisect import bisect_right, insort
from datetime import datetime
from typing import NamedTuple

from app.live.events import LONGEST_COMMIT


class Gap(NamedTuple):
    """Ids that were passed over, first and last included, and when that was noticed."""

    first: int
    last: int
    since: datetime


class Seen:
    """Everything up to `high` was read, but for the gaps, where a transaction may still be under way.

    What does not appear in a gap within 60 seconds was rolled back. A list of gaps stays short however many rows there
    are: a transaction that inserts a thousand rows leaves one.
    """

    def __init__(self, high: int) -> None:
        self.high = high
        self.gaps: list[Gap] = []

    def take(self, row_id: int, now: datetime) -> bool:
        """Note that a row was read; False when it was before."""
        if row_id > self.high:
            if row_id > self.high + 1:
                self.gaps.append(Gap(self.high + 1, row_id - 1, now))
            self.high = row_id
            return True
        place = bisect_right(self.gaps, row_id, key=lambda gap: gap.first) - 1
        if place < 0 or self.gaps[place].last < row_id:
            return False
        gap = self.gaps.pop(place)
        for first, last in ((gap.first, row_id - 1), (row_id + 1, gap.last)):
            if first <= last:
                insort(self.gaps, Gap(first, last, gap.since))
        return True

    def forget(self, read_at: datetime) -> None:
        """Close the gaps that were 60 seconds old when they were last read: nothing will appear there any more."""
        self.gaps = [gap for gap in self.gaps if gap.since > read_at - LONGEST_COMMIT]
