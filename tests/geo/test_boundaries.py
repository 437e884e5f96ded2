from datetime import UTC, date, datetime

import pytest
import shapely
from geoalchemy2.shape import to_shape
from sqlalchemy import func, select
from squares import feature, square, write

from geo.boundaries import SKETCH, BoundaryFileRefused, import_files
from geo.coordinates import LngLat
from geo.wards import (
    WardImport,
    WardSuccession,
    WardVersion,
    load_index,
    predecessors,
    revision,
    successors,
    versions_on,
)

NOW = datetime(2026, 11, 23, 5, tzinfo=UTC)
CITY = 1

WEST, EAST, NORTH_WEST = square(106.70, 10.79), square(106.71, 10.79), square(106.70, 10.80)
BOTH = square(106.70, 10.79, width=0.02)


@pytest.fixture
def take(session, tmp_path):
    """Import features as one file, as the administrator would."""

    def take(*features):
        return import_files(session, CITY, [write(tmp_path, *features)], NOW)

    return take


def stored(session):
    """Every version as (code, valid_from, valid_to), half-open."""
    rows = session.execute(select(WardVersion.code, WardVersion.valid_from, WardVersion.valid_to))
    return sorted((code, str(first), str(until)) for code, first, until in rows)


def counts(session):
    return [
        session.scalar(select(func.count()).select_from(table)) for table in (WardVersion, WardImport, WardSuccession)
    ]


def refused(take, *features):
    with pytest.raises(BoundaryFileRefused) as raised:
        take(*features)
    return raised.value.report.problems


def test_a_file_goes_in(session, take):
    report = take(
        feature(
            "26929",
            WEST,
            name="Phường 14",
            parent="Quận Bình Thạnh",
            source="a survey",
            note="n",
            valid_to="2025-06-30",
        ),
        feature("26935", EAST, valid_from="2024-01-01"),
    )
    assert (report.features, len(report.added), report.unchanged, report.ended) == (2, 2, 0, [])
    assert stored(session) == [("26929", "None", "2025-07-01"), ("26935", "2024-01-01", "None")]
    (west, _) = versions_on(session, date(2025, 6, 30), CITY)
    assert (west.name, west.parent, west.source, west.note) == ("Phường 14", "Quận Bình Thạnh", "a survey", "n")
    assert west.area_m2 == pytest.approx(1093.6 * 1106.1, rel=1e-3)
    assert to_shape(west.geom).equals(shapely.Polygon(WEST))
    assert [version.code for version in versions_on(session, date(2025, 7, 1))] == ["26935"]
    assert versions_on(session, date(2025, 7, 1), city_id=2) == []


def test_an_import_is_on_record(session, take):
    assert revision(session) == 0
    take(feature("1", WEST))
    record = session.scalars(select(WardImport)).one()
    assert (record.id, record.file, record.at) == (revision(session), "wards.geojson", NOW)
    assert len(record.sha256) == 64
    assert record.summary["added"] == [
        {"code": "1", "name": "Phường 1", "days": "... to ...", "area_m2": pytest.approx(1.2097e6, rel=1e-3)}
    ]
    before = revision(session)
    take(feature("1", WEST), feature("2", EAST))
    assert revision(session) > before


def test_the_same_again_has_no_effect(session, take):
    wards = [
        feature("1", WEST, valid_to="2025-06-30"),
        feature("2", EAST),
        feature("1", BOTH[:], valid_from="2025-07-01"),
    ]
    wards[1]["properties"]["valid_to"] = "2025-06-30"
    take(*wards)
    before, number = counts(session), revision(session)
    report = take(*wards[::-1])
    assert (report.unchanged, report.added, report.ended) == (3, [], [])
    assert counts(session) == before
    assert revision(session) == number


def test_the_same_boundary_drawn_from_another_corner_is_the_same(session, take):
    take(feature("1", WEST))
    turned = [*WEST[2:], *WEST[1:3]]
    assert take(feature("1", turned[::-1])).unchanged == 1
    assert counts(session)[0] == 1


def test_a_later_version_ends_the_open_one_of_its_code(session, take):
    take(feature("1", WEST, valid_from="2024-01-01"))
    report = take(feature("1", BOTH, name="Phường lớn", valid_from="2025-07-01"))
    assert stored(session) == [("1", "2024-01-01", "2025-07-01"), ("1", "2025-07-01", "None")]
    assert report.ended == ["1 Phường 1 (2024-01-01 to 2025-06-30)"]


def test_a_new_layer_ends_the_wards_whose_ground_it_takes(session, take):
    take(feature("1", WEST), feature("2", EAST), feature("3", NORTH_WEST))
    report = take(feature("9", BOTH, valid_from="2025-07-01"))
    assert [line[:1] for line in report.ended] == ["1", "2"]
    assert stored(session) == [
        ("1", "None", "2025-07-01"),
        ("2", "None", "2025-07-01"),
        ("3", "None", "None"),  # it only touches the new ward
        ("9", "2025-07-01", "None"),
    ]


def test_ended_by_a_later_file_stays_ended(session, take):
    take(feature("1", WEST, valid_from="2024-01-01"))
    take(feature("1", BOTH, valid_from="2025-07-01"))
    before = counts(session)
    report = take(feature("1", WEST, valid_from="2024-01-01"))
    assert (report.unchanged, counts(session)) == (1, before)
    assert "ended by a later file on 2025-06-30" in report.noted[0]


def test_a_file_may_name_the_end_of_an_open_version(session, take):
    take(feature("1", WEST, valid_from="2024-01-01"))
    report = take(feature("1", WEST, valid_from="2024-01-01", valid_to="2026-12-31"))
    assert stored(session) == [("1", "2024-01-01", "2027-01-01")]
    assert (len(report.ended), report.added) == (1, [])


@pytest.mark.parametrize(
    ("ward", "reason"),
    [
        (feature("1", BOTH), "shares days with the stored"),
        (feature("1", BOTH, valid_from="2024-01-01"), "shares days"),  # the same first day: another boundary for it
        (feature("1", BOTH, valid_from="2023-01-01"), "shares days"),
        (feature("1", BOTH, valid_from="2023-01-01", valid_to="2024-01-01"), "shares days"),
        (feature("1", WEST, name="Renamed", valid_from="2024-01-01"), "never renamed"),
        (feature("8", WEST, valid_from="2024-01-01"), "overlap by 1,209"),  # another code for ground that is taken
        (feature("8", square(106.705, 10.79), valid_from="2025-07-01"), "50.0% of it lies in the wards that begin"),
    ],
)
def test_a_stored_version_is_never_edited(session, take, ward, reason):
    take(feature("1", WEST, valid_from="2024-01-01"))
    before = counts(session), stored(session)
    assert any(reason in problem for problem in refused(take, ward))
    assert (counts(session), stored(session)) == before


def test_a_version_that_has_an_end_gets_no_other(take):
    take(feature("1", WEST, valid_to="2024-12-31"))
    assert "never edited" in refused(take, feature("1", WEST, valid_to="2025-06-30"))[0]


def test_one_code_has_one_ward_a_day(session, take):
    (problem,) = refused(
        take,
        feature("1", WEST, valid_to="2025-07-01"),
        feature("1", EAST, valid_from="2025-07-01"),
        feature("2", NORTH_WEST),
    )
    assert problem.startswith("code 1 twice on one day")
    take(feature("1", WEST, valid_to="2025-06-30"), feature("1", EAST, valid_from="2025-07-01"))
    assert counts(session)[0] == 2


def test_wards_of_one_day_do_not_overlap(session, take):
    (problem,) = refused(take, feature("1", WEST), feature("2", square(106.709, 10.79)))
    assert "overlap by 120,969" in problem  # a tenth of a square
    assert counts(session) == [0, 0, 0]
    # The same ground in other years is no overlap.
    take(feature("1", WEST, valid_to="2025-06-30"), feature("2", square(106.709, 10.79), valid_from="2025-07-01"))


def test_a_sliver_of_overlap_is_noted(take):
    report = take(feature("1", WEST), feature("2", square(106.709999, 10.79)))  # 11 cm
    assert len(report.added) == 2
    (note,) = report.noted
    assert "overlap by 12" in note


def test_gaps_are_noted(take):
    ring = square(106.70, 10.79, 0.03)
    hole = square(106.71, 10.80, 0.01)
    middle = square(106.711, 10.80, width=0.009)
    report = take(feature("1", ring, coordinates=[ring, hole]), feature("2", middle))
    (note,) = report.noted
    assert note.startswith("from the beginning: gap of 120,96")
    assert "lat 10.805000 lon 106.710500" in note


def test_every_problem_is_reported_at_once(session, take):
    problems = refused(take, feature(None, WEST), feature("2", None, coordinates=[]), feature("3", NORTH_WEST))
    assert len(problems) == 2
    assert counts(session) == [0, 0, 0]


def test_a_file_that_is_not_there_and_a_city_that_is_not(session, tmp_path):
    with pytest.raises(BoundaryFileRefused) as raised:
        import_files(session, 77, [tmp_path / "none.geojson"], NOW)
    assert any("No such file" in problem for problem in raised.value.report.problems)
    assert "there is no city 77" in raised.value.report.problems


def test_the_error_says_it_all(take):
    with pytest.raises(BoundaryFileRefused, match=r"Refused, nothing was written:\n  .*code missing"):
        take(feature(None, WEST))


def test_several_files_go_in_together_or_not_at_all(session, tmp_path):
    one = write(tmp_path, feature("1", WEST), name="one.geojson")
    two = write(tmp_path, feature("2", EAST), name="two.geojson")
    bad = write(tmp_path, feature("1", NORTH_WEST), name="bad.geojson")
    with pytest.raises(BoundaryFileRefused, match="twice on one day"):
        import_files(session, CITY, [one, two, bad], NOW)
    assert counts(session) == [0, 0, 0]
    import_files(session, CITY, [one, two], NOW)
    files = session.execute(select(WardVersion.code, WardImport.file).join(WardImport)).all()
    assert sorted(tuple(row) for row in files) == [("1", "one.geojson"), ("2", "two.geojson")]


def test_who_follows_whom(session, take):
    # Ward 6 splits: three quarters to 7, one quarter to 8; 5 goes to 8 whole.
    take(
        feature("6", WEST, valid_to="2025-06-30"),
        feature("5", EAST, valid_to="2025-06-30"),
        feature("7", square(106.70, 10.79, width=0.0075), valid_from="2025-07-01"),
        feature("8", square(106.7075, 10.79, width=0.0125), valid_from="2025-07-01"),
    )
    version = {one.code: one.id for one in session.scalars(select(WardVersion))}
    assert [(one.code, round(share, 4)) for one, share in successors(session, version["6"])] == [
        ("7", 0.75),
        ("8", 0.25),
    ]
    assert [(one.code, round(share, 4)) for one, share in successors(session, version["5"])] == [("8", 1.0)]
    assert [(one.code, round(share, 4)) for one, share in predecessors(session, version["8"])] == [
        ("5", 1.0),
        ("6", 0.25),
    ]
    assert successors(session, version["8"]) == []


def test_a_later_file_is_followed_from_what_it_ends(session, take):
    take(feature("1", WEST), feature("2", EAST, valid_to="2025-06-30"))
    report = take(feature("1", BOTH, valid_from="2025-07-01"))
    assert len(report.successions) == 2
    (new,) = versions_on(session, date(2025, 7, 1))
    assert [(one.code, round(share, 4)) for one, share in predecessors(session, new.id)] == [("1", 1.0), ("2", 1.0)]


def test_the_report_reads_like_english(take):
    text = take(feature("1", WEST[:-1], valid_from="2024-01-01")).text()
    assert "1 ward versions read, 1 added, 0 already known, 0 ended, 1 repaired." in text
    assert "1 Phường 1 (2024-01-01 to ...): 1.210 km2" in text
    assert "an open ring closed" in text


def test_an_index_of_what_was_imported(session, take):
    take(feature("1", WEST, valid_to="2025-06-30"), feature("1", BOTH, valid_from="2025-07-01"))
    index = load_index(session)
    assert index.revision == revision(session)
    west = index.locate(LngLat(106.705, 10.795), date(2025, 6, 30))
    merged = index.locate(LngLat(106.705, 10.795), date(2025, 7, 1))
    assert west.ward.code == merged.ward.code
    assert west.ward.id != merged.ward.id
    assert west.ward.valid_to == merged.ward.valid_from == date(2025, 7, 1)


def test_an_index_of_nothing(session):
    index = load_index(session)
    assert (index.revision, index.wards_on(date(2026, 1, 1))) == (0, [])


def test_the_sketch_goes_in_once(session):
    report = import_files(session, CITY, [SKETCH], NOW)
    assert [ward.code for ward in report.added] == ["26905", "26911", "26929", "26944", "26956"]
    assert (report.repaired, report.noted) == ([], [])
    assert import_files(session, CITY, [SKETCH], NOW).unchanged == 5
    assert counts(session) == [5, 1, 0]
    assert {version.note for version in session.scalars(select(WardVersion))} == {"a sketch, not history"}
