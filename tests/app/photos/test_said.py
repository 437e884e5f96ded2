import io
import struct
from datetime import UTC, datetime

import pytest
from PIL import Image, PngImagePlugin

from app.photos import exif
from app.photos.errors import NotAPhoto
from tiff_blocks import tiff


def in_jpeg(*segments: bytes) -> bytes:
    return b"\xff\xd8" + b"".join(b"\xff\xe1" + struct.pack(">H", len(one) + 2) + one for one in segments) + b"\xff\xd9"


def with_exif(block: bytes) -> bytes:
    return in_jpeg(b"Exif\0\0" + block)


def said(content: bytes) -> exif.Said:
    return exif.said_by(io.BytesIO(content))


def ascii_(tag: int, words: bytes) -> tuple[int, int, int, bytes]:
    return tag, 2, len(words) + 1, words + b"\0"


def test_a_photo_says_where_when_and_that_a_camera_took_it(street):
    told = said(with_exif(street()))

    assert (told.lat, told.lon) == (pytest.approx(10.8035), pytest.approx(106.71))
    assert told.captured_at == datetime(2026, 11, 23, 1, 15, tzinfo=UTC)
    assert (told.has_exif, told.has_camera, told.software) == (True, True, ())


@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize(
    ("entries", "camera", "software"),
    [
        ([ascii_(0x010F, b"Apple")], True, ()),
        ([ascii_(0x0110, b"SM-A155F")], True, ()),
        ([ascii_(0x010F, b"   ")], False, ()),
        ([ascii_(0x0131, b"GIMP 2.10")], False, ("GIMP 2.10",)),
        ([ascii_(0x000B, b"Windows Photo Editor"), ascii_(0x0131, b"x")], False, ("x", "Windows Photo Editor")),
        ([ascii_(0x0131, b"y" * 300)], False, ()),  # no program has such a name
    ],
)
def test_make_model_and_software_are_read_in_either_byte_order(order, entries, camera, software):
    told = said(with_exif(tiff(order, entries)))

    assert (told.has_exif, told.has_camera, told.software) == (True, camera, software)


@pytest.mark.parametrize(
    ("packet", "software"),
    [
        (b'<rdf xmp:CreatorTool="Adobe Photoshop 25.0"/>', ("Adobe Photoshop 25.0",)),
        (b"<xmp:CreatorTool>Canva</xmp:CreatorTool>", ("Canva",)),
        (b'<li stEvt:softwareAgent="Snapseed"/><li stEvt:softwareAgent = "PicsArt"/>', ("Snapseed", "PicsArt")),
        # Every iPhone names this namespace, and edits nothing by it.
        (b'<rdf xmlns:photoshop="http://ns.adobe.com/photoshop/1.0/" xmp:CreatorTool="17.5.1"/>', ("17.5.1",)),
        (b"CreatorTool", ()),
        (b'CreatorTool="' + b"z" * 5000, ("z" * 100,)),
        (b"CreatorTool<" * 2000, ()),
        (b'softwareAgent="a"' * 500, ("a",) * 10),
    ],
)
def test_what_xmp_says_of_programs_is_read_as_well(packet, software):
    assert said(in_jpeg(b"http://ns.adobe.com/xap/1.0/\0" + packet)).software == software


def test_png_webp_and_heic_say_it_too(street, encoded, corners):
    block = street()
    for image_format in ("PNG", "WEBP", "HEIC"):
        told = said(encoded(corners(size=(64, 48)), image_format, exif=b"Exif\0\0" + block))
        assert (round(told.lat, 4), told.has_camera) == (10.8035, True), image_format

    words = PngImagePlugin.PngInfo()
    words.add_text("Software", "Adobe ImageReady")
    assert said(encoded(corners(size=(64, 48)), "PNG", pnginfo=words)).software[0].startswith("Adobe ImageReady")


@pytest.mark.parametrize("image_format", ["JPEG", "PNG", "WEBP", "HEIC"])
def test_a_photo_without_exif_says_nothing(encoded, image_format):
    assert said(encoded(Image.new("RGB", (64, 48), "red"), image_format)) == exif.Said()


def looping() -> bytes:
    """A directory whose two sub-directories are itself."""
    return b"II*\0" + struct.pack("<IHHHIIHHIII", 8, 2, 0x8769, 4, 1, 8, 0x8825, 4, 1, 8, 8)


def with_thumbnails(megabytes: int) -> bytes:
    """A JPEG whose every segment claims to be EXIF, with a picture in it, for as long as that."""
    block = tiff("<", [ascii_(0x010F, b"Apple")]) + b"\xff\xd8" * 32_000
    return in_jpeg(*[b"Exif\0\0" + block[:65_000]] * (megabytes * 16))


@pytest.mark.timeout(20)
@pytest.mark.parametrize(
    ("content", "camera"),
    [
        (with_exif(looping()), False),
        (with_exif(b"II*\0" + struct.pack("<IHHHIIIII", 8, 1, 0x8769, 5, 1, 26, 0, 1, 0)), False),
        (with_thumbnails(10), True),
        (with_exif(b"II*\0" + struct.pack("<IH", 8, 65535) + b"\xff" * 60_000), False),
        (b"\x89PNG\r\n\x1a\n" + struct.pack(">I4s", 0, b"IHDR") * 1_600_000, False),
        (b"RIFF\xff\xff\xff\xffWEBPVP8 " + bytes(19_000_000), False),
        (b"\0\0\0\x18ftypheic\0\0\0\0mif1heic" + struct.pack(">I4s", 8, b"free") * 2_300_000, False),
        (b"\0\0\0\x18ftypheic\0\0\0\0mif1heic" + struct.pack(">I4s", 0, b"meta") + b"\xff" * 1_000_000, False),
    ],
    ids=[
        "loop",
        "a fraction for a pointer",
        "10 MB of thumbnails",
        "entries without end",
        "PNG parts",
        "WebP parts",
        "boxes",
        "tables",
    ],
)
def test_what_is_made_to_keep_us_busy_ends_soon_and_says_nothing(content, camera):
    assert said(content).has_camera is camera


@pytest.mark.parametrize("content", [b"", b"Toi gui anh nay", b"\0\0\0\x14ftypqt  \0\0\0\0qt  "])
def test_what_is_no_photo_is_refused(content):
    with pytest.raises(NotAPhoto):
        said(content)
