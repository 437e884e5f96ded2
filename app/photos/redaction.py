"""What the public must not see in a photo, and how it is taken away. Pixels in, pixels out.

Faces are found by one network. Number plates are found as text, by another: no network for Vietnamese plates can be had
in a package, and a plate is a few letters and digits. So signs are hidden too. That errs on the right side: an officer
can release what hides nobody, and nobody can take back what was shown.
"""

from collections.abc import Iterable, Sequence
from typing import Final, NamedTuple, Protocol

from PIL import Image

from app.photos import detectors
from app.photos.detectors import Found
from app.photos.regions import Region, What


class Look(NamedTuple):
    """How a network looks at a picture: made no longer than `side` pixels, in tiles of so many pixels along and across."""

    side: int
    along: int
    across: int


# Faces once for those that are small, as small as the public copy shows them, and once for those that fill the picture.
# Text is found at two thirds of that as well, at any size. More in docs/benches.md.
FACES = (Look(1600, 832, 640), Look(256, 256, 192))
TEXT = Look(1024, 544, 416)

# How sure a network must be. Low, because what is hidden without need can be released.
SURE_OF_FACE = 0.15
SURE_OF_TEXT_PIXEL = 0.3
SURE_OF_TEXT = 0.5

# How much is hidden around what was found, in parts of its short side.
_MARGIN = 0.25


# A network tells of each face some six times. A picture made of faces would hold the worker for minutes.
_MOST_FOUND: Final = 1500


def find(image: Image.Image) -> Sequence[Region]:
    """The faces, plates and other lines of text in an upright RGB picture, the surest first.

    Raises ModelBroken.
    """
    faces = [face for look in FACES for face in _seen(image, look, detectors.faces, SURE_OF_FACE)]
    lines = _seen(image, TEXT, detectors.text, SURE_OF_TEXT_PIXEL)
    found: list[tuple[What, Found]] = [("face", one) for one in _apart(faces)]
    found += [("plate", line) for line in lines if line.score > SURE_OF_TEXT]
    regions = [region for what, one in found if (region := _region(what, one, image.size)) is not None]
    return sorted(regions, key=lambda region: region.score or 0.0, reverse=True)


def hidden(image: Image.Image, regions: Iterable[Region]) -> Image.Image:
    """A copy of an RGB picture in which nothing of these regions is left but a few colours, each one of 4,096.

    Of a face sixteen, of anything else one: which letters made a mosaic can be found by trying, as there are so few.
    """
    out = image.copy()
    for region in regions:
        left, top, right, bottom = edges = box(region, image.size)
        cells = 4 if region.what == "face" else 1
        mosaic = image.resize((cells, cells), Image.Resampling.BOX, edges).point(lambda value: value & 0xF0 | 8)
        # Only the cells go into what is smoothed, nothing of the picture.
        out.paste(mosaic.resize((right - left, bottom - top), Image.Resampling.BICUBIC), (left, top))
    return out


def box(region: Region, size: tuple[int, int]) -> tuple[int, int, int, int]:
    """What is hidden of a picture of `size` for a region: pixels from the left, the top, to the right, the bottom.

    That is the region with a margin around it, cut at the picture's edges, and never nothing.
    """
    width, height = region.width * size[0], region.height * size[1]
    margin = _MARGIN * min(width, height) + 2
    left = min(max(0, int(region.left * size[0] - margin)), size[0] - 1)
    top = min(max(0, int(region.top * size[1] - margin)), size[1] - 1)
    right = min(size[0], int(region.left * size[0] + width + margin) + 1)
    bottom = min(size[1], int(region.top * size[1] + height + margin) + 1)
    return left, top, max(right, left + 1), max(bottom, top + 1)


class _Finder(Protocol):
    def __call__(self, picture: Image.Image, *, tile: tuple[int, int], surer_than: float) -> list[Found]: ...


def _seen(image: Image.Image, look: Look, finder: _Finder, surer_than: float) -> Iterable[Found]:
    """What a network finds, in pixels of `image`."""
    scale = min(1.0, look.side / max(image.size))
    size = (max(1, round(image.width * scale)), max(1, round(image.height * scale)))
    picture = image if size == image.size else image.resize(size, Image.Resampling.BILINEAR, reducing_gap=2.0)
    most = (look.along, look.across) if image.width >= image.height else (look.across, look.along)
    tile = (min(most[0], _whole_steps(size[0])), min(most[1], _whole_steps(size[1])))
    x, y = image.width / size[0], image.height / size[1]
    for left, top, right, bottom, score in finder(picture, tile=tile, surer_than=surer_than):
        yield Found(left * x, top * y, right * x, bottom * y, score)


def _whole_steps(length: int) -> int:
    """The next length that can be halved five times, as both networks do."""
    return -(-length // 32) * 32


def _apart(found: Iterable[Found]) -> Iterable[Found]:
    """Of those that lie over each other, the surest. Of more than anybody can tell apart, all that lies between them."""
    found, kept = list(found), list[Found]()
    if len(found) > _MOST_FOUND:
        left, top, right, bottom, score = zip(*found, strict=True)
        return [Found(min(left), min(top), max(right), max(bottom), max(score))]
    for one in sorted(found, key=lambda one: one.score, reverse=True):
        if all(_shared(one, other) < 0.3 for other in kept):
            kept.append(one)
    return kept


def _shared(one: Found, other: Found) -> float:
    """What two boxes share, in parts of what they cover together."""
    width = min(one.right, other.right) - max(one.left, other.left)
    height = min(one.bottom, other.bottom) - max(one.top, other.top)
    if width <= 0 or height <= 0:
        return 0.0
    both = width * height
    return both / (_area(one) + _area(other) - both)


def _area(one: Found) -> float:
    return (one.right - one.left) * (one.bottom - one.top)


def _region(what: What, found: Found, size: tuple[int, int]) -> Region | None:
    """What was found as a part of the picture; None when nothing of it lies inside."""
    left, right = (min(max(edge / size[0], 0.0), 1.0) for edge in (found.left, found.right))
    top, bottom = (min(max(edge / size[1], 0.0), 1.0) for edge in (found.top, found.bottom))
    if left >= right or top >= bottom:
        return None
    return Region(what, left, top, right - left, bottom - top, min(found.score, 1.0))
