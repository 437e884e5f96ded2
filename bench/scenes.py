"""Street-like pictures with faces and plates at known places: what the blur is measured on. Deterministic, and no claim.

Two faces, both in the public domain, from packages that are here for their pictures alone (requirements-pictures.lock):
NASA's portrait of Eileen Collins (scikit-image) and the United States Navy's of Grace Hopper (matplotlib). The plates are
drawn to the measures of Circular 79/2024/TT-BCA in another typeface (DejaVu Sans Bold). Grounds are textures of
scikit-image's with windows, signs, and things that stand about.
"""

import io
import math
import random
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import Literal, NamedTuple

import numpy as np
from PIL import Image, ImageChops, ImageDraw, ImageEnhance, ImageFilter, ImageFont

SIZE = (1600, 1200)  # the public copy's

Box = tuple[float, float, float, float]


class Target(NamedTuple):
    """Something that has to be hidden: what, its height in pixels, its box (left, top, right, bottom), how it was made."""

    what: Literal["face", "plate"]
    height: int
    box: Box
    how: str


@dataclass
class Scene:
    """A picture, what is in it, and which places are taken."""

    picture: Image.Image
    targets: list[Target] = field(default_factory=list)
    taken: list[Box] = field(default_factory=list)


def asset(package: str, file: str) -> Path:
    """A file of a package, which is not imported. Raises FileNotFoundError."""
    spec = find_spec(package)
    for folder in (spec.submodule_search_locations if spec else None) or []:
        if (path := Path(folder, file)).is_file():
            return path
    raise FileNotFoundError(f"{package}: {file}")


@cache
def _portraits() -> Sequence[tuple[Image.Image, Box]]:
    """Head and shoulders, with the box of the face in it, from the hairline to the chin."""
    collins = Image.open(asset("skimage", "data/astronaut.png")).convert("RGB").crop((120, 0, 330, 260))
    hopper = (
        Image.open(asset("matplotlib", "mpl-data/sample_data/grace_hopper.jpg")).convert("RGB").crop((70, 0, 460, 480))
    )
    return ((collins, (62, 70, 151, 176)), (hopper, (95, 130, 293, 330)))


@cache
def _texture(name: str) -> Image.Image:
    return Image.open(asset("skimage", f"data/{name}.png")).convert("L")


def _font(height: int) -> ImageFont.FreeTypeFont:
    return ImageFont.truetype(asset("matplotlib", "mpl-data/fonts/ttf/DejaVuSans-Bold.ttf"), height)


SIGNS = ("CƠM TẤM", "Phở Hoà", "TẠP HOÁ KIM ANH", "SỬA XE", "NHÀ THUỐC", "CẤM ĐỖ XE", "Cà phê 24", "0908 123 456")


def street(chance: random.Random, *, signs: int = 3, size: tuple[int, int] = SIZE) -> Image.Image:
    """A house front over a road: bricks or plaster, windows, signs, things that stand about, no person."""
    width, height = size
    picture = Image.new("RGB", size)
    horizon = round(height * chance.uniform(0.5, 0.65))
    walls = ["#b9a58c", "#c8c2b0", "#8fa39a", "#caa27c", "#9a8f86"]
    at = 0
    while at < width:
        wide = chance.randrange(220, 520)
        colour = Image.new("RGB", (wide, horizon), chance.choice(walls))
        grain = _tiled(chance.choice(["brick", "gravel", "grass"]), (wide, horizon), chance.choice([200, 330, 512]))
        picture.paste(
            ImageChops.multiply(colour, Image.merge("RGB", [grain.point(lambda v: 160 + v * 95 // 255)] * 3)), (at, 0)
        )
        at += wide
    road = _tiled("gravel", (width, height - horizon), 256).point(lambda v: 70 + v // 4)
    picture.paste(Image.merge("RGB", [road] * 3), (0, horizon))
    draw = ImageDraw.Draw(picture)
    for _ in range(14):
        x, y = chance.randrange(width), chance.randrange(horizon)
        wide, high = chance.randrange(50, 130), chance.randrange(70, 170)
        draw.rectangle(
            (x, y, x + wide, min(y + high, horizon)),
            fill=chance.choice(["#2c3338", "#43505a", "#5d4a37"]),
            outline="#e5e2d8",
            width=4,
        )
        draw.line((x + wide // 2, y, x + wide // 2, min(y + high, horizon)), fill="#e5e2d8", width=3)
    for sign in chance.sample(SIGNS, signs):
        high = chance.randrange(26, 80)
        font = _font(round(high * 0.6))
        wide = round(font.getlength(sign)) + high
        x, y = chance.randrange(max(1, width - wide)), chance.randrange(max(1, horizon - high))
        back, ink = chance.choice([("#a02020", "#ffe680"), ("#1d4f91", "#ffffff"), ("#f3ecd8", "#8a1c1c")])
        draw.rectangle((x, y, x + wide, y + high), fill=back)
        draw.text((x + high // 2, y + high / 2), sign, font=font, fill=ink, anchor="lm")
    for _ in range(6):  # wheels and crates on the pavement
        x, y = chance.randrange(width), chance.randrange(horizon - 60, height - 60)
        side = chance.randrange(40, 120)
        draw.ellipse((x, y, x + side, y + side), outline="#1b1b1d", width=side // 8)
        draw.line(
            (x + side // 2, y + side // 2, x + side * 2, y + side // 5),
            fill=chance.choice(["#8c1f1f", "#2f5d3a", "#303c55"]),
            width=side // 6,
        )
        draw.rectangle(
            (x + 2 * side, y, x + 3 * side, y + side // 2), fill=chance.choice(["#7d5b36", "#b8392e", "#d8d2c4"])
        )
    return picture


def _tiled(name: str, size: tuple[int, int], side: int) -> Image.Image:
    piece = _texture(name).resize((side, side))
    out = Image.new("L", size)
    for x in range(0, size[0], side):
        for y in range(0, size[1], side):
            out.paste(piece, (x, y))
    return out


# How a face can look: what is done to it, by name.
FACES = ("plain", "turned 15°", "turned 30°", "dark", "half behind a mask", "behind a helmet's rim", "soft", "at night")


def add_face(scene: Scene, chance: random.Random, height: int, how: str) -> None:
    """Put one of the two faces in, `height` pixels from hairline to chin, at a random place."""
    portrait, box = chance.choice(_portraits())
    if chance.random() < 0.5:
        portrait = portrait.transpose(Image.Transpose.FLIP_LEFT_RIGHT)
        box = (portrait.width - box[2], box[1], portrait.width - box[0], box[3])
    scale = height / (box[3] - box[1])
    left, top, right, bottom = (edge * scale for edge in box)
    head = portrait.resize(
        (round(portrait.width * scale), round(portrait.height * scale)), Image.Resampling.LANCZOS, reducing_gap=3
    )
    mask = Image.new("L", head.size)
    ImageDraw.Draw(mask).ellipse((0, -head.height * 0.1, head.width, head.height * 1.25), fill=255)
    mask = mask.filter(ImageFilter.GaussianBlur(max(1.0, height / 16)))
    draw = ImageDraw.Draw(head)
    if how == "half behind a mask":
        draw.rectangle((left, top + (bottom - top) * 0.55, right, bottom), fill="#9fb8c8")
    elif how == "behind a helmet's rim":
        draw.rectangle((0, 0, head.width, top + (bottom - top) * 0.3), fill="#22313f")
    elif how.startswith("turned"):
        angle = float(how[7:-1]) * chance.choice([-1, 1])
        middle = ((left + right) / 2, (top + bottom) / 2)
        head = head.rotate(angle, Image.Resampling.BICUBIC, center=middle)
        mask = ImageChops.multiply(mask, Image.new("L", mask.size, 255).rotate(angle, center=middle))
    elif how == "dark":
        head = ImageEnhance.Brightness(head).enhance(0.35)
    elif how == "soft":
        head = head.filter(ImageFilter.GaussianBlur(max(0.7, height / 24)))
    x, y = _free_place(scene, chance, head.size)
    scene.picture.paste(head, (x, y), mask)
    scene.targets.append(Target("face", height, (x + left, y + top, x + right, y + bottom), how))


# How a plate can look.
PLATES = ("plain", "from the side, 35°", "from the side, 55°", "leaning 10°", "soft", "dirty", "at night")
_COLOURS = (("#f4f4f0", "#101010"), ("#f4f4f0", "#101010"), ("#1a4fa3", "#ffffff"), ("#f2c230", "#101010"))


def add_plate(scene: Scene, chance: random.Random, height: int, how: str, lines: int) -> None:
    """Put a plate in: of one line (a car's, 520 x 110 mm) or of two (a motorbike's, 190 x 140 mm), `height` pixels high."""
    plate, inner = _plate(chance, lines)
    if how == "dirty":
        dirt = Image.effect_noise((24, 8), 90).resize(plate.size, Image.Resampling.BICUBIC)
        plate = ImageChops.multiply(plate, Image.merge("RGB", [dirt.point(lambda v: min(255, 90 + v))] * 3))
    scale = height / plate.height
    wide = plate.width * scale
    corners = [(0.0, 0.0), (0.0, float(height)), (wide, float(height)), (wide, 0.0)]  # left top, then downwards
    if how.startswith("from the side"):
        angle = math.radians(float(how[15:-1]))
        wide *= math.cos(angle)
        shrunk = height * 0.12 * math.sin(angle)  # the far edge is a little lower
        corners = [(0, 0), (0, height), (wide, height - shrunk), (wide, shrunk)]
    elif how == "leaning 10°":
        turn = math.radians(10) * chance.choice([-1, 1])
        corners = [
            (x * math.cos(turn) - y * math.sin(turn), x * math.sin(turn) + y * math.cos(turn)) for x, y in corners
        ]
    low = (min(x for x, _ in corners) - 4, min(y for _, y in corners) - 4)
    corners = [(x - low[0], y - low[1]) for x, y in corners]
    size = (math.ceil(max(x for x, _ in corners)) + 4, math.ceil(max(y for _, y in corners)) + 4)
    # Bodywork around it; the plate is brought near its size first, or the warp would skip pixels.
    near = plate.resize((max(1, round(plate.width * scale)), height), Image.Resampling.LANCZOS)
    warp = _perspective(corners, near.size)
    patch = Image.new("RGB", size, chance.choice(["#3a3a3c", "#8c1f1f", "#c9ccd0", "#23344d"]))
    seen = near.transform(size, Image.Transform.PERSPECTIVE, warp, Image.Resampling.BICUBIC)
    mask = Image.new("L", near.size, 255).transform(size, Image.Transform.PERSPECTIVE, warp, Image.Resampling.BILINEAR)
    patch.paste(seen, (0, 0), mask)
    if how == "soft":
        patch = patch.filter(ImageFilter.GaussianBlur(max(0.7, height / (22 * lines))))
    x, y = _free_place(scene, chance, size)
    scene.picture.paste(patch, (x, y))
    xs, ys = [c[0] for c in corners], [c[1] for c in corners]
    # The letters' box, which lies inside the plate's.
    left, top, right, bottom = min(xs), min(ys), max(xs), max(ys)
    box = (
        x + left + (right - left) * inner[0],
        y + top + (bottom - top) * inner[1],
        x + left + (right - left) * inner[2],
        y + top + (bottom - top) * inner[3],
    )
    scene.targets.append(Target("plate", height, box, f"{how}, {'one line' if lines == 1 else 'two lines'}"))


def _plate(chance: random.Random, lines: int) -> tuple[Image.Image, Box]:
    """A plate drawn large, and the box of its letters in parts of it."""
    back, ink = chance.choice(_COLOURS)
    province = chance.choice(["51", "59", "50", "41", "29"])
    five = "".join(chance.choices("0123456789", k=5))
    size = (1040, 220) if lines == 1 else (570, 420)
    plate = Image.new("RGB", size, back)
    draw = ImageDraw.Draw(plate)
    draw.rounded_rectangle((6, 6, size[0] - 7, size[1] - 7), 18, outline=ink, width=6)
    letter = chance.choice("ABCDEFGHKLMNPSTUVXYZ")
    if lines == 1:
        words = [(f"{province}{letter}-{five[:3]}.{five[3:]}", (50, 35, 990, 185))]
    else:
        words = [
            (f"{province}-{letter}{chance.randrange(1, 10)}", (100, 35, 470, 195)),
            (f"{five[:3]}.{five[3:]}", (40, 225, 530, 385)),
        ]
    for said, box in words:
        plate.paste(
            Image.new("RGB", (box[2] - box[0], box[3] - box[1]), ink),
            box[:2],
            word(said, (box[2] - box[0], box[3] - box[1])),
        )
    left, top = min(b[0] for _, b in words), min(b[1] for _, b in words)
    right, bottom = max(b[2] for _, b in words), max(b[3] for _, b in words)
    return plate, (left / size[0], top / size[1], right / size[0], bottom / size[1])


def word(said: str, size: tuple[int, int]) -> Image.Image:
    """A word that fills a box exactly: plates have narrow, high letters."""
    font = _font(200)
    box = font.getbbox(said)
    mask = Image.new("L", (math.ceil(box[2] - box[0]), math.ceil(box[3] - box[1])))
    ImageDraw.Draw(mask).text((-box[0], -box[1]), said, font=font, fill=255)
    return mask.resize(size, Image.Resampling.LANCZOS)


def _perspective(corners: Sequence[tuple[float, float]], size: tuple[int, int]) -> Sequence[float]:
    """The eight numbers by which Pillow brings a picture of `size` into the four corners (left top, then downwards)."""
    source = [(0, 0), (0, size[1]), (size[0], size[1]), (size[0], 0)]
    rows, ends = [], []
    for (x, y), (u, v) in zip(corners, source, strict=True):
        rows += [[x, y, 1, 0, 0, 0, -u * x, -u * y], [0, 0, 0, x, y, 1, -v * x, -v * y]]
        ends += [u, v]
    return [float(number) for number in np.linalg.solve(np.array(rows), np.array(ends))]


def _free_place(scene: Scene, chance: random.Random, size: tuple[int, int]) -> tuple[int, int]:
    """A random place where nothing was put yet. Raises RuntimeError when there is none: put what is large in first."""
    width, height = scene.picture.size
    for _ in range(5000):
        left, top = chance.randrange(max(1, width - size[0])), chance.randrange(max(1, height - size[1]))
        right, bottom = left + size[0], top + size[1]
        if all(right < x0 or left > x1 or bottom < y0 or top > y1 for x0, y0, x1, y1 in scene.taken):
            scene.taken.append((left, top, right, bottom))
            return left, top
    raise RuntimeError("the scene is full")


def finished(scene: Scene, chance: random.Random, *, night: bool, quality: int) -> Scene:
    """The scene as a phone would have taken it: light, grain, compression."""
    picture = scene.picture
    if night:
        picture = ImageChops.multiply(picture, Image.new("RGB", picture.size, (84, 76, 62)))
    # effect_noise is not seeded; numpy's is.
    noise = np.random.default_rng(chance.randrange(1 << 30)).normal(
        0, 9 if night else 4, (picture.height, picture.width, 3)
    )
    picture = Image.fromarray(np.clip(np.asarray(picture, np.float32) + noise, 0, 255).astype(np.uint8))
    out = io.BytesIO()
    picture.save(out, "JPEG", quality=quality)
    return Scene(Image.open(out).convert("RGB"), scene.targets, scene.taken)
