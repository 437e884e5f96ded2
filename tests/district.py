"""A small district to tell stories in: three square wards side by side, their units, some kinds, and people.

0.01 degree is 1094 m from west to east and 1106 m from south to north at 10.80 degrees north.

      106.70   106.71   106.72   106.73
10.81   +--------+--------+--------+
        |   An   |  Bình  |  Châu  |
10.80   +--------+--------+--------+
        90001    90002    90003
"""

from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from uuid import UUID

from sqlalchemy import insert, select, text
from sqlalchemy.orm import Session

from app.core.db import new_id
from app.identity.models import Membership, Person, Resident, SignIn, Staff
from app.identity.permissions import Acting, Actor, Role
from app.reports.models import Body, Kind
from app.routing.actions import cover_wards
from app.routing.models import Unit
from app.targets.models import TargetPolicy
from geo.wards import WardImport, WardVersion

LONG_AGO = datetime(2024, 1, 1, tzinfo=UTC)
IN_AN = {"lat": 10.805, "lon": 106.705}
IN_BINH = {"lat": 10.805, "lon": 106.715}
IN_CHAU = {"lat": 10.805, "lon": 106.725}
# 22 m east of the line between An and Bình: in Bình, and the usual 20 m do not reach An.
NEAR_AN = {"lat": 10.805, "lon": 106.7102}

WARDS = (("90001", "Phường An", 106.70), ("90002", "Phường Bình", 106.71), ("90003", "Phường Châu", 106.72))
KINDS = (
    ("SW01", "sidewalk", "Lấn chiếm vỉa hè", "Sidewalk taken over", True),
    ("EN01", "environment", "Vứt rác", "Litter", True),
    ("EN08", "environment", "Tiếng ồn", "Noise", False),
    ("CO01", "construction", "Xây dựng không phép", "Building without a permit", True),
)


@dataclass
class District:
    """The units by ward code (and `desk`), and makers of people."""

    session: Session
    units: dict[str, int] = field(default_factory=dict)
    _made: int = 0

    def resident(self, phone: str | None = None) -> Actor:
        """A resident who is signed in."""
        self._made += 1
        person = self._person(is_staff=False)
        number = phone or f"+8490{self._made:07d}"
        self.session.execute(insert(Resident).values(person_id=person, phone=number))
        return Actor(person, self._sign_in(person), is_staff=False)

    def staff(self, role: Role, unit: str | None = None, *, since: date = date(2024, 1, 1)) -> Actor:
        """A member of staff with one membership, signed in. `unit` is a ward's code or `desk`."""
        self._made += 1
        person = self._person(is_staff=True)
        unit_id = None if unit is None else self.units[unit]
        name = f"{role.value} {self._made}"
        self.session.execute(
            insert(Staff).values(person_id=person, username=f"{role.value}.{self._made}", name=name, password_hash="!")
        )
        self.session.execute(
            insert(Membership).values(person_id=person, role=role.value, unit_id=unit_id, valid_from=since)
        )
        return Actor(person, self._sign_in(person), is_staff=True, memberships=(Acting(role, unit_id),))

    def _person(self, *, is_staff: bool) -> UUID:
        person = new_id()
        self.session.execute(insert(Person).values(id=person, is_staff=is_staff, created_at=LONG_AGO))
        return person

    def _sign_in(self, person: UUID) -> UUID:
        sign_in = new_id()
        self.session.execute(insert(SignIn).values(id=sign_in, person_id=person, created_at=LONG_AGO))
        return sign_in


def found(session: Session) -> District:
    """Bring the district about in a session's transaction."""
    brought = session.scalars(
        insert(WardImport).values(at=LONG_AGO, file="district.py", sha256="0" * 64, summary={}).returning(WardImport.id)
    ).one()
    for code, name, west in WARDS:
        session.execute(
            insert(WardVersion).values(
                city_id=1,
                code=code,
                name=name,
                type="Phường",
                valid_from=date(2024, 1, 1),
                geom=text(f"st_multi(st_makeenvelope({west}, 10.80, {round(west + 0.01, 2)}, 10.81, 4326))"),
                area_m2=1_209_000,
                import_id=brought,
            )
        )
    for position, (code, field_, vi, en, photo) in enumerate(KINDS):
        session.execute(
            insert(Kind).values(
                city_id=1, code=code, field=field_, name_vi=vi, name_en=en, photo_required=photo, position=position,
                valid_from=date(2024, 1, 1),
            )
        )  # fmt: skip
    session.execute(insert(Body).values(city_id=1, code="police", name_vi="Công an phường", name_en="Ward police"))
    session.execute(insert(TargetPolicy).values(city_id=1, minutes=120, valid_from=LONG_AGO))
    cover_wards(session, 1, LONG_AGO)
    session.flush()
    units = {unit.code: unit.id for unit in session.scalars(select(Unit).where(Unit.city_id == 1))}
    return District(session, units)
