"""Some forty cases in today's wards, in every state, as they stand at the moment of loading."""

# ruff: noqa: S311 -- a story, not a secret

import random
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from app.commands.demo import scene
from app.commands.demo.ground import Ground
from app.commands.demo.hands import Hands, Sent
from app.commands.demo.kinds import KINDS, SPREAD_M, DemoKind
from app.core.audit import AuditEntry, record
from app.enforcement.actions import Entered
from app.identity.permissions import Role
from app.photos.actions import Role as PhotoRole
from app.reports.actions import Person
from geo.index import WardRef
from geo.validity import LOCAL_ZONE, local_day

MARK = "demo:live"
MOST_WARDS = 5
RESIDENTS = 12

_LOCK = 7_236_003


@dataclass(frozen=True)
class Act:
    """A move so many minutes after a report came in; `texts` is what is said with it."""

    minutes: float
    to: str
    texts: Mapping[str, str]


def _act(minutes: float, to: str, **texts: str) -> Act:
    return Act(minutes, to, texts)


@dataclass(frozen=True)
class Case:
    """A report that came in so many minutes before now, and what has happened since."""

    ago: float
    field: str
    acts: tuple[Act, ...] = ()
    about_unit: bool = False
    urgent: bool = False


def _accepted(*more: Act) -> tuple[Act, ...]:
    return (_act(4, "accepted"), *more)


def _done(outcome: str, note: str, minutes: float = 52, **texts: str) -> Act:
    return _act(minutes, "concluded", outcome=outcome, note=note, **texts)


_ARRIVED = _act(19, "on_site")

# In every ward: new, accepted, on the way, waiting, due soon, overdue, contested, and dealt with. Each ward is
# shifted by a few minutes, so that no two cases are twins.
IN_EVERY_WARD = (
    Case(3, "sidewalk"),
    Case(26, "environment", _accepted()),
    Case(38, "sidewalk", _accepted(_ARRIVED)),
    Case(55, "construction", _accepted(_act(11, "awaiting_resident", question="Công trình ở số nhà nào ạ?"))),
    Case(106, "sidewalk", _accepted(_ARRIVED)),
    Case(171, "environment", _accepted()),
    Case(
        1500,
        "sidewalk",
        _accepted(
            _ARRIVED,
            _done("no_violation", "Đến nơi thấy lối đi đã thông."),
            _act(1460, "contested", reason="Lúc cán bộ đi rồi họ lại bày ra như cũ."),
        ),
    ),
    Case(300, "sidewalk", _accepted(_ARRIVED, _done("recorded", "Đã lập biên bản, người vi phạm tự dọn."))),
)

# Once each, in one ward after the other.
ONCE = (
    Case(420, "environment", _accepted(_ARRIVED, _done("remedied", "Đã nhắc nhở, dọn sạch tại chỗ."))),
    Case(500, "sidewalk", _accepted(_ARRIVED, _done("unfounded", "Không có sự việc như tin báo."))),
    Case(240, "environment", _accepted(_done("referred", "Cống nghẹt, ngoài thẩm quyền phường.", 30, body="drainage"))),
    Case(
        400,
        "construction",
        _accepted(
            _ARRIVED, _done("recorded", "Đã lập biên bản, đình chỉ thi công.", 185, late_reason="Chờ chủ nhà về.")
        ),
    ),
    Case(45, "sidewalk", (_act(12, "withdrawn"),)),
    Case(20, "sidewalk", about_unit=True),
    Case(8, "construction", urgent=True),
)


def load(session: Session, city_id: int, hands: Hands, now: datetime) -> str:
    """Make the cases, once; everything or nothing, in the caller's transaction.

    Raises:
        Refused: no ward of today has an officer.
    """
    session.execute(select(func.pg_advisory_xact_lock(_LOCK)))
    if session.scalar(select(AuditEntry.id).where(AuditEntry.subject == f"{MARK}/{city_id}").limit(1)):
        return "live cases, as they were"
    theatre = _Theatre(session, city_id, hands, now)
    for case, ward in theatre.cast():
        theatre.play(case, ward)
    record(session, by=None, action=MARK, subject=f"{MARK}/{city_id}", at=now, data={"cases": theatre.played})
    return f"{theatre.played} live cases in {len(theatre.wards)} wards"


class _Theatre:
    """One performance: the wards, the people, and the instant that counts as now."""

    def __init__(self, session: Session, city_id: int, hands: Hands, now: datetime) -> None:
        self._session = session
        self._hands = hands
        self._now = now
        self._rng = random.Random(f"{city_id}/{now.isoformat()}")
        self._ground = Ground(session, city_id)
        self._staff = hands.staff(session, local_day(now))
        self._residents = [hands.resident(session, now) for _ in range(RESIDENTS)]
        self.wards = self._stages()
        self.played = 0

    def cast(self) -> Iterator[tuple[Case, WardRef]]:
        """Which case is played in which ward."""
        for ward in self.wards:
            for case in IN_EVERY_WARD:
                yield case, ward
        for number, case in enumerate(ONCE):
            yield case, self.wards[number % len(self.wards)]

    def play(self, case: Case, ward: WardRef) -> None:
        """Let one case happen, up to now."""
        rng, session = self._rng, self._session
        kind = _kind(rng, case)
        received_at = self._now - timedelta(minutes=case.ago + rng.uniform(0, 2 + case.ago * 0.09))
        place = self._ground.in_ward(ward, rng, local_day(received_at), SPREAD_M[case.field])
        sent = self._hands.send(
            session,
            rng.choice(self._residents),
            kind.code,
            place,
            now=received_at,
            note=rng.choice(kind.notes),
            anonymous=rng.random() < 0.15,
            about_unit=case.about_unit,
            urgent=case.urgent,
        )
        self._photo(sent, kind, "before", received_at + timedelta(seconds=9))
        for act in case.acts:
            self._perform(act, sent, kind, received_at + timedelta(minutes=act.minutes))
        self.played += 1

    def _perform(self, act: Act, sent: Sent, kind: DemoKind, at: datetime) -> None:
        by = sent.resident if act.to in {"contested", "withdrawn"} else self._officer(sent.unit_id)
        given = dict(act.texts)
        photos = []
        if act.to == "concluded" and given["outcome"] != "referred":
            photos = [self._photo(sent, kind, "after", at - timedelta(seconds=40))]
        more = {"photos": photos} if act.to == "concluded" else {}
        self._hands.move(self._session, sent.id, by, act.to, now=at, **given, **more)
        if given.get("outcome") == "recorded":
            self._decide(sent, at)

    def _decide(self, sent: Sent, at: datetime) -> None:
        """Some decisions are there already, the others are still being written."""
        chairs = self._staff.get((Role.CHAIR, sent.unit_id))
        if chairs and self._rng.random() < 0.6:
            decision = Entered(f"{self._rng.randrange(10_000):04}/QĐ-XPHC-{self.played:02}", local_day(at), 500_000)
            self._hands.decide(self._session, sent.id, chairs[0], decision, now=at + timedelta(minutes=15))

    def _photo(self, sent: Sent, kind: DemoKind, role: PhotoRole, at: datetime) -> str:
        hour = at.astimezone(LOCAL_ZONE).hour
        content = scene.photo(str(sent.id), kind.code, hour, violation=role == "before")
        return self._hands.photograph(self._session, sent.id, content, role, at)

    def _officer(self, unit_id: int) -> Person:
        return self._staff[Role.OFFICER, unit_id][0]

    def _stages(self) -> Sequence[WardRef]:
        """At most five wards of today that have officers, those with spots on the demo's streets first."""
        book = self._ground.book
        manned = [
            ward
            for ward in self._ground.wards_on(local_day(self._now))
            if (Role.OFFICER, book.unit_of_version.get(ward.id, 0)) in self._staff
        ]
        return sorted(manned, key=lambda ward: not self._ground.has_street(ward))[:MOST_WARDS]


def _kind(rng: random.Random, case: Case) -> DemoKind:
    """A kind of the field that a photo can show."""
    return rng.choice([kind for kind in KINDS[case.field] if kind.code not in {"EN09", "CO10"}])
