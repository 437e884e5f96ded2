"""The boxes of which MP4 and QuickTime files are made (ISO/IEC 14496-12, 4.2): where each lies, and how one is blanked."""

import struct
from collections.abc import Iterator
from typing import Final, NamedTuple

from app.photos.errors import VideoDamaged

Bytes = bytes | bytearray

# Side by side in one place; a phone's video has some ten at its top.
MOST_BOXES: Final = 1000


class Box(NamedTuple):
    """A box: its name, and where it, its content and whatever follows begin."""

    name: bytes
    start: int
    body: int
    end: int


def boxes_of(data: Bytes, parent: Box, *way: bytes) -> Iterator[Box]:
    """The boxes at the end of a way of names, from a box down."""
    for box in boxes(data, parent.body, parent.end):
        if not way:
            yield box
        elif box.name == way[0]:
            yield from boxes_of(data, box, *way[1:])


def boxes(data: Bytes, start: int, end: int) -> Iterator[Box]:
    """The boxes that lie one after the other; fewer than eight bytes at the end are none. Raises VideoDamaged."""
    at = start
    for _ in range(MOST_BOXES):
        if at + 8 > end:
            return
        box = box_at(data[at : at + 16], at, end)
        yield box
        at = box.end
    raise VideoDamaged


def box_at(header: Bytes, start: int, limit: int) -> Box:
    """The box that begins with `header` (16 bytes, if there are so many) and lies at `start`. Raises VideoDamaged."""
    size, name = struct.unpack_from(">I4s", header)
    body = start + 8
    if size == 1:
        if len(header) < 16:
            raise VideoDamaged
        (size,) = struct.unpack_from(">Q", header, 8)
        body = start + 16
    elif size == 0:  # up to the end
        size = limit - start
    if start + size < body or start + size > limit:
        raise VideoDamaged
    return Box(bytes(name), start, body, start + size)


def blank(data: bytearray, box: Box) -> None:
    """Make free space of a box, all zero."""
    data[box.start + 4 : box.start + 8] = b"free"
    zero(data, box.body, box.end)


def zero(data: bytearray, start: int, end: int) -> None:
    """Make zeros of what lies from `start` to `end`."""
    if end > start:
        data[start:end] = bytes(end - start)
