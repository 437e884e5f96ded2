"""Which change of a report is told to whom, and as what. The table is the specification; nothing else is told. Pure.

A resident hears of receipt, acceptance, a question, a message, the conclusion and what became of a contest; those who
follow a report hear how it ended. Whose report was joined to an earlier one hears what becomes of that one as if it were
their own, under the number of their own. Staff hear what they must act on, as long as it is theirs to act on. Warnings and
digests, which time brings about, are named here too; who hears a warning is decided in `app/targets/ladder.py`.
"""

from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any, NamedTuple
from uuid import UUID

from app.reports.workflow import OPEN, State


class Hearer(StrEnum):
    """Who is told, in relation to the report."""

    AUTHOR = "author"  # the resident, also one for whom it was filed; an anonymous one by their tag
    FILER = "filer"  # the member of staff who filed it for nobody in particular: they speak for it
    JOINED = "joined"  # the residents and filers of its duplicates, each told of their own report
    FOLLOWERS = "followers"  # also of its duplicates
    ASSIGNEE = "assignee"
    WORKER = "worker"  # the assignee; while there is none, those on duty
    ON_DUTY = "on_duty"  # of the unit that holds the case now
    CHAIRS = "chairs"  # of that unit; at the desk, its dispatchers
    REVIEWERS = "reviewers"  # its chairs, or the desk's dispatchers where the desk reviews


class Notice(StrEnum):
    """What somebody is told: the names under which inbox, words and delivery know it."""

    RECEIVED = "received"
    ACCEPTED = "accepted"
    QUESTION = "question"
    MESSAGE = "message"
    CONCLUDED = "concluded"
    JOINED = "joined"
    GOES_ON = "goes_on"
    REOPENED = "reopened"
    UPHELD = "upheld"
    FOLLOWED_CONCLUDED = "followed_concluded"
    FOLLOWED_JOINED = "followed_joined"
    FOLLOWED_WITHDRAWN = "followed_withdrawn"
    NEW_CASE = "new_case"
    HANDED_OVER = "handed_over"
    ASSIGNED = "assigned"
    ANSWERED = "answered"
    UNANSWERED = "unanswered"
    TAKE_UP_AGAIN = "take_up_again"
    STANDS_IN = "stands_in"
    CONTESTED = "contested"
    INSTRUCTED = "instructed"
    HALF_GONE = "half_gone"
    NEARLY_DUE = "nearly_due"
    OVERDUE = "overdue"
    DIGEST = "digest"


# What the resident is told of their report, and who filed it in their place. All else is told to staff as staff, but for what
# followers are told.
OF_ONES_OWN = frozenset(
    {
        Notice.RECEIVED,
        Notice.ACCEPTED,
        Notice.QUESTION,
        Notice.MESSAGE,
        Notice.CONCLUDED,
        Notice.JOINED,
        Notice.GOES_ON,
        Notice.REOPENED,
        Notice.UPHELD,
    }
)
OF_OTHERS = frozenset({Notice.FOLLOWED_CONCLUDED, Notice.FOLLOWED_JOINED, Notice.FOLLOWED_WITHDRAWN})

# Whose report it is reads with the result what it looked like before and after, where there are photos.
WITH_PHOTOS = frozenset({Notice.CONCLUDED, Notice.UPHELD})


@dataclass(frozen=True)
class Happened:
    """A change, and how the case stands since. `type` is `received`, the name of a move, or the type of an entry.

    `unit_to` and `assignee_to` are whom the entry gave the case to, if it did; what ends in `_now` may have moved on.
    `original_to` is the report that it was found to repeat; `is_taken_over`: another report stands in for it.
    """

    type: str
    at: datetime
    by_id: UUID | None = None
    first_response_at: datetime | None = None
    unit_to: int | None = None
    assignee_to: UUID | None = None
    original_to: UUID | None = None
    is_taken_over: bool = False
    state_now: str = State.RECEIVED.value
    unit_now: int | None = None
    assignee_now: UUID | None = None
    original_now: UUID | None = None
    stopped_at: datetime | None = None


Condition = Callable[[Happened], bool]


def _always(_happened: Happened) -> bool:
    return True


def _first_time(happened: Happened) -> bool:
    """Of several acceptances the resident hears the first: the others are between units."""
    return happened.at == happened.first_response_at


def _waits_there(happened: Happened) -> bool:
    """The case is where it went to, and nobody took it up since."""
    return happened.unit_to == happened.unit_now and happened.state_now == State.RECEIVED


def _is_there(happened: Happened) -> bool:
    """The case is open where it went to. What the old unit had begun to ask or to review goes on as it is."""
    return happened.unit_to == happened.unit_now and happened.state_now in OPEN


def _is_theirs(happened: Happened) -> bool:
    """The case is open, and still with whom it was given to. Nobody is told what they did themselves."""
    to = happened.assignee_to
    return to is not None and to == happened.assignee_now != happened.by_id and happened.state_now in OPEN


def _is_unanswered(happened: Happened) -> bool:
    """The clock stands still for this very question."""
    return happened.stopped_at == happened.at and happened.state_now == State.AWAITING_RESIDENT


def _is_joined(happened: Happened) -> bool:
    """It ended as a duplicate: that is no result, which comes with the end of its root."""
    return happened.original_to is not None


def _is_joined_still(happened: Happened) -> bool:
    """And nothing became of that: neither did it take the place of its root nor was it contested."""
    return _is_joined(happened) and happened.original_now is not None


def _is_result(happened: Happened) -> bool:
    return not _is_joined(happened)


def _is_over(happened: Happened) -> bool:
    return not happened.is_taken_over


def _has_begun(happened: Happened) -> bool:
    """Somebody has the case in hand where it went to."""
    return _is_there(happened) and happened.state_now != State.RECEIVED


class Telling(NamedTuple):
    """One row: who hears of it, under which name, and when only."""

    hearer: Hearer
    notice: Notice
    only: Condition = _always


# fmt: off
TABLE: Mapping[str, tuple[Telling, ...]] = {
    "received":  (Telling(Hearer.AUTHOR,    Notice.RECEIVED),
                  Telling(Hearer.ON_DUTY,   Notice.NEW_CASE, _waits_there)),
    "accept":    (Telling(Hearer.AUTHOR,    Notice.ACCEPTED, _first_time),),
    "hand_over": (Telling(Hearer.ON_DUTY,   Notice.HANDED_OVER, _waits_there),),
    "ask":       (Telling(Hearer.AUTHOR,    Notice.QUESTION, _is_unanswered),
                  Telling(Hearer.FILER,     Notice.QUESTION, _is_unanswered)),
    "answer":    (Telling(Hearer.WORKER,    Notice.ANSWERED),),
    "conclude":  (Telling(Hearer.AUTHOR,    Notice.CONCLUDED, _is_result),
                  Telling(Hearer.FILER,     Notice.CONCLUDED, _is_result),
                  Telling(Hearer.JOINED,    Notice.CONCLUDED, _is_result),
                  Telling(Hearer.FOLLOWERS, Notice.FOLLOWED_CONCLUDED, _is_result),
                  Telling(Hearer.AUTHOR,    Notice.JOINED, _is_joined),
                  Telling(Hearer.FILER,     Notice.JOINED, _is_joined),
                  Telling(Hearer.FOLLOWERS, Notice.FOLLOWED_JOINED, _is_joined_still)),
    "contest":   (Telling(Hearer.REVIEWERS, Notice.CONTESTED),),
    "reopen":    (Telling(Hearer.AUTHOR,    Notice.REOPENED),
                  Telling(Hearer.FILER,     Notice.REOPENED),
                  Telling(Hearer.JOINED,    Notice.REOPENED),
                  Telling(Hearer.WORKER,    Notice.TAKE_UP_AGAIN)),
    "uphold":    (Telling(Hearer.AUTHOR,    Notice.UPHELD),
                  Telling(Hearer.FILER,     Notice.UPHELD),
                  Telling(Hearer.JOINED,    Notice.UPHELD)),
    "withdraw":  (Telling(Hearer.FOLLOWERS, Notice.FOLLOWED_WITHDRAWN, _is_over),),
    "assign":    (Telling(Hearer.ASSIGNEE,  Notice.ASSIGNED, _is_theirs),),
    "correct":   (Telling(Hearer.ON_DUTY,   Notice.HANDED_OVER, _waits_there),),
    "message":   (Telling(Hearer.AUTHOR,    Notice.MESSAGE),),
    "instruct":  (Telling(Hearer.CHAIRS,    Notice.INSTRUCTED),),
    # What time or a reform of the wards brings about.
    "resume":    (Telling(Hearer.WORKER,    Notice.UNANSWERED),),
    "reform":    (Telling(Hearer.ON_DUTY,   Notice.HANDED_OVER, _is_there),),
    # A report stands in for the one that it counted with, which was withdrawn.
    "took_over": (Telling(Hearer.AUTHOR,    Notice.GOES_ON),
                  Telling(Hearer.FILER,     Notice.GOES_ON),
                  Telling(Hearer.ON_DUTY,   Notice.STANDS_IN, _waits_there),
                  Telling(Hearer.WORKER,    Notice.STANDS_IN, _has_begun)),
}
# fmt: on

# What a warning of each rung of the ladder is called: half of the time, four fifths, all of it.
WARNINGS: Mapping[int, Notice] = {1: Notice.HALF_GONE, 2: Notice.NEARLY_DUE, 3: Notice.OVERDUE}

# What outsiders are told of by webhook, under the name of each: a case came, or its state changed.
WEBHOOK_TYPES: Mapping[str, str] = {
    "received": "report.received",
    "accept": "report.accepted",
    "hand_over": "report.handed_over",
    "reform": "report.handed_over",
    "arrive": "report.on_site",
    "ask": "report.awaiting_resident",
    "answer": "report.resumed",
    "resume": "report.resumed",
    "conclude": "report.concluded",
    "contest": "report.contested",
    "reopen": "report.reopened",
    "uphold": "report.upheld",
    "took_over": "report.reopened",
    "close": "report.closed",
    "withdraw": "report.withdrawn",
}
# Everything that happens to cases, for whoever wants it all.
ALL_WEBHOOKS = "report.*"


def tellings(happened: Happened) -> Iterator[Telling]:
    """The rows that hold for what happened."""
    return (row for row in TABLE.get(happened.type, ()) if row.only(happened))


def webhook_type(happened_type: str) -> str | None:
    """Under which name a change is told to webhooks; None of what stays in the house."""
    return WEBHOOK_TYPES.get(happened_type)


def wants(topics: Collection[str], type_: str) -> bool:
    """Whether a webhook for `topics` is told of `type_`."""
    return type_ in topics or ALL_WEBHOOKS in topics


def facts_of(notice: Notice, data: Mapping[str, Any]) -> dict[str, Any]:
    """What is kept of an entry's data for the words: the outcome, which the report itself may lose again.

    Its readers are told how many photos from afterwards there are, followers are not.
    """
    if notice is not Notice.FOLLOWED_CONCLUDED and notice not in WITH_PHOTOS:
        return {}
    kept = {"outcome": data["outcome"]} if "outcome" in data else {}
    return kept | {"photos": len(data.get("photos", ()))} if notice in WITH_PHOTOS else kept
