"""Reads about people and sessions."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from uuid import UUID

from sqlalchemy import select, text
from sqlalchemy.orm import Session

from app.identity.models import Consent, Resident, Staff
from app.identity.permissions import Acting, Actor, Role

# One statement a request. A person without memberships still gives one row, so that no row means: not signed in.
_ACTOR = text("""
select p.is_staff, m.role, m.unit_id
from sessions s
join people p on p.id = s.person_id
left join memberships m on m.person_id = p.id and m.valid_from <= :day and (m.valid_to is null or :day < m.valid_to)
where s.id = :session_id and p.id = :person_id and s.ended_at is null and p.disabled_at is null
""")


def actor_of(session: Session, *, person_id: UUID, session_id: UUID, on: date) -> Actor | None:
    """Who acts through a session on a local day; None when it has ended, or the person is disabled."""
    rows = session.execute(_ACTOR, {"person_id": person_id, "session_id": session_id, "day": on}).all()
    if not rows:
        return None
    memberships = tuple(Acting(Role(row.role), row.unit_id) for row in rows if row.role is not None)
    return Actor(person_id, session_id, is_staff=rows[0].is_staff, memberships=memberships)


def phone_of(session: Session, person_id: UUID) -> str | None:
    """The phone number of a resident, in E.164; None of anybody else."""
    return session.scalar(select(Resident.phone).where(Resident.person_id == person_id))


def email_of(session: Session, person_id: UUID) -> str | None:
    """The e-mail address that a member of staff gave; None of anybody else."""
    return session.scalar(select(Staff.email).where(Staff.person_id == person_id))


def name_of(session: Session, person_id: UUID) -> str | None:
    """The name under which colleagues know a member of staff; None of anybody else."""
    return session.scalar(select(Staff.name).where(Staff.person_id == person_id))


def names_of(session: Session, people: Collection[UUID]) -> Mapping[UUID, str]:
    """The names under which colleagues know members of staff."""
    rows = session.execute(select(Staff.person_id, Staff.name).where(Staff.person_id.in_(people)))
    return {row.person_id: row.name for row in rows}


@dataclass(frozen=True)
class UnitOfStaff:
    """A unit that somebody acts for today, and as what."""

    id: int
    name: str
    role: str


_UNITS = text("""
select u.id, u.name, m.role from memberships m join units u on u.id = m.unit_id
where m.person_id = :person_id and m.valid_from <= :day and (m.valid_to is null or :day < m.valid_to)
order by u.id, m.role
""")


def units_of(session: Session, person_id: UUID, *, on: date) -> Sequence[UnitOfStaff]:
    """The units that a member of staff acts for on a local day."""
    rows = session.execute(_UNITS, {"person_id": person_id, "day": on})
    return [UnitOfStaff(row.id, row.name, row.role) for row in rows]


def consents_of(session: Session, person_id: UUID) -> Sequence[Consent]:
    """What a person has consented to, standing and withdrawn, oldest first."""
    wanted = select(Consent).where(Consent.person_id == person_id).order_by(Consent.given_at, Consent.purpose)
    return session.scalars(wanted).all()
