import json

import pytest
import shapely
from squares import feature, square, write

from geo import features
from geo.errors import FileUnreadable

RING = square(106.70, 10.79)
BOW_TIE = [[106.70, 10.79], [106.71, 10.80], [106.71, 10.79], [106.70, 10.80], [106.70, 10.79]]
WITH_A_SPIKE = [*RING[:2], [106.73, 10.79], [106.71, 10.79], *RING[2:]]
HOLE = square(106.702, 10.792, 0.002)


def read_one(tmp_path, raw):
    file = features.read(write(tmp_path, raw))
    assert file.problems == []
    (read,) = file.features
    return read, " / ".join(file.repaired)


def test_a_ward_as_the_file_has_it(tmp_path):
    raw = feature(
        "00004", RING, parent="Quận Bình Thạnh", parent_code="765", valid_from="2025-01-01", valid_to="2025-06-30"
    )
    read, repaired = read_one(tmp_path, raw)
    assert (read.code, read.name, read.parent_code) == ("00004", "Phường 00004", "765")
    assert str(read.days) == "2025-01-01 to 2025-06-30"
    assert read.days.until.isoformat() == "2025-07-01"
    assert read.area_m2 == pytest.approx(1093.6 * 1106.1, rel=1e-3)
    assert repaired == ""


@pytest.mark.parametrize(
    ("raw", "repair", "squares"),
    [
        # Areas in squares of 0.01 degree.
        (feature("1", RING[:-1]), "an open ring closed", 1.0),
        (feature("1", [[*position, 12.5] for position in RING]), "heights dropped", 1.0),
        (feature("1", [[*RING[0], 3.0], *RING[1:]]), "heights dropped", 1.0),  # heights at some positions only
        (feature("1", RING[::-1]), "", 1.0),  # clockwise is a matter of taste
        (feature("1", BOW_TIE), "made valid (Self-intersection", 0.5),
        (feature("1", WITH_A_SPIKE), "made valid", 1.0),
        (feature("1", RING, coordinates=[RING, HOLE]), "", 0.96),
        (feature("1", RING, kind="MultiPolygon", coordinates=[[RING], [square(106.75, 10.79)]]), "", 2.0),
        (feature("1", RING, kind="MultiPolygon", coordinates=[[RING], []]), "", 1.0),
        (
            feature("1", RING, kind="MultiPolygon", coordinates=[[RING], [RING]]),
            "made valid",
            1.0,
        ),  # twice the same part
    ],
)
def test_what_is_repaired(tmp_path, raw, repair, squares):
    read, repaired = read_one(tmp_path, raw)
    assert repair in repaired
    assert bool(repaired) is bool(repair)
    assert read.polygon.is_valid
    assert read.polygon.geom_type == "MultiPolygon"
    assert not read.polygon.has_z
    assert read.polygon.area == pytest.approx(squares * 1e-4, rel=1e-9)


@pytest.mark.parametrize(
    ("raw", "reason"),
    [
        (feature(None, RING), "code missing"),
        (feature("  ", RING), "code missing"),
        (feature("1", RING, name=None), "name missing"),
        (feature("1", RING, name=None, type=None), "name and type missing"),
        (feature(26929, RING), "code must be text"),
        (feature("1\u0000", RING), "control characters"),
        (feature("1", RING, name="x" * 1001), "more than 1000 letters"),
        (feature("1", RING, valid_from="1 July 2025"), "valid_from must be a day"),
        (feature("1", RING, valid_to=20250701), "valid_to must be a day"),
        (feature("1", RING, valid_from="2025-07-01", valid_to="2025-06-30"), "before the first day"),
        (feature("1", RING, valid_to="9999-12-31"), "leave the last day out"),
        (feature("1", None, kind="Point", coordinates=[106.7, 10.8]), "must be a Polygon or MultiPolygon, got Point"),
        (feature("1", None, kind="LineString", coordinates=RING), "got LineString"),
        (
            {"type": "Feature", "properties": {"code": "1", "name": "1", "type": "1"}, "geometry": None},
            "got no geometry",
        ),
        ({"type": "Feature", "geometry": None}, "not a GeoJSON Feature with properties"),
        ("feature", "not a GeoJSON Feature"),
        (feature("1", None, coordinates=[]), "empty"),
        (feature("1", None, kind="MultiPolygon", coordinates=[]), "empty"),
        (feature("1", None, kind="MultiPolygon", coordinates=[[]]), "empty"),
        (feature("1", []), "a ring is empty"),
        (feature("1", None, coordinates="here"), "not nested"),
        (feature("1", None, coordinates=[106.7, 10.8]), "not nested"),
        (feature("1", RING, kind="MultiPolygon"), "not a pair of numbers"),  # nested one level too shallow
        (feature("1", [[106.7], [106.8], [106.7]]), "not a pair of numbers"),
        (feature("1", [["106.7", "10.8"], ["106.8", "10.8"], ["106.8", "10.9"]]), "not a pair of numbers"),
        (feature("1", [[106.7, None], [106.8, 10.8], [106.8, 10.9]]), "not a pair of numbers"),
        (feature("1", [RING[0], RING[1], RING[0]]), "fewer than three different positions"),
        (feature("1", [[106.70, 10.79], [106.71, 10.79], [106.72, 10.79], [106.70, 10.79]]), "nothing with an area"),
        (feature("1", [[y, x] for x, y in RING]), "latitude and longitude are swapped"),
        (feature("1", [[x * 5000, y * 111_000] for x, y in RING]), "metres of a projected coordinate system"),
        (feature("1", square(2.35, 48.85)), "in Viet Nam"),
        (feature("1", [*RING[:2], [119.0, 10.8], RING[-1]]), "not wholly, in Viet Nam"),
    ],
)
def test_what_is_refused(tmp_path, raw, reason):
    good = feature("2", square(106.71, 10.79))
    file = features.read(write(tmp_path, raw, good))
    (problem,) = file.problems
    assert reason in problem
    assert "feature 1" in problem
    assert [read.code for read in file.features] == ["2"]  # the rest is still looked at


def test_a_coordinate_that_is_infinite(tmp_path):
    path = write(tmp_path, feature("1", RING))
    path.write_text(path.read_text(encoding="utf-8").replace("106.7,", "1e999,"), encoding="utf-8")
    (problem,) = features.read(path).problems
    assert "infinite" in problem


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "not JSON"),
        (b"code;name\n26929;Ph", "not JSON"),
        (b"\x89PNG\r\n\x1a\n\xff\xfe", "UTF-8"),
        (b'{"type": "FeatureCollection", "features": [', "not JSON"),
        (b'{"type": "FeatureCollection", "features": [NaN]}', "NaN is not a number"),
        (b"[" * 200_000, "not JSON"),
        (b"[]", "not a GeoJSON FeatureCollection"),
        (b'{"type": "Feature", "features": []}', "not a GeoJSON FeatureCollection"),
        (b'{"type": "FeatureCollection"}', "not a GeoJSON FeatureCollection"),
        (b'{"type": "FeatureCollection", "features": {}}', "not a GeoJSON FeatureCollection"),
        (b'{"type": "FeatureCollection", "features": []}', "no features"),
    ],
)
def test_a_file_that_is_none(tmp_path, content, reason):
    path = tmp_path / "wards.geojson"
    path.write_bytes(content)
    with pytest.raises(FileUnreadable, match=reason):
        features.read(path)


@pytest.mark.parametrize(
    ("name", "accepted"),
    [
        ("urn:ogc:def:crs:OGC:1.3:CRS84", True),
        ("urn:ogc:def:crs:EPSG::4326", True),
        ("EPSG:4326", True),
        ("urn:ogc:def:crs:EPSG::9210", False),  # VN-2000, a zone of Hồ Chí Minh City
        (None, False),
    ],
)
def test_only_degrees_of_wgs84_are_read(tmp_path, name, accepted):
    path = write(tmp_path, feature("1", RING), crs={"type": "name", "properties": {"name": name}})
    if accepted:
        assert len(features.read(path).features) == 1
    else:
        with pytest.raises(FileUnreadable, match="coordinate system"):
            features.read(path)


def test_a_byte_order_mark_is_no_reason_to_refuse(tmp_path):
    path = write(tmp_path, feature("1", RING))
    path.write_bytes(b"\xef\xbb\xbf" + path.read_bytes())
    assert len(features.read(path).features) == 1


def test_size_has_bounds(tmp_path, monkeypatch):
    path = write(tmp_path, feature("1", RING), feature("2", square(106.71, 10.79)))
    monkeypatch.setattr(features, "MOST_VERTICES", 10)
    assert len(features.read(path).features) == 2
    monkeypatch.setattr(features, "MOST_VERTICES", 9)
    with pytest.raises(FileUnreadable, match="vertices"):
        features.read(path)
    monkeypatch.setattr(features, "MOST_BYTES", path.stat().st_size - 1)
    with pytest.raises(FileUnreadable, match="bytes"):
        features.read(path)


def test_the_same_bytes_have_the_same_digest(tmp_path):
    one, other = write(tmp_path, feature("1", RING), name="a"), write(tmp_path, feature("1", RING), name="b")
    assert features.read(one).sha256 == features.read(other).sha256
    assert len(json.loads(one.read_text(encoding="utf-8"))["features"]) == 1
    assert shapely.equals(features.read(one).features[0].polygon, features.read(other).features[0].polygon)
