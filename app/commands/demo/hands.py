"""Demo residents and demo staff at work: through the same actions as everybody else, at a given instant."""

import hashlib
import io
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import insert, select
from sqlalchemy.orm import Session

from app.commands.demo.streets import Place
from app.commands.place import Refused
from app.core.db import new_id
from app.enforcement import actions as enforcement
from app.identity.models import Membership
from app.identity.models import Person as PersonRow
from app.identity.permissions import Acting, Actor, Role
from app.photos import actions as photos
from app.photos.actions import Role as PhotoRole
from app.photos.images import make_copies
from app.photos.storage import Copy, PhotoStore
from app.reports import actions
from app.reports.actions import Act, Person
from app.reports.intake import Author, Submission, author_tag
from app.reports.rulebook import RulebookCache
from app.reports.timeline import Request
from geo.validity import Days


@dataclass(frozen=True)
class Sent:
    """A report that a demo resident sent."""

    id: UUID
    resident: Person
    unit_id: int


class Hands:
    """Everybody of the demo. Nothing here commits; each call belongs to the unit of work of its session."""

    def __init__(self, cache: RulebookCache, store: PhotoStore, author_key: bytes) -> None:
        self._cache = cache
        self._store = store
        self._key = author_key

    def resident(self, session: Session, now: datetime) -> Person:
        """A new demo resident: somebody without a phone, who never signs in."""
        person_id = new_id()
        session.execute(insert(PersonRow).values(id=person_id, is_staff=False, created_at=now))
        return self._person(Actor(person_id, new_id(), is_staff=False))

    def staff(self, session: Session, day: date) -> Mapping[tuple[Role, int], list[Person]]:
        """Who acts for which unit on a day. Raises Refused when no ward has an officer."""
        found: dict[tuple[Role, int], list[Person]] = defaultdict(list)
        for member in session.scalars(select(Membership).order_by(Membership.id)):
            if member.unit_id is not None and Days(member.valid_from, member.valid_to).contains(day):
                acting = Acting(Role(member.role), member.unit_id)
                actor = Actor(member.person_id, new_id(), is_staff=True, memberships=(acting,))
                found[Role(member.role), member.unit_id].append(self._person(actor))
        if not any(role is Role.OFFICER for role, _ in found):
            raise Refused("no ward has an officer: run `demo staff` first")
        return found

    def send(self, session: Session, by: Person, kind: str, place: Place, *, now: datetime, **said: Any) -> Sent:
        """Send a report from a place; `said` is whatever else a phone says (note, urgent, anonymous ...)."""
        sent = Submission(
            id=new_id(),
            kind=kind,
            lat=place.lat,
            lon=place.lon,
            accuracy_m=8.0,
            captured_at=now,
            address=place.address,
            channel="demo",
            **said,
        )
        author = Author(None, by.tag) if sent.anonymous else Author(by.actor.person_id, None)
        submitted = actions.submit(
            session, sent, author, session_id=None, cache=self._cache, spend=lambda: None, now=now
        )
        if submitted.columns is None:
            raise RuntimeError("a fresh id was known already")
        return Sent(sent.id, by, submitted.columns["unit_id"])

    def photograph(self, session: Session, report_id: UUID, content: bytes, role: PhotoRole, now: datetime) -> str:
        """Add a photo and make the copies that people see at once; return its SHA-256."""
        sha256 = hashlib.sha256(content).hexdigest()
        original = photos.keep(self._store, io.BytesIO(content), sha256=sha256)
        photos.receive(session, self._store, original, report_id=report_id, role=role, now=now)
        copies = make_copies(io.BytesIO(content))
        self._store.put_copy(sha256, Copy.DISPLAY, copies.display)
        self._store.put_copy(sha256, Copy.THUMB, copies.thumb)
        photos.copies_made(
            session, report_id, sha256, width=copies.width, height=copies.height,
            placeholder=copies.placeholder, dhash=copies.dhash, now=now,  # drawn, it says nothing of itself
        )  # fmt: skip
        return sha256

    def move(self, session: Session, report_id: UUID, by: Person, to: str, *, now: datetime, **given: Any) -> None:
        """Carry out a move of the table."""
        actions.move(session, report_id, {"to": to, **given}, self._act(session, by, now))

    def _act(self, session: Session, by: Person, now: datetime) -> Act:
        return Act(by, Request(done_at=now), self._cache.current(session), now)

    def enter(self, session: Session, report_id: UUID, by: Person, entry: str, *, now: datetime, **given: Any) -> None:
        """Add an entry that changes no state."""
        actions.enter(session, report_id, {"type": entry, **given}, self._act(session, by, now))

    def decide(
        self, session: Session, report_id: UUID, by: Person, entered: enforcement.Entered, *, now: datetime
    ) -> None:
        """Enter a sanction decision."""
        enforcement.enter(session, report_id, entered, by=by, now=now)

    def _person(self, actor: Actor) -> Person:
        return Person(actor, author_tag(self._key, actor.person_id))
