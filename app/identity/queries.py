"""Reads about people and sessions."""

from datetime import date
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.orm import Session

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
