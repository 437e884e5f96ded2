"""Who is warned that the time of a case runs out, and when: a table of three rungs. Pure."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import IntEnum, StrEnum
from typing import NamedTuple
from uuid import UUID

from app.targets.calendar import Calendar, YearMissing


class Rung(IntEnum):
    """How far a case is up the ladder, as stored."""

    HALF = 1
    MOST = 2
    DUE = 3


class Asked(StrEnum):
    """Whom a rung asks for."""

    ASSIGNEE = "assignee"  # while nobody is assigned, those on duty
    DUTY = "duty"  # while nobody is on duty, the chairs
    CHAIRS = "chairs"  # of a unit without any, everybody there; where nobody is, the dispatchers of the city's desk


class Step(NamedTuple):
    """One rung: at how many percent of the allowed time, and whom it tells."""

    percent: int
    asks: tuple[Asked, ...]


LADDER: Mapping[Rung, Step] = {
    Rung.HALF: Step(50, (Asked.ASSIGNEE,)),
    Rung.MOST: Step(80, (Asked.DUTY, Asked.CHAIRS)),
    Rung.DUE: Step(100, (Asked.CHAIRS,)),
}


class Instants(NamedTuple):
    """When half and when most of the time of a case is used up; all of it is when it is due."""

    half_at: datetime
    most_at: datetime


def instants(due_at: datetime, allowed: timedelta, calendar: Calendar) -> Instants:
    """The instants of the first two rungs, reckoned back from due, so that stops and corrections are in them.

    With a calendar they lie in its hours: what would be warned of at closing time is at the next opening. Where the
    calendar lacks a year, time on the wall stands in for it.
    """
    return Instants(*(_before(due_at, allowed, calendar, LADDER[rung].percent) for rung in (Rung.HALF, Rung.MOST)))


def _before(due_at: datetime, allowed: timedelta, calendar: Calendar, percent: int) -> datetime:
    left = allowed * (100 - percent) // 100
    try:
        return calendar.add(due_at, -left)
    except YearMissing:
        return due_at - left


@dataclass(frozen=True)
class Crew:
    """Who could be told about a case of a unit.

    Its assignee, those on duty now, its chairs, the desk's dispatchers, and everybody who works in the unit.
    """

    assignee: UUID | None = None
    on_duty: Sequence[UUID] = ()
    chairs: Sequence[UUID] = ()
    desk: Sequence[UUID] = ()
    working: Sequence[UUID] = ()

    @property
    def in_charge(self) -> Sequence[UUID]:
        """The chairs. The desk cannot open what a unit without one deals with, so it comes after everybody there."""
        return self.chairs or self.working or self.desk


class Audience(NamedTuple):
    """Who is told, each once, and whether those on duty were asked for and there was nobody."""

    people: tuple[UUID, ...]
    nobody_on_duty: bool


def audience(rung: Rung, crew: Crew) -> Audience:
    """Whom a rung tells."""
    asks = LADDER[rung].asks
    asks_duty = Asked.DUTY in asks or (Asked.ASSIGNEE in asks and crew.assignee is None)
    people = [person for asked in asks for person in _people(asked, crew)]
    return Audience(tuple(dict.fromkeys(people)), asks_duty and not crew.on_duty)


def _people(asked: Asked, crew: Crew) -> Iterable[UUID]:
    on_duty = crew.on_duty or crew.in_charge
    if asked is Asked.ASSIGNEE:
        return on_duty if crew.assignee is None else (crew.assignee,)
    return on_duty if asked is Asked.DUTY else crew.in_charge
