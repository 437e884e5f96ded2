"""How well wards share the ground among them on one day: overlaps, gaps, and areas in square metres."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import shapely
from pyproj import Geod
from shapely.geometry.base import BaseGeometry

from geo.coordinates import LngLat, metres_per_degree

# Two drawings of one line never agree to the metre. What is smaller than this, or narrower on average, is a sliver:
# noted, and settled by the rule that the lowest code wins.
SLIVER_M2 = 100.0
SLIVER_WIDTH_M = 1.0

_WGS84 = Geod(ellps="WGS84")


@dataclass(frozen=True, slots=True)
class Overlap:
    """Ground that two wards (by their place in the list) both have."""

    first: int
    second: int
    m2: float
    sliver: bool


@dataclass(frozen=True, slots=True)
class Gap:
    """Ground that wards surround and none of them has; `at` is a point in it."""

    m2: float
    at: LngLat
    sliver: bool


def area_m2(polygon: BaseGeometry) -> float:
    """The area on the WGS 84 ellipsoid in square metres."""
    area, _ = _WGS84.geometry_area_perimeter(shapely.orient_polygons(polygon))
    return abs(float(area))


def is_sliver(ground: BaseGeometry) -> bool:
    """Whether the ground is under 100 m² or, on average, under a metre wide."""
    if ground.is_empty:
        return True
    scale = np.array(metres_per_degree(ground.centroid.y), dtype=np.float64)
    plane = shapely.transform(ground, lambda positions: positions * scale)
    return bool(plane.area < SLIVER_M2 or 2.0 * plane.area / plane.length < SLIVER_WIDTH_M)


def overlaps(polygons: Sequence[BaseGeometry]) -> list[Overlap]:
    """All pairs of wards that share ground, not merely a line."""
    # In a perfect coverage, which most files are, nobody has an invalid edge and nothing needs intersecting. Where two
    # do overlap, the edges of one of them may be all that is found, so each suspect meets everybody.
    everybody = np.array(polygons, dtype=object)
    suspects = np.flatnonzero(~shapely.is_empty(shapely.coverage_invalid_edges(everybody)))
    met = shapely.STRtree(everybody).query(everybody[suspects], predicate="intersects").T
    pairs = {(min(a, b), max(a, b)) for a, b in ((int(suspects[i]), int(j)) for i, j in met) if a != b}
    found = []
    for a, b in sorted(pairs):
        shared = polygons[a].intersection(polygons[b])
        if shared.area > 0.0:
            ground = _ground(shared)
            found.append(Overlap(a, b, area_m2(ground), is_sliver(ground)))
    return found


def gaps(polygons: Sequence[BaseGeometry]) -> list[Gap]:
    """The holes in the wards together, largest first."""
    rings = [ring for part in shapely.get_parts(shapely.union_all(np.array(polygons))) for ring in part.interiors]
    holes = [shapely.Polygon(ring) for ring in rings]
    found = [Gap(area_m2(hole), LngLat(*hole.representative_point().coords[0]), is_sliver(hole)) for hole in holes]
    return sorted(found, key=lambda gap: -gap.m2)


def shared_part(of: BaseGeometry, within: BaseGeometry) -> float:
    """The share (0 to 1) of the first area that lies in the second; a sliver counts as nothing."""
    ground = _ground(of.intersection(within))
    return 0.0 if is_sliver(ground) else float(ground.area / of.area)


def _ground(geometry: BaseGeometry) -> shapely.MultiPolygon:
    """The polygons of a geometry, without the lines and points in which areas also meet."""
    return shapely.MultiPolygon([part for part in shapely.get_parts(geometry) if part.geom_type == "Polygon"])
