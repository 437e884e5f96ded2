import math

import pytest

from geo.coordinates import (
    LngLat,
    metres_between,
    metres_per_degree,
    parse,
    parse_accuracy,
    rounded_for_public,
)
from geo.errors import AccuracyInvalid, CoordinatesNotFinite, CoordinatesOutsideVietNam, CoordinatesSwapped


@pytest.mark.parametrize(
    ("lat", "lon", "point"),
    [
        (10.8012, 106.6991, LngLat(106.6991, 10.8012)),
        ("10.8012", " 106.6991 ", LngLat(106.6991, 10.8012)),
        (21, 105, LngLat(105.0, 21.0)),
        (8.65, 111.92, LngLat(111.92, 8.65)),  # Trường Sa
        (16.5, 112.0, LngLat(112.0, 16.5)),  # Hoàng Sa
        (23.39, 105.32, LngLat(105.32, 23.39)),  # Lũng Cú
    ],
)
def test_a_place_in_viet_nam(lat, lon, point):
    assert parse(lat=lat, lon=lon) == point


@pytest.mark.parametrize(
    ("lat", "lon", "error"),
    [
        (106.6991, 10.8012, CoordinatesSwapped),
        ("106.6991", "10.8012", CoordinatesSwapped),
        (0, 0, CoordinatesOutsideVietNam),
        (48.8566, 2.3522, CoordinatesOutsideVietNam),
        (91, 106, CoordinatesOutsideVietNam),
        (10.8, 286.7, CoordinatesOutsideVietNam),
        (1e308, 106.7, CoordinatesOutsideVietNam),
        (math.nan, 106.7, CoordinatesNotFinite),
        ("NaN", 106.7, CoordinatesNotFinite),
        (10.8, math.inf, CoordinatesNotFinite),
        (10.8, "1e999", CoordinatesNotFinite),
        (10**400, 106.7, CoordinatesNotFinite),
        (None, 106.7, CoordinatesNotFinite),
        (10.8, True, CoordinatesNotFinite),
        ("10,8", 106.7, CoordinatesNotFinite),
        ([10.8], 106.7, CoordinatesNotFinite),
        ("", "", CoordinatesNotFinite),
    ],
)
def test_what_cannot_be_a_place(lat, lon, error):
    with pytest.raises(error) as raised:
        parse(lat=lat, lon=lon)
    assert raised.value.code.startswith("coordinates_")


def test_a_refusal_carries_the_facts():
    with pytest.raises(CoordinatesSwapped) as raised:
        parse(lat=106.7, lon=10.8)
    assert raised.value.facts == {"lat": 106.7, "lon": 10.8}


@pytest.mark.parametrize(("given", "metres"), [(None, None), (0, 0.0), (12.5, 12.5), ("20", 20.0), (5000, 5000.0)])
def test_accuracy(given, metres):
    assert parse_accuracy(given) == metres


@pytest.mark.parametrize("given", [-1, math.nan, math.inf, "far", True, []])
def test_what_cannot_be_an_accuracy(given):
    with pytest.raises(AccuracyInvalid):
        parse_accuracy(given)


@pytest.mark.parametrize(
    ("a", "b", "metres"),
    [
        # One degree of the equator is a/360 of it, 111,319.49 m; the quarter meridian is 10,001,965.73 m.
        (LngLat(0, 0), LngLat(1, 0), 111_319.491),
        (LngLat(0, 0), LngLat(0, 90), 10_001_965.729),
        (LngLat(106.7, 10.8), LngLat(106.7, 10.8), 0.0),
        # Worked out by hand from N cos(lat) and M at 10.8 N.
        (LngLat(106.700, 10.8), LngLat(106.701, 10.8), 109.36),
        (LngLat(106.7, 10.8), LngLat(106.7, 10.801), 110.61),
    ],
)
def test_metres_between(a, b, metres):
    assert metres_between(a, b) == pytest.approx(metres, abs=0.01)
    assert metres_between(b, a) == pytest.approx(metres, abs=0.01)


@pytest.mark.parametrize("lat", [8.5, 10.8, 16.0, 23.3])
def test_the_flat_plane_agrees_with_the_geodesic_within_a_thousandth(lat):
    east, north = metres_per_degree(lat)
    here = LngLat(106.7, lat)
    for dlng, dlat in [(0.04, 0.0), (0.0, 0.04), (0.03, 0.03), (-0.03, 0.02)]:
        flat = math.hypot(dlng * east, dlat * north)
        assert flat == pytest.approx(metres_between(here, LngLat(here.lng + dlng, lat + dlat)), rel=1e-3)


def test_the_public_sees_a_place_to_about_100_m():
    exact = LngLat(106.698734, 10.801841)
    shown = rounded_for_public(exact)
    assert shown == LngLat(106.699, 10.802)
    assert rounded_for_public(LngLat(106.69851, 10.80151)) == shown  # neighbours cannot be told apart
    assert metres_between(exact, shown) < 80
