"""A district at work: residents report, officers handle, through the same actions as real ones, until it is stopped."""

# ruff: noqa: S311 -- a story, not a secret

import heapq
import math
import random
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import partial
from typing import Any
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from app.commands.demo import scene
from app.commands.demo.ground import Ground
from app.commands.demo.hands import Hands
from app.commands.demo.kinds import CONCLUSION_NOTES, KIND_WEIGHTS, KINDS, LATE_REASONS, SPREAD_M
from app.core.db import Database
from app.core.errors import DomainError
from app.identity.permissions import Role
from app.reports.actions import Person
from app.reports.models import Report
from geo.validity import LOCAL_ZONE, local_day

RESIDENTS = 40
FIELD_WEIGHTS = {"sidewalk": 75, "environment": 19, "construction": 6}
OUTCOME_WEIGHTS = {"recorded": 90, "remedied": 3, "gone": 2, "no_violation": 3, "unfounded": 2}

# Minutes from one step of a case to the next: the middle one, and how much it varies (of a log-normal distribution).
PACE = {"accepted": (4.0, 0.8), "on_site": (14.0, 0.5), "concluded": (24.0, 0.6)}
NEXT = {"received": "accepted", "accepted": "on_site", "on_site": "concluded"}


@dataclass(order=True)
class _Due:
    """What will be done to a case, and when."""

    at: datetime
    report_id: UUID = field(compare=False)
    to: str = field(compare=False)


@dataclass
class Tally:
    """What has been done so far."""

    reports: int = 0
    moves: int = 0
    refused: int = 0

    def __str__(self) -> str:
        return f"{self.reports} reports, {self.moves} moves, {self.refused} refused"


class District:
    """Plans what happens next, and does what is due. Every step is a unit of work of its own, as a request's would be.

    `per_minute` reports come in on average; `speed` 1 handles them as fast as a real district does, 10 ten times as
    fast. What it finds open of the demo's own it goes on with.
    """

    def __init__(
        self, database: Database, city_id: int, hands: Hands, *, per_minute: float, speed: float, now: datetime
    ) -> None:
        self.tally = Tally()
        self._database = database
        self._hands = hands
        self._per_minute = per_minute
        self._speed = speed
        self._rng = random.Random(now.isoformat())
        self._next_report = now
        self._due: list[_Due] = []
        with database.unit_of_work() as session:
            self._ground = Ground(session, city_id)
            self._staff = hands.staff(session, local_day(now))
            self._residents = [hands.resident(session, now) for _ in range(RESIDENTS)]
            mine = select(Report).where(Report.channel == "demo", Report.state.in_(NEXT))
            for report in session.scalars(mine):
                self._plan(report.id, report.state, now)

    def step(self, now: datetime) -> None:
        """Do what is due at an instant; another's move that came first is no error."""
        while self._next_report <= now:
            self._next_report += timedelta(minutes=self._rng.expovariate(self._per_minute))
            self._try(partial(self._report, now))
        while self._due and self._due[0].at <= now:
            self._try(partial(self._move, heapq.heappop(self._due), now))

    def _try(self, act: Callable[[Session], None]) -> None:
        try:
            with self._database.unit_of_work() as session:
                act(session)
        except DomainError:
            self.tally.refused += 1

    def _report(self, now: datetime, session: Session) -> None:
        rng = self._rng
        field_ = rng.choices(list(FIELD_WEIGHTS), weights=list(FIELD_WEIGHTS.values()))[0]
        kind = rng.choices(KINDS[field_], cum_weights=KIND_WEIGHTS[field_])[0]
        day = local_day(now)
        place = self._ground.in_ward(rng.choice(self._ground.wards_on(day)), rng, day, SPREAD_M[field_])
        note = rng.choice(kind.notes) if rng.random() < 0.7 else None
        sent = self._hands.send(
            session, rng.choice(self._residents), kind.code, place, now=now, note=note, anonymous=rng.random() < 0.2
        )
        content = scene.photo(str(sent.id), kind.code, now.astimezone(LOCAL_ZONE).hour, violation=True)
        self._hands.photograph(session, sent.id, content, "before", now)
        self._plan(sent.id, "received", now)
        self.tally.reports += 1

    def _move(self, due: _Due, now: datetime, session: Session) -> None:
        report = session.get(Report, due.report_id)
        if report is None or NEXT.get(report.state) != due.to:
            return
        officer = self._officer(report.unit_id)
        if officer is None:
            return
        given = self._conclusion(session, report, now) if due.to == "concluded" else {}
        self._hands.move(session, due.report_id, officer, due.to, now=now, **given)
        self.tally.moves += 1
        self._plan(due.report_id, due.to, now)

    def _conclusion(self, session: Session, report: Report, now: datetime) -> dict[str, Any]:
        outcome = self._rng.choices(list(OUTCOME_WEIGHTS), weights=list(OUTCOME_WEIGHTS.values()))[0]
        content = scene.photo(str(report.id), report.kind_code, now.astimezone(LOCAL_ZONE).hour, violation=False)
        photo = self._hands.photograph(session, report.id, content, "after", now)
        given: dict[str, Any] = {
            "outcome": outcome,
            "note": self._rng.choice(CONCLUSION_NOTES[outcome]),
            "photos": [photo],
        }
        return given | {"late_reason": self._rng.choice(LATE_REASONS)} if now > report.due_at else given

    def _plan(self, report_id: UUID, state: str, now: datetime) -> None:
        """Put the next step of a case into the plan; a case that somebody else must move is left to them."""
        to = NEXT.get(state)
        if to is not None:
            median, spread = PACE[to]
            minutes = self._rng.lognormvariate(math.log(median), spread) / self._speed
            heapq.heappush(self._due, _Due(now + timedelta(minutes=minutes), report_id, to))

    def _officer(self, unit_id: int) -> Person | None:
        people = self._staff.get((Role.OFFICER, unit_id)) or self._staff.get((Role.DISPATCHER, unit_id))
        return self._rng.choice(people) if people else None


def run(district: District, clock: Callable[[], datetime], until: datetime | None) -> Iterator[Tally]:
    """Let the district work in real time; give the tally about once a minute, until `until` or for ever."""
    told = clock()
    while until is None or clock() < until:
        now = clock()
        district.step(now)
        if now - told >= timedelta(minutes=1):
            told = now
            yield district.tally
        time.sleep(0.5)
    yield district.tally
