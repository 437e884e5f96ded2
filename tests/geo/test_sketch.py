"""The hand-drawn wards: sound as a map, right about the places everybody knows, and told as PostGIS tells them."""

import json
import random
from datetime import UTC, date, datetime
from itertools import pairwise

import pytest
import shapely
from sqlalchemy import text

from geo import coverage
from geo.boundaries import SKETCH, import_files
from geo.coordinates import LngLat
from geo.features import read
from geo.index import OutsideArea
from geo.wards import load_index

TODAY = date(2026, 11, 23)


@pytest.fixture(scope="module")
def sketch():
    return read(SKETCH)


def test_five_wards_from_2024(sketch):
    assert sketch.problems == sketch.repaired == []
    assert {feature.code: feature.name for feature in sketch.features} == {
        "26905": "Phường Bình Lợi Trung",
        "26911": "Phường Bình Quới",
        "26929": "Phường Bình Thạnh",
        "26944": "Phường Gia Định",
        "26956": "Phường Thạnh Mỹ Tây",
    }
    assert {str(feature.days) for feature in sketch.features} == {"2024-01-01 to ..."}
    assert {feature.note for feature in sketch.features} == {"a sketch, not history"}


def test_neighbours_share_one_line(sketch):
    polygons = [feature.polygon for feature in sketch.features]
    assert shapely.coverage_is_valid(polygons)
    assert coverage.overlaps(polygons) == []
    assert coverage.gaps(polygons) == []
    whole = shapely.union_all(polygons)
    assert whole.geom_type == "Polygon"
    assert whole.area == pytest.approx(sum(polygon.area for polygon in polygons), rel=1e-9)


@pytest.mark.parametrize("size", [0.002, 0.01, 0.03])
def test_whoever_lies_over_the_wards_is_told_so_of_each(sketch, size):
    polygons = [feature.polygon for feature in sketch.features]
    middle = shapely.union_all(polygons).representative_point()
    over = shapely.MultiPolygon([shapely.box(middle.x - size, middle.y - size, middle.x + size, middle.y + size)])

    found = coverage.overlaps([*polygons, over])

    under = [i for i, polygon in enumerate(polygons) if polygon.intersection(over).area > 0]
    assert under
    assert [(overlap.first, overlap.second) for overlap in found] == [(i, len(polygons)) for i in under]
    shared = sum(coverage.area_m2(polygons[i].intersection(over)) for i in under)
    assert sum(overlap.m2 for overlap in found) == pytest.approx(shared, rel=1e-9)


def test_it_is_a_sketch(sketch):
    for feature in sketch.features:
        corners = shapely.get_coordinates(feature.polygon)[:-1]
        assert 15 <= len(corners) <= 40, feature.name
        assert (corners.round(4) == corners).all(), feature.name


def test_the_file_is_what_the_importer_documents():
    document = json.loads(SKETCH.read_text(encoding="utf-8"))
    for feature in document["features"]:
        assert {"code", "name", "type", "parent", "parent_code", "valid_from", "valid_to"} <= set(feature["properties"])


@pytest.fixture
def index(session):
    import_files(session, 1, [SKETCH], datetime(2026, 11, 23, tzinfo=UTC))
    return load_index(session)


@pytest.mark.parametrize(
    ("place", "lat", "lon", "code"),
    [
        ("Landmark 81", 10.7953, 106.7216, "26956"),
        ("Công viên Văn Thánh", 10.7996, 106.7158, "26956"),
        ("Bến xe Miền Đông cũ", 10.8143, 106.7113, "26929"),
        ("Lăng Ông, Bà Chiểu", 10.8020, 106.6975, "26944"),
        ("giữa bán đảo Bình Quới", 10.8250, 106.7400, "26911"),
        ("cư xá Thanh Đa", 10.8135, 106.7201, "26911"),
        ("đường Đặng Thùy Trâm", 10.8270, 106.7015, "26905"),
    ],
)
def test_places_everybody_knows(index, place, lat, lon, code):
    assert index.locate(LngLat(lon, lat), TODAY).ward.code == code, place


@pytest.mark.parametrize(
    ("lat", "lon"), [(10.7798, 106.6992), (10.8503, 106.7544)], ids=["Nhà thờ Đức Bà", "Chợ Thủ Đức"]
)
def test_places_elsewhere(index, lat, lon):
    with pytest.raises(OutsideArea):
        index.locate(LngLat(lon, lat), TODAY)


def asked_points(sketch):
    """Anywhere, on corners, on lines, and within 1e-7 degrees of lines."""
    numbers = random.Random(11)
    points = [(numbers.uniform(106.68, 106.76), numbers.uniform(10.78, 10.845)) for _ in range(3000)]
    for feature in sketch.features:
        corners = shapely.get_coordinates(feature.polygon)
        points += [tuple(corner) for corner in corners]
        for start, end in pairwise(corners):
            for _ in range(5):
                x, y = start + numbers.random() * (end - start)
                points += [(x, y), (round(x, 7), round(y, 7)), (x + numbers.uniform(-1e-7, 1e-7), y)]
    return [LngLat(float(x), float(y)) for x, y in points]


def test_every_point_gets_the_ward_that_postgis_gives_it(session, index, sketch):
    # Metres are compared in UTM zone 48, whose scale is 1 within 0.01 % here. A geography would not do: it looks for the
    # nearest edge on a sphere, and of two edges about equally far it may take the wrong one.
    points = asked_points(sketch)
    rows = session.execute(
        text("""
            select min(w.code),
                   min(ST_Distance(w.edge, p.utm)) filter (where w.code = first.code)
            from unnest(cast(:lngs as float8[]), cast(:lats as float8[])) with ordinality as asked (lng, lat, n)
            cross join lateral (
                select ST_SetSRID(ST_MakePoint(lng, lat), 4326) as geom, ST_Transform(ST_SetSRID(ST_MakePoint(lng, lat), 4326), 32648) as utm
            ) as p
            left join lateral (
                select code from ward_versions where ST_Covers(ward_versions.geom, p.geom) order by code limit 1
            ) as first on true
            left join lateral (
                select code, ST_Transform(ST_Boundary(geom), 32648) as edge from ward_versions where code = first.code
            ) as w on true
            group by n order by n
        """),
        {"lngs": [point.lng for point in points], "lats": [point.lat for point in points]},
    ).all()
    inside = 0
    for point, (code, metres) in zip(points, rows, strict=True):
        try:
            located = index.locate(point, TODAY)
        except OutsideArea:
            assert code is None, point
            continue
        if code is None:
            assert located.how == "nearest", point
        else:
            inside += 1
            assert located.how != "nearest", point
            assert located.ward.code == code, point
            assert located.border_m == pytest.approx(metres, rel=1e-3, abs=0.02), point
    assert inside > 2000  # the test has looked at something
