"""The courses of the demo's cases as rows of the tables: with ward, unit, number, people and timeline."""

# ruff: noqa: S311 -- a story, not a secret

import json
import random
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from functools import cache
from typing import Any
from uuid import UUID

from app.commands.demo.course import FIRST, SEED, Course
from app.commands.demo.ground import Ground
from app.commands.demo.kinds import CONCLUSION_NOTES, LATE_REASONS
from app.reports.duplicates import SAME_SPOT_M
from app.reports.intake import first_of_month
from app.reports.recurrence import WITHIN
from app.reports.timeline import digest_of
from app.reports.workflow import CLOSE_AFTER
from geo.coordinates import LngLat, metres_between
from geo.validity import LOCAL_ZONE, Days, local_day

RESIDENTS = 60

# Cells a little larger than the same spot: whatever may be near lies in the cell or in those around it.
CELL_DEGREES = 0.0003

TRUE = frozenset({"recorded", "remedied", "gone"})

# What every table is given, in this order.
COLUMNS = {
    "people": ("id", "is_staff", "created_at"),
    "reports": (
        "id", "city_id", "number", "channel", "kind_code", "field", "lat", "lon", "accuracy_m", "address", "note",
        "captured_at", "anonymous", "urgent", "about_unit", "received_at", "ward_version_id", "routing", "unit_id",
        "state", "target_s", "due_at", "stopped_s", "first_response_at", "on_site_at", "concluded_at", "outcome",
        "ended_at", "assignee_id", "concluded_by", "late_reason", "stopped_units", "recurrence_of", "version",
        "updated_at",
    ),
    "report_authors": ("report_id", "person_id", "tag"),
    "timeline": (
        "report_id", "entry_id", "at", "type", "by_role", "by_id", "unit_id", "from_state", "to_state", "shown_to",
        "data", "text_digest",
    ),
    "timeline_texts": ("report_id", "entry_id", "texts"),
    "decisions": ("id", "report_id", "unit_id", "number", "decided_on", "fine_vnd", "paid_on", "entered_at"),
}  # fmt: skip


@dataclass(frozen=True)
class Officer:
    """Somebody who acts for a unit, on days."""

    person_id: UUID
    unit_id: int
    days: Days


@dataclass(frozen=True)
class _Step:
    """One entry of the timeline."""

    at: datetime
    type: str
    from_state: str | None
    to_state: str
    by_role: str = "officer"
    data: Mapping[str, Any] = field(default_factory=dict)
    texts: Mapping[str, str] = field(default_factory=dict)


class Story:
    """Told case by case in the order of receipt; `rows` has what is to be stored, `numbers` the last of each month."""

    def __init__(self, ground: Ground, officers: Sequence[Officer], numbers: Mapping[date, int]) -> None:
        self.rows: dict[str, list[tuple[Any, ...]]] = {table: [] for table in COLUMNS}
        self.numbers = Counter(dict(numbers))
        self._rng = random.Random(f"{SEED}/rows")
        self._ground = ground
        self._officers: dict[int, list[Officer]] = defaultdict(list)
        for officer in officers:
            self._officers[officer.unit_id].append(officer)
        self._decisions: Counter[int] = Counter()
        self._spots: dict[tuple[str, int, int], list[tuple[datetime, LngLat, UUID]]] = defaultdict(list)
        began = datetime.combine(FIRST, time(8), LOCAL_ZONE)
        self._people = [self._id(began) for _ in range(RESIDENTS)]
        self.rows["people"] = [(person, False, began) for person in self._people]

    def tell(self, number: int, course: Course) -> None:
        """Write down the case with this place in the history, whole."""
        rng = self._rng
        accuracy_m = round(rng.uniform(4, 25), 1)
        found, route = self._ground.find(number, course, accuracy_m)
        unit_id = route.unit.id
        month = first_of_month(course.received_at)
        self.numbers[month] += 1
        report_id = self._id(course.received_at)
        officer = self._officer(unit_id, number, local_day(course.received_at))
        late_reason = rng.choice(LATE_REASONS) if course.late else None
        note = rng.choice(course.kind.notes) if rng.random() < 0.6 else None
        captured_at = course.received_at - timedelta(seconds=rng.randint(5, 90))
        anonymous = rng.random() < 0.2
        point = LngLat(found.lon, found.lat)
        self.rows["reports"].append((
            report_id, self._ground.city_id, f"{self._ground.book.number_prefix}-{month:%y%m}-{self.numbers[month]:04}", "demo",
            course.kind.code, course.field, found.lat, found.lon, accuracy_m, found.address, note,
            captured_at, anonymous, False, False, course.received_at, route.ward_version_id, _json(route.explanation),
            unit_id, "closed", 7200, course.due_at, course.stopped_s, course.accepted_at, course.on_site_at,
            course.concluded_at, course.outcome, course.concluded_at, officer, officer, late_reason,
            [unit_id] if course.paused else [], self._recurrence(course, point), 7 if course.paused else 5,
            course.concluded_at + CLOSE_AFTER,
        ))  # fmt: skip
        author = (None, rng.randbytes(32)) if anonymous else (rng.choice(self._people), None)
        self.rows["report_authors"].append((report_id, *author))
        for step in self._steps(course, late_reason):
            self._enter(report_id, step, unit_id, officer)
        if course.decided_on is not None:
            self._decide(report_id, unit_id, course)
        if course.outcome in TRUE:
            self._spots[self._cell(course, point)].append((course.concluded_at, point, report_id))

    def _steps(self, course: Course, late_reason: str | None) -> list[_Step]:
        texts = {"note": self._rng.choice(CONCLUSION_NOTES[course.outcome])}
        if late_reason:
            texts["late_reason"] = late_reason
        said = {"outcome": course.outcome, "photos": [], "late": course.late}
        steps = [
            _Step(course.received_at, "received", None, "received", "resident"),
            _Step(course.accepted_at, "accept", "received", "accepted"),
            _Step(course.on_site_at, "arrive", "accepted", "on_site"),
            _Step(course.concluded_at, "conclude", "on_site", "concluded", data=said, texts=texts),
            _Step(course.concluded_at + CLOSE_AFTER, "close", "concluded", "closed", "system"),
        ]
        if course.paused:
            asked, answered = course.paused
            question = {"question": "Xin cho biết rõ hơn vị trí."}
            answer = {"answer": "Ngay đầu hẻm, phía tay phải."}
            steps[2:2] = [
                _Step(asked, "ask", "accepted", "awaiting_resident", texts=question),
                _Step(answered, "answer", "awaiting_resident", "accepted", "resident", texts=answer),
            ]
        return steps

    def _enter(self, report_id: UUID, step: _Step, unit_id: int, officer: UUID | None) -> None:
        entry_id = self._id(step.at)
        by_id = officer if step.by_role == "officer" else None
        self.rows["timeline"].append((
            report_id, entry_id, step.at, step.type, step.by_role, by_id, unit_id, step.from_state, step.to_state,
            "all", _json(step.data) if step.data else "{}", _said(tuple(step.texts.items())) if step.texts else None,
        ))  # fmt: skip
        if step.texts:
            self.rows["timeline_texts"].append((report_id, entry_id, _json(step.texts)))

    def _decide(self, report_id: UUID, unit_id: int, course: Course) -> None:
        self._decisions[unit_id] += 1
        # MP, mô phỏng: no number that a chair enters is ever taken by one of these.
        number = f"MP-{self._decisions[unit_id]:04}/QĐ-XPHC"
        afternoon = datetime.combine(course.decided_on or FIRST, time(16), LOCAL_ZONE)
        entered_at = max(afternoon, course.concluded_at + timedelta(minutes=5))
        self.rows["decisions"].append((
            self._id(entered_at), report_id, unit_id, number, course.decided_on, course.fine_vnd, course.paid_on,
            entered_at,
        ))  # fmt: skip

    def _officer(self, unit_id: int, number: int, day: date) -> UUID | None:
        """Whoever was an officer of the unit that day; nobody, when there was none."""
        on_duty = [officer.person_id for officer in self._officers[unit_id] if officer.days.contains(day)]
        return on_duty[number % len(on_duty)] if on_duty else None

    def _recurrence(self, course: Course, point: LngLat) -> UUID | None:
        """The latest true conclusion of the kind at this spot, if it is less than 30 days old."""
        code, row, column = self._cell(course, point)
        near = (
            spot
            for north in (-1, 0, 1)
            for east in (-1, 0, 1)
            for spot in self._spots.get((code, row + north, column + east), ())
        )
        repeated = [
            (concluded_at, report_id)
            for concluded_at, where, report_id in near
            if concluded_at <= course.received_at < concluded_at + WITHIN
            and metres_between(where, point) <= SAME_SPOT_M
        ]
        return max(repeated)[1] if repeated else None

    def _cell(self, course: Course, point: LngLat) -> tuple[str, int, int]:
        return course.kind.code, int(point.lat // CELL_DEGREES), int(point.lng // CELL_DEGREES)

    def _id(self, at: datetime) -> UUID:
        """A UUIDv7 (RFC 9562) of an instant, from the seed."""
        bits = self._rng.getrandbits
        return UUID(int=int(at.timestamp() * 1000) << 80 | 7 << 76 | bits(12) << 64 | 2 << 62 | bits(62))


@cache
def _said(texts: tuple[tuple[str, str], ...]) -> bytes:
    """The digest of what was said: few things are said, and often."""
    return digest_of(dict(texts))


def _json(value: Mapping[str, Any]) -> str:
    return json.dumps(value, ensure_ascii=False)
