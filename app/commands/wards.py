"""Bring boundaries in, and let every ward have a unit."""

from collections.abc import Sequence
from pathlib import Path

from sqlalchemy import func, select

from app.commands.place import Place, Refused
from app.core import clock
from app.routing.actions import cover_wards
from geo.boundaries import BoundaryFileRefused, import_files
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
    """Import the files; without any, the sketch, unless the city has wards already. One line on what that did.

    Raises:
        Refused: the files do not fit the wards that are there, as those of another city or the sketch.
        geo.boundaries.BoundaryFileRefused: something in the files themselves forbids it.
    """
    now, city_id = clock.now(), place.settings.city_id
    with place.database.unit_of_work() as session:
        known = session.scalar(select(func.count()).select_from(WardVersion).where(WardVersion.city_id == city_id))
        if known and not files:
            return f"{known} ward versions, as they were"
        try:
            report = import_files(session, city_id, files or [SKETCH], now)
        except BoundaryFileRefused as refused:
            if not known:
                raise
            problems = refused.report.problems
            raise Refused(
                f"{', '.join(file.name for file in files)} does not fit the {known} ward versions that this copy has, for "
                f"{len(problems)} reasons, such as: {problems[0]}. Another HAIGIO_VAR begins a copy of its own; "
                "`haigio wards import` tells every reason"
            ) from refused
        cover_wards(session, city_id, now)
    return f"{len(report.added)} ward versions added, {report.unchanged} known ({', '.join(report.files)})"
