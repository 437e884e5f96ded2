"""The messages between the pictures of H.264 and H.265 (SEI), into which cameras of cars write where they are.

A picture's bytes are units, each after its length (ISO/IEC 14496-15). A message becomes a unit of filler of its length, which
decoders pass over.
"""

import struct
from collections.abc import Iterable
from typing import Final, NamedTuple

from app.photos.boxes import Box, Bytes, boxes, boxes_of
from app.photos.errors import VideoNotShown

# Where the boxes in the description of a picture's codec begin.
PICTURE_AT: Final = 78

_MADE_OF_UNITS: Final = frozenset({b"avc1", b"avc3", b"hvc1", b"hev1", b"dvh1", b"dvhe"})
_AVC_MESSAGES, _HEVC_MESSAGES = frozenset({6}), frozenset({39, 40})  # the types of SEI units in ITU-T H.264 and H.265
# Half a minute of 60 pictures a second, each of some slices, is 20,000 units.
_MOST_UNITS: Final = 1_000_000


class Units(NamedTuple):
    """How the units of a track are made: the bytes of their lengths (0: there are no units), and whether they are HEVC's."""

    length_bytes: int = 0
    is_hevc: bool = False


def units_of(data: Bytes, track: Box) -> Units:
    """How long the lengths of a picture's units are, and whether they are HEVC's; 0 of a codec without.

    Raises VideoNotShown, IndexError.
    """
    found = set()
    for stsd in boxes_of(data, track, b"mdia", b"minf", b"stbl"):
        if stsd.name != b"stsd":
            continue
        for entry in boxes(data, stsd.body + 8, stsd.end):
            inner = {box.name: box.body for box in boxes(data, entry.body + PICTURE_AT, entry.end)}
            if b"avcC" in inner:  # ISO/IEC 14496-15: the last two bits of a byte are the length's own length less one
                found.add(Units((data[inner[b"avcC"] + 4] & 3) + 1))
            elif b"hvcC" in inner:
                found.add(Units((data[inner[b"hvcC"] + 21] & 3) + 1, is_hevc=True))
            else:
                found.add(Units())
                if entry.name in _MADE_OF_UNITS:
                    raise VideoNotShown
    if len(found) != 1:
        raise VideoNotShown
    return found.pop()


def blank_messages(data: bytearray, samples: Iterable[tuple[int, int]], units: Units) -> None:
    """Make filler of the messages in the bytes of a track's samples.

    Raises VideoNotShown where the units are not what their lengths say.
    """
    seen = 0
    for start, end in samples if units.length_bytes else ():
        at = start
        while at < end:
            body = at + units.length_bytes
            size = int.from_bytes(data[at:body])
            seen += 1
            if not size or body + size > end or seen > _MOST_UNITS:
                raise VideoNotShown
            kind = data[body] >> 1 & 63 if units.is_hevc else data[body] & 31
            if kind in (_HEVC_MESSAGES if units.is_hevc else _AVC_MESSAGES):
                _fill(data, body, size, is_hevc=units.is_hevc)
            at = body + size


def blank_messages_of_setup(data: bytearray, box: Box) -> None:
    """Make filler of the messages that stand in how HEVC is set up. Raises VideoNotShown, struct.error, IndexError."""
    at = box.body + 23
    for _ in range(data[box.body + 22]):
        kind, number = struct.unpack_from(">BH", data, at)
        at += 3
        for _ in range(number):
            (size,) = struct.unpack_from(">H", data, at)
            if at + 2 + size > box.end:
                raise VideoNotShown
            if kind & 63 in _HEVC_MESSAGES:
                _fill(data, at + 2, size, is_hevc=True)
            at += 2 + size


def _fill(data: bytearray, start: int, size: int, *, is_hevc: bool) -> None:
    """Make a unit one of filler: ones up to its end, and nothing in it that looks like the beginning of another."""
    filler = (b"\x4c\x01" if is_hevc else b"\x0c") + b"\xff" * size
    data[start : start + size] = filler[: max(size - 1, 1)] + b"\x80" * (size > 1) if size else b""
