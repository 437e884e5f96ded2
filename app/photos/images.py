"""What people see of a photo: upright copies without any metadata, and a hint of it for lists. Bytes in, bytes out.

The work is decoding, so a JPEG is decoded no larger than needed: libjpeg can leave out half, three quarters or seven
eighths of each side for much less than half the time and memory. Turning and colour then cost little, because they
happen on the small picture.
"""

import base64
import io
import struct
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, TypeVar

from PIL import Image, ImageCms
from PIL.JpegImagePlugin import JpegImageFile
from PIL.PngImagePlugin import PngImageFile
from PIL.WebPImagePlugin import WebPImageFile
from pillow_heif import HeifImageFile

from app.photos.alike import dhash
from app.photos.errors import DamagedPhoto, TooManyPixels
from app.photos.exif import orientation
from app.photos.formats import SNIFFED_BYTES, ImageType, sniff_photo

DISPLAY_SIDE = 1600
THUMB_SIDE = 320
PLACEHOLDER_SIDE = 16

_MOST_SIDE = 30_000
# A 108-megapixel phone's JPEG is decoded at a fraction of its size; the other formats cannot be, and WebP's decoder
# holds three whole pictures.
_MOST_PIXELS: Mapping[ImageType, int] = {
    ImageType.JPEG: 120_000_000,
    ImageType.PNG: 40_000_000,
    ImageType.HEIC: 50_000_000,
    ImageType.WEBP: 25_000_000,
}

# Of a progressive JPEG all of it is held while it is read, whatever size is asked for.
_MOST_PROGRESSIVE_PIXELS = 60_000_000

# Decoded whole, and once more to be turned, a picture takes eight bytes a pixel.
_MOST_WHOLE_PIXELS = 36_000_000

_TURNS: Mapping[int, Image.Transpose] = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}

# What the decoders raise on broken input, between them. Running out of memory is not among it: that is not the photo's
# fault, and the job may be tried again.
_BROKEN = (OSError, SyntaxError, ValueError, EOFError, struct.error, LookupError, TypeError, RuntimeError)


_Made = TypeVar("_Made")


@dataclass(frozen=True)
class Copies:
    """What people see: two JPEGs, and the size of the upright original in pixels.

    `placeholder` is a data address, to be shown until the thumb has come. `dhash` is what it looks like, if that says
    anything (`alike.dhash`).
    """

    display: bytes
    thumb: bytes
    width: int
    height: int
    placeholder: str
    dhash: int | None


def make_copies(source: Path | BinaryIO) -> Copies:
    """The upright sRGB copies of a photo, at most 1600 and 320 pixels on the long side, without metadata.

    Of an animation, the first frame. What is transparent is shown on white. A photo smaller than a copy is not
    enlarged.

    Raises NotAPhoto, TooManyPixels (from the header, before anything is decoded) and DamagedPhoto.
    """
    return _read(source, _copies)


def whole(source: Path | BinaryIO) -> Image.Image:
    """The upright sRGB picture in its full size, by the same rules. A JPEG of over 36 megapixels at half its sides.

    Raises as `make_copies` does.
    """
    return _read(source, _whole)


def shown(picture: Image.Image) -> Image.Image:
    """A picture that is upright and sRGB, made no larger than the copy that people see."""
    size = _within(picture.size, DISPLAY_SIDE)
    # Only just not smaller is averaged by whole numbers: of a phone's photo a half, which costs a quarter.
    return picture if size == picture.size else picture.resize(size, Image.Resampling.BILINEAR, reducing_gap=1.0)


def jpeg(picture: Image.Image, *, quality: int = 82) -> bytes:
    """The bytes of a picture, and nothing that came with it."""
    picture.info.clear()  # a JPEG's comment would be written again
    out = io.BytesIO()
    # Not `optimize`: its second pass costs a tenth of the whole job and saves two bytes in a hundred.
    picture.save(out, "JPEG", quality=quality)
    return out.getvalue()


def _read(source: Path | BinaryIO, make: Callable[[Image.Image, ImageType], _Made]) -> _Made:
    if isinstance(source, Path):
        with source.open("rb") as file:
            return _read(file, make)
    image_type = sniff_photo(source.read(SNIFFED_BYTES))
    source.seek(0)
    try:
        return make(_opened(source, image_type), image_type)
    except _BROKEN as broken:
        raise DamagedPhoto from broken


def _opened(source: BinaryIO, image_type: ImageType) -> Image.Image:
    """The photo with its header read and found to be within the limits."""
    try:
        image = _OPENERS[image_type](source)
    except Image.DecompressionBombError as bomb:  # WebP's opener has a limit of its own, above ours
        raise TooManyPixels from bomb
    width, height = image.size
    most = _MOST_PROGRESSIVE_PIXELS if image.info.get("progressive") else _MOST_PIXELS[image_type]
    if max(width, height) > _MOST_SIDE or width * height > most:
        raise TooManyPixels
    return image


def _whole(image: Image.Image, image_type: ImageType) -> Image.Image:
    width, height = image.size
    if isinstance(image, JpegImageFile) and width * height > _MOST_WHOLE_PIXELS:
        image.draft(None, (width // 2, height // 2))
    image.load()
    turn = _TURNS.get(_orientation(image, image_type))
    profile = image.info.get("icc_profile")
    image = _plain(image)
    picture = _srgb(image, profile)
    del image  # of a large one each copy is hundreds of megabytes
    return picture if turn is None else picture.transpose(turn)


def _copies(image: Image.Image, image_type: ImageType) -> Copies:
    width, height = image.size
    display_size = _within(image.size, DISPLAY_SIDE)
    if isinstance(image, JpegImageFile):
        image.draft(None, display_size)
    image.load()
    turn = _TURNS.get(_orientation(image, image_type))
    profile = image.info.get("icc_profile")
    display = _srgb(_resized(_plain(image), display_size), profile)
    if turn is not None:
        display = display.transpose(turn)
        if turn in _SWAPPING:
            width, height = height, width
    thumb = _resized(display, _within(display.size, THUMB_SIDE))
    return Copies(jpeg(display), jpeg(thumb, quality=75), width, height, _placeholder(thumb), dhash(thumb))


_SWAPPING = frozenset(_TURNS[value] for value in (5, 6, 7, 8))


# The classes themselves and not Image.open: it would treat the second picture that phones append to a JPEG (a gain
# map, a thumbnail) as an animation, and warn of bombs where we refuse.
_OPENERS: Mapping[ImageType, Callable[[BinaryIO], Image.Image]] = {
    ImageType.JPEG: JpegImageFile,
    ImageType.PNG: PngImageFile,
    ImageType.WEBP: WebPImageFile,
    ImageType.HEIC: HeifImageFile,
}


def _within(size: tuple[int, int], side: int) -> tuple[int, int]:
    """`size` made to fit a square of `side`, in proportion, never enlarged."""
    scale = min(1.0, side / max(size))
    return max(1, round(size[0] * scale)), max(1, round(size[1] * scale))


def _orientation(image: Image.Image, image_type: ImageType) -> int:
    block = image.info.get("exif")
    if block is None or image_type is ImageType.HEIC:
        return 1
    return orientation(block.removeprefix(b"Exif\0\0"))


def _plain(image: Image.Image) -> Image.Image:
    """The picture in a mode that can be resized: L, RGB, RGBA or CMYK."""
    if image.mode.startswith("I"):
        # 16-bit grey. Pillow's own conversion would cut off at 255 what runs to 65,535.
        return image.point(lambda value: value / 256).convert("L")
    if image.has_transparency_data:
        return image if image.mode == "RGBA" else image.convert("RGBA")
    return image if image.mode in {"L", "RGB", "CMYK"} else image.convert("RGB")


def _resized(image: Image.Image, size: tuple[int, int]) -> Image.Image:
    """Bilinear, after whole-number averaging has brought the picture near `size`: a third of the work of Lanczos."""
    return image if image.size == size else image.resize(size, Image.Resampling.BILINEAR, reducing_gap=2.0)


def _srgb(image: Image.Image, profile: bytes | None) -> Image.Image:
    """The picture as sRGB on white. A profile that is broken or of another kind of colour is not believed."""
    if image.mode == "RGBA":
        white = Image.new("RGB", image.size, "white")
        white.paste(image, mask=image.getchannel("A"))
        image = white
    if profile and not _says_srgb(profile):
        try:
            source = ImageCms.ImageCmsProfile(io.BytesIO(profile))
            converted = ImageCms.profileToProfile(image, source, ImageCms.createProfile("sRGB"), outputMode="RGB")
        except (ImageCms.PyCMSError, OSError):
            pass
        else:
            if converted is not None:
                return converted
    return image if image.mode == "RGB" else image.convert("RGB")


def _says_srgb(profile: bytes) -> bool:
    try:
        description = ImageCms.getProfileDescription(ImageCms.ImageCmsProfile(io.BytesIO(profile)))
    except (ImageCms.PyCMSError, OSError):
        return False
    return description.startswith("sRGB")


def _placeholder(thumb: Image.Image) -> str:
    """The picture at 16 pixels. WebP, because a JPEG's tables alone are longer than this is."""
    out = io.BytesIO()
    small = thumb.resize(_within(thumb.size, PLACEHOLDER_SIDE), Image.Resampling.BOX)
    small.save(out, "WEBP", quality=20, method=6)
    return "data:image/webp;base64," + base64.b64encode(out.getvalue()).decode("ascii")
