"""Who writes calendars, targets and duty: nothing that has judged a case, or has been in force, is ever rewritten."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, time
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple
from uuid import UUID

from sqlalchemy import delete, func, insert, or_, select, update
from sqlalchemy.dialects.postgresql import insert as upsert
from sqlalchemy.orm import Session

from app.core.audit import AuditEntry, record
from app.core.errors import Conflict, Invalid
from app.targets import queries
from app.targets.calendar_file import Day, Edition, Named, Year, read
from app.targets.models import CalendarYear, DutyShift, Holiday, TargetPolicy, WorkCalendar
from geo.validity import local_day

SHIPPED = Path(__file__).with_name("calendars.toml")

# Any number that nobody else locks: what two bring in at once is brought in once, one after the other.
_LOCK = 7_236_003
_LOCK_DUTY = 7_236_004


class CalendarInUse(Conflict):
    """A file would change what has judged cases already."""

    code = "calendar_in_use"
    vi = "Tệp làm thay đổi điều đã dùng để tính hạn: {why}."
    en = "The file would change what cases were judged by: {why}."


class TargetInThePast(Invalid):
    """A target begins at an instant that is not to come."""

    code = "target_in_the_past"
    vi = "Thời hạn mới phải bắt đầu ở một thời điểm trong tương lai."
    en = "A target must begin at an instant to come: what has judged a case is not rewritten."


class DutyInThePast(Invalid):
    """Shifts are to be replaced from a day that is over."""

    code = "duty_in_the_past"
    vi = "Lịch trực chỉ thay đổi được từ hôm nay trở đi."
    en = "Duty can be changed from today on."


class DutyPersonUnknown(Invalid):
    """Somebody is put on duty in a unit for which they do not work on that day."""

    code = "duty_person_unknown"
    vi = "Người này không thuộc đơn vị vào ngày bắt đầu."
    en = "This person does not work for the unit on the first day."


@dataclass
class Loaded:
    """What bringing a file in did. `left`: years that stand otherwise than in the file, and were left as they are."""

    calendars: list[str] = field(default_factory=list)
    years: list[int] = field(default_factory=list)
    left: list[int] = field(default_factory=list)

    def __str__(self) -> str:
        new = [*self.calendars, *map(str, self.years)]
        said = f"{', '.join(new)} loaded" if new else "nothing new"
        if self.left:
            years = ", ".join(map(str, self.left))
            said += f"; {years} left as it stands (`haigio calendar load` replaces it by what is shipped)"
        return said


@cache
def shipped() -> Edition:
    """The calendars that ship with the project."""
    return read(SHIPPED.read_bytes())


def load_calendars(
    session: Session, city_id: int, edition: Edition, now: datetime, *, only_missing: bool = False
) -> Loaded:
    """Bring a city's calendars to what a file says; what the file leaves out stays.

    With `only_missing` nothing is replaced, so that a start never undoes what an administrator loaded.

    Raises:
        CalendarInUse: a calendar that is there has other hours, or a year that is there another day that has begun.
    """
    session.execute(select(func.pg_advisory_xact_lock(_LOCK)))
    loaded = Loaded()
    for code, named in edition.calendars.items():
        if _bring_calendar(session, city_id, code, named, only_missing=only_missing):
            loaded.calendars.append(code)
    known = queries.years(session, city_id)
    for year, wanted in sorted(edition.years.items()):
        if known.get(year) == wanted:
            continue
        if year in known and only_missing:
            loaded.left.append(year)
            continue
        if year in known:
            _nothing_begun_changes(known[year], wanted, local_day(now))
        _bring_year(session, city_id, year, wanted, now)
        loaded.years.append(year)
    subject = f"calendars:{city_id}"
    if loaded.calendars or loaded.years or not _was_loaded(session, subject, edition.sha256):
        data = {"sha256": edition.sha256, "calendars": loaded.calendars, "years": loaded.years}
        record(session, by=None, action="calendars:load", subject=subject, at=now, data=data)
    return loaded


def _was_loaded(session: Session, subject: str, sha256: str) -> bool:
    wanted = select(AuditEntry.id).where(
        AuditEntry.subject == subject,
        AuditEntry.action == "calendars:load",
        AuditEntry.data["sha256"].astext == sha256,
    )
    return session.scalars(wanted.limit(1)).first() is not None


def _bring_calendar(session: Session, city_id: int, code: str, named: Named, *, only_missing: bool) -> bool:
    """Whether anything was written. Names are words and may change; hours may not."""
    stored = session.get(WorkCalendar, (city_id, code), populate_existing=True)
    if stored is None:
        session.execute(insert(WorkCalendar).values(city_id=city_id, code=code, **named._asdict()))
        return True
    if only_missing or (stored.name_vi, stored.name_en, stored.hours) == named:
        return False
    if stored.hours != named.hours:
        raise CalendarInUse(why=f"{code} has other hours; give the new ones a code of their own, and targets with it")
    session.execute(
        update(WorkCalendar)
        .where(WorkCalendar.city_id == city_id, WorkCalendar.code == code)
        .values(name_vi=named.name_vi, name_en=named.name_en)
    )
    return True


def _nothing_begun_changes(known: Year, wanted: Year, today: date) -> None:
    for day in sorted(known.days.keys() | wanted.days.keys()):
        if day <= today and _counts_as(known.days.get(day)) != _counts_as(wanted.days.get(day)):
            raise CalendarInUse(why=f"{day} has begun, and stays as it was loaded")


def _counts_as(said: Day | None) -> int | str | None:
    """What a day is to whoever reckons: off, like a weekday, or nothing that its own weekday does not say."""
    return None if said is None else said.like_weekday or "off"


def _bring_year(session: Session, city_id: int, year: int, wanted: Year, now: datetime) -> None:
    row = upsert(CalendarYear).values(city_id=city_id, year=year, source=wanted.source, loaded_at=now)
    replaced = {"source": row.excluded.source, "loaded_at": row.excluded.loaded_at}
    session.execute(row.on_conflict_do_update(index_elements=[CalendarYear.city_id, CalendarYear.year], set_=replaced))
    session.execute(delete(Holiday).where(Holiday.city_id == city_id, func.extract("year", Holiday.day) == year))
    session.execute(
        insert(Holiday),
        [
            {
                "city_id": city_id,
                "day": day,
                "kind": "off" if said.like_weekday is None else "working",
                **said._asdict(),
            }
            for day, said in wanted.days.items()
        ],
    )


@dataclass(frozen=True)
class NewTarget:
    """Minutes, and the calendar they count on, for the cases that the members describe (None: every case)."""

    minutes: int
    calendar_code: str | None = None
    field: str | None = None
    kind_code: str | None = None
    unit_id: int | None = None
    urgent: bool | None = None


class TargetSet(NamedTuple):
    """What setting a target did: whether a row in force ends then, and until when the new one holds (None: open)."""

    ends_another: bool
    until: datetime | None


def set_target(session: Session, city_id: int, new: NewTarget, starts: datetime, now: datetime) -> TargetSet:
    """Let a target hold from an instant to come; the row for the same cases that is in force then ends there.

    One that was planned for that very instant is replaced, a later one stays and ends the new row.

    Raises:
        TargetInThePast: the instant is not after now.
    """
    if starts <= now:
        raise TargetInThePast(at="from")
    session.execute(select(func.pg_advisory_xact_lock(_LOCK)))
    same = [
        TargetPolicy.city_id == city_id,
        *(
            getattr(TargetPolicy, name).is_not_distinct_from(getattr(new, name))
            for name in ("field", "kind_code", "unit_id", "urgent")
        ),
    ]
    planned = session.scalar(select(TargetPolicy.id).where(*same, TargetPolicy.valid_from == starts).limit(1))
    until = session.scalar(select(func.min(TargetPolicy.valid_from)).where(*same, TargetPolicy.valid_from > starts))
    ended = session.execute(
        update(TargetPolicy)
        .where(*same, TargetPolicy.valid_from < starts)
        .where(or_(TargetPolicy.valid_to.is_(None), TargetPolicy.valid_to > starts))
        .values(valid_to=starts)
        .returning(TargetPolicy.id)
    ).all()
    content = {"minutes": new.minutes, "calendar_code": new.calendar_code, "valid_to": until}
    if planned is not None:
        session.execute(update(TargetPolicy).where(TargetPolicy.id == planned).values(**content))
    else:
        key = {"field": new.field, "kind_code": new.kind_code, "unit_id": new.unit_id, "urgent": new.urgent}
        session.execute(insert(TargetPolicy).values(city_id=city_id, valid_from=starts, **key, **content))
    record(
        session,
        by=None,
        action="target:set",
        subject=f"targets:{city_id}",
        at=now,
        data={**vars(new), "from": starts.isoformat(), "until": None if until is None else until.isoformat()},
    )
    return TargetSet(bool(ended), until)


class NewShift(NamedTuple):
    """Hours of a person on weekdays (ISO, 1 is Monday); over midnight when they end no later than they start."""

    person_id: UUID
    weekdays: tuple[int, ...]
    starts: time
    ends: time


def replace_duty(
    session: Session, unit_id: int, shifts: Sequence[NewShift], *, starts: date, by: UUID, now: datetime
) -> bool:
    """Let these shifts be a unit's duty from a local day on; whether that changed anything.

    What is in force on the day before ends there. None at all: from then on everybody is on duty, always.

    Raises:
        DutyInThePast: the day is over.
        DutyPersonUnknown: somebody does not work for the unit on that day.
    """
    if starts < local_day(now):
        raise DutyInThePast(at="from")
    working = queries.members(session, unit_id, starts)
    for place, shift in enumerate(shifts):
        if shift.person_id not in working:
            raise DutyPersonUnknown(at=f"shifts.{place}.person")
    session.execute(select(func.pg_advisory_xact_lock(_LOCK_DUTY, unit_id)))
    lasting = [DutyShift.unit_id == unit_id, or_(DutyShift.valid_to.is_(None), DutyShift.valid_to > starts)]
    wanted = {(shift.person_id, tuple(sorted(set(shift.weekdays))), shift.starts, shift.ends) for shift in shifts}
    stored = session.scalars(select(DutyShift).where(*lasting).execution_options(populate_existing=True)).all()
    if wanted == {_content(row) for row in stored} and all(row.valid_from == starts for row in stored):
        return False
    session.execute(delete(DutyShift).where(DutyShift.unit_id == unit_id, DutyShift.valid_from >= starts))
    session.execute(update(DutyShift).where(*lasting).values(valid_to=starts))
    rows = [
        {"unit_id": unit_id, "person_id": who, "weekdays": list(weekdays), "starts": begins, "ends": ends}
        for who, weekdays, begins, ends in sorted(wanted)
    ]
    if rows:
        session.execute(insert(DutyShift), [{**row, "valid_from": starts} for row in rows])
    record(
        session,
        by=by,
        action="duty:set",
        subject=f"unit/{unit_id}",
        at=now,
        data={"from": starts.isoformat(), "shifts": [_told(row) for row in rows]},
    )
    return True


def _content(row: DutyShift) -> tuple[UUID, tuple[int, ...], time, time]:
    return row.person_id, tuple(row.weekdays), row.starts, row.ends


def _told(row: Mapping[str, Any]) -> dict[str, Any]:
    """A shift as the audit keeps it."""
    return {
        "person": str(row["person_id"]),
        "weekdays": row["weekdays"],
        "starts": row["starts"].isoformat("minutes"),
        "ends": row["ends"].isoformat("minutes"),
    }
