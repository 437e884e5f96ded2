"""How a demo case went: one random number after another, so that the same seed always tells the same story."""

# ruff: noqa: S311 -- a story, not a secret

import math
import random
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from itertools import accumulate

from app.commands.demo.kinds import KIND_WEIGHTS, KINDS, SPREAD_M, DemoKind
from app.commands.demo.streets import Place, somewhere
from geo.validity import day_start

SEED = 20_241_101
FIRST, UNTIL = date(2024, 11, 1), date(2026, 11, 1)
FIELDS = {"sidewalk": 10_000, "environment": 2_500, "construction": 800}
OUTCOMES = {"recorded": 12_000, "remedied": 405, "gone": 230, "no_violation": 402, "unfounded": 263}
FINES_VND = 7_000_000_000
FINE_STEP_VND = 50_000

TARGET = timedelta(minutes=120)

_WEEKDAYS = (1.1, 1.05, 1.05, 1.0, 1.1, 1.0, 0.75)

# The days around the lunar new year, when the streets are empty.
_NEW_YEAR = ((date(2025, 1, 25), date(2025, 2, 3)), (date(2026, 2, 14), date(2026, 2, 23)))


@dataclass
class Course:
    """One case from receipt to conclusion; instants are aware. `paused` is when its clock stood still, if it did."""

    place: Place
    field: str
    kind: DemoKind
    outcome: str
    received_at: datetime
    accepted_at: datetime
    paused: tuple[datetime, datetime] | None
    on_site_at: datetime
    concluded_at: datetime
    fine_vnd: int = 0
    decided_on: date | None = None
    paid_on: date | None = None

    @property
    def stopped_s(self) -> int:
        """Whole seconds for which the clock stood still."""
        return math.floor((self.paused[1] - self.paused[0]).total_seconds()) if self.paused else 0

    @property
    def due_at(self) -> datetime:
        """By when it had to be concluded."""
        return self.received_at + TARGET + (self.paused[1] - self.paused[0] if self.paused else timedelta(0))

    @property
    def late(self) -> bool:
        """Whether it was concluded after its due time."""
        return self.concluded_at > self.due_at


def courses() -> list[Course]:
    """The whole history in the order of receipt: always the same, and exactly the totals above."""
    rng = random.Random(SEED)
    fields = [field for field, count in FIELDS.items() for _ in range(count)]
    outcomes = [outcome for outcome, count in OUTCOMES.items() for _ in range(count)]
    rng.shuffle(outcomes)
    days = [FIRST + timedelta(days=number) for number in range((UNTIL - FIRST).days)]
    weights = list(accumulate(_weight(day) for day in days))
    received = []
    for field, outcome in zip(fields, outcomes, strict=True):
        kind = rng.choices(KINDS[field], cum_weights=KIND_WEIGHTS[field])[0]
        day = rng.choices(days, cum_weights=weights)[0]
        hour = rng.choices(range(24), weights=kind.hours)[0]
        received.append(
            (day_start(day) + timedelta(hours=hour, milliseconds=rng.randrange(3_600_000)), field, kind, outcome)
        )
    received.sort(key=lambda one: one[0])
    made = [
        _course(rng, place_of(number, field), received_at, field=field, kind=kind, outcome=outcome)
        for number, (received_at, field, kind, outcome) in enumerate(received)
    ]
    _fine(rng, [course for course in made if course.outcome == "recorded"])
    return made


def place_of(number: int, field: str, attempt: int = 0) -> Place:
    """Where the case with this place in the history is; another attempt is another spot, and moves no other case."""
    return somewhere(random.Random(f"{SEED}/{number}/{attempt}"), SPREAD_M[field])


def _weight(day: date) -> float:
    """How much is reported on a day: more every month, less on Sundays, little around the new year."""
    growth = 0.8 + 0.4 * (day - FIRST).days / (UNTIL - FIRST).days
    quiet = 0.4 if any(first <= day < until for first, until in _NEW_YEAR) else 1.0
    return growth * quiet * _WEEKDAYS[day.weekday()]


def _course(
    rng: random.Random, place: Place, received_at: datetime, *, field: str, kind: DemoKind, outcome: str
) -> Course:
    local_hour = (received_at.hour + 7) % 24
    night = 1.7 if local_hour >= 22 or local_hour < 6 else 1.0
    accepted_at = received_at + _minutes(rng, 4 * night, 0.8)
    paused = None
    if rng.random() < 0.025:
        asked_at = accepted_at + _minutes(rng, 2, 0.5)
        # A question after the due time stops no clock.
        if asked_at < received_at + TARGET:
            paused = (asked_at, asked_at + _minutes(rng, 25, 0.7))
    on_site_at = (paused[1] if paused else accepted_at) + _minutes(rng, 14 * night * place.slowness, 0.5)
    # Most are done in half an hour; a few drag on, because somebody must be fetched or the street is under water.
    work = 24 if field != "construction" else 38
    drag = rng.uniform(3, 14) if rng.random() < 0.045 else 1.0
    concluded_at = on_site_at + _minutes(rng, work * drag, 0.55)
    return Course(place, field, kind, outcome, received_at, accepted_at, paused, on_site_at, concluded_at)


def _minutes(rng: random.Random, median: float, spread: float) -> timedelta:
    """A time that is mostly near its median and sometimes much longer, at most two days."""
    minutes = min(rng.lognormvariate(math.log(median), spread), 2880.0)
    return timedelta(milliseconds=round(minutes * 60_000))


def _fine(rng: random.Random, recorded: Sequence[Course]) -> None:
    """A decision for every recorded case; the fines add up to the total to the last đồng."""
    steps = [rng.randint(*course.kind.fines) for course in recorded]
    missing = FINES_VND // FINE_STEP_VND - sum(steps)
    street = [number for number, course in enumerate(recorded) if course.field == "sidewalk"]
    while missing:
        number = rng.choice(street)
        step = 1 if missing > 0 else -1
        if 3 <= steps[number] + step <= 20:
            steps[number] += step
            missing -= step
    last = UNTIL - timedelta(days=1)
    for course, step in zip(recorded, steps, strict=True):
        local = course.concluded_at + timedelta(hours=7)
        course.fine_vnd = step * FINE_STEP_VND
        course.decided_on = max(local.date(), min(local.date() + timedelta(days=rng.randint(1, 7)), last))
        if rng.random() < 0.88:
            course.paid_on = min(course.decided_on + timedelta(days=rng.randrange(10)), last)
