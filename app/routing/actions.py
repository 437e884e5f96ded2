"""Units come with wards: whoever brings in boundaries lets every ward have somebody who acts."""

from datetime import datetime

from sqlalchemy import insert, select
from sqlalchemy.orm import Session

from app.core import audit
from app.routing.models import Unit, UnitCoverage
from geo.wards import WardVersion


def cover_wards(session: Session, city_id: int, now: datetime) -> int:
    """Give a unit to every ward version that has none; return how many versions were covered.

    A ward that was redrawn and kept code and name keeps its unit, with its people. Codes are used again for other
    wards, so the name counts too: Phường 24, Phường 14 and Phường Bình Thạnh have all been 26929, and are three units.
    """
    uncovered = session.scalars(
        select(WardVersion)
        .outerjoin(UnitCoverage, UnitCoverage.ward_version_id == WardVersion.id)
        .where(WardVersion.city_id == city_id, UnitCoverage.ward_version_id.is_(None))
        .order_by(WardVersion.valid_from.nulls_first(), WardVersion.code)
    ).all()
    existing = {
        (unit.code, unit.name): unit
        for unit in session.scalars(select(Unit).where(Unit.city_id == city_id, Unit.kind == "ward"))
    }
    for version in uncovered:
        unit = existing.get((version.code, version.name))
        if unit is None:
            unit = Unit(city_id=city_id, kind="ward", code=version.code, name=version.name)
            session.add(unit)
            session.flush()  # its number is needed for the coverage and the trace
            existing[version.code, version.name] = unit
            audit.record(session, by=None, action="unit:found", subject=f"unit/{unit.id}", at=now)
        session.execute(insert(UnitCoverage).values(ward_version_id=version.id, unit_id=unit.id))
    return len(uncovered)
