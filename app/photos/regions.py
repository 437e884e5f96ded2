"""Places in a photo that are hidden from the public."""

import math
from dataclasses import dataclass
from typing import Literal

from app.photos.errors import RegionOutside

What = Literal["face", "plate", "other"]

# The smallest side of a place, in parts of the picture: two pixels of the public copy.
_LEAST_SIDE = 0.00125


@dataclass(frozen=True, slots=True)
class Region:
    """A place in an upright picture, in parts of its width and height from the top left.

    `score` is how sure its finder was, 0 to 1; None when a person drew it.
    """

    what: What
    left: float
    top: float
    width: float
    height: float
    score: float | None = None

    def is_near(self, other: "Region") -> bool:
        """Whether it is the same place, but for what is lost by keeping numbers in four bytes."""
        mine, theirs = (
            (self.left, self.top, self.width, self.height),
            (other.left, other.top, other.width, other.height),
        )
        return all(abs(one - another) < 1e-6 for one, another in zip(mine, theirs, strict=True))


def drawn(left: float, top: float, width: float, height: float) -> Region:
    """A place as a person drew it, cut at the edges of the picture. Raises RegionOutside when nothing is left of it."""
    if not all(math.isfinite(number) for number in (left, top, width, height)):
        raise RegionOutside
    right, bottom = min(left + width, 1.0), min(top + height, 1.0)
    left, top = max(left, 0.0), max(top, 0.0)
    if right - left < _LEAST_SIDE or bottom - top < _LEAST_SIDE:
        raise RegionOutside
    return Region("other", left, top, right - left, bottom - top)
