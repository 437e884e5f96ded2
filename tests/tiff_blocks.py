"""EXIF as bytes, by hand."""

import struct


def tiff(order: str, *directories: list[tuple[int, int, int, bytes]]) -> bytes:
    """A TIFF block, by hand: the main directory, then the one that 0x8769 names, then the one that 0x8825 names.

    An entry is (tag, type, count, bytes of the values in `order`); of the two pointers the value is filled in here.
    """
    sizes = [2 + 12 * len(entries) + 4 for entries in directories]
    starts = [8 + sum(sizes[:index]) for index in range(len(directories))]
    pointers = dict(zip((0x8769, 0x8825), starts[1:], strict=False))
    values_at, values, out = 8 + sum(sizes), b"", b""
    for entries in directories:
        out += struct.pack(order + "H", len(entries))
        for tag, kind, count, given in entries:
            value = struct.pack(order + "I", pointers[tag]) if tag in pointers else given
            if len(value) > 4:
                values, value = values + value, struct.pack(order + "I", values_at + len(values))
            out += struct.pack(order + "HHI", tag, kind, count) + value.ljust(4, b"\0")
        out += struct.pack(order + "I", 0)
    mark = b"II*\0" if order == "<" else b"MM\0*"
    return mark + struct.pack(order + "I", 8) + out + values
