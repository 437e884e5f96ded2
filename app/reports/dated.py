"""Lists with days: what a new edition of a list changes, without ever rewriting what was true on a past day.

A stored row is only ever given an end. Where an edition says something else, the row that is in force ends and a new
one begins; what was reported under the old one goes on being read by it.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Generic, TypeVar

from geo.validity import Days

Content = TypeVar("Content")

_ONE_DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Dated(Generic[Content]):
    """What holds (`content`) and on which days (half-open)."""

    content: Content
    days: Days


@dataclass(slots=True)
class Changes(Generic[Content]):
    """The first day on which the last stored row no longer holds, if it ends, and what begins then or later."""

    last_ends: date | None = None
    begins: list[Dated[Content]] = field(default_factory=list)


def compare(stored: Sequence[Dated[Content]], wanted: Sequence[Dated[Content]], earliest: date) -> Changes[Content]:
    """Return what brings the stored versions of one thing, in the order of their days, to what an edition wants.

    `earliest` is the first day on which anything may change (tomorrow: a day is judged by one edition). The first
    edition is taken as it is dated, past days included. Of later ones only the newest version that began no later than
    the last stored one did, and versions still to come, are looked at: the past is not rewritten. A thing is taken off the
    list by the day on which it ends, not by being left out: what an administrator added is in no edition.
    """
    if not stored:
        return Changes(begins=list(wanted))
    last = stored[-1]
    begun = [version for version in wanted if not version.days.begins_after(last.days)]
    coming = [version for version in wanted if version.days.begins_after(last.days)]
    ends = coming[0].days.first if coming else None
    change = earliest if last.days.first is None else max(earliest, last.days.first + _ONE_DAY)
    changes: Changes[Content] = Changes(begins=coming)

    if begun and begun[-1].content == last.content:
        ends = ends or begun[-1].days.until
    elif begun:
        until = ends or begun[-1].days.until
        if until is None or change < until:
            changes.begins = [Dated(begun[-1].content, Days(change, until)), *coming]
            ends = change
    if ends is not None and (last.days.until is None or ends < last.days.until):
        changes.last_ends = ends
    return changes
