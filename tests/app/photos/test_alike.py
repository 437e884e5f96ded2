import io
import random

import pytest
from PIL import Image, ImageDraw, ImageEnhance, ImageFilter
from sqlalchemy import text

from app.photos import alike
from app.photos.images import make_copies

SIZES = ((2048, 75), (1280, 60), (720, 45), (480, 30))


def grey(*rows: bytes) -> Image.Image:
    """A picture of 9 x 8 values, which a hash takes as they are."""
    return Image.frombytes("L", (9, 8), b"".join(rows))


FALLING, RISING = bytes(range(180, 0, -20)), bytes(range(0, 180, 20))
# Bright, dark, bright, ...: the first of each pair is brighter than its right neighbour.
STRIPES = bytes([200, 20] * 4 + [200])


@pytest.mark.parametrize(
    ("rows", "expected"),
    [
        ((FALLING, *[RISING] * 6, FALLING), 0xFF000000000000FF - 2**64),  # the first bit is the sign
        ((RISING, *[FALLING] * 6, RISING), 0x00FFFFFFFFFFFF00),
        ((STRIPES,) * 8, 0xAAAAAAAAAAAAAAAA - 2**64),  # 1010 1010
        ((STRIPES, *[RISING] * 5, FALLING, RISING), 0xAA0000000000FF00 - 2**64),
    ],
)
def test_a_bit_is_set_where_the_picture_darkens_to_the_right(rows, expected):
    assert alike.dhash(grey(*rows)) == expected


@pytest.mark.parametrize(
    "picture",
    [
        grey(*[bytes([90] * 9)] * 8),  # one shade
        grey(*[bytes([90, 80] * 4 + [90])] * 8),  # and nearly so
        grey(*[RISING] * 8),  # a slope of light
        grey(*[FALLING] * 8),
        grey(*[RISING] * 7, bytes([0, 20, 40, 60, 80, 100, 120, 140, 20])),  # but for one bit
    ],
)
def test_what_looks_like_many_others_has_no_hash(picture):
    assert alike.dhash(picture) is None


def street(seed: int) -> Image.Image:
    """A made-up street: walls, a sky, things on the pavement, grain."""
    chance = random.Random(seed)
    picture = Image.linear_gradient("L").resize((1600, 1200)).convert("RGB")
    pen = ImageDraw.Draw(picture)
    for _ in range(40):
        x, y = chance.randrange(1600), chance.randrange(200, 1200)
        colour = tuple(chance.randrange(20, 235) for _ in range(3))
        pen.rectangle((x, y, x + chance.randrange(40, 500), y + chance.randrange(40, 400)), fill=colour)
    return picture


def jpeg(picture: Image.Image, quality: int = 92) -> bytes:
    out = io.BytesIO()
    picture.save(out, "JPEG", quality=quality)
    return out.getvalue()


def hashed(content: bytes) -> int:
    found = make_copies(io.BytesIO(content)).dhash
    assert found is not None
    return found


@pytest.mark.parametrize("seed", range(6))
def test_a_photo_made_smaller_and_saved_again_is_near_itself(seed):
    picture = street(seed)
    original = hashed(jpeg(picture))

    for side, quality in SIZES:
        smaller = picture.copy()
        smaller.thumbnail((side, side))
        assert alike.distance(original, hashed(jpeg(smaller, quality))) <= alike.NEAR
    for changed in (ImageEnhance.Brightness(picture).enhance(1.2), picture.filter(ImageFilter.GaussianBlur(3))):
        assert alike.distance(original, hashed(jpeg(changed))) <= alike.NEAR


def test_other_photos_are_far():
    hashes = [hashed(jpeg(street(seed))) for seed in range(30)]

    apart = [alike.distance(one, other) for place, one in enumerate(hashes) for other in hashes[:place]]
    assert min(apart) > 3 * alike.NEAR


@pytest.mark.parametrize(
    ("one", "other", "bits"),
    [(0, 0, 0), (0, -1, 64), (5, 6, 2), (-1, -2, 1), (-(2**63), 0, 1), (2**63 - 1, -1, 1)],
)
def test_a_distance_counts_the_bits_that_differ(one, other, bits):
    assert alike.distance(one, other) == bits


def test_the_parts_are_those_of_the_index_but_for_the_ones_that_half_of_all_photos_share(session):
    for hashed_ in (0x123456789ABCDEF0, -0x123456789ABCDEF0, 0x7FFF0000FFFF0001):
        of_index = session.scalar(text("select dhash_bands(cast(:dhash as bigint))"), {"dhash": hashed_})
        shared = {0, 65535, 65536, 131071, 131072, 196607, 196608, 262143}
        assert alike.bands(hashed_) == [part for part in of_index if part not in shared]
    assert alike.bands(0) == alike.bands(-1) == []


def test_a_placeholder_is_a_picture_of_some_hundred_letters():
    for seed in range(6):
        placeholder = make_copies(io.BytesIO(jpeg(street(seed)))).placeholder
        assert placeholder.startswith("data:image/webp;base64,")
        assert len(placeholder) <= 200
    noise = Image.effect_noise((800, 600), 120).convert("RGB")
    assert len(make_copies(io.BytesIO(jpeg(noise))).placeholder) <= 300
