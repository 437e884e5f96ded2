"""In which ward does a point lie on a day, how near to its border, and whose ground is beside it? In memory, no database.

An index never changes; when the boundaries do (`geo.wards.revision`), a new one is loaded (`geo.wards.load_index`) and
takes its place.
"""

import json
import math
import threading
from bisect import bisect_right
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt
import shapely

from geo.coordinates import LngLat, metres_between, metres_per_degree
from geo.errors import GeoError
from geo.validity import Days, change_days

# Beyond this a point outside every ward is refused.
REACH_M = 500.0

# A phone that names no accuracy is taken to be this good; none is taken to be worse than the cap, or it would touch
# half a city, nor better than the floor, or its circle would have no area.
USUAL_ACCURACY_M = 20.0
WORST_ACCURACY_M = 200.0
BEST_ACCURACY_M = 1.0

# Two wards whose nearest points differ by less than this are equally near: the lowest code takes the point.
_TIE_M = 0.001

_Floats = npt.NDArray[np.float64]


class How(StrEnum):
    """How the ward of a point was found."""

    INSIDE = "inside"
    NEAR_BORDER = "near_border"
    NEAREST = "nearest"


@dataclass(frozen=True, slots=True)
class WardRef:
    """A ward version by name; `valid_to` is the first day after it (half-open), None is unbounded."""

    id: int
    code: str
    name: str
    type: str
    city_id: int
    valid_from: date | None
    valid_to: date | None

    @property
    def days(self) -> Days:
        """The days on which this version is valid."""
        return Days(self.valid_from, self.valid_to)


@dataclass(frozen=True, slots=True)
class Neighbour:
    """Another ward that the accuracy circle touches, with its share (0 to 1) of the circle's area."""

    ward: WardRef
    share: float


@dataclass(frozen=True, slots=True)
class Located:
    """The ward of a point and how sure that is.

    `border_m` is the geodesic distance in metres to the nearest point of the ward's border: from within, or from
    outside where `how` is `nearest`. `accuracy_m` is the radius of the circle that `neighbours` (largest share first)
    were looked for in; ground of that circle outside every ward is nobody's share.
    """

    how: How
    ward: WardRef
    border_m: float
    neighbours: tuple[Neighbour, ...]
    accuracy_m: float


class OutsideArea(GeoError):
    """The point is further than 500 m from every ward of the day; `nearest` is None on a day without any ward."""

    code = "outside_area"

    def __init__(self, nearest: WardRef | None, metres: float | None) -> None:
        where = (
            "no ward is known on that day"
            if nearest is None
            else f"the nearest ward, {nearest.code}, is {metres:.0f} m away"
        )
        super().__init__(f"outside every ward: {where}", nearest=nearest, metres=metres)
        self.nearest = nearest
        self.metres = metres


class WardIndex:
    """Every ward version of every day, ready to be asked; safe to read from many threads."""

    def __init__(self, wards: Iterable[tuple[WardRef, shapely.Geometry]], revision: int = 0) -> None:
        """Take the ward versions with their polygons (degrees, WGS 84) and the number of these boundaries."""
        # In the order of codes, so that of several wards the one with the lowest code is the first.
        self._shapes = [
            _Shape(ref, polygon) for ref, polygon in sorted(wards, key=lambda ward: (ward[0].code, ward[0].city_id))
        ]
        self.revision = revision
        self._changes = change_days([shape.ref.days for shape in self._shapes])
        self._epochs: dict[int, _Epoch] = {}
        self._building = threading.Lock()

    def locate(self, point: LngLat, day: date, accuracy_m: float | None = None) -> Located:
        """The ward of a point on a local day.

        A point on a line lies in the ward with the lowest code, so that every point of a border has exactly one ward.
        Up to 500 m outside every ward the nearest one takes the point.

        Args:
            point: degrees, WGS 84.
            day: the local day (`geo.validity.local_day`).
            accuracy_m: radius of the accuracy circle in metres; 20 if not given, 200 at most.

        Raises:
            OutsideArea: no ward within 500 m on that day.
        """
        epoch = self._epoch(day)
        radius = _radius(accuracy_m)
        shape = epoch.covering(point)
        if shape is not None:
            how, border_m = How.INSIDE, shape.metres_to_border(point)
        else:
            how, (shape, border_m) = How.NEAREST, epoch.nearest(point)
            if border_m > REACH_M:
                raise OutsideArea(shape.ref, border_m)
        neighbours = epoch.touched(point, radius, but=shape) if border_m < radius else ()
        if neighbours and how is How.INSIDE:
            how = How.NEAR_BORDER
        return Located(how, shape.ref, border_m, neighbours, radius)

    def versions(self) -> Sequence[WardRef]:
        """Every ward version, of all days, in the order of their codes."""
        return [shape.ref for shape in self._shapes]

    def wards_on(self, day: date) -> Sequence[WardRef]:
        """The wards of a local day in the order of their codes."""
        return [shape.ref for shape in self._epoch_shapes(day)]

    def feature_collection(self, day: date) -> dict[str, Any]:
        """The wards of a local day as GeoJSON; `valid_to` is the last day, as in the files that the importer reads."""
        return {"type": "FeatureCollection", "features": [shape.feature() for shape in self._epoch_shapes(day)]}

    def _epoch_shapes(self, day: date) -> "list[_Shape]":
        return [shape for shape in self._shapes if shape.ref.days.contains(day)]

    def _epoch(self, day: date) -> "_Epoch":
        """The index of all days that have the same wards as this one, built when first asked for."""
        number = bisect_right(self._changes, day)
        epoch = self._epochs.get(number)
        if epoch is None:
            with self._building:
                epoch = self._epochs.get(number)
                if epoch is None:
                    epoch = self._epochs[number] = _Epoch(self._epoch_shapes(day))
        return epoch


class _Segments:
    """The border of a ward as straight pieces in degrees, laid out for arithmetic on all of them at once."""

    def __init__(self, polygon: shapely.Geometry) -> None:
        rings = shapely.get_rings(shapely.get_parts(polygon))
        positions, ring = shapely.get_coordinates(rings, return_index=True)
        starts, steps = positions[:-1], np.diff(positions, axis=0)
        pieces = (ring[:-1] == ring[1:]) & steps.any(axis=1)
        self.lng, self.lat = np.ascontiguousarray(starts[pieces].T)
        self.dlng, self.dlat = np.ascontiguousarray(steps[pieces].T)
        self.dlng2, self.dlat2 = self.dlng**2, self.dlat**2

    def nearest(self, point: LngLat) -> LngLat:
        """The position on the border that is nearest to the point in the metric plane around the point."""
        x_scale, y_scale = (scale**2 for scale in metres_per_degree(point.lat))
        x, y = point.lng - self.lng, point.lat - self.lat
        along = (x * self.dlng * x_scale + y * self.dlat * y_scale) / (self.dlng2 * x_scale + self.dlat2 * y_scale)
        np.clip(along, 0.0, 1.0, out=along)
        x -= along * self.dlng
        y -= along * self.dlat
        i = int((x * x * x_scale + y * y * y_scale).argmin())
        return LngLat(point.lng - float(x[i]), point.lat - float(y[i]))


class _Shape:
    """A ward version with its polygon."""

    def __init__(self, ref: WardRef, polygon: shapely.Geometry) -> None:
        self.ref = ref
        self.polygon = polygon

    @cached_property
    def _segments(self) -> _Segments:
        # Two threads may both make it at first; they make the same.
        return _Segments(self.polygon)

    def metres_to_border(self, point: LngLat) -> float:
        """Geodesic metres to the nearest point of the border, from either side."""
        return metres_between(point, self._segments.nearest(point))

    def feature(self) -> dict[str, Any]:
        """This ward version as a GeoJSON feature."""
        ref, days = self.ref, self.ref.days
        return {
            "type": "Feature",
            "id": ref.id,
            "properties": {
                "code": ref.code,
                "name": ref.name,
                "type": ref.type,
                "valid_from": days.first and days.first.isoformat(),
                "valid_to": days.last and days.last.isoformat(),
            },
            "geometry": json.loads(shapely.to_geojson(self.polygon)),
        }


class _Epoch:
    """The wards of a stretch of days on which none of them changes."""

    def __init__(self, shapes: Sequence[_Shape]) -> None:
        self._shapes = shapes
        self._tree = shapely.STRtree([shape.polygon for shape in shapes])
        self._bounds: _Floats = shapely.bounds([shape.polygon for shape in shapes]).reshape(-1, 4)

    def covering(self, point: LngLat) -> _Shape | None:
        """The ward that covers the point, its border included; of several the one with the lowest code."""
        # The tree asks whether the *point* stands in this relation to the ward: "intersects" is true on the border,
        # "contains" and "covers" would be about points that contain wards.
        found = self._tree.query(shapely.Point(point), predicate="intersects")
        return self._shapes[found.min()] if found.size else None

    def nearest(self, point: LngLat) -> tuple[_Shape, float]:
        """The ward nearest to a point that none covers, and the metres to it; of equally near ones the lowest code.

        Raises:
            OutsideArea: there is no ward at all on these days.
        """
        if not self._shapes:
            raise OutsideArea(None, None)
        at_least = self._metres_to_boxes(point)
        found: list[tuple[int, float]] = []
        best = math.inf
        for i in np.argsort(at_least, kind="stable"):
            if at_least[i] > best * 1.01 + _TIE_M:  # a flat plane is wrong by less than a hundredth
                break
            metres = self._shapes[i].metres_to_border(point)
            found.append((int(i), metres))
            best = min(best, metres)
        i, metres = min(one for one in found if one[1] <= best + _TIE_M)
        return self._shapes[i], metres

    def touched(self, point: LngLat, radius: float, *, but: _Shape) -> tuple[Neighbour, ...]:
        """The wards other than `but` that have a share of the circle, largest share first."""
        circle = _circle(point, radius)
        # Degrees are metres stretched evenly along two axes, which changes areas but no ratio of areas.
        whole = shapely.area(circle)
        shapes = [
            self._shapes[i] for i in self._tree.query(circle, predicate="intersects") if self._shapes[i] is not but
        ]
        shares = [
            Neighbour(shape.ref, float(shapely.area(shapely.intersection(shape.polygon, circle)) / whole))
            for shape in shapes
        ]
        return tuple(sorted((one for one in shares if one.share > 0.0), key=lambda one: (-one.share, one.ward.code)))

    def _metres_to_boxes(self, point: LngLat) -> _Floats:
        west, south, east, north = self._bounds.T
        x_scale, y_scale = metres_per_degree(point.lat)
        x = np.maximum(np.maximum(west - point.lng, point.lng - east), 0.0) * x_scale
        y = np.maximum(np.maximum(south - point.lat, point.lat - north), 0.0) * y_scale
        metres: _Floats = np.hypot(x, y)
        return metres


# 128 corners, moved out so that the polygon has the area of the circle of radius 1.
_CORNERS = np.linspace(0.0, 2.0 * math.pi, 128, endpoint=False)
_UNIT_CIRCLE = np.column_stack([np.cos(_CORNERS), np.sin(_CORNERS)]) * math.sqrt(
    2.0 * math.pi / 128 / math.sin(2.0 * math.pi / 128)
)


def _circle(point: LngLat, radius: float) -> shapely.Polygon:
    """A circle of `radius` metres around a point, in degrees."""
    return shapely.Polygon(_UNIT_CIRCLE * radius / np.array(metres_per_degree(point.lat)) + np.array(point))


def _radius(accuracy_m: float | None) -> float:
    """The radius in metres to look for neighbours in."""
    return USUAL_ACCURACY_M if accuracy_m is None else min(max(accuracy_m, BEST_ACCURACY_M), WORST_ACCURACY_M)
