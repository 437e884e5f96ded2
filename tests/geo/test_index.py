import math
import random
from concurrent.futures import ThreadPoolExecutor
from datetime import date

import pytest
import shapely
from squares import SOUTH_NORTH_M, WEST_EAST_M, square

from geo.coordinates import LngLat
from geo.index import OutsideArea, WardIndex, WardRef

DAY = date(2026, 11, 23)

#    30 | 40        Four squares of 0.01 degree around (106.71, 10.80). 30 has a hole of 0.002 degree.
#    ---+---
#    20 | 10
WARDS = {
    "10": square(106.71, 10.79),
    "20": square(106.70, 10.79),
    "30": square(106.70, 10.80),
    "40": square(106.71, 10.80),
}
HOLE = square(106.704, 10.804, 0.002)


def ward(number, code, polygon, valid_from=None, valid_to=None):
    return WardRef(number, code, f"Phường {code}", "Phường", 1, valid_from, valid_to), polygon


@pytest.fixture
def index():
    holes = {"30": [HOLE]}
    return WardIndex(
        ward(number, code, shapely.MultiPolygon([shapely.Polygon(ring, holes.get(code))]))
        for number, (code, ring) in enumerate(WARDS.items(), start=1)
    )


@pytest.mark.parametrize(
    ("lng", "lat", "code", "how", "border_m"),
    [
        (106.705, 10.795, "20", "inside", 5 * WEST_EAST_M),
        (106.702, 10.795, "20", "inside", 2 * WEST_EAST_M),
        (106.705, 10.791, "20", "inside", 1 * SOUTH_NORTH_M),
        (106.713, 10.809, "40", "inside", 1 * SOUTH_NORTH_M),  # the outer border counts as well
        (106.7098, 10.795, "20", "inside", 0.2 * WEST_EAST_M),  # 21.9 m: the circle of 20 m stays inside
        (106.7099, 10.795, "20", "near_border", 0.1 * WEST_EAST_M),
        (106.7101, 10.795, "10", "near_border", 0.1 * WEST_EAST_M),
        (106.71, 10.795, "10", "near_border", 0.0),  # on a line the lowest code wins
        (106.71, 10.805, "30", "near_border", 0.0),
        (106.705, 10.80, "20", "near_border", 0.0),
        (106.71, 10.80, "10", "near_border", 0.0),  # the corner of all four
        (106.70, 10.795, "20", "inside", 0.0),  # on the outer line there is no neighbour
        (106.70, 10.79, "20", "inside", 0.0),
        (106.703, 10.805, "30", "inside", 1 * WEST_EAST_M),  # a hole is a border
        (106.704, 10.805, "30", "inside", 0.0),
        (106.705, 10.805, "30", "nearest", 1 * WEST_EAST_M),  # in the hole, its edges 109 and 111 m away
        (106.699, 10.795, "20", "nearest", 1 * WEST_EAST_M),
        (106.6955, 10.795, "20", "nearest", 4.5 * WEST_EAST_M),  # 492 m
        (106.697, 10.787, "20", "nearest", math.hypot(3 * WEST_EAST_M, 3 * SOUTH_NORTH_M)),  # off the outer corner
    ],
)
def test_the_ward_of_a_point(index, lng, lat, code, how, border_m):
    located = index.locate(LngLat(lng, lat), DAY)
    assert (located.ward.code, located.how) == (code, how)
    assert located.border_m == pytest.approx(border_m, rel=1e-3, abs=0.001)


def test_far_outside_is_refused_with_the_distance(index):
    with pytest.raises(OutsideArea) as raised:
        index.locate(LngLat(106.6954, 10.795), DAY)  # 503 m
    assert raised.value.nearest.code == "20"
    assert raised.value.metres == pytest.approx(4.6 * WEST_EAST_M, rel=1e-3)
    with pytest.raises(OutsideArea) as raised:
        index.locate(LngLat(105.85, 21.03), DAY)  # Hà Nội
    assert raised.value.nearest.code == "30"
    assert raised.value.metres == pytest.approx(1_135_000, rel=0.01)


def test_equally_near_wards_go_by_the_lowest_code(index):
    # Below the corner that 10 and 20 share: the same point of the border is nearest to both.
    located = index.locate(LngLat(106.71, 10.789), DAY, 200)
    assert (located.ward.code, located.how) == ("10", "nearest")
    assert [neighbour.ward.code for neighbour in located.neighbours] == ["20"]


@pytest.mark.parametrize("gap", [0.0013, 0.002, 0.0031, 0.0047, 0.0053])
def test_half_way_between_two_wards_a_rounding_error_decides_nothing(gap):
    west, east = square(106.70, 10.79), square(106.71 + gap, 10.79)
    apart = WardIndex([ward(1, "20", shapely.Polygon(west)), ward(2, "10", shapely.Polygon(east))])
    for lat in (10.7912, 10.7937, 10.7951, 10.7983):
        assert apart.locate(LngLat(106.71 + gap / 2, lat), DAY).ward.code == "10"


def test_without_wards_everything_is_outside():
    with pytest.raises(OutsideArea) as raised:
        WardIndex([]).locate(LngLat(106.7, 10.8), DAY)
    assert raised.value.nearest is None
    assert raised.value.metres is None


def beyond_a_line(distance, radius):
    """The share of a circle beyond a straight line at `distance` from its centre: the textbook circular segment."""
    x = distance / radius
    return (math.acos(x) - x * math.sqrt(1 - x * x)) / math.pi


@pytest.mark.parametrize(
    ("thousandths", "accuracy", "radius"),
    [
        (0.0, 20, 20),
        (0.1, 20, 20),  # 10.9 m from the line
        (0.1, None, 20),  # 20 m is what a phone that says nothing gets
        (0.1, 12, 12),
        (1.0, 150, 150),
        (1.0, 5000, 200),  # and 200 m the most
        (0.005, 0, 1),  # and a metre the least: a circle needs an area
    ],
)
def test_a_neighbours_share_of_the_circle(index, thousandths, accuracy, radius):
    located = index.locate(LngLat(106.71 + thousandths / 1000, 10.795), DAY, accuracy)
    assert (located.ward.code, located.how, located.accuracy_m) == ("10", "near_border", radius)
    (neighbour,) = located.neighbours
    assert neighbour.ward.code == "20"
    assert neighbour.share == pytest.approx(beyond_a_line(thousandths * WEST_EAST_M, radius), abs=1e-3)


def test_a_circle_that_stays_inside_has_no_neighbours(index):
    located = index.locate(LngLat(106.711, 10.795), DAY, 109)
    assert located.how == "inside"
    assert located.neighbours == ()


def test_ground_outside_every_ward_is_nobodys_share(index):
    located = index.locate(LngLat(106.71, 10.79), DAY, 50)  # on the outer line, between 10 and 20
    assert located.ward.code == "10"
    assert [(n.ward.code, round(n.share, 3)) for n in located.neighbours] == [("20", 0.25)]


def test_shares_at_a_corner_agree_with_counted_points(index):
    here, radius = LngLat(106.7098, 10.8003), 60.0
    located = index.locate(here, DAY, radius)
    assert located.ward.code == "30"
    count = {"10": 0, "20": 0, "40": 0}
    steps = [(i + 0.5) / 400 * 2 - 1 for i in range(400)]
    inside = [(x, y) for x in steps for y in steps if x * x + y * y <= 1]
    for x, y in inside:
        lng, lat = here.lng + x * radius / WEST_EAST_M / 1000, here.lat + y * radius / SOUTH_NORTH_M / 1000
        code = {(True, False): "10", (False, False): "20", (True, True): "40"}.get((lng > 106.71, lat > 10.80))
        if code:
            count[code] += 1
    counted = {code: number / len(inside) for code, number in count.items()}
    assert {n.ward.code: n.share for n in located.neighbours} == pytest.approx(counted, abs=2e-3)
    assert [n.share for n in located.neighbours] == sorted((n.share for n in located.neighbours), reverse=True)


@pytest.fixture
def epochs():
    """Two wards that became one on 1 July 2025, under the code that one of them had."""
    merged = date(2025, 7, 1)
    both = square(106.70, 10.79, width=0.02)
    return WardIndex(
        [
            ward(1, "26929", shapely.Polygon(WARDS["20"]), None, merged),
            ward(2, "26935", shapely.Polygon(WARDS["10"]), date(2024, 1, 1), merged),
            ward(3, "26929", shapely.Polygon(both), merged, None),
        ],
        revision=7,
    )


@pytest.mark.parametrize(
    ("day", "version"),
    [
        (date(2025, 6, 30), 2),
        (date(2025, 7, 1), 3),
        (date(2024, 1, 1), 2),
        (date(2023, 12, 31), None),  # the ward to the east did not exist, the one to the west is 547 m away
        (date.max, 3),
    ],
)
def test_the_ward_is_that_of_the_day(epochs, day, version):
    point = LngLat(106.715, 10.795)
    if version is None:
        with pytest.raises(OutsideArea):
            epochs.locate(point, day)
    else:
        assert epochs.locate(point, day).ward.id == version


def test_wards_of_a_day(epochs):
    assert [ref.id for ref in epochs.wards_on(date(2025, 6, 30))] == [1, 2]
    assert [ref.id for ref in epochs.wards_on(date(2025, 7, 1))] == [3]
    assert epochs.revision == 7


def test_the_wards_of_a_day_as_geojson(epochs):
    collection = epochs.feature_collection(date(2025, 6, 30))
    assert collection["type"] == "FeatureCollection"
    first, _ = collection["features"]
    assert first["properties"]["code"] == "26929"
    assert first["properties"]["valid_to"] == "2025-06-30"  # the last day, as boundary files have it
    assert shapely.geometry.shape(first["geometry"]).equals(shapely.Polygon(WARDS["20"]))


def test_many_threads_get_what_one_thread_gets(epochs):
    numbers = random.Random(3)
    days = [date(2025, 6, 30), date(2025, 7, 1), date(2023, 12, 31)]
    asked = [
        (LngLat(numbers.uniform(106.70, 106.712), numbers.uniform(10.79, 10.80)), numbers.choice(days))
        for _ in range(600)
    ]
    fresh = WardIndex([(shape.ref, shape.polygon) for shape in epochs._shapes])
    with ThreadPoolExecutor(8) as pool:
        together = list(pool.map(lambda one: fresh.locate(*one, 100), asked))
    assert together == [epochs.locate(*one, 100) for one in asked]
