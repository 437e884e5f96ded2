"""A GeoJSON file of wards, read with suspicion: what can be repaired is repaired and said, the rest is refused and said.

Properties of a feature: `code`, `name`, `type` (needed), `parent`, `parent_code`, `source`, `note`, and `valid_from`,
`valid_to` as ISO days or null; `valid_to` is the last day. Geometry: Polygon or MultiPolygon in WGS 84, longitude first.
"""

import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Any, NoReturn

import numpy as np
import numpy.typing as npt
import shapely

from geo.coordinates import VIET_NAM
from geo.coverage import area_m2
from geo.errors import FeatureRefused, FileUnreadable
from geo.validity import Days

# All 3,321 communes of Viet Nam at full detail have some ten million vertices in under 200 MB.
MOST_BYTES = 200_000_000
MOST_VERTICES = 10_000_000

_LONGEST_TEXT = 1000
_CRS_OF_GEOJSON = ("CRS84", "EPSG::4326", "EPSG:4326")


@dataclass(frozen=True, slots=True)
class Feature:
    """A ward version as a file has it; `polygon` is a valid MultiPolygon in degrees, `area_m2` is on the ellipsoid."""

    code: str
    name: str
    type: str
    parent: str | None
    parent_code: str | None
    days: Days
    source: str | None
    note: str | None
    polygon: shapely.MultiPolygon
    area_m2: float

    def __str__(self) -> str:
        return f"{self.code} {self.name} ({self.days})"


@dataclass(slots=True)
class BoundaryFile:
    """A file as it was read: its wards, what was repaired in them, and the features that were refused."""

    name: str
    sha256: str
    features: list[Feature] = field(default_factory=list)
    repaired: list[str] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)


def read(path: Path) -> BoundaryFile:
    """Read a boundary file.

    Raises:
        FileUnreadable: as a whole it cannot be used; problems of single features are in the answer instead.
    """
    size = path.stat().st_size
    if size > MOST_BYTES:
        raise FileUnreadable(f"{path.name}: {size:,} bytes, more than the {MOST_BYTES:,} that are read")
    content = path.read_bytes()
    file = BoundaryFile(path.name, hashlib.sha256(content).hexdigest())
    vertices = 0
    for number, raw in enumerate(_raw_features(path.name, content), start=1):
        where = f"{path.name}, feature {number}"
        try:
            feature, repairs = _feature(raw)
        except FeatureRefused as refused:
            file.problems.append(f"{where}{_named(raw)}: {refused}")
            continue
        vertices += int(shapely.get_num_coordinates(feature.polygon))
        if vertices > MOST_VERTICES:
            raise FileUnreadable(f"{path.name}: more than the {MOST_VERTICES:,} vertices that are read")
        file.features.append(feature)
        file.repaired.extend(f"{where} ({feature.code} {feature.name}): {repair}" for repair in repairs)
    return file


def _raw_features(name: str, content: bytes) -> Sequence[object]:
    try:
        document = json.loads(content.decode("utf-8-sig"), parse_constant=_no_constant)
    except UnicodeDecodeError as error:
        raise FileUnreadable(f"{name}: not a text file in UTF-8") from error
    except (ValueError, RecursionError) as error:
        raise FileUnreadable(f"{name}: not JSON ({error})") from error
    features = document.get("features") if isinstance(document, Mapping) else None
    if not isinstance(features, list) or document.get("type") != "FeatureCollection":
        raise FileUnreadable(f"{name}: not a GeoJSON FeatureCollection")
    if not features:
        raise FileUnreadable(f"{name}: no features")
    crs = document.get("crs")
    if crs is not None and not _crs_name(crs).endswith(_CRS_OF_GEOJSON):
        raise FileUnreadable(
            f"{name}: coordinate system {_crs_name(crs) or crs!r}; only WGS 84 degrees (EPSG:4326) are read"
        )
    return features


def _no_constant(constant: str) -> NoReturn:
    raise ValueError(f"{constant} is not a number in JSON")


def _crs_name(crs: object) -> str:
    properties = crs.get("properties") if isinstance(crs, Mapping) else None
    name = properties.get("name") if isinstance(properties, Mapping) else None
    return name if isinstance(name, str) else ""


def _named(raw: object) -> str:
    """The code and name of a feature for a message, as far as it has them."""
    properties = raw.get("properties") if isinstance(raw, Mapping) else None
    if not isinstance(properties, Mapping):
        return ""
    words = [
        word for word in (properties.get("code"), properties.get("name")) if isinstance(word, str) and word.strip()
    ]
    return f" ({' '.join(words)[:80]})" if words else ""


def _feature(raw: object) -> tuple[Feature, list[str]]:
    """A feature and what was repaired in it."""
    properties = raw.get("properties") if isinstance(raw, Mapping) else None
    if not isinstance(raw, Mapping) or raw.get("type") != "Feature" or not isinstance(properties, Mapping):
        raise FeatureRefused("not a GeoJSON Feature with properties")
    names = {key: _text(properties, key) for key in ("code", "name", "type")}
    missing = [key for key, text in names.items() if not text]
    if missing:
        raise FeatureRefused(f"{' and '.join(missing)} missing")
    polygon, repairs = _polygon(raw.get("geometry"))
    feature = Feature(
        code=names["code"] or "",
        name=names["name"] or "",
        type=names["type"] or "",
        parent=_text(properties, "parent"),
        parent_code=_text(properties, "parent_code"),
        days=_days(properties),
        source=_text(properties, "source"),
        note=_text(properties, "note"),
        polygon=polygon,
        area_m2=area_m2(polygon),
    )
    return feature, repairs


def _text(properties: Mapping[str, Any], key: str) -> str | None:
    value = properties.get(key)
    if value is None:
        return None
    if not isinstance(value, str):
        raise FeatureRefused(f"{key} must be text, got {value!r:.60} (a code keeps its leading zeros only as text)")
    value = value.strip()
    if len(value) > _LONGEST_TEXT or not value.isprintable():
        raise FeatureRefused(f"{key} has control characters or more than {_LONGEST_TEXT} letters")
    return value or None


def _days(properties: Mapping[str, Any]) -> Days:
    days: list[date | None] = []
    for key in ("valid_from", "valid_to"):
        value = properties.get(key)
        try:
            days.append(None if value is None else date.fromisoformat(value))
        except (TypeError, ValueError) as error:
            raise FeatureRefused(f"{key} must be a day like 2025-07-01 or null, got {value!r:.60}") from error
    try:
        return Days.through(*days)
    except ValueError as error:
        raise FeatureRefused(str(error)) from error


def _polygon(geometry: object) -> tuple[shapely.MultiPolygon, list[str]]:
    kind = geometry.get("type") if isinstance(geometry, Mapping) else None
    if not isinstance(geometry, Mapping) or kind not in {"Polygon", "MultiPolygon"}:
        raise FeatureRefused(f"a ward must be a Polygon or MultiPolygon, got {kind or 'no geometry'}")
    coordinates = geometry.get("coordinates")
    parts = [coordinates] if kind == "Polygon" else coordinates
    repairs: set[str] = set()
    rings = [[_ring(ring, repairs) for ring in _items(part)] for part in _items(parts)]
    polygons = [shapely.Polygon(part[0], part[1:]) for part in rings if part]
    if not polygons:
        raise FeatureRefused("the geometry is empty")
    _in_viet_nam(np.vstack([ring for part in rings for ring in part]))
    return _valid(shapely.MultiPolygon(polygons), repairs), sorted(repairs)


def _items(value: object) -> Iterator[object]:
    if not isinstance(value, list):
        raise FeatureRefused("coordinates are not nested as the geometry type says")
    yield from value


def _ring(ring: object, repairs: set[str]) -> npt.NDArray[np.float64]:
    """A closed ring of at least three different positions, x and y only."""
    positions = list(_items(ring))
    flat = [position[:2] for position in positions if isinstance(position, list)]
    try:
        array: npt.NDArray[Any] = np.array(flat)
    except ValueError as error:
        raise FeatureRefused("a position is not a pair of numbers") from error
    if len(flat) != len(positions) or array.ndim != 2 or array.shape[1] != 2 or array.dtype.kind not in "if":
        raise FeatureRefused("a ring is empty or has a position that is not a pair of numbers")
    if not np.isfinite(array).all():
        raise FeatureRefused("a coordinate is infinite")
    if any(len(position) > 2 for position in positions if isinstance(position, list)):
        repairs.add("heights dropped")
    if (array[0] != array[-1]).any():
        repairs.add("an open ring closed")
        array = np.vstack([array, array[:1]])
    if len(np.unique(array, axis=0)) < 3:
        raise FeatureRefused("a ring has fewer than three different positions")
    return array.astype(np.float64)


def _in_viet_nam(positions: npt.NDArray[np.float64]) -> None:
    (west, south), (east, north) = positions.min(axis=0), positions.max(axis=0)
    if VIET_NAM.cover(west, south) and VIET_NAM.cover(east, north):
        return
    extent = f"x {west:.6g} to {east:.6g}, y {south:.6g} to {north:.6g}"
    if VIET_NAM.cover(south, west) and VIET_NAM.cover(north, east):
        raise FeatureRefused(f"latitude and longitude are swapped ({extent})")
    if max(abs(west), abs(east)) > 180 or max(abs(south), abs(north)) > 90:
        raise FeatureRefused(f"not degrees: metres of a projected coordinate system? ({extent})")
    raise FeatureRefused(f"not, or not wholly, in Viet Nam ({extent})")


def _valid(polygon: shapely.MultiPolygon, repairs: set[str]) -> shapely.MultiPolygon:
    """The polygon without self-crossings and the like; lines and points that are left over are dropped."""
    if polygon.is_valid:
        return polygon
    reason = shapely.is_valid_reason(polygon)
    made = shapely.make_valid(polygon, method="structure", keep_collapsed=False)
    parts = [
        part for part in shapely.get_parts(shapely.get_parts(made)) if part.geom_type == "Polygon" and part.area > 0.0
    ]
    if not parts:
        raise FeatureRefused(f"nothing with an area is left after repair ({reason})")
    repairs.add(f"made valid ({reason})")
    return shapely.MultiPolygon(parts)
