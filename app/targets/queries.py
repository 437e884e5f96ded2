"""Reads about calendars, targets and duty."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from uuid import UUID

from sqlalchemy import column, or_, select, table
from sqlalchemy.orm import Session

from app.identity import queries as identity
from app.identity.permissions import Role
from app.targets import duty
from app.targets.calendar import Calendar, spans
from app.targets.calendar_file import Day, Year
from app.targets.duty import Shift
from app.targets.ladder import Crew
from app.targets.models import CalendarYear, DutyShift, Holiday, TargetPolicy, WorkCalendar
from geo.validity import Days, local_day

# Units belong to routing, which targets know nothing of; two of their columns are read here.
_UNITS = table("units", column("id"), column("city_id"), column("kind"), column("code"))


def calendars(session: Session, city_id: int) -> Mapping[str, Calendar]:
    """The calendars of a city by code; all of them have the same free days."""
    known = years(session, city_id)
    days = {day: said for year in known.values() for day, said in year.days.items()}
    off = frozenset(day for day, said in days.items() if said.like_weekday is None)
    instead = {day: said.like_weekday for day, said in days.items() if said.like_weekday is not None}
    return {
        row.code: Calendar(
            code=row.code,
            hours={int(weekday): spans(texts) for weekday, texts in row.hours.items()},
            off=off,
            instead=instead,
            years=frozenset(known),
        )
        for row in session.scalars(select(WorkCalendar).where(WorkCalendar.city_id == city_id))
    }


def years(session: Session, city_id: int) -> Mapping[int, Year]:
    """The years that were brought in, with their days."""
    days: dict[int, dict[date, Day]] = defaultdict(dict)
    for row in session.execute(
        select(Holiday.day, Holiday.like_weekday, Holiday.name_vi, Holiday.name_en).where(Holiday.city_id == city_id)
    ):
        days[row.day.year][row.day] = Day(row.like_weekday, row.name_vi, row.name_en)
    loaded = select(CalendarYear.year, CalendarYear.source).where(CalendarYear.city_id == city_id)
    return {row.year: Year(row.source, days[row.year]) for row in session.execute(loaded.order_by(CalendarYear.year))}


@dataclass(frozen=True)
class Gap:
    """A calendar by which cases are or will be judged, and the years of the near future that it lacks."""

    calendar_code: str
    years: tuple[int, ...]


def gaps(session: Session, city_id: int, now: datetime) -> Sequence[Gap]:
    """The calendars of targets in force or to come that lack this year or the next."""
    this = local_day(now).year
    lacking = tuple(year for year in (this, this + 1) if year not in years(session, city_id))
    used = session.scalars(
        select(TargetPolicy.calendar_code)
        .where(TargetPolicy.city_id == city_id, TargetPolicy.calendar_code.is_not(None))
        .where(or_(TargetPolicy.valid_to.is_(None), TargetPolicy.valid_to > now))
        .distinct()
        .order_by(TargetPolicy.calendar_code)
    )
    return [Gap(code, lacking) for code in used if code is not None] if lacking else []


@dataclass(frozen=True)
class TargetRow:
    """A target in force or to come; `unit` is the code of the unit that it is for."""

    policy: TargetPolicy
    unit: str | None


def targets(session: Session, city_id: int, now: datetime) -> Sequence[TargetRow]:
    """The targets that hold now or will, those for every case first."""
    rows = session.execute(
        select(TargetPolicy, _UNITS.c.code)
        .outerjoin(_UNITS, _UNITS.c.id == TargetPolicy.unit_id)
        .where(TargetPolicy.city_id == city_id)
        .where(or_(TargetPolicy.valid_to.is_(None), TargetPolicy.valid_to > now))
        .order_by(
            TargetPolicy.kind_code.nulls_first(),
            _UNITS.c.code.nulls_first(),
            TargetPolicy.urgent.nulls_first(),
            TargetPolicy.field.nulls_first(),
            TargetPolicy.valid_from,
        )
    )
    return [TargetRow(policy, code) for policy, code in rows]


def shifts(session: Session, unit_id: int, since: date) -> Sequence[DutyShift]:
    """The shifts of a unit that are in force on a local day or will be, in the order of their days and hours."""
    wanted = (
        select(DutyShift)
        .where(DutyShift.unit_id == unit_id)
        .where(or_(DutyShift.valid_to.is_(None), DutyShift.valid_to > since))
        .order_by(DutyShift.valid_from, DutyShift.starts, DutyShift.ends, DutyShift.id)
    )
    return session.scalars(wanted.execution_options(populate_existing=True)).all()


@dataclass(frozen=True)
class OnDuty:
    """Who is on duty in a unit at an instant. `everybody`: no shift says anything, so that all who work there are."""

    people: tuple[UUID, ...]
    everybody: bool


def on_duty(session: Session, unit_id: int, at: datetime) -> OnDuty:
    """Who is on duty in a unit; whoever left it is not, whatever their shifts say."""
    return _on_duty(session, unit_id, at, identity.members(session, unit_id, on=local_day(at)))


def crew(session: Session, city_id: int, unit_id: int, at: datetime, assignee: UUID | None = None) -> Crew:
    """Who could be warned of a case of a unit at an instant. An assignee who left the unit is none."""
    working = identity.members(session, unit_id, on=local_day(at))
    return Crew(
        assignee=assignee if assignee in working else None,
        on_duty=_on_duty(session, unit_id, at, working).people,
        chairs=tuple(person for person, roles in working.items() if Role.CHAIR in roles),
        desk=tuple(_dispatchers(session, desk(session, city_id), at)),
        working=tuple(working),
    )


def reviewers(session: Session, desk_id: int, at: datetime) -> Crew:
    """Who could be warned at an instant of a case of another unit that the desk reviews: its dispatchers alone."""
    dispatchers = _dispatchers(session, desk_id, at)
    return Crew(on_duty=_on_duty(session, desk_id, at, dispatchers).people, desk=tuple(dispatchers))


def desk(session: Session, city_id: int) -> int:
    """The unit that is the city's desk."""
    found = select(_UNITS.c.id).where(_UNITS.c.city_id == city_id, _UNITS.c.kind == "desk")
    return int(session.scalars(found).one())


def _dispatchers(session: Session, desk_id: int, at: datetime) -> Mapping[UUID, frozenset[Role]]:
    there = identity.members(session, desk_id, on=local_day(at))
    return {person: roles for person, roles in there.items() if Role.DISPATCHER in roles}


def _on_duty(session: Session, unit_id: int, at: datetime, working: Mapping[UUID, frozenset[Role]]) -> OnDuty:
    # A night shift of the last day of a plan goes on into the day after.
    yesterday = date.fromordinal(local_day(at).toordinal() - 1)
    on = duty.on_duty([_shift(row) for row in shifts(session, unit_id, yesterday)], at)
    if on is None:
        return OnDuty(tuple(working), everybody=True)
    return OnDuty(tuple(person for person in working if person in on), everybody=False)


def _shift(row: DutyShift) -> Shift:
    days = Days(row.valid_from, row.valid_to)
    return Shift(row.person_id, row.unit_id, frozenset(row.weekdays), row.starts, row.ends, days)
