"""What we read of a photo's EXIF: which way is up, where and when it was taken. Everything else is left unread.

A small reader of our own, because what comes is the beginning of a file, cut anywhere, made by strangers: every step is
bounded, nothing is followed twice, and nonsense is the same as absence. The layout is TIFF 6.0; the tags are those of
CIPA DC-008 (EXIF 2.32).
"""

import math
import struct
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

from app.photos.formats import exif_block

_ORIENTATION = 0x0112
_EXIF_DIRECTORY = 0x8769
_GPS_DIRECTORY = 0x8825
_TAKEN_AT, _TAKEN_AT_OFFSET = 0x9003, 0x9011
_LATITUDE_REF, _LATITUDE, _LONGITUDE_REF, _LONGITUDE = 1, 2, 3, 4

_SIZES = {1: 1, 2: 1, 3: 2, 4: 4, 5: 8, 7: 1, 9: 4, 10: 8}  # bytes of one value, by TIFF type
_NUMBERS = {3: "H", 4: "I", 5: "II", 9: "i", 10: "ii"}
_MOST_BYTES = 256  # no tag that we read is longer

# A phone that does not write its offset is taken to be in Vietnam.
_LOCAL_OFFSET = "+07:00"

_Directory = Mapping[int, tuple[int, bytes]]


@dataclass(frozen=True)
class PhotoPlace:
    """Where and when a photo says it was taken: degrees WGS 84, and an aware instant. Any may be unknown."""

    lat: float | None
    lon: float | None
    captured_at: datetime | None


def place(head: bytes) -> PhotoPlace | None:
    """Where and when the photo that begins with `head` was taken; None when it does not say. Stores nothing.

    Raises NotAPhoto when it is none; whatever its EXIF holds raises nothing.
    """
    block = exif_block(head)
    if block is None:
        return None
    order = _byte_order(block)
    main = _directory(block, order, _header_pointer(block, order))
    lat, lon = _position(_sub_directory(block, order, main, _GPS_DIRECTORY), order)
    captured_at = _taken_at(_sub_directory(block, order, main, _EXIF_DIRECTORY))
    return None if lat is None and captured_at is None else PhotoPlace(lat, lon, captured_at)


def orientation(block: bytes) -> int:
    """The EXIF orientation, 1 to 8, in a TIFF block; 1 (upright) when it is missing or nonsense."""
    order = _byte_order(block)
    values = _numbers(_directory(block, order, _header_pointer(block, order)).get(_ORIENTATION), order)
    return int(values[0]) if values and values[0] in range(1, 9) else 1


def _byte_order(block: bytes) -> str:
    return ">" if block.startswith(b"MM") else "<"


def _header_pointer(block: bytes, order: str) -> int:
    if block[:4] not in {b"II*\0", b"MM\0*"} or len(block) < 8:
        return len(block)  # past the end: an empty directory
    return int(struct.unpack_from(order + "I", block, 4)[0])


def _sub_directory(block: bytes, order: str, main: _Directory, tag: int) -> _Directory:
    pointer = _numbers(main.get(tag), order)
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
