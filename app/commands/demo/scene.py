"""Photos of the demo: drawings of a street with a violation on it, and of the same street afterwards."""

# ruff: noqa: S311 -- a drawing, not a secret

import io
import random
from collections.abc import Callable, Mapping

from PIL import Image, ImageDraw, ImageFilter

WIDTH, HEIGHT = 960, 720

# Where things stand, as fractions of the height: houses down to the sidewalk, sidewalk down to the kerb, road below.
SIDEWALK, KERB = int(HEIGHT * 0.62), int(HEIGHT * 0.80)

Colour = tuple[int, int, int]

_WALLS: tuple[Colour, ...] = (
    (226, 205, 160),
    (190, 208, 214),
    (214, 170, 150),
    (204, 214, 186),
    (230, 226, 216),
    (176, 164, 186),
)
_SIGNS: tuple[Colour, ...] = ((178, 34, 34), (24, 94, 150), (16, 120, 72), (212, 140, 20))  # fmt: skip
_CLOTH: tuple[Colour, ...] = ((200, 50, 50), (40, 90, 170), (60, 140, 80), (230, 180, 60))
_DARK: Colour = (46, 46, 52)


def photo(seed: str, kind: str, hour: int, *, violation: bool) -> bytes:
    """A JPEG of the scene `seed` at an hour of the day: with what `kind` is about, or when it has gone."""
    rng = random.Random(seed)
    image = Image.new("RGB", (WIDTH, HEIGHT))
    draw = ImageDraw.Draw(image)
    _sky(draw, hour)
    _houses(draw, rng)
    _ground(draw, rng)
    # The same numbers are drawn whether it is there or not, so that the street is the same street.
    things = random.Random(f"{seed}/things")
    if violation:
        _DRAWERS[_what(kind)](draw, things)
    passers = random.Random(f"{seed}/{violation}")
    for _ in range(passers.randrange(3)):
        _person(draw, passers, passers.randrange(40, WIDTH - 40), KERB + 20)
    return _developed(image, hour, random.Random(f"{seed}/{violation}/grain"))


def _what(kind: str) -> str:
    """Which drawing shows a kind."""
    shown = {"SW03": "car", "SW04": "bikes", "SW05": "bikes", "SW09": "rubble", "EN08": "speaker", "EN09": "speaker"}
    return shown.get(kind, {"SW": "tables", "EN": "rubbish", "CO": "site"}.get(kind[:2], "tables"))


def _sky(draw: ImageDraw.ImageDraw, hour: int) -> None:
    night = hour < 6 or hour >= 19
    top, low = ((18, 24, 48), (52, 56, 84)) if night else ((120, 170, 220), (220, 232, 240))
    for y in range(0, SIDEWALK, 4):
        part = y / SIDEWALK
        colour = tuple(round(a + (b - a) * part) for a, b in zip(top, low, strict=True))
        draw.rectangle((0, y, WIDTH, y + 4), fill=colour)


def _houses(draw: ImageDraw.ImageDraw, rng: random.Random) -> None:
    x = -rng.randrange(60)
    while x < WIDTH:
        width, top = rng.randrange(120, 230), rng.randrange(40, 220)
        draw.rectangle((x, top, x + width, SIDEWALK), fill=rng.choice(_WALLS), outline=_DARK)
        for floor in range(top + 30, SIDEWALK - 190, 86):
            for left in range(x + 18, x + width - 46, 62):
                draw.rectangle((left, floor, left + 36, floor + 50), fill=(92, 118, 138), outline=_DARK)
        sign = rng.choice(_SIGNS)
        draw.rectangle((x + 8, SIDEWALK - 176, x + width - 8, SIDEWALK - 130), fill=sign)
        for stroke in range(x + 20, x + width - 24, 16):
            draw.rectangle((stroke, SIDEWALK - 162, stroke + 8, SIDEWALK - 146), fill=(244, 240, 224))
        draw.rectangle((x + 16, SIDEWALK - 116, x + width - 16, SIDEWALK), fill=(104, 98, 94), outline=_DARK)
        for slat in range(SIDEWALK - 108, SIDEWALK, 14):
            draw.line((x + 18, slat, x + width - 18, slat), fill=(128, 122, 116), width=2)
        x += width


def _ground(draw: ImageDraw.ImageDraw, rng: random.Random) -> None:
    draw.rectangle((0, SIDEWALK, WIDTH, KERB), fill=(186, 176, 164))
    for x in range(-HEIGHT, WIDTH, 48):
        draw.line((x, KERB, x + 140, SIDEWALK), fill=(166, 156, 146), width=2)
    draw.rectangle((0, KERB, WIDTH, KERB + 12), fill=(214, 208, 198))
    draw.rectangle((0, KERB + 12, WIDTH, HEIGHT), fill=(84, 84, 88))
    for x in range(rng.randrange(80), WIDTH, 190):
        draw.rectangle((x, HEIGHT - 46, x + 96, HEIGHT - 38), fill=(226, 222, 206))
    tree = rng.randrange(60, WIDTH - 60)
    draw.rectangle((tree, SIDEWALK - 150, tree + 16, SIDEWALK + 40), fill=(92, 68, 48))
    for _ in range(9):
        x, y = tree + rng.randrange(-70, 70), SIDEWALK - 190 + rng.randrange(-60, 50)
        draw.ellipse((x - 46, y - 34, x + 46, y + 34), fill=(60, rng.randrange(104, 140), 62))


def _tables(draw: ImageDraw.ImageDraw, rng: random.Random) -> None:
    for x in range(rng.randrange(60, 140), WIDTH - 150, 190):
        y = rng.randrange(SIDEWALK + 40, KERB - 20)
        draw.polygon((x - 70, y - 96, x + 70, y - 96, x, y - 150), fill=rng.choice(_CLOTH))
        draw.line((x, y - 150, x, y), fill=_DARK, width=5)
        draw.rectangle((x - 46, y - 8, x + 46, y + 4), fill=(196, 148, 92), outline=_DARK)
        for stool in (-70, 58):
            draw.rectangle((x + stool, y + 6, x + stool + 24, y + 30), fill=rng.choice(_CLOTH), outline=_DARK)


def _bikes(draw: ImageDraw.ImageDraw, rng: random.Random) -> None:
    for x in range(rng.randrange(30, 80), WIDTH - 110, 96):
        y = KERB - 22 + rng.randrange(-12, 8)
        for wheel in (x, x + 66):
            draw.ellipse((wheel, y - 26, wheel + 34, y + 8), outline=_DARK, width=6)
        body = rng.choice(_CLOTH)
        draw.polygon((x + 14, y - 20, x + 36, y - 52, x + 76, y - 44, x + 80, y - 16), fill=body, outline=_DARK)
        draw.line((x + 70, y - 40, x + 82, y - 78), fill=_DARK, width=5)


def _car(draw: ImageDraw.ImageDraw, rng: random.Random) -> None:
    x, y, body = rng.randrange(160, WIDTH - 470), KERB - 14, rng.choice(_CLOTH)
    draw.polygon(
        (x + 60, y - 74, x + 110, y - 128, x + 250, y - 128, x + 300, y - 74), fill=(120, 150, 168), outline=_DARK
    )
    draw.rounded_rectangle((x, y - 78, x + 350, y - 14), 22, fill=body, outline=_DARK, width=3)
    for wheel in (x + 44, x + 246):
        draw.ellipse((wheel, y - 44, wheel + 60, y + 16), fill=_DARK, outline=(150, 150, 150), width=8)


def _rubbish(draw: ImageDraw.ImageDraw, rng: random.Random) -> None:
    middle = rng.randrange(220, WIDTH - 220)
    for _ in range(16):
        x, y = middle + rng.randrange(-130, 130), KERB - 14 + rng.randrange(-34, 20)
        size, shade = rng.randrange(18, 42), rng.randrange(20, 90)
        draw.ellipse((x - size, y - size, x + size, y + size // 2), fill=(shade, shade, shade + 12), outline=_DARK)
    for _ in range(26):
        x, y = middle + rng.randrange(-190, 190), KERB + rng.randrange(-30, 36)
        draw.rectangle((x, y, x + 14, y + 9), fill=rng.choice(_CLOTH))


def _rubble(draw: ImageDraw.ImageDraw, rng: random.Random) -> None:
    middle = rng.randrange(240, WIDTH - 240)
    draw.polygon(
        (middle - 190, KERB, middle - 40, KERB - 112, middle + 60, KERB - 92, middle + 200, KERB), fill=(150, 130, 112)
    )
    for _ in range(60):
        x = middle + rng.randrange(-170, 170)
        y = KERB - rng.randrange(max(4, 100 - abs(x - middle) // 2))
        draw.rectangle((x, y, x + 22, y + 12), fill=(170 + rng.randrange(30), 92, 70), outline=_DARK)


def _speaker(draw: ImageDraw.ImageDraw, rng: random.Random) -> None:
    x, y = rng.randrange(200, WIDTH - 300), KERB - 16
    draw.rectangle((x, y - 190, x + 104, y), fill=(30, 30, 34), outline=(90, 90, 96), width=4)
    for top, size in ((y - 176, 62), (y - 96, 84)):
        draw.ellipse(
            (x + 52 - size // 2, top, x + 52 + size // 2, top + size),
            fill=(70, 70, 76),
            outline=(150, 150, 156),
            width=5,
        )
    for ring in range(3):
        draw.arc(
            (x + 90 - ring * 26, y - 190 - ring * 30, x + 210 + ring * 40, y - 40 + ring * 30),
            -50,
            50,
            fill=(230, 200, 60),
            width=6,
        )
    _person(draw, rng, x + 200, y + 6)


def _site(draw: ImageDraw.ImageDraw, rng: random.Random) -> None:
    left = rng.randrange(120, WIDTH - 460)
    draw.rectangle((left, 70, left + 330, SIDEWALK), fill=(158, 152, 146), outline=_DARK)
    for x in range(left, left + 331, 66):
        draw.line((x, 50, x, SIDEWALK + 20), fill=(116, 84, 44), width=7)
    for y in range(90, SIDEWALK, 84):
        draw.line((left - 16, y, left + 346, y), fill=(116, 84, 44), width=7)
    for _ in range(34):
        x, y = left + rng.randrange(-30, 350), KERB - rng.randrange(60)
        draw.rectangle((x, y, x + 26, y + 13), fill=(176, 96, 72), outline=_DARK)


def _person(draw: ImageDraw.ImageDraw, rng: random.Random, x: int, y: int) -> None:
    draw.rectangle((x - 14, y - 76, x + 14, y - 28), fill=rng.choice(_CLOTH))
    draw.rectangle((x - 12, y - 28, x + 12, y), fill=_DARK)
    draw.ellipse((x - 11, y - 100, x + 11, y - 76), fill=(206, 164, 132))


_DRAWERS: Mapping[str, Callable[[ImageDraw.ImageDraw, random.Random], None]] = {
    "tables": _tables,
    "bikes": _bikes,
    "car": _car,
    "rubbish": _rubbish,
    "rubble": _rubble,
    "speaker": _speaker,
    "site": _site,
}


def _developed(image: Image.Image, hour: int, rng: random.Random) -> bytes:
    """As a phone would have it: darker at night, a little soft, a little crooked."""
    light = 0.7 if hour < 6 or hour >= 19 else 1.0
    image = image.rotate(rng.uniform(-1.5, 1.5), resample=Image.Resampling.BILINEAR, fillcolor=(96, 96, 100))
    image = image.point(lambda value: int(value * light)).filter(ImageFilter.GaussianBlur(0.8))
    content = io.BytesIO()
    image.save(content, "JPEG", quality=80)
    return content.getvalue()
