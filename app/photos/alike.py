"""What a photo looks like, in 64 bits: of two copies of one photo, made smaller or saved again, nearly all are equal.

A difference hash: the picture as 9 x 8 grey values, each compared with its right neighbour. Brightness, contrast, size
and compression hardly change it; cropping, turning and another place to stand do, so it tells of the same photo and
not of the same street.
"""

from typing import Final

from PIL import Image

# Of 64 bits. A hash has four parts of 16, and what differs in three bits at most shares one of them: so an index of the
# parts misses nothing that is near (`dhash_bands` in the database).
NEAR: Final = 3

_SIDE = 8
_BAND_BITS = 16
# A picture whose 72 values lie this close together (of 0 to 255) is a wall, the night or a finger: its bits are noise.
_LEAST_SPREAD = 16
# With fewer bits set, or fewer unset, it is a slope of light from one side to the other.
_LEAST_BITS = 8


def dhash(picture: Image.Image) -> int | None:
    """The difference hash of an upright picture as a signed 64-bit number; None for one that looks like many others.

    Row by row, a bit is set where a value is brighter than its right neighbour; the first is the most significant.
    """
    grey = picture.convert("L").resize((_SIDE + 1, _SIDE), Image.Resampling.BOX)
    values = grey.tobytes()
    bits = 0
    for row in range(_SIDE):
        start = row * (_SIDE + 1)
        for at in range(start, start + _SIDE):
            bits = bits << 1 | (values[at] > values[at + 1])
    if max(values) - min(values) < _LEAST_SPREAD or not _LEAST_BITS <= bits.bit_count() <= 64 - _LEAST_BITS:
        return None
    return bits - (1 << 64) if bits >> 63 else bits


def distance(one: int, other: int) -> int:
    """In how many of 64 bits two hashes differ."""
    return ((one ^ other) & (1 << 64) - 1).bit_count()


def bands(hashed: int) -> list[int]:
    """The parts by which photos near to this one are looked for, as `dhash_bands` numbers them.

    A part whose bits are all alike (two rows of sky) is shared by half of all photos, and is left out.
    """
    parts = [(hashed >> (_BAND_BITS * place)) & 0xFFFF for place in range(4)]
    return [place << _BAND_BITS | part for place, part in enumerate(parts) if part not in {0, 0xFFFF}]
