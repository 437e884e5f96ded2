"""The rules of a city as one frozen snapshot in memory: wards, units, kinds, targets, calendars, bodies.

Every process decides by its snapshot; triggers count each change of these tables, and whoever reads the count in the
same transaction as a report learns at once when the snapshot is old. So a new boundary or kind needs no restart.
"""

import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date

from sqlalchemy import select
from sqlalchemy.orm import Session

from app.core import alphabet
from app.core.errors import Invalid, NotFound
from app.reports.models import Body, Kind, RulebookRevision
from app.routing.models import Unit, UnitCoverage
from app.routing.rules import Acting, Route, route
from app.targets import queries as targets
from app.targets.calendar import ROUND_THE_CLOCK, Calendar
from app.targets.models import TargetPolicy
from app.targets.policies import Policy
from geo.coordinates import parse, parse_accuracy
from geo.index import WardIndex, WardRef
from geo.validity import Days
from geo.wards import City, load_index

_COVERAGE = select(UnitCoverage.ward_version_id, UnitCoverage.unit_id)


class KindUnknown(Invalid):
    """No such kind on that day."""

    code = "kind_unknown"
    vi = "Không có hành vi “{kind}” trong danh mục."
    en = "There is no kind “{kind}” in the catalogue."


class UnitNotFound(NotFound):
    """No such unit, or one whose affairs are not the asker's."""

    code = "unit_not_found"
    vi = "Không tìm thấy đơn vị này."
    en = "This unit was not found."


# Wards in the order of the alphabet, then special teams; the desk, which takes what nobody else does, comes last.
_ORDER_OF_KINDS = ("ward", "team", "desk")


@dataclass(frozen=True)
class KindRule:
    """What taking in and concluding a report of a kind needs to know."""

    code: str
    field: str
    photo_required: bool
    days: Days


@dataclass(frozen=True)
class Rulebook:
    """Everything of one city that decisions read, as it was at one revision."""

    revision: int
    city_id: int
    number_prefix: str
    wards: WardIndex
    refs: Mapping[int, WardRef]
    units: Mapping[int, Acting]
    unit_of_version: Mapping[int, int]
    kinds: Mapping[str, tuple[KindRule, ...]]
    policies: tuple[Policy, ...]
    calendars: Mapping[str, Calendar]
    bodies: frozenset[str]
    desk: Acting

    def kind(self, code: str, day: date) -> KindRule:
        """The kind as it is on a local day. Raises KindUnknown."""
        for rule in self.kinds.get(code, ()):
            if rule.days.contains(day):
                return rule
        raise KindUnknown(at="kind", kind=code)

    def calendar(self, code: str | None) -> Calendar:
        """The calendar on which a case's time counts; None is round the clock. Calendars are never taken away."""
        return ROUND_THE_CLOCK if code is None else self.calendars[code]

    def unit_of_ward(self, code: str, day: date) -> Acting | None:
        """The unit of the ward that has this code on a local day."""
        for ref in self.refs.values():
            if ref.code == code and ref.days.contains(day):
                return self.units.get(self.unit_of_version.get(ref.id, 0))
        return None

    def acts_on(self, unit_id: int, day: date) -> bool:
        """Whether the unit works on a local day: a ward's unit does while it covers a ward of that day."""
        unit = self.units.get(unit_id)
        return unit is not None and (unit.kind != "ward" or unit_id in self._covering(day))

    def units_on(self, day: date) -> Sequence[Acting]:
        """The units that work on a local day, in the order in which people look for one."""
        covering = self._covering(day)
        acting = [unit for unit in self.units.values() if unit.kind != "ward" or unit.id in covering]
        return sorted(acting, key=lambda unit: (_ORDER_OF_KINDS.index(unit.kind), alphabet.key(unit.name), unit.id))

    def _covering(self, day: date) -> frozenset[int]:
        """The units that cover a ward of a local day."""
        return frozenset(
            unit for version, unit in self.unit_of_version.items() if self.refs[version].days.contains(day)
        )

    def route(self, lat: float, lon: float, day: date, accuracy_m: float | None, *, about_unit: bool) -> Route:
        """Ward and unit of a place (degrees, WGS 84) on a local day.

        Raises geo.errors.CoordinatesInvalid, geo.errors.AccuracyInvalid, geo.index.OutsideArea.
        """
        point = parse(lat=lat, lon=lon)
        located = self.wards.locate(point, day, parse_accuracy(accuracy_m))
        ward_unit = self.units.get(self.unit_of_version.get(located.ward.id, 0))
        return route(located, ward_unit, self.desk, about_unit=about_unit)


class RulebookCache:
    """The newest snapshot of a process; threads share it, and one of them at a time makes a new one."""

    def __init__(self, city_id: int) -> None:
        self._city_id = city_id
        self._current: Rulebook | None = None
        self._loading = threading.Lock()

    def current(self, session: Session, revision: int | None = None) -> Rulebook:
        """The rulebook as of `revision`, read from the database when the caller has not just done so."""
        if revision is None:
            revision = session.scalars(select(RulebookRevision.revision)).one()
        book = self._current
        if book is None or book.revision != revision:
            with self._loading:
                book = self._current
                if book is None or book.revision != revision:
                    book = self._current = load(session, self._city_id)
        return book

    def forget(self) -> None:
        """Drop the snapshot: the next reader makes a new one."""
        self._current = None


def load(session: Session, city_id: int) -> Rulebook:
    """Read a city's rules. The revision is read first: what changes meanwhile makes the snapshot old, never wrong."""
    revision = session.scalars(select(RulebookRevision.revision)).one()
    prefix = session.scalars(select(City.number_prefix).where(City.id == city_id)).one()
    units = {
        unit.id: Acting(id=unit.id, kind=unit.kind, code=unit.code, name=unit.name)
        for unit in session.scalars(select(Unit).where(Unit.city_id == city_id))
    }
    wards = load_index(session)
    kinds: dict[str, list[KindRule]] = {}
    for kind in session.scalars(select(Kind).where(Kind.city_id == city_id)):
        rule = KindRule(kind.code, kind.field, kind.photo_required, Days(kind.valid_from, kind.valid_to))
        kinds.setdefault(kind.code, []).append(rule)
    return Rulebook(
        revision=revision,
        city_id=city_id,
        number_prefix=prefix,
        wards=wards,
        refs={ref.id: ref for ref in wards.versions()},
        units=units,
        unit_of_version={row[0]: row[1] for row in session.execute(_COVERAGE)},
        kinds={code: tuple(rules) for code, rules in kinds.items()},
        policies=tuple(_policies(session, city_id)),
        calendars=targets.calendars(session, city_id),
        bodies=frozenset(session.scalars(select(Body.code).where(Body.city_id == city_id))),
        desk=next(unit for unit in units.values() if unit.kind == "desk"),
    )


def _policies(session: Session, city_id: int) -> list[Policy]:
    return [
        Policy(
            minutes=row.minutes,
            valid_from=row.valid_from,
            valid_to=row.valid_to,
            field=row.field,
            kind_code=row.kind_code,
            unit_id=row.unit_id,
            urgent=row.urgent,
            calendar_code=row.calendar_code,
        )
        for row in session.scalars(select(TargetPolicy).where(TargetPolicy.city_id == city_id))
    ]
