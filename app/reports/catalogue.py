"""What may be reported, what it rests on, by when it must be dealt with, and who else may be competent.

The list is dated data in the database. `catalogue.json` beside this file is the edition that ships with the project: no
text of law, only which decree and article a kind rests on from which day, and the fine (individuals; for a building, a
detached house) where it is certain. An edition that was brought in is not brought in again, so that what an
administrator changed since stays.
"""

import hashlib
import json
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

from sqlalchemy import delete, func, insert, or_, select, update
from sqlalchemy.dialects.postgresql import insert as upsert
from sqlalchemy.orm import Session

from app.core.audit import AuditEntry, record
from app.core.db import Base
from app.reports.dated import Dated, compare
from app.reports.models import Body, Kind, LegalBasis, Question
from app.targets.models import TargetPolicy
from geo.validity import Days, day_start, local_day

EDITION = Path(__file__).with_name("catalogue.json")

# Any number that nobody else locks: two starts at once bring an edition in once.
_LOCK = 7_236_002

_Values = tuple[Any, ...]


@dataclass(frozen=True)
class Edition:
    """One catalogue file: its members as they were read, and the SHA-256 of its bytes."""

    sha256: str
    members: Mapping[str, Any]

    @property
    def min_app_version(self) -> str:
        """The oldest version of the phone's app that may go on without an update."""
        return str(self.members["min_app_version"])


@dataclass
class Loaded:
    """What bringing an edition in did; nothing at all when it was in already."""

    begun: int = 0
    ended: int = 0

    def __str__(self) -> str:
        return f"{self.begun} rows began, {self.ended} ended" if self.begun or self.ended else "nothing new"


class _List(NamedTuple):
    """A table of dated rows: what says that two rows are versions of one thing, and what may differ between them."""

    model: type[Base]
    key: tuple[str, ...]
    content: tuple[str, ...]


_KINDS = _List(Kind, ("code",), ("field", "name_vi", "name_en", "photo_required", "position"))
_LEGAL = _List(LegalBasis, ("kind_code", "decree", "article"), ("fine_min_vnd", "fine_max_vnd"))
_TARGETS = _List(TargetPolicy, ("field", "kind_code", "unit_id", "urgent"), ("minutes", "calendar_code"))


def read(path: Path) -> Edition:
    """The edition in a file."""
    content = path.read_bytes()
    return Edition(hashlib.sha256(content).hexdigest(), json.loads(content))


@cache
def shipped() -> Edition:
    """The edition that ships with the project."""
    return read(EDITION)


def load(session: Session, city_id: int, edition: Edition, now: datetime) -> Loaded:
    """Bring an edition in: what is new begins as dated, what changed ends today and begins anew tomorrow.

    Dated rows are never rewritten. Names of bodies, and the questions, have no days and are simply replaced.
    """
    session.execute(select(func.pg_advisory_xact_lock(_LOCK)))
    loaded = Loaded()
    subject = f"catalogue:{city_id}"
    if _last_loaded(session, subject) == edition.sha256:
        return loaded
    tomorrow = local_day(now) + timedelta(days=1)
    kinds = [{**kind, "position": place} for place, kind in enumerate(edition.members["kinds"])]
    legal = [{"kind_code": kind["code"], **basis} for kind in kinds for basis in kind["legal"]]
    for dated, items in ((_KINDS, kinds), (_LEGAL, legal), (_TARGETS, edition.members["targets"])):
        _bring(session, city_id, dated, items, tomorrow=tomorrow, loaded=loaded)
    _replace_undated(session, city_id, edition)
    record(
        session,
        by=None,
        action="catalogue:load",
        subject=subject,
        at=now,
        data={"sha256": edition.sha256, "begun": loaded.begun, "ended": loaded.ended},
    )
    return loaded


def _last_loaded(session: Session, subject: str) -> str | None:
    return session.scalar(
        select(AuditEntry.data["sha256"].astext)
        .where(AuditEntry.subject == subject, AuditEntry.action == "catalogue:load")
        .order_by(AuditEntry.id.desc())
        .limit(1)
    )


def _bring(
    session: Session, city_id: int, dated: _List, items: Sequence[Mapping[str, Any]], *, tomorrow: date, loaded: Loaded
) -> None:
    """Bring one table to an edition; ends are written before beginnings, so that two versions never share a day."""
    wanted: dict[_Values, list[Dated[_Values]]] = defaultdict(list)
    for item in items:
        wanted[_values(item, dated.key)].append(Dated(_values(item, dated.content), _days(item)))
    stored = _stored(session, city_id, dated)
    begins: list[dict[str, Any]] = []
    for key, versions in wanted.items():
        rows = stored.get(key, [])
        changes = compare([version for _, version in rows], versions, tomorrow)
        if changes.last_ends is not None:
            last = rows[-1][0]
            session.execute(
                update(dated.model)
                .where(*(getattr(dated.model, name) == value for name, value in last.items()))
                .values(valid_to=_moment(dated, changes.last_ends))
            )
            loaded.ended += 1
        begins.extend(
            {
                "city_id": city_id,
                **dict(zip(dated.key, key, strict=True)),
                **dict(zip(dated.content, version.content, strict=True)),
                "valid_from": _moment(dated, version.days.first),
                "valid_to": _moment(dated, version.days.until),
            }
            for version in changes.begins
        )
    if begins:
        session.execute(insert(dated.model), begins)
        loaded.begun += len(begins)


def _stored(session: Session, city_id: int, dated: _List) -> dict[_Values, list[tuple[dict[str, Any], Dated[_Values]]]]:
    """What is stored, in the order of its days; each version with the primary key of its row."""
    table = dated.model.__table__
    rows: dict[_Values, list[tuple[dict[str, Any], Dated[_Values]]]] = defaultdict(list)
    found = session.execute(select(table).where(table.c.city_id == city_id).order_by(table.c.valid_from))
    for row in map(dict, found.mappings()):
        days = Days(_day(row["valid_from"]), _day(row["valid_to"]))
        identity = {column.name: row[column.name] for column in table.primary_key}
        rows[_values(row, dated.key)].append((identity, Dated(_values(row, dated.content), days)))
    return rows


def _values(row: Mapping[str, Any], names: Sequence[str]) -> _Values:
    return tuple(row.get(name) for name in names)


def _days(item: Mapping[str, Any]) -> Days:
    return Days(*(date.fromisoformat(item[name]) if item.get(name) else None for name in ("valid_from", "valid_to")))


def _day(moment: date | datetime | None) -> date | None:
    return local_day(moment) if isinstance(moment, datetime) else moment


def _moment(dated: _List, day: date | None) -> date | datetime | None:
    """A day as the table stores it: targets begin at an instant, because they judge instants."""
    return day if day is None or dated is not _TARGETS else day_start(day)


def _replace_undated(session: Session, city_id: int, edition: Edition) -> None:
    """Bodies that a case was referred to are never removed; questions are read by people only and replaced whole."""
    bodies = upsert(Body).values([{"city_id": city_id, **body} for body in edition.members["bodies"]])
    session.execute(
        bodies.on_conflict_do_update(
            index_elements=[Body.city_id, Body.code],
            set_={"name_vi": bodies.excluded.name_vi, "name_en": bodies.excluded.name_en},
        )
    )
    session.execute(delete(Question).where(Question.city_id == city_id))
    questions = edition.members["questions"]
    session.execute(
        insert(Question),
        [{"city_id": city_id, "position": place, **question} for place, question in enumerate(questions, start=1)],
    )


class KindInForce(NamedTuple):
    """A kind that may be reported on a day, and what it rests on that day."""

    kind: Kind
    legal: Sequence[LegalBasis]


@dataclass(frozen=True)
class InForce:
    """The catalogue of one day."""

    kinds: Sequence[KindInForce]
    targets: Sequence[TargetPolicy]
    bodies: Sequence[Body]
    questions: Sequence[Question]


def in_force(session: Session, city_id: int, now: datetime) -> InForce:
    """The catalogue of a city as it holds at an instant, in the order in which people should see it."""
    day = local_day(now)
    legal: dict[str, list[LegalBasis]] = defaultdict(list)
    for basis in session.scalars(
        select(LegalBasis)
        .where(LegalBasis.city_id == city_id, LegalBasis.valid_from <= day)
        .where(or_(LegalBasis.valid_to.is_(None), LegalBasis.valid_to > day))
        .order_by(LegalBasis.decree, LegalBasis.article)
    ):
        legal[basis.kind_code].append(basis)
    kinds = session.scalars(
        select(Kind)
        .where(Kind.city_id == city_id, Kind.valid_from <= day)
        .where(or_(Kind.valid_to.is_(None), Kind.valid_to > day))
        .order_by(Kind.position, Kind.code)
    )
    targets = session.scalars(
        select(TargetPolicy)
        .where(TargetPolicy.city_id == city_id, TargetPolicy.valid_from <= now)
        .where(or_(TargetPolicy.valid_to.is_(None), TargetPolicy.valid_to > now))
        .order_by(TargetPolicy.id)
    )
    return InForce(
        kinds=[KindInForce(kind, legal[kind.code]) for kind in kinds],
        targets=targets.all(),
        bodies=session.scalars(select(Body).where(Body.city_id == city_id).order_by(Body.code)).all(),
        questions=session.scalars(
            select(Question).where(Question.city_id == city_id).order_by(Question.position)
        ).all(),
    )
