"""What we read of a photo's EXIF: which way is up, where, when and with what it was taken. The rest is left unread.

A small reader of our own, because what comes is the beginning of a file, cut anywhere, made by strangers: every step is
bounded, nothing is followed twice, and nonsense is the same as absence. The layout is TIFF 6.0; the tags are those of
CIPA DC-008 (EXIF 2.32).
"""

import math
import re
import struct
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import BinaryIO

from app.photos.formats import ImageType, exif_block, sniff

_MAKE, _MODEL, _ORIENTATION, _SOFTWARE, _PROCESSED_BY = 0x010F, 0x0110, 0x0112, 0x0131, 0x000B
_EXIF_DIRECTORY = 0x8769
_GPS_DIRECTORY = 0x8825
_TAKEN_AT, _TAKEN_AT_OFFSET = 0x9003, 0x9011
_LATITUDE_REF, _LATITUDE, _LONGITUDE_REF, _LONGITUDE = 1, 2, 3, 4

_SIZES = {1: 1, 2: 1, 3: 2, 4: 4, 5: 8, 7: 1, 9: 4, 10: 8}  # bytes of one value, by TIFF type
_NUMBERS = {3: "H", 4: "I", 5: "II", 9: "i", 10: "ii"}
_MOST_BYTES = 256  # no tag that we read is longer

# Where programs name themselves outside EXIF: twice in XMP, and in a text chunk of PNG. In whatever part of a file it
# stands, these letters before it are enough; of a long history of edits the first ten are.
_XMP_NAMES = (b"CreatorTool", b"softwareAgent")
_XMP_VALUE = re.compile(rb'\s*(?:=\s*"([^"]{1,100})|>\s*([^<\s][^<]{0,99})<)')
_PNG_NAME = b"tEXtSoftware\0"
_MOST_NAMES = 10

# A JPEG's EXIF comes first (CIPA DC-008, 4.5.4); in the other formats it may lie at the end.
_HEAD_BYTES = 256 * 1024

# A phone that does not write its offset is taken to be in Vietnam.
_LOCAL_OFFSET = "+07:00"

_Directory = Mapping[int, tuple[int, bytes]]


@dataclass(frozen=True)
class PhotoPlace:
    """Where and when a photo says it was taken: degrees WGS 84, and an aware instant. Any may be unknown."""

    lat: float | None
    lon: float | None
    captured_at: datetime | None


@dataclass(frozen=True)
class Said:
    """What a photo says of itself. `software` is what wrote it, by its own word: to be judged, and never to be kept."""

    lat: float | None = None
    lon: float | None = None
    captured_at: datetime | None = None
    has_exif: bool = False
    has_camera: bool = False
    software: tuple[str, ...] = ()


def said_by(photo: BinaryIO) -> Said:
    """What a photo, read from its beginning, says of itself.

    Raises NotAPhoto when it is none; whatever its EXIF holds raises nothing.
    """
    head = photo.read(_HEAD_BYTES)
    if sniff(head) is not ImageType.JPEG:
        head += photo.read()
    return said(head)


def said(head: bytes) -> Said:
    """What the photo that begins with `head` says of itself. Raises NotAPhoto, as `said_by`."""
    block = exif_block(head)
    if block is None:
        return Said(software=tuple(_named_outside(head)))
    order = _byte_order(block)
    main = _directory(block, order, _header_pointer(block, order))
    lat, lon = _position(_sub_directory(block, order, main, _GPS_DIRECTORY), order)
    named = (_text(main.get(tag)) for tag in (_SOFTWARE, _PROCESSED_BY))
    return Said(
        lat,
        lon,
        _taken_at(_sub_directory(block, order, main, _EXIF_DIRECTORY)),
        has_exif=True,
        has_camera=any(_text(main.get(tag)) for tag in (_MAKE, _MODEL)),
        software=(*filter(None, named), *_named_outside(head)),
    )


def place(head: bytes) -> PhotoPlace | None:
    """Where and when the photo that begins with `head` was taken; None when it does not say. Stores nothing.

    Raises NotAPhoto when it is none; whatever its EXIF holds raises nothing.
    """
    told = said(head)
    unsaid = told.lat is None and told.captured_at is None
    return None if unsaid else PhotoPlace(told.lat, told.lon, told.captured_at)


def orientation(block: bytes) -> int:
    """The EXIF orientation, 1 to 8, in a TIFF block; 1 (upright) when it is missing or nonsense."""
    order = _byte_order(block)
    values = _numbers(_directory(block, order, _header_pointer(block, order)).get(_ORIENTATION), order)
    return int(values[0]) if values and values[0] in range(1, 9) else 1


def _named_outside(head: bytes) -> Iterator[str]:
    """The programs that are named outside EXIF, ten for each place where they may be."""
    for name in _XMP_NAMES:
        at = -1
        for _ in range(_MOST_NAMES):
            at = head.find(name, at + 1)
            if at < 0:
                break
            value = _XMP_VALUE.match(head, at + len(name))
            if value:
                yield (value[1] or value[2]).decode("utf-8", "replace")
    at = head.find(_PNG_NAME)
    if at >= 0:
        start = at + len(_PNG_NAME)
        yield head[start : start + 100].decode("latin-1")


def _byte_order(block: bytes) -> str:
    return ">" if block.startswith(b"MM") else "<"


def _header_pointer(block: bytes, order: str) -> int:
    if block[:4] not in {b"II*\0", b"MM\0*"} or len(block) < 8:
        return len(block)  # past the end: an empty directory
    return int(struct.unpack_from(order + "I", block, 4)[0])


def _sub_directory(block: bytes, order: str, main: _Directory, tag: int) -> _Directory:
    entry = main.get(tag)
    pointer = _numbers(entry, order) if entry is not None and entry[0] in {3, 4} else []  # a fraction leads nowhere
    return _directory(block, order, int(pointer[0])) if pointer else {}


def _directory(block: bytes, order: str, at: int) -> _Directory:
    """The entries of one directory as tag -> (type, bytes); those that lie outside the block are left out."""
    entries: dict[int, tuple[int, bytes]] = {}
    if at < 8 or at + 2 > len(block):
        return entries
    (count,) = struct.unpack_from(order + "H", block, at)
    first = at + 2
    for entry in range(first, min(first + 12 * count, len(block) - 11), 12):
        tag, kind, number = struct.unpack_from(order + "HHI", block, entry)
        size = _SIZES.get(kind, 0) * number
        if not 0 < size <= _MOST_BYTES:
            continue
        start = entry + 8 if size <= 4 else struct.unpack_from(order + "I", block, entry + 8)[0]
        if start + size <= len(block):
            entries[tag] = kind, block[start : start + size]
    return entries


def _numbers(entry: tuple[int, bytes] | None, order: str) -> list[float]:
    """The numbers of an entry; a fraction over zero is not a number."""
    if entry is None or entry[0] not in _NUMBERS:
        return []
    kind, data = entry
    values = list(struct.iter_unpack(order + _NUMBERS[kind], data))
    if kind in {5, 10}:
        return [above / below if below else math.nan for above, below in values]
    return [value for (value,) in values]


def _text(entry: tuple[int, bytes] | None) -> str:
    return entry[1].split(b"\0")[0].decode("ascii", "replace").strip() if entry else ""


def _position(gps: _Directory, order: str) -> tuple[float, float] | tuple[None, None]:
    lat = _degrees(gps, order, _LATITUDE, _LATITUDE_REF, negative="S", limit=90)
    lon = _degrees(gps, order, _LONGITUDE, _LONGITUDE_REF, negative="W", limit=180)
    # Phones without a fix write 0, 0, which is in the Atlantic.
    if lat is None or lon is None or (lat == 0 and lon == 0):
        return None, None
    return lat, lon


def _degrees(gps: _Directory, order: str, tag: int, ref_tag: int, *, negative: str, limit: int) -> float | None:
    parts = _numbers(gps.get(tag), order)
    if not 1 <= len(parts) <= 3:
        return None
    degrees = sum(part / unit for part, unit in zip(parts, (1, 60, 3600), strict=False))
    if not (math.isfinite(degrees) and 0 <= degrees <= limit):
        return None
    return round(-degrees if _text(gps.get(ref_tag)).upper() == negative else degrees, 7)


def _taken_at(exif: _Directory) -> datetime | None:
    written = _text(exif.get(_TAKEN_AT))
    return _instant(written, _text(exif.get(_TAKEN_AT_OFFSET))) or _instant(written, _LOCAL_OFFSET)


def _instant(wall_time: str, offset: str) -> datetime | None:
    try:
        return datetime.strptime(f"{wall_time} {offset}", "%Y:%m:%d %H:%M:%S %z").astimezone(UTC)
    except (ValueError, OverflowError):  # not a time; or one in the year 1 or 9999 that leaves the calendar
        return None
