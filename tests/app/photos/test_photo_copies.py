import io
import struct
import zipfile
import zlib
from contextlib import suppress

import pillow_heif
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image, ImageCms
from PIL.PngImagePlugin import PngInfo

from app.photos.errors import DamagedPhoto, NotAPhoto, TooManyPixels
from app.photos.formats import ImageType, VideoType, exif_block, limit_of, sniff
from app.photos.images import make_copies

FORMATS = ["JPEG", "PNG", "WEBP", "HEIC"]
COLOURS = {"R": (255, 0, 0), "G": (0, 255, 0), "B": (0, 0, 255), "W": (255, 255, 255)}


def copies(content: bytes):
    return make_copies(io.BytesIO(content))


def opened(content: bytes) -> Image.Image:
    return Image.open(io.BytesIO(content))


def seen_at(picture: Image.Image, x: float, y: float) -> str:
    """The letter of the colour at a place given in shares of the sides."""
    found = picture.convert("RGB").getpixel((int(picture.width * x), int(picture.height * y)))
    return min(COLOURS, key=lambda letter: sum(abs(a - b) for a, b in zip(found, COLOURS[letter], strict=True)))


def quarters(picture: Image.Image) -> str:
    return "".join(seen_at(picture, x, y) for y in (0.2, 0.8) for x in (0.2, 0.8))


def segments(jpeg: bytes) -> list[int]:
    """The markers of a JPEG before its picture, and what follows its end."""
    at, markers = 2, []
    while jpeg[at + 1] != 0xDA:
        markers.append(jpeg[at + 1])
        at += 2 + int.from_bytes(jpeg[at + 2 : at + 4])
    assert jpeg.endswith(b"\xff\xd9")
    assert jpeg.count(b"\xff\xd9") == 1
    return markers


@pytest.mark.parametrize(
    ("head", "expected"),
    [
        (b"\xff\xd8\xff\xe1", ImageType.JPEG),
        (b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR", ImageType.PNG),
        (b"RIFF\x10\0\0\0WEBPVP8X", ImageType.WEBP),
        (b"\0\0\0\x18ftypheic\0\0\0\0mif1heic", ImageType.HEIC),
        (b"\0\0\0\x1cftypmif1\0\0\0\0mif1heixmiaf", ImageType.HEIC),
        (b"\0\0\0\x1cftypisom\0\0\0\0isommp42heic", ImageType.HEIC),
        (b"\0\0\0\x18ftypmp42\0\0\0\0isommp42", VideoType.MP4),
        (b"\0\0\0\x14ftypisom\0\0\2\0isom", VideoType.MP4),
        (b"\0\0\0\x14ftypqt  \0\0\0\0qt  ", VideoType.QUICKTIME),
    ],
)
def test_a_format_is_known_by_its_first_bytes(head, expected):
    assert sniff(head) is expected


def test_a_video_may_have_twice_the_bytes_of_a_photo():
    assert {limit_of(photo) for photo in ImageType} == {20_000_000}
    assert {limit_of(video) for video in VideoType} == {40_000_000}


@pytest.mark.parametrize(
    "head",
    [
        b"",
        b"Toi gui anh nay cho phuong",
        b"GIF89a\x01\0\x01\0",
        b"<svg xmlns='http://www.w3.org/2000/svg'/>",
        b"\0\0\0\x1cftypavif\0\0\0\0avifmif1miaf",
        b"\0\0\0\x18ftypM4A \0\0\0\0M4A mp42",  # sound
        b"\0\0\0\x14ftyp3gp4\0\0\0\x003gp4",
        b"\0\0\0\x08wide\0\0\x10\0mdat",  # QuickTime of before there were brands
        b"\x89PNG\r\n\x1a\n",
        b"RIFF\x10\0\0\0WAVEfmt ",
        b"\xff\xd8",
    ],
)
def test_anything_else_is_not_a_photo(head):
    with pytest.raises(NotAPhoto):
        sniff(head)


@pytest.mark.parametrize("image_format", FORMATS)
@pytest.mark.parametrize(
    ("size", "display", "thumb"),
    [
        ((2400, 1800), (1600, 1200), (320, 240)),
        ((1800, 2400), (1200, 1600), (240, 320)),
        ((200, 100), (200, 100), (200, 100)),  # never enlarged
        ((3000, 20), (1600, 11), (320, 2)),
    ],
)
def test_copies_have_the_stated_sizes(corners, encoded, image_format, size, display, thumb):
    made = copies(encoded(corners(size=size), image_format))

    assert (made.width, made.height) == size
    assert opened(made.display).size == display
    assert opened(made.thumb).size == thumb
    assert quarters(opened(made.display)) == "RGBW"


# How the camera stored what stands upright as R G over B W, for each value of the tag (CIPA DC-008, 4.6.4 A).
STORED = [(1, "RGBW"), (2, "GRWB"), (3, "WBGR"), (4, "BWRG"), (5, "RBGW"), (6, "GWRB"), (7, "WGBR"), (8, "BRWG")]


@pytest.mark.parametrize("image_format", ["JPEG", "PNG", "WEBP"])
@pytest.mark.parametrize(("orientation", "stored"), STORED)
def test_copies_stand_upright(corners, encoded, image_format, orientation, stored):
    size = (640, 480) if orientation <= 4 else (480, 640)
    exif = Image.Exif()
    exif[0x0112] = orientation

    made = copies(encoded(corners(stored, size), image_format, exif=exif))

    assert (made.width, made.height) == (640, 480)
    assert opened(made.display).size == (640, 480)
    assert quarters(opened(made.display)) == "RGBW"
    assert quarters(opened(made.thumb)) == "RGBW"


@pytest.mark.parametrize(("orientation", "stored"), STORED[1:])
def test_a_heic_is_turned_once_and_by_its_container(corners, encoded, orientation, stored):
    exif = Image.Exif()
    exif[0x0112] = orientation

    content = encoded(corners(stored, (640, 480) if orientation <= 4 else (480, 640)), "HEIC", exif=exif.tobytes())

    assert b"irot" in content or b"imir" in content
    made = copies(content)
    assert (made.width, made.height) == (640, 480)
    assert quarters(opened(made.display)) == "RGBW"


@pytest.mark.parametrize("image_format", FORMATS)
def test_copies_carry_no_metadata(street, corners, encoded, image_format):
    secret = b"MAKER-SERIAL"
    options = {"exif": (b"" if image_format == "PNG" else b"Exif\0\0") + street()}
    options["icc_profile"] = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    if image_format == "JPEG":
        options |= {"comment": secret, "xmp": b"<x:xmpmeta>MAKER-SERIAL</x:xmpmeta>", "dpi": (300, 300)}
    if image_format == "PNG":
        options["pnginfo"] = PngInfo()
        options["pnginfo"].add_text("Author", "MAKER-SERIAL")
    content = encoded(corners(), image_format, **options)
    assert secret in content

    made = copies(content)

    for copy in (made.display, made.thumb):
        assert secret not in copy
        # JFIF's own header with no resolution, two quantisation tables, a frame, Huffman tables: nothing else.
        assert set(segments(copy)) == {0xE0, 0xDB, 0xC0, 0xC4}
        assert copy[2:20] == b"\xff\xe0\0\x10JFIF\0\1\1\0\0\1\0\1\0\0"


def test_colours_of_another_space_become_srgb(encoded):
    # A profile in which red and green have changed places: what it calls red looks green.
    srgb = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    table = srgb[:512].replace(b"rXYZ", b"....").replace(b"gXYZ", b"rXYZ").replace(b"....", b"gXYZ")
    swapped = (table + srgb[512:]).replace("sRGB".encode("utf-16-be"), "swap".encode("utf-16-be"))
    red = Image.new("RGB", (320, 320), "red")

    assert seen_at(opened(copies(encoded(red, icc_profile=srgb)).display), 0.5, 0.5) == "R"
    assert seen_at(opened(copies(encoded(red, icc_profile=swapped)).display), 0.5, 0.5) == "G"


@pytest.mark.parametrize("profile", [b"nonsense", b"\0" * 200])
def test_a_broken_profile_is_not_believed(corners, encoded, profile):
    assert quarters(opened(copies(encoded(corners(), icc_profile=profile)).display)) == "RGBW"


def test_cmyk_becomes_rgb(corners, encoded):
    display = opened(copies(encoded(corners().convert("CMYK"))).display)

    assert display.mode == "RGB"
    assert quarters(display) == "RGBW"


@pytest.mark.parametrize("image_format", ["PNG", "WEBP"])
def test_what_is_transparent_is_white(encoded, image_format):
    picture = Image.new("RGBA", (400, 400), (255, 0, 0, 255))
    picture.paste((0, 0, 255, 0), (200, 0, 400, 400))

    display = opened(copies(encoded(picture, image_format, lossless=True)).display)

    assert quarters(display) == "RWRW"


def test_a_transparent_colour_of_a_palette_is_white(corners, encoded):
    picture = corners().quantize(4)
    blue = picture.getpixel((100, 500))

    assert quarters(opened(copies(encoded(picture, "PNG", transparency=blue)).display)) == "RGWW"
    assert quarters(opened(copies(encoded(picture, "PNG")).display)) == "RGBW"


def test_sixteen_bit_grey_keeps_its_tones(encoded):
    picture = Image.new("I;16", (400, 300), 32768)

    display = opened(copies(encoded(picture, "PNG")).display).convert("L")

    assert display.getextrema() == (128, 128)


@pytest.mark.parametrize("mode", ["1", "L", "LA"])
def test_grey_becomes_rgb(encoded, mode):
    display = opened(copies(encoded(Image.new("L", (400, 300), 255).convert(mode), "PNG")).display)

    assert display.mode == "RGB"
    assert display.getextrema() == ((255, 255),) * 3


@pytest.mark.parametrize("image_format", ["WEBP", "PNG"])
def test_of_an_animation_the_first_frame_is_shown(encoded, image_format):
    frames = [Image.new("RGB", (300, 300), colour) for colour in ("red", "blue", "green")]

    made = copies(encoded(frames[0], image_format, save_all=True, append_images=frames[1:], duration=100))

    assert seen_at(opened(made.display), 0.5, 0.5) == "R"


def test_of_fifty_pictures_in_a_heic_the_first_is_shown(corners):
    many = pillow_heif.from_pillow(corners("RGBW", (320, 240)))
    for _ in range(49):
        many.add_from_pillow(corners("WWWW", (320, 240)))
    out = io.BytesIO()
    many.save(out)

    made = copies(out.getvalue())

    assert (made.width, made.height) == (320, 240)
    assert seen_at(opened(made.display), 0.25, 0.25) == "R"


@pytest.mark.parametrize("image_format", ["JPEG", "PNG", "WEBP"])
def test_what_is_also_something_else_is_only_a_picture_afterwards(corners, encoded, image_format):
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w") as file:
        file.writestr("run.html", "<script>alert(1)</script>")
    polyglot = encoded(corners(), image_format) + b"<script>alert(1)</script>" + archive.getvalue()

    made = copies(polyglot)

    for copy in (made.display, made.thumb):
        assert not zipfile.is_zipfile(io.BytesIO(copy))
        assert b"script" not in copy
        assert copy.endswith(b"\xff\xd9")


def test_ten_megabytes_of_small_pictures_in_front_of_a_jpeg_are_passed_over(corners, encoded):
    content = encoded(corners())
    segment = b"\xff\xe1" + (65_535).to_bytes(2) + b"Exif\0\0MM\0*\0\0\0\x08" + bytes(65_535 - 16)
    full = content[:2] + segment * 160 + content[2:]
    assert len(full) > 10_000_000

    made = copies(full)

    assert (made.width, made.height) == (800, 600)
    assert len(made.display) < 200_000


def test_a_second_picture_behind_a_jpeg_is_left_out(encoded):
    frames = [Image.new("RGB", (300, 300), colour) for colour in ("red", "blue")]
    content = encoded(frames[0], "MPO", save_all=True, append_images=frames[1:])

    assert seen_at(opened(copies(content).display), 0.5, 0.5) == "R"


def png_of(width: int, height: int) -> bytes:
    """The header of a PNG, and no picture."""
    header = b"IHDR" + struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n\0\0\0\r" + header + struct.pack(">I", zlib.crc32(header)) + b"\0\0\0\0IDAT"


@pytest.mark.parametrize(("width", "height"), [(10_000, 4_001), (30_001, 1), (1, 30_001), (65_000, 65_000)])
def test_a_bomb_is_refused_by_its_header(width, height):
    with pytest.raises(TooManyPixels):
        copies(png_of(width, height))


def test_a_jpeg_bomb_is_refused_by_its_header(corners, encoded):
    content = bytearray(encoded(corners()))
    frame = content.index(b"\xff\xc0")
    content[frame + 5 : frame + 9] = struct.pack(">HH", 65_000, 65_000)

    with pytest.raises(TooManyPixels):
        copies(bytes(content))


def test_of_a_progressive_jpeg_less_is_taken(corners, encoded, monkeypatch):
    content = encoded(corners(), progressive=True)
    assert copies(content).width == 800

    monkeypatch.setattr("app.photos.images._MOST_PROGRESSIVE_PIXELS", 800 * 600 - 1)

    with pytest.raises(TooManyPixels):
        copies(content)
    assert copies(encoded(corners())).width == 800


@pytest.mark.parametrize("head", [b"\xff\xd8\xff", b"\xff\xd8\xff\xff\xff", b"\xff\xd8\xff\xe1"])
def test_a_jpeg_that_ends_in_the_middle_of_a_marker_is_damaged_and_says_nothing(head):
    assert exif_block(head) is None
    with pytest.raises(DamagedPhoto):
        copies(head)


def test_a_webp_bomb_is_refused_by_its_header(corners, encoded):
    content = bytearray(encoded(corners(), "WEBP", exif=b"Exif\0\0II*\0\x08\0\0\0\0\0"))
    canvas = content.index(b"VP8X") + 12
    content[canvas : canvas + 6] = (16_382).to_bytes(3, "little") * 2

    with pytest.raises(TooManyPixels):
        copies(bytes(content))


@pytest.mark.parametrize("image_format", FORMATS)
@pytest.mark.parametrize("kept", [0.3, 0.7, 0.95])
def test_a_photo_cut_short_is_damaged(encoded, image_format, kept):
    content = encoded(Image.effect_noise((700, 500), 80).convert("RGB"), image_format)

    with pytest.raises(DamagedPhoto):
        copies(content[: int(len(content) * kept)])


def test_a_text_named_jpg_is_not_a_photo(tmp_path):
    path = tmp_path / "anh.jpg"
    path.write_text("Toi gui anh nay cho phuong")

    with pytest.raises(NotAPhoto):
        make_copies(path)


def test_a_file_is_read_from_the_disk(tmp_path, corners, encoded):
    path = tmp_path / "photo"
    path.write_bytes(encoded(corners()))

    assert quarters(opened(make_copies(path).display)) == "RGBW"


_MADE: dict[str, bytes] = {}


# Pillow warns of odd EXIF and shows the photo all the same.
@pytest.mark.filterwarnings("ignore::UserWarning:PIL")
@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_damage_anywhere_gives_copies_or_a_refusal(street, corners, encoded, data):
    image_format = data.draw(st.sampled_from(FORMATS))
    if image_format not in _MADE:
        prefix = b"" if image_format == "PNG" else b"Exif\0\0"
        _MADE[image_format] = encoded(corners(size=(64, 48)), image_format, exif=prefix + street())
    content = bytearray(_MADE[image_format])
    for _ in range(data.draw(st.integers(1, 8))):
        content[data.draw(st.integers(0, len(content) - 1))] = data.draw(st.integers(0, 255))

    with suppress(NotAPhoto, DamagedPhoto, TooManyPixels):
        assert max(opened(copies(bytes(content)).display).size) <= 1600
