"""Bring calendars in, say which years are still to come, and set how long a case may take."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path

from sqlalchemy import select
from sqlalchemy.orm import Session

from app.commands.place import Place, Refused
from app.core import clock
from app.reports.models import Kind
from app.reports.rulebook import Rulebook, load
from app.targets import actions, queries
from app.targets.calendar_file import read
from app.targets.policies import USUAL_MINUTES
from geo.validity import LOCAL_ZONE, day_start, local_day


def load_calendars(place: Place, file: Path | None) -> str:
    """Bring in what a file, or the shipped one, says, and tell what that did.

    Raises:
        app.targets.calendar_file.CalendarFileRefused: the file cannot be reckoned with.
        app.targets.actions.CalendarInUse: it would change what cases were judged by.
    """
    edition = actions.shipped() if file is None else read(file.read_bytes())
    with place.database.unit_of_work() as session:
        return str(actions.load_calendars(session, place.settings.city_id, edition, clock.now()))


def ensure_calendars(place: Place) -> str:
    """Bring in what the shipped file has and this copy has not; what somebody loaded stays."""
    with place.database.unit_of_work() as session:
        city_id, edition = place.settings.city_id, actions.shipped()
        return str(actions.load_calendars(session, city_id, edition, clock.now(), only_missing=True))


def check_calendars(place: Place) -> Iterator[str]:
    """How sure each loaded year is, a line a year.

    Raises:
        Refused: a calendar by which cases are or will be judged lacks this year or the next.
    """
    with place.database.unit_of_work() as session:
        city_id = place.settings.city_id
        for year, known in queries.years(session, city_id).items():
            yield f"{year}  {len(known.days)} days  {known.source}"
        gaps = queries.gaps(session, city_id, clock.now())
    if gaps:
        lacking = "; ".join(f"{gap.calendar_code} lacks {' and '.join(map(str, gap.years))}" for gap in gaps)
        raise Refused(
            f"CALENDAR MISSING: {lacking}. Cases that reach into such a year are judged round the clock. "
            "Write its free days as in app/targets/calendars.toml and run `haigio calendar load FILE`"
        )
    yield "every calendar that judges cases has this year and the next"


@dataclass(frozen=True)
class Wanted:
    """A target as it is asked for: codes, not yet looked up."""

    minutes: int
    calendar: str | None
    field: str | None = None
    kind: str | None = None
    unit: str | None = None
    urgent: bool | None = None


def set_target(place: Place, wanted: Wanted, starts: str) -> str:
    """Let a target hold from `starts`, and say what that ends.

    Raises:
        Refused: `starts` is neither a day nor an instant, or something is named that is not there.
        app.targets.actions.TargetInThePast: it is not to come.
    """
    now, city_id, begins = clock.now(), place.settings.city_id, _instant(starts)
    with place.database.unit_of_work() as session:
        new = actions.NewTarget(
            minutes=wanted.minutes,
            calendar_code=wanted.calendar,
            field=wanted.field,
            kind_code=wanted.kind,
            unit_id=_looked_up(session, load(session, city_id), wanted, local_day(begins)),
            urgent=wanted.urgent,
        )
        done = actions.set_target(session, city_id, new, begins, now)
        lacking = [gap for gap in queries.gaps(session, city_id, now) if gap.calendar_code == wanted.calendar]
    said = f"{wanted.minutes} minutes from {_local(begins)}"
    said += f" until {_local(done.until)}, when another begins" if done.until else ""
    said += "; what held for the same cases ends then" if done.ends_another else ""
    for gap in lacking:
        said += f"\nCALENDAR MISSING: {gap.calendar_code} lacks {' and '.join(map(str, gap.years))}"
    return said


def _instant(said: str) -> datetime:
    """A day as it begins here, or an instant with its offset."""
    try:
        if "T" not in said and " " not in said:
            return day_start(date.fromisoformat(said))
        instant = datetime.fromisoformat(said)
    except ValueError as wrong:
        raise Refused(f"{said!r} is neither a day nor an instant") from wrong
    if instant.tzinfo is None:
        raise Refused(f"{said} needs its offset, as in {said}+07:00")
    return instant


def _looked_up(session: Session, book: Rulebook, wanted: Wanted, day: date) -> int | None:
    """The unit that a target is for, everything that it names being there. Raises Refused."""
    if wanted.calendar is not None and wanted.calendar not in book.calendars:
        raise Refused(
            f"there is no calendar {wanted.calendar}; there are: {', '.join(sorted(book.calendars)) or 'none'}"
        )
    fields = set(session.scalars(select(Kind.field).where(Kind.city_id == book.city_id)))
    if wanted.field is not None and wanted.field not in fields:
        raise Refused(f"there is no field {wanted.field}; there are: {', '.join(sorted(fields))}")
    if wanted.kind is not None:
        book.kind(wanted.kind, day)
    if wanted.unit is None:
        return None
    found = [unit.id for unit in book.units_on(day) if unit.code == wanted.unit]
    if len(found) != 1:
        raise Refused(f"no unit of {day} has the code {wanted.unit}")
    return found[0]


def listed(place: Place) -> Iterator[str]:
    """The targets that hold or will, a line each; the most specific of those that fit a case judges it."""
    with place.database.unit_of_work() as session:
        rows = queries.targets(session, place.settings.city_id, clock.now())
    if not rows:
        yield f"no target holds: every case has {USUAL_MINUTES} minutes"
    for row in rows:
        policy = row.policy
        described = {"kind": policy.kind_code, "unit": row.unit, "field": policy.field}
        parts = [f"{name} {value}" for name, value in described.items() if value is not None]
        parts += [] if policy.urgent is None else ["urgent" if policy.urgent else "not urgent"]
        cases = ", ".join(parts) or "every case"
        until = "" if policy.valid_to is None else f" until {_local(policy.valid_to)}"
        hours = policy.calendar_code or "round the clock"
        yield f"{cases:<28}{policy.minutes:>7} min  {hours:<18}from {_local(policy.valid_from)}{until}"


def _local(instant: datetime) -> str:
    return f"{instant.astimezone(LOCAL_ZONE):%Y-%m-%d %H:%M:%S%z}".replace(":00+", "+")
