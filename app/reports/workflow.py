"""The moves of a report. The table is the specification (design 3.5); the functions below it only read it.

Pure: states and words in, a row out. What a move does to the clock is `app/targets/stopwatch.py`; who a person is to
a report is `app/identity/permissions.py`; what must be given is asked for in `app/reports/handling.py`.
"""

from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum

from app.core.errors import Conflict


class State(StrEnum):
    """Where a report is on its way."""

    RECEIVED = "received"
    ACCEPTED = "accepted"
    ON_SITE = "on_site"
    AWAITING_RESIDENT = "awaiting_resident"
    CONCLUDED = "concluded"
    CONTESTED = "contested"
    CLOSED = "closed"
    WITHDRAWN = "withdrawn"


class By(StrEnum):
    """Whose move it is, in relation to the report."""

    OFFICER = "officer"  # of the unit that holds the case
    AUTHOR = "author"  # the resident, or whoever filed for them
    REVIEWER = "reviewer"  # the unit's chair; the city desk when one concluded or there is no other
    SYSTEM = "system"


class Clock(StrEnum):
    """What a move does to the time of the case."""

    RUNS = "runs"
    STOPS = "stops"
    RESUMES = "resumes"
    ENDS = "ends"
    GOES_ON = "goes_on"


class Outcome(StrEnum):
    """How the field work ended."""

    RECORDED = "recorded"
    REMEDIED = "remedied"
    GONE = "gone"
    NO_VIOLATION = "no_violation"
    UNFOUNDED = "unfounded"
    DUPLICATE = "duplicate"
    REFERRED = "referred"
    OUT_OF_SCOPE = "out_of_scope"


OPEN = frozenset({State.RECEIVED, State.ACCEPTED, State.ON_SITE, State.AWAITING_RESIDENT, State.CONTESTED})
TRUE = frozenset({Outcome.RECORDED, Outcome.REMEDIED, Outcome.GONE})
FALSE = frozenset({Outcome.NO_VIOLATION, Outcome.UNFOUNDED})

# Nobody went there to see, so there is no photo to ask for.
WITHOUT_PHOTO = frozenset({Outcome.DUPLICATE, Outcome.REFERRED, Outcome.OUT_OF_SCOPE})

# What an outcome needs besides a note.
NEEDED_BY_OUTCOME = {Outcome.DUPLICATE: "original", Outcome.REFERRED: "body", Outcome.OUT_OF_SCOPE: "reason"}

CONTEST_WITHIN = timedelta(days=7)
CLOSE_AFTER = timedelta(days=7)


@dataclass(frozen=True)
class Move:
    """One row. `to` None is the state that the case left when its clock was stopped, or that its withdrawn root left."""

    name: str
    sources: frozenset[State]
    to: State | None
    by: By
    needs: tuple[str, ...]
    clock: Clock


CONCLUSION = ("outcome", "note", "photos")


def _from(*states: State) -> frozenset[State]:
    return frozenset(states)


# fmt: off
MOVES: tuple[Move, ...] = (
    Move("accept",    _from(State.RECEIVED),                                  State.ACCEPTED,  By.OFFICER,  (), Clock.RUNS),
    Move("hand_over", _from(State.RECEIVED, State.ACCEPTED, State.ON_SITE),   State.RECEIVED,  By.OFFICER,  ("unit", "reason"), Clock.RUNS),
    Move("arrive",    _from(State.ACCEPTED),                                  State.ON_SITE,   By.OFFICER,  (), Clock.RUNS),
    Move("ask",       _from(State.ACCEPTED, State.ON_SITE), State.AWAITING_RESIDENT,           By.OFFICER,  ("question",), Clock.STOPS),
    Move("answer",    _from(State.AWAITING_RESIDENT),                         None,            By.AUTHOR,   ("answer",), Clock.RESUMES),
    Move("resume",    _from(State.AWAITING_RESIDENT),                         None,            By.SYSTEM,   (), Clock.RESUMES),
    Move("conclude",  _from(State.ACCEPTED, State.ON_SITE),                   State.CONCLUDED, By.OFFICER,  CONCLUSION, Clock.ENDS),
    Move("contest",   _from(State.CONCLUDED),                                 State.CONTESTED, By.AUTHOR,   ("reason",), Clock.GOES_ON),
    Move("reopen",    _from(State.CONTESTED),                                 State.ACCEPTED,  By.REVIEWER, ("reason",), Clock.RUNS),
    Move("uphold",    _from(State.CONTESTED),                                 State.CONCLUDED, By.REVIEWER, CONCLUSION, Clock.ENDS),
    Move("close",     _from(State.CONCLUDED),                                 State.CLOSED,    By.SYSTEM,   (), Clock.ENDS),
    Move("withdraw",  _from(State.RECEIVED, State.ACCEPTED, State.AWAITING_RESIDENT), State.WITHDRAWN, By.AUTHOR, (), Clock.ENDS),
    # The oldest duplicate of a withdrawn report, also one that was closed already (duplicates.py).
    Move("took_over", _from(State.CONCLUDED, State.CLOSED),                   None,            By.SYSTEM,   (), Clock.GOES_ON),
)
# fmt: on


class MoveNotAllowed(Conflict):
    """The table has no such row for the state that the report is in."""

    code = "move_not_allowed"
    vi = "Không thể chuyển tin từ trạng thái “{state}” sang “{to}”."
    en = "A report that is {state} cannot become {to}."


def find(state: State, to: State) -> Move:
    """The row for a person's move from `state` to `to`; the states that an answer leads back to share one row.

    Raises MoveNotAllowed.
    """
    for move in MOVES:
        if move.by is not By.SYSTEM and state in move.sources and to in _targets(move):
            return move
    raise MoveNotAllowed(state=state.value, to=to.value)


def moves_from(state: State) -> tuple[Move, ...]:
    """The rows that a person could take from `state`."""
    return tuple(move for move in MOVES if state in move.sources and move.by is not By.SYSTEM)


def _targets(move: Move) -> frozenset[State]:
    return frozenset({State.ACCEPTED, State.ON_SITE}) if move.to is None else frozenset({move.to})
