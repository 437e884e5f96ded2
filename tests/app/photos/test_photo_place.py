import struct
from datetime import UTC, datetime

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image

from app.photos.errors import NotAPhoto
from app.photos.exif import PhotoPlace, orientation, place

# 10 + 48/60 + 12.6/3600 and 106 + 42/60 + 36/3600; 8:15 in Vietnam is 1:15 UTC.
STREET = PhotoPlace(10.8035, 106.71, datetime(2026, 11, 23, 1, 15, tzinfo=UTC))


def jpeg(block: bytes) -> bytes:
    """The beginning of a JPEG, by hand: JFIF, then EXIF, then nothing."""
    jfif = b"\xff\xe0" + struct.pack(">H", 16) + b"JFIF\0\1\1\0\0\1\0\1\0\0"
    return b"\xff\xd8" + jfif + b"\xff\xe1" + struct.pack(">H", len(block) + 8) + b"Exif\0\0" + block


@pytest.mark.parametrize("order", ["<", ">"])
def test_place_and_time_are_read_in_either_byte_order(street, order):
    assert place(jpeg(street(order))) == STREET


@pytest.mark.parametrize("image_format", ["JPEG", "PNG", "WEBP", "HEIC"])
def test_place_is_read_from_each_format(street, corners, encoded, image_format):
    prefix = b"" if image_format == "PNG" else b"Exif\0\0"
    content = encoded(corners(), image_format, exif=prefix + street())

    assert place(content) == STREET


@pytest.mark.parametrize("image_format", ["JPEG", "HEIC"])
def test_the_first_256_kb_are_enough(street, encoded, image_format):
    grain = Image.effect_noise((1400, 1000), 90).convert("RGB")
    content = encoded(grain, image_format, exif=b"Exif\0\0" + street(), quality=98)
    if image_format == "HEIC":  # ours puts the block last; a phone writes it before the picture: so shift the picture
        content = exif_before_picture(content)
    assert len(content) > 300_000

    assert place(content[: 256 * 1024]) == STREET


def exif_before_picture(content: bytes) -> bytes:
    """The same HEIC with a copy of its EXIF right after the tables, and the location table pointing at it."""
    start = content.rindex(b"Exif\0\0II*\0") - 4
    block = content[start:]
    old = struct.pack(">I", start)
    assert content.count(old) == 1
    mdat = content.index(b"mdat") - 4
    assert content.index(old) < mdat
    # A `free` box with the block in front of `mdat` moves the picture, whose offset nothing here reads.
    free = struct.pack(">I4s", len(block) + 8, b"free") + block
    return (content[:mdat] + free + content[mdat:start]).replace(old, struct.pack(">I", mdat + 8))


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ({"refs": (b"S\0", b"W\0")}, (-10.8035, -106.71)),
        ({"lat": (10, 1)}, (10.0, 106.71)),  # degrees alone
        ({"lat": (108035, 10000)}, (10.8035, 106.71)),
    ],
)
def test_a_position_is_read_as_written(street, given, expected):
    found = place(jpeg(street(**given)))

    assert (found.lat, found.lon) == expected


@pytest.mark.parametrize(
    "given",
    [
        {"lat": (10, 0, 48, 1, 0, 1)},  # over nothing
        {"lat": (91, 1, 0, 1, 0, 1)},
        {"lon": (181, 1, 0, 1, 0, 1)},
        {"lat": (0, 1, 0, 1, 0, 1), "lon": (0, 1, 0, 1, 0, 1)},  # no fix
        {"lat": (1, 1, 1, 1, 1, 1, 1, 1)},  # four parts
    ],
)
def test_a_nonsense_position_is_no_position(street, given):
    assert place(jpeg(street(**given))) == PhotoPlace(None, None, STREET.captured_at)


@pytest.mark.parametrize(
    ("taken", "offset", "utc"),
    [
        (b"2026:11:23 08:15:00\0", None, "2026-11-23T01:15:00"),
        (b"2026:11:23 08:15:00\0", b"+07:00\0", "2026-11-23T01:15:00"),
        (b"2026:11:23 08:15:00\0", b"+09:00\0", "2026-11-22T23:15:00"),
        (b"2026:11:23 08:15:00\0", b"-03:30\0", "2026-11-23T11:45:00"),
        (b"2026:11:23 08:15:00\0", b"   :  \0", "2026-11-23T01:15:00"),
    ],
)
def test_a_time_without_an_offset_is_local(street, taken, offset, utc):
    found = place(jpeg(street(taken=taken, offset=offset)))

    assert found.captured_at == datetime.fromisoformat(utc).replace(tzinfo=UTC)


@pytest.mark.parametrize(
    "taken", [b"0000:00:00 00:00:00\0", b"    :  :     :  :  \0", b"2026:02:30 08:00:00\0", b"\xff" * 20]
)
def test_a_time_that_is_none_is_unknown(street, taken):
    assert place(jpeg(street(taken=taken))) == PhotoPlace(10.8035, 106.71, None)


def test_a_time_on_the_edge_of_the_calendar_is_unknown(street):
    assert place(jpeg(street(taken=b"0001:01:01 00:00:00\0"))).captured_at is None


def test_a_photo_without_exif_has_no_place(corners, encoded):
    assert place(encoded(corners())) is None


def test_a_directory_that_names_itself_ends():
    main_names_itself = struct.pack("<HHHII", 1, 0x8825, 4, 1, 8) + struct.pack("<I", 8)

    assert place(jpeg(b"II*\0\x08\0\0\0" + main_names_itself)) is None


def test_what_is_no_photo_is_refused():
    with pytest.raises(NotAPhoto):
        place(b"Toi gui anh nay")


@pytest.mark.parametrize(("value", "expected"), [(1, 1), (6, 6), (8, 8), (0, 1), (9, 1), (65535, 1)])
def test_only_the_eight_orientations_count(value, expected):
    block = b"MM\0*\0\0\0\x08" + struct.pack(">HHHIHHI", 1, 0x0112, 3, 1, value, 0, 0)

    assert orientation(block) == expected


@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_nonsense_never_raises(street, corners, encoded, data):
    image_format = data.draw(st.sampled_from(["JPEG", "PNG", "WEBP", "HEIC"]))
    prefix = b"" if image_format == "PNG" else b"Exif\0\0"
    content = bytearray(_small(encoded, corners, image_format, prefix + street(">")))
    for _ in range(data.draw(st.integers(1, 12))):
        content[data.draw(st.integers(64, min(len(content), 1500) - 1))] = data.draw(st.integers(0, 255))
    cut = data.draw(st.integers(64, len(content)))

    found = place(bytes(content[:cut]))

    if found is not None and found.lat is not None:
        assert -90 <= found.lat <= 90
        assert -180 <= found.lon <= 180


_MADE: dict[str, bytes] = {}


def _small(encoded, corners, image_format, exif):
    if image_format not in _MADE:
        _MADE[image_format] = encoded(corners(size=(64, 48)), image_format, exif=exif)
    return _MADE[image_format]
