"""When the photos of a case that is over go: of the policies in force on the local day it ended, the one for its sort.

Without a policy for that day photos stay, for ever if need be: nothing is erased that nobody decided to erase.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Final, NamedTuple

from geo.validity import Days, day_start, local_day

# The states of a photo in which its original is to be in the store.
LIVING: Final = ("received", "ready", "refused", "kept")

# The smallest step of an instant, here and in the database.
_STEP = timedelta(microseconds=1)


@dataclass(frozen=True)
class Policy:
    """Days of 24 hours after which photos go, None for never, on half-open local days.

    `recorded`: for cases with a record of a violation; the others have a policy of their own.
    """

    recorded: bool
    days: int | None
    valid_from: date
    valid_to: date | None = None


class Window(NamedTuple):
    """Cases of one sort that ended at an instant since `since` and before `before`: their photos are due."""

    recorded: bool
    since: datetime
    before: datetime


def goes_at(ended_at: datetime, *, recorded: bool, policies: Iterable[Policy]) -> datetime | None:
    """The instant at which the photos of a case that ended at `ended_at` go; None is never.

    Later policies change nothing of it: the day of the end decides for good.
    """
    day = local_day(ended_at)
    for policy in policies:
        if policy.recorded == recorded and Days(policy.valid_from, policy.valid_to).contains(day):
            return None if policy.days is None else ended_at + timedelta(days=policy.days)
    return None


def due(policies: Iterable[Policy], now: datetime) -> Sequence[Window]:
    """The rule the other way round, for a look at many cases at once: when those ended whose photos go by now."""
    windows = []
    for policy in policies:
        if policy.days is None:
            continue
        since, before = day_start(policy.valid_from), now - timedelta(days=policy.days) + _STEP
        if policy.valid_to is not None:
            before = min(before, day_start(policy.valid_to))
        if since < before:
            windows.append(Window(policy.recorded, since, before))
    return windows
