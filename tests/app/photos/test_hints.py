"""The rule of each hint, as a table made by hand."""

from datetime import UTC, datetime, timedelta, timezone

import pytest

from app.photos.exif import Said
from app.photos.formats import ImageType, VideoType
from app.photos.hints import Stated, earliest, hints
from geo.coordinates import LngLat

RECEIVED = datetime(2026, 11, 23, 8, 20, tzinfo=UTC)
HERE = LngLat(106.71, 10.8035)
# At this latitude 0.001 degree is 110.6 m from south to north, and 109.4 m from west to east.
METRES_NORTH = 1 / 110_600


def stated(accuracy_m=None, role="before", named_at=RECEIVED) -> Stated:
    since = earliest(role, report_received_at=RECEIVED, named_at=named_at)
    return Stated(HERE, accuracy_m, since, named_at)


def hinted(said: Said, media=ImageType.JPEG, **how) -> dict[str, str]:
    return hints(said, media, stated(**how))


@pytest.mark.parametrize(
    ("metres", "accuracy_m", "expected"),
    [
        (0, None, "near"),
        (119, None, "near"),  # 20 m if not given, and 100 m
        (121, None, "far"),
        (119, 0, "far"),  # a phone that says it is exact
        (99, 0, "near"),
        (199, 100, "near"),
        (201, 100, "far"),
        (299, 200, "near"),
        (301, 200, "far"),
        (299, 5000, "near"),  # no more than 200 m is believed
        (301, 5000, "far"),
        (900_000, 5000, "far"),
    ],
)
def test_a_photo_is_near_within_what_both_places_may_be_wrong_by(metres, accuracy_m, expected):
    said = Said(lat=HERE.lat + metres * METRES_NORTH, lon=HERE.lng)

    assert hinted(said, accuracy_m=accuracy_m)["place"] == expected


@pytest.mark.parametrize("said", [Said(), Said(lat=10.8), Said(lon=106.7)])
def test_a_photo_without_a_place_is_neither_near_nor_far(said):
    assert hinted(said)["place"] == "unknown"


@pytest.mark.parametrize(
    ("taken", "expected"),
    [
        (RECEIVED, "agrees"),
        (RECEIVED - timedelta(hours=23, minutes=59), "agrees"),  # a phone without a network for a day
        (RECEIVED - timedelta(hours=24), "agrees"),
        (RECEIVED - timedelta(hours=24, seconds=1), "old"),
        (RECEIVED - timedelta(days=400), "old"),
        (RECEIVED + timedelta(minutes=5), "agrees"),
        (RECEIVED + timedelta(minutes=5, seconds=1), "ahead"),
        (RECEIVED.astimezone(timezone(timedelta(hours=7))), "agrees"),
        (None, "unknown"),
    ],
)
def test_what_was_found_was_taken_within_the_day_before(taken, expected):
    assert hinted(Said(captured_at=taken))["time"] == expected


@pytest.mark.parametrize(
    ("taken", "expected"),
    [
        (RECEIVED + timedelta(minutes=50), "agrees"),
        (RECEIVED - timedelta(minutes=5), "agrees"),  # by a clock that is slow
        (RECEIVED - timedelta(minutes=6), "old"),  # before anybody had reported it
        (RECEIVED + timedelta(minutes=66), "ahead"),
    ],
)
def test_what_was_left_was_taken_since_the_report_came(taken, expected):
    an_hour_later = RECEIVED + timedelta(hours=1)

    assert hinted(Said(captured_at=taken), role="after", named_at=an_hour_later)["time"] == expected


CAMERA = {"has_exif": True, "has_camera": True}


@pytest.mark.parametrize(
    ("media", "said", "expected"),
    [
        (ImageType.JPEG, Said(**CAMERA), "no"),
        (ImageType.HEIC, Said(**CAMERA), "no"),
        # What phones' own systems and cameras call themselves.
        *((ImageType.JPEG, Said(**CAMERA, software=(name,)), "no") for name in (
            "17.5.1", "S908EXXU4CWCG", "HDR+ 1.0.345618096zd", "MediaTek Camera Application", "Picasa", "Photos 4.0",
            "OnePlus 12 Camera", "vivo snowflake build",
        )),
        *((ImageType.JPEG, Said(**CAMERA, software=(name,)), "edited") for name in (
            "Adobe Photoshop 25.5 (Windows)", "Adobe Lightroom 8.3 (Android)", "GIMP 2.10.34", "Snapseed 2.0", "PicsArt",
            "Canva", "paint.net 5.0", "Meitu", "SNOW", "Photo Editor",
        )),
        (ImageType.JPEG, Said(**CAMERA, software=("17.5.1", "Adobe Photoshop Express 9")), "edited"),
        (ImageType.PNG, Said(software=("Adobe ImageReady",)), "edited"),
        # Messengers leave no EXIF, or one without a camera; screenshots are PNG.
        (ImageType.JPEG, Said(), "resaved"),
        (ImageType.JPEG, Said(has_exif=True), "resaved"),
        (ImageType.PNG, Said(), "resaved"),
        (ImageType.PNG, Said(**CAMERA), "resaved"),
        (ImageType.WEBP, Said(**CAMERA), "resaved"),
        (ImageType.HEIC, Said(has_exif=True), "resaved"),
        (ImageType.HEIC, Said(), "unknown"),
        (VideoType.MP4, Said(), "unknown"),
    ],
)  # fmt: skip
def test_a_photo_as_a_camera_wrote_it_is_told_from_one_that_was_written_again(media, said, expected):
    assert hinted(said, media)["edited"] == expected


def test_a_hint_is_one_word_and_nothing_of_the_photo():
    said = Said(10.8035123, 106.7101234, RECEIVED, **CAMERA, software=("Adobe Photoshop of Nguyen Van A",))

    assert hinted(said) == {"place": "near", "time": "agrees", "edited": "edited"}
