"""Boundary files in: read, compared with what is stored, and written whole or not at all."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import datetime
from pathlib import Path

import shapely
from geoalchemy2.shape import from_shape
from sqlalchemy import func, select, update
from sqlalchemy.orm import Session

from geo import changes as comparing
from geo import features as reading
from geo.changes import Changes, Known, Succession, Version
from geo.coordinates import SRID
from geo.errors import FileUnreadable, GeoError
from geo.features import BoundaryFile, Feature
from geo.validity import Days
from geo.wards import City, WardImport, WardSuccession, WardVersion

# Today's five wards of Bình Thạnh, drawn by hand: what a start without real boundary files uses.
SKETCH = Path(__file__).parent / "data" / "binhthanh_sketch.geojson"

# Any number will do that nobody else locks: imports wait for each other, so that revisions are committed in order.
_IMPORT_LOCK = 7_236_001


@dataclass(frozen=True, slots=True)
class AddedWard:
    """A ward version that an import wrote."""

    code: str
    name: str
    days: str
    area_m2: float


@dataclass(slots=True)
class ImportReport:
    """What an import did, or, with `problems`, why it did nothing. Every text is a sentence for the administrator."""

    files: list[str]
    features: int = 0
    added: list[AddedWard] = field(default_factory=list)
    unchanged: int = 0
    ended: list[str] = field(default_factory=list)
    successions: list[str] = field(default_factory=list)
    repaired: list[str] = field(default_factory=list)
    noted: list[str] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)

    def text(self) -> str:
        """The report in plain English, several lines."""
        lines = [
            f"{', '.join(self.files)}: {self.features} ward versions read, {len(self.added)} added, {self.unchanged} already known, {len(self.ended)} ended, {len(self.repaired)} repaired.",
        ]
        wards = [f"{ward.code} {ward.name} ({ward.days}): {ward.area_m2 / 1e6:,.3f} km2" for ward in self.added]
        parts = {
            "Added": wards,
            "Ended": self.ended,
            "Follows": self.successions,
            "Repaired": self.repaired,
            "Noted": self.noted,
            "Refused, nothing was written": self.problems,
        }
        for title, sentences in parts.items():
            if sentences:
                lines += ["", f"{title}:", *(f"  {sentence}" for sentence in sentences)]
        return "\n".join(lines)


class BoundaryFileRefused(GeoError):
    """Nothing was written; `report.problems` has every reason."""

    code = "boundary_file_refused"

    def __init__(self, report: ImportReport) -> None:
        super().__init__(report.text(), problems=tuple(report.problems))
        self.report = report


def import_files(session: Session, city_id: int, paths: Sequence[Path], now: datetime) -> ImportReport:
    """Take the ward versions of one or several GeoJSON files into a city, all or nothing.

    Writes into the caller's transaction and never commits. A stored version is never edited, except that an open one
    ends on the day on which a version of its code, or wards that take over its ground, begin. Files that are already
    in have no effect.

    Raises:
        BoundaryFileRefused: something in the files or against what is stored forbids it; nothing was written.
    """
    report = ImportReport([path.name for path in paths])
    files = _read(paths, report)
    if session.get(City, city_id) is None:
        report.problems.append(f"there is no city {city_id}")
    _refuse_if_problems(report)

    session.execute(select(func.pg_advisory_xact_lock(_IMPORT_LOCK)))
    known = _known(session, city_id)
    changes = comparing.compare(known, [feature for file in files for feature in file.features])
    report.unchanged = changes.unchanged
    report.noted.extend(changes.noted)
    report.problems.extend(changes.problems)
    _refuse_if_problems(report)

    successions = comparing.successions(changes, known)
    report.added = [AddedWard(one.code, one.name, str(one.days), one.area_m2) for one in changes.added]
    report.ended = [str(version) for version in changes.ended.values()]
    report.successions = [str(one) for one in successions]
    if changes.added or changes.ended:
        came_with = _write_imports(session, files, report, now)
        _write_versions(session, city_id, changes, successions, came_with)
    return report


def _read(paths: Sequence[Path], report: ImportReport) -> list[BoundaryFile]:
    files = []
    for path in paths:
        try:
            file = reading.read(path)
        except FileUnreadable as unreadable:
            report.problems.append(str(unreadable))
        except OSError as error:
            report.problems.append(f"{path}: {error.strerror}")
        else:
            files.append(file)
            report.features += len(file.features)
            report.repaired.extend(file.repaired)
            report.problems.extend(file.problems)
    return files


def _refuse_if_problems(report: ImportReport) -> None:
    if report.problems:
        raise BoundaryFileRefused(report)


def _known(session: Session, city_id: int) -> list[Known]:
    rows = session.execute(
        select(
            WardVersion.id,
            WardVersion.code,
            WardVersion.name,
            WardVersion.valid_from,
            WardVersion.valid_to,
            func.ST_AsBinary(WardVersion.geom),
        )
        .where(WardVersion.city_id == city_id)
        .order_by(WardVersion.id)
    ).all()
    polygons = shapely.from_wkb([bytes(row[-1]) for row in rows])
    return [
        Known(number, code, name, Days(first, until), polygon)
        for (number, code, name, first, until, _), polygon in zip(rows, polygons, strict=True)
    ]


def _write_imports(
    session: Session, files: Sequence[BoundaryFile], report: ImportReport, now: datetime
) -> dict[int, int]:
    """Put each file on record, with the report of all of them; the number of the file of each feature, by identity."""
    summary = asdict(report)
    records = [WardImport(at=now, file=file.name, sha256=file.sha256, summary=summary) for file in files]
    session.add_all(records)
    session.flush()
    return {id(feature): record.id for file, record in zip(files, records, strict=True) for feature in file.features}


def _write_versions(
    session: Session,
    city_id: int,
    changes: Changes,
    successions: Sequence[Succession],
    came_with: Mapping[int, int],
) -> None:
    # Ends before beginnings: no two versions of one code may share a day, not even for a moment.
    for version in changes.ended.values():
        session.execute(update(WardVersion).where(WardVersion.id == version.id).values(valid_to=version.days.until))
    rows = {id(feature): _row(feature, city_id, came_with[id(feature)]) for feature in changes.added}
    session.add_all(rows.values())
    session.flush()

    def number(version: Version) -> int:
        return version.id if isinstance(version, Known) else rows[id(version)].id

    session.add_all(
        WardSuccession(predecessor_id=number(one.predecessor), successor_id=number(one.successor), share=one.share)
        for one in successions
    )
    session.flush()


def _row(feature: Feature, city_id: int, import_id: int) -> WardVersion:
    return WardVersion(
        city_id=city_id,
        code=feature.code,
        name=feature.name,
        type=feature.type,
        parent=feature.parent,
        parent_code=feature.parent_code,
        valid_from=feature.days.first,
        valid_to=feature.days.until,
        geom=from_shape(feature.polygon, srid=SRID),
        area_m2=feature.area_m2,
        source=feature.source,
        note=feature.note,
        import_id=import_id,
    )
