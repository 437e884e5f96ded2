"""The formats of photos and videos by their bytes alone: which one it is, and where a photo's EXIF lies. Nothing is decoded.

Everything works on the beginning of a file. A phone sends the first 256 kB to learn where a photo was taken, so no
library that wants the whole file can be asked; and the web process need not load an image library at all.
"""

import struct
from collections.abc import Iterator
from enum import StrEnum

from app.photos.errors import NotAPhoto

# The longest beginning that `sniff` looks at: a HEIC names its brands in its first box.
SNIFFED_BYTES = 64

# How large a file of each sort may be.
PHOTO_BYTES = 20_000_000
VIDEO_BYTES = 40_000_000
MOST_BYTES = VIDEO_BYTES

_HEIC_BRANDS = frozenset({b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx"})
_MP4_BRANDS = frozenset({b"isom", b"mp41", b"mp42", b"avc1", b"M4V ", b"MSNV"} | {b"iso%d" % n for n in range(2, 10)})

# The parts of a file that are walked through on the way to its EXIF: in a phone's photo they are a few dozen.
_MOST_PARTS = 100_000


class ImageType(StrEnum):
    """A photo format that is accepted; the value is its media type."""

    JPEG = "image/jpeg"
    PNG = "image/png"
    WEBP = "image/webp"
    HEIC = "image/heic"


class VideoType(StrEnum):
    """A video format that is accepted; the value is its media type."""

    MP4 = "video/mp4"
    QUICKTIME = "video/quicktime"


MediaType = ImageType | VideoType


def sniff(head: bytes) -> MediaType:
    """The format of a file that begins with `head` (64 bytes are enough), by signature, whatever it is called.

    Raises NotAPhoto for anything else, AVIF, GIF and SVG among it.
    """
    if head.startswith(b"\xff\xd8\xff"):
        return ImageType.JPEG
    if head.startswith(b"\x89PNG\r\n\x1a\n") and head[12:16] == b"IHDR":
        return ImageType.PNG
    if head.startswith(b"RIFF") and head[8:12] == b"WEBP" and head[12:15] == b"VP8":
        return ImageType.WEBP
    if head[4:8] == b"ftyp":
        end = min(int.from_bytes(head[:4]), SNIFFED_BYTES)
        # The major brand, then (after a version) the compatible ones.
        brands = {head[8:12]} | {head[at : at + 4] for at in range(16, end, 4)}
        if brands & _HEIC_BRANDS:
            return ImageType.HEIC
        # By its major brand alone: an AVIF names brands of MP4 among its compatible ones.
        if head[8:12] == b"qt  ":
            return VideoType.QUICKTIME
        if head[8:12] in _MP4_BRANDS:
            return VideoType.MP4
    raise NotAPhoto


def sniff_photo(head: bytes) -> ImageType:
    """The format of a photo. Raises NotAPhoto, for a video too."""
    media_type = sniff(head)
    if isinstance(media_type, VideoType):
        raise NotAPhoto
    return media_type


def limit_of(media_type: str) -> int:
    """How many bytes a file of this media type may have: only one that says it is a video may be larger than a photo."""
    return VIDEO_BYTES if media_type.startswith("video/") else PHOTO_BYTES


def exif_block(head: bytes) -> bytes | None:
    """The EXIF of a photo as a TIFF block, from the beginning of the file; None when it is not there (or not yet).

    A block that is cut off by the end of `head` is given as far as it goes. Raises NotAPhoto; nonsense inside a file
    of a known format is no error.
    """
    find = {
        ImageType.JPEG: _exif_in_jpeg,
        ImageType.PNG: _exif_in_png,
        ImageType.WEBP: _exif_in_webp,
        ImageType.HEIC: _exif_in_heic,
    }[sniff_photo(head)]
    try:
        return find(head)
    except struct.error:  # a length or offset that points past the end
        return None


def _exif_in_jpeg(head: bytes) -> bytes | None:
    at = 2
    while head[at : at + 1] == b"\xff" and at + 1 < len(head):
        marker = head[at + 1]
        if marker == 0xFF:  # padding
            at += 1
            continue
        if marker in {0xD9, 0xDA}:  # end of image, start of the picture itself
            return None
        (length,) = struct.unpack_from(">H", head, at + 2)
        if marker == 0xE1 and head.startswith(b"Exif\0\0", at + 4):
            return head[at + 10 : at + 2 + length]
        at += 2 + length
    return None


def _exif_in_png(head: bytes) -> bytes | None:
    at = 8
    for _ in range(_MOST_PARTS):
        if at + 8 > len(head):
            break
        length, name = struct.unpack_from(">I4s", head, at)
        if name == b"eXIf":
            return head[at + 8 : at + 8 + length]
        at += 12 + length
    return None


def _exif_in_webp(head: bytes) -> bytes | None:
    at = 12
    for _ in range(_MOST_PARTS):
        if at + 8 > len(head):
            break
        name, length = struct.unpack_from("<4sI", head, at)
        if name == b"EXIF":
            # Some writers put JPEG's prefix in front of the block.
            return head[at + 8 : at + 8 + length].removeprefix(b"Exif\0\0")
        at += 8 + length + length % 2
    return None


def _exif_in_heic(head: bytes) -> bytes | None:
    """Follow the item tables of ISO/IEC 23008-12: `iinf` names the item that is EXIF, `iloc` says where it lies."""
    meta = next((body for name, body in _boxes(head) if name == b"meta"), b"")
    tables = dict(_boxes(meta[4:]))
    item = _exif_item(tables.get(b"iinf", b""))
    if item is None:
        return None
    extent = _extent(tables.get(b"iloc", b""), item)
    if extent is None:
        return None
    at, length = extent
    # The item begins with the distance from its end-of-length field to the TIFF header.
    (skip,) = struct.unpack_from(">I", head, at)
    return head[at + 4 + skip : at + length]


def _boxes(data: bytes) -> Iterator[tuple[bytes, bytes]]:
    at = 0
    for _ in range(_MOST_PARTS):
        if at + 8 > len(data):
            return
        size, name = struct.unpack_from(">I4s", data, at)
        header = 8
        if size == 1:
            (size,) = struct.unpack_from(">Q", data, at + 8)
            header = 16
        elif size == 0:
            size = len(data) - at
        if size < header:
            return
        yield name, data[at + header : at + size]
        at += size


def _exif_item(iinf: bytes) -> int | None:
    entries_at = 6 if iinf[:1] == b"\0" else 8
    for name, entry in _boxes(iinf[entries_at:]):
        wide = entry[:1] == b"\x03"
        if name == b"infe" and entry[10 if wide else 8 :][:4] == b"Exif":
            return int.from_bytes(entry[4 : 8 if wide else 6])
    return None


def _extent(iloc: bytes, wanted: int) -> tuple[int, int] | None:
    """Offset in the file and length of an item that lies in one piece; None when it lies elsewhere or in several."""
    version, sizes, more_sizes = struct.unpack_from(">B3xBB", iloc)
    offset_size, length_size, base_size = sizes >> 4, sizes & 15, more_sizes >> 4
    index_size = more_sizes & 15 if version else 0
    at = 6

    def take(size: int) -> int:
        nonlocal at
        at += size
        if at > len(iloc):
            raise struct.error
        return int.from_bytes(iloc[at - size : at])

    item_size = 4 if version == 2 else 2
    for _ in range(take(item_size)):
        item = take(item_size)
        method = take(2) & 15 if version else 0  # 0: counted from the beginning of the file
        take(2)  # in this file
        base = take(base_size)
        extents = [(take(index_size), take(offset_size), take(length_size))[1:] for _ in range(take(2))]
        if item == wanted and method == 0 and len(extents) == 1:
            return base + extents[0][0], extents[0][1]
    return None
