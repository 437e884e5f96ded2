"""Duplicates: when two reports are of one incident, and what becomes of one whose fate hangs on another. Pure.

The earliest report of an incident is its *root*, the others are its duplicates: concluded as such, each pointing at the
root and never at another duplicate. So there is one job, however many reported it.

*By place*, a report may be of the same incident as another of its kind within 30 m. *By photo*, as one that shows the same
picture, or nearly, within 200 m: the distance at which an officer may join two reports at all, for what is offered must be
possible, and whoever holds a photo must not find out where else in the city somebody sent it.
"""

from collections.abc import Collection, Mapping
from datetime import datetime, timedelta
from typing import Any, Final, NamedTuple
from uuid import UUID

from app.photos.alike import distance
from app.reports.handling import (
    Change,
    ContestedAlready,
    ContestTooLate,
    clock_columns,
    lack_of,
    moved_to,
    stopwatch,
)
from app.reports.models import Report
from app.reports.workflow import State
from app.targets.calendar import Calendar

# What counts as the same spot (design 2, recurrence).
SAME_SPOT_M: Final = 30

# Two reports of one incident, each placed by a phone that may be wrong by 100 m.
SAME_INCIDENT_M: Final = 200

# How long ago somebody else's report of the same thing is still worth following; and what was over longer than this before
# a report came was another incident (a recurrence).
NEARBY_WITHIN: Final = timedelta(hours=24)

# How far apart in receipt an officer is shown two reports, the other one being over.
ALIKE_WITHIN: Final = timedelta(days=7)

# A browser and the worker, both by the mean of squares, differ in up to 5 of 64 bits; a copy that a chat application made
# smaller in up to 3 more. Pictures that have nothing in common differ in 32 on average, in 16 or more of 11,000 pairs, and
# by chance in 10 or fewer once in 10^8. The candidates are few: what is open, or was of late, within 200 m (docs/adr/0013).
NEAR_SAME_BITS: Final = 10

# A hash this near to that of a blank page (all zeros, or all ones) is near that of every other blank page: the sky, a wall at
# night. It says nothing.
FLAT_BITS: Final = NEAR_SAME_BITS

# From which states an officer joins a report in one step. One that waits for its resident waits for the answer.
JOINED_FROM: Final = frozenset({State.RECEIVED, State.ACCEPTED, State.ON_SITE})


def dhash_of(digits: str) -> int:
    """A difference hash as it is stored, signed, from its 16 hex digits.

    Its 64 bits are those of a picture of 9 x 8 greys, row by row from the top, each from the left, the first the highest: 1
    where a grey is brighter than its right neighbour. Raises ValueError.
    """
    return int.from_bytes(bytes.fromhex(digits), "big", signed=True)


def says_something(dhash: int) -> bool:
    """Whether a hash tells its picture from others."""
    return FLAT_BITS < distance(dhash, 0) < 64 - FLAT_BITS


def near_same(one: int, other: int) -> bool:
    """Whether two hashes are of the same picture, as far as hashes can say."""
    return says_something(one) and says_something(other) and distance(one, other) <= NEAR_SAME_BITS


class Pictures(NamedTuple):
    """The photos of one report: the names of the files (SHA-256), and what those look like of which that is known."""

    names: frozenset[str] = frozenset()
    hashes: Collection[int] = ()


def show_the_same(one: Pictures, other: Pictures) -> bool:
    """Whether two reports have a photo in common, or nearly."""
    return not one.names.isdisjoint(other.names) or any(
        near_same(mine, theirs) for mine in one.hashes for theirs in other.hashes
    )


def contests_the_root(root: State) -> bool:
    """Whether a duplicate's resident, who does not agree, means how the root ended; else, that theirs is a duplicate."""
    return root in {State.CONCLUDED, State.CONTESTED, State.CLOSED}


def require_contestable(duplicate: Report, root: Report) -> None:
    """Refuse a contest of the root by a duplicate's resident: once a report, and while the root can be contested.

    Where the root is being reviewed, somebody said it before. Raises ContestedAlready, ContestTooLate.
    """
    if duplicate.contests or root.state == State.CONTESTED.value:
        raise ContestedAlready
    if root.state == State.CLOSED.value:
        raise ContestTooLate


class Left(NamedTuple):
    """How a root stood when its resident withdrew it."""

    state: State
    unit_id: int
    assignee_id: UUID | None


# The state in which its oldest duplicate goes on. What was asked of one resident is not asked of the next.
TAKEN_OVER: Mapping[State, State] = {
    State.RECEIVED: State.RECEIVED,
    State.ACCEPTED: State.ACCEPTED,
    State.AWAITING_RESIDENT: State.ACCEPTED,
}


def take_over(heir: Report, left: Left, calendar: Calendar, now: datetime) -> Change:
    """What becomes of the oldest duplicate when the root is withdrawn: it is the root, also if it was closed already.

    It goes on in the state that the root had, with its own clock, which stood still since its conclusion. It goes to the
    unit that has the job in hand, and to whoever worked on it there; but a report about a unit stays where it is, for
    nobody deals with what is said about them. What the unit was warned of stays so where it is the same unit.
    """
    state = TAKEN_OVER[left.state]
    clock = stopwatch(heir, calendar).go_on(now)
    unit_id = heir.unit_id if heir.about_unit else left.unit_id
    columns: dict[str, Any] = {
        **clock_columns(clock, heir.target_s),
        **_CLEARED,
        **(moved_to(heir, unit_id, now) if unit_id != heir.unit_id else {}),
        "state": state.value,
        "assignee_id": left.assignee_id if state is State.ACCEPTED and unit_id == left.unit_id else None,
    }
    data: dict[str, Any] = {"to_unit": unit_id}
    if unit_id != heir.unit_id:
        data["from_unit"] = heir.unit_id
    return Change(columns, data, lack=lack_of(clock))


# What a case that is open again has no more.
_CLEARED: Mapping[str, Any] = {
    "concluded_at": None,
    "concluded_by": None,
    "outcome": None,
    "original_id": None,
    "body_code": None,
    "late_reason": None,
    "review_by_desk": False,
    "left_state": None,
}
