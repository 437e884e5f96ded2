"""Bring boundaries in, and let every ward have a unit."""

from collections.abc import Sequence
from pathlib import Path

from sqlalchemy import func, select

from app.commands.place import Place
from app.core import clock
from app.routing.actions import cover_wards
from geo.boundaries import import_files
from geo.wards import WardVersion

SKETCH = Path(__file__).parents[2] / "geo" / "data" / "binhthanh_sketch.geojson"


def import_wards(place: Place, files: Sequence[Path]) -> str:
    """Import boundary files, all or nothing, and say at length what that did.

    Raises:
        geo.boundaries.BoundaryFileRefused: something in the files or against what is stored forbids it.
    """
    now = clock.now()
    with place.database.unit_of_work() as session:
        report = import_files(session, place.settings.city_id, files, now)
        covered = cover_wards(session, place.settings.city_id, now)
    return f"{report.text()}\n{covered} ward versions were given a unit."


def ensure_wards(place: Place, files: Sequence[Path]) -> str:
    """Import the files; without any, the sketch, unless the city has wards already. One line on what that did."""
    now, city_id = clock.now(), place.settings.city_id
    with place.database.unit_of_work() as session:
        known = session.scalar(select(func.count()).select_from(WardVersion).where(WardVersion.city_id == city_id))
        if known and not files:
            return f"{known} ward versions, as they were"
        report = import_files(session, city_id, files or [SKETCH], now)
        cover_wards(session, city_id, now)
    return f"{len(report.added)} ward versions added, {report.unchanged} known ({', '.join(report.files)})"
