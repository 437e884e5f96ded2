"""Let somebody work here."""

from sqlalchemy import select
from sqlalchemy.orm import Session

from app.commands.place import Place, Refused
from app.core import clock
from app.identity import actions
from app.identity.permissions import Acting, Role
from app.routing.models import Unit, UnitCoverage
from geo.validity import local_day
from geo.wards import WardVersion, valid_on

SHORTEST_PASSWORD = 10

OF_A_WARD = frozenset({Role.OFFICER, Role.CHAIR})


def add(place: Place, *, username: str, name: str, role: str, ward: str | None, password: str) -> str:
    """Register a member of staff with one role from today on; of somebody known, name, role and password become these.

    Raises:
        Refused: no such role or ward, or a password that is too short.
    """
    if role not in {one.value for one in Role} - {Role.RESIDENT.value}:
        raise Refused(f"there is no role {role} that staff may have")
    if len(password) < SHORTEST_PASSWORD:
        raise Refused(f"the password must have at least {SHORTEST_PASSWORD} characters")
    now = clock.now()
    with place.database.unit_of_work() as session:
        unit_id = _unit(session, place.settings.city_id, Role(role), ward)
        actions.register_staff(
            session,
            username=username,
            name=name,
            password=password,
            memberships=[Acting(Role(role), unit_id)],
            now=now,
        )
    return f"{username} may sign in as {role}" + (f" of ward {ward}" if ward else "")


def _unit(session: Session, city_id: int, role: Role, ward: str | None) -> int | None:
    """The unit that the role is for: of today's ward with this code, the desk, or none. Raises Refused."""
    if (role in OF_A_WARD) != (ward is not None):
        raise Refused("officer and chair work for a --ward, everybody else for the whole city")
    units = select(Unit.id).where(Unit.city_id == city_id)
    if ward is None:
        return session.scalars(units.where(Unit.kind == "desk")).one() if role is Role.DISPATCHER else None
    today = local_day(clock.now())
    unit_id = session.scalar(
        units.join(UnitCoverage, UnitCoverage.unit_id == Unit.id)
        .join(WardVersion, WardVersion.id == UnitCoverage.ward_version_id)
        .where(WardVersion.code == ward, valid_on(today))
    )
    if unit_id is None:
        raise Refused(f"no ward of today has the code {ward}")
    return unit_id
