"""Positions in WGS 84 (EPSG:4326), always longitude first inside, and metres between them.

People and the API say "lat, lon"; PostGIS, shapely and GeoJSON say x, y. The two meet here only, by keyword.
"""

import math
from typing import NamedTuple

from pyproj import Geod

from geo.errors import AccuracyInvalid, CoordinatesNotFinite, CoordinatesOutsideVietNam, CoordinatesSwapped

SRID = 4326

_WGS84 = Geod(ellps="WGS84")


class LngLat(NamedTuple):
    """A position in degrees, WGS 84, in the axis order of PostGIS, shapely and GeoJSON."""

    lng: float
    lat: float


class Bounds(NamedTuple):
    """A box in degrees, edges included."""

    west: float
    south: float
    east: float
    north: float

    def cover(self, lng: float, lat: float) -> bool:
        """Whether the position lies in the box or on its edge."""
        return self.west <= lng <= self.east and self.south <= lat <= self.north


# Mainland, islands and the archipelagos of Hoàng Sa and Trường Sa, rounded outwards. Longitudes and latitudes do not
# overlap, so that swapped coordinates can always be told from right ones.
VIET_NAM = Bounds(west=102.0, south=6.0, east=118.0, north=23.5)


def parse(*, lat: object, lon: object) -> LngLat:
    """Take a position in degrees from outside.

    Numbers and their usual spelling as text are read; booleans are not numbers.

    Raises:
        CoordinatesNotFinite: one of the two is missing, no number, NaN or infinite.
        CoordinatesSwapped: the position lies in Viet Nam once latitude and longitude change places.
        CoordinatesOutsideVietNam: it does not lie in Viet Nam.
    """
    x, y = _number(lon), _number(lat)
    if x is None or y is None:
        raise CoordinatesNotFinite(f"lat and lon must be finite numbers in degrees, got lat={lat!r} lon={lon!r}")
    if VIET_NAM.cover(x, y):
        return LngLat(x, y)
    if VIET_NAM.cover(y, x):
        raise CoordinatesSwapped(f"lat={y} lon={x} is in Viet Nam only with lat and lon swapped", lat=y, lon=x)
    raise CoordinatesOutsideVietNam(f"lat={y} lon={x} is not in Viet Nam", lat=y, lon=x)


def parse_accuracy(metres: object) -> float | None:
    """Take the accuracy of a position, in metres, from outside; None is "not given".

    Raises:
        AccuracyInvalid: negative, NaN, infinite or no number.
    """
    if metres is None:
        return None
    number = _number(metres)
    if number is None or number < 0:
        raise AccuracyInvalid(f"accuracy must be metres from 0 up, got {metres!r}")
    return number


def metres_between(a: LngLat, b: LngLat) -> float:
    """Metres from `a` to `b` along the geodesic on the WGS 84 ellipsoid."""
    *_, metres = _WGS84.inv(a.lng, a.lat, b.lng, b.lat)
    return float(metres)


def metres_per_degree(lat: float) -> tuple[float, float]:
    """Metres in one degree of longitude and of latitude at `lat`, on the WGS 84 ellipsoid.

    The scale of a flat plane around a point: within 10 km at the latitudes of Viet Nam it is wrong by less than 0.1 %.
    """
    phi = math.radians(lat)
    w = 1.0 - _WGS84.es * math.sin(phi) ** 2
    prime_vertical = _WGS84.a / math.sqrt(w)
    meridian = _WGS84.a * (1.0 - _WGS84.es) / w**1.5
    return math.radians(prime_vertical * math.cos(phi)), math.radians(meridian)


def rounded_for_public(point: LngLat) -> LngLat:
    """The point on a grid of a thousandth of a degree (about 100 m in Viet Nam): near enough for a map, too coarse for a door."""
    return LngLat(round(point.lng, 3), round(point.lat, 3))


def _number(value: object) -> float | None:
    """A finite float, or None."""
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return None
    try:
        number = float(value)
    except (ValueError, OverflowError):
        return None
    return number if math.isfinite(number) else None
