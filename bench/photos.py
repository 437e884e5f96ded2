"""The photo job measured: CPU and memory of both copies of a 12-megapixel phone photo, and of what it says of itself.

    bench/run photos [--rounds 9]

Beside it, in the same run and in turn: `djpeg -scale 1/2 | cjpeg -quality 82`, which writes one picture of half the
side and nothing else, and Pillow used plainly (decode all, resize twice with LANCZOS). The photo is generated.
Wanted: at most 1.5 times the first, at least 2.5 times faster than the second, at most half its memory, and a process
of at most 150 MB.
"""

import argparse
import io
import random
import resource
import shutil
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

from PIL import Image, ImageChops, ImageDraw, ImageFilter, ImageOps

from app.photos import exif
from app.photos.images import make_copies

ROOT = Path(__file__).resolve().parent.parent
SIZE = (4000, 3000)


def photo() -> bytes:
    """A 4000 x 3000 JPEG with the textures of a street (sky, walls, edges, grain), EXIF and GPS: about 4 MB."""
    chance = random.Random(26929)
    picture = ImageOps.colorize(Image.linear_gradient("L").resize(SIZE), "#a8c4dc", "#6b6258")
    draw = ImageDraw.Draw(picture)
    for _ in range(900):
        x, y = chance.randrange(SIZE[0]), chance.randrange(600, SIZE[1])
        colour = tuple(chance.randrange(30, 230) for _ in range(3))
        draw.rectangle((x, y, x + chance.randrange(10, 400), y + chance.randrange(10, 300)), fill=colour)
    for scale, strength in ((1, 9), (4, 14), (16, 20)):
        noise = Image.effect_noise((SIZE[0] // scale, SIZE[1] // scale), strength).resize(
            SIZE, Image.Resampling.BICUBIC
        )
        picture = ImageChops.add(picture, Image.merge("RGB", [noise] * 3), offset=-128)
    picture = picture.filter(ImageFilter.GaussianBlur(0.7))
    exif = Image.Exif()
    exif[0x010F], exif[0x0112] = "Bench", 6
    exif.get_ifd(0x8769)[0x9003] = "2026:11:23 08:00:00"
    exif.get_ifd(0x8825).update({1: "N", 2: (10.0, 48.0, 12.6), 3: "E", 4: (106.0, 42.0, 36.0)})
    out = io.BytesIO()
    picture.save(out, "JPEG", quality=95, subsampling="4:2:0", exif=exif)
    return out.getvalue()


def job(path: Path) -> None:
    """What the worker does, but for the store and the database."""
    with path.open("rb") as file:
        exif.said_by(file)
        file.seek(0)
        make_copies(file)


def plain(path: Path) -> None:
    """What one writes first, with the work in a sensible order: decode all, LANCZOS, turn the small picture."""
    with Image.open(path) as opened:
        picture = opened.resize((1600, 1200), Image.Resampling.LANCZOS)
        display = ImageOps.exif_transpose(picture)
    thumb = display.resize((240, 320), Image.Resampling.LANCZOS)
    for copy, quality in ((display, 82), (thumb, 75)):
        copy.save(io.BytesIO(), "JPEG", quality=quality)


def floor(path: Path) -> None:
    """Half the side by libjpeg's own programs."""
    pipe = 'djpeg -scale 1/2 "$1" | cjpeg -quality 82 > /dev/null'
    subprocess.run(["sh", "-c", pipe, "sh", str(path)], check=True)


WAYS: dict[str, Callable[[Path], None]] = {"job": job, "plain": plain, "floor": floor}


def cpu_s(way: Callable[[Path], None], path: Path) -> float:
    """CPU seconds, user and system, of this process and of the programs it ran."""

    def spent() -> float:
        usages = (resource.getrusage(resource.RUSAGE_SELF), resource.getrusage(resource.RUSAGE_CHILDREN))
        return sum(usage.ru_utime + usage.ru_stime for usage in usages)

    before = spent()
    way(path)
    return spent() - before


def high_water_kb() -> int:
    """The most memory this process ever held (VmHWM: unlike ru_maxrss, not inherited from the parent)."""
    status = Path("/proc/self/status").read_text()
    return int(status.split("VmHWM:")[1].split()[0])


def peak_mb(name: str, path: Path) -> tuple[float, float]:
    """Memory that one run adds to a fresh process with its imports done, and all that process held, in megabytes."""
    child = subprocess.run(
        [sys.executable, "-m", "bench.photos", "--peak", name, str(path)],
        check=True,
        capture_output=True,
        text=True,
        cwd=ROOT,
    )
    added, held = child.stdout.split()
    return float(added), float(held)


def measure(rounds: int) -> None:
    """Print the medians and the ratios."""
    ways = dict(WAYS)
    if not (shutil.which("djpeg") and shutil.which("cjpeg")):
        del ways["floor"]
        print("djpeg and cjpeg are not here (libjpeg-turbo-progs): that ratio is left out")
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "photo.jpg")
        path.write_bytes(photo())
        print(f"photo: {SIZE[0]} x {SIZE[1]}, {path.stat().st_size / 1e6:.1f} MB; {rounds} rounds, medians")
        for way in ways.values():  # warm
            way(path)
        took: dict[str, list[float]] = {name: [] for name in ways}
        for _ in range(rounds):
            for name, way in ways.items():
                took[name].append(cpu_s(way, path))
        cpu = {name: statistics.median(times) for name, times in took.items()}
        peak = {name: peak_mb(name, path) for name in ("job", "plain")}
    for name, seconds in cpu.items():
        memory = "  +{:.0f} MB, in all {:.0f} MB".format(*peak[name]) if name in peak else ""
        print(f"{name:6} {seconds * 1000:6.1f} ms CPU{memory}")
    if "floor" in cpu:
        print(f"job / floor {cpu['job'] / cpu['floor']:.2f}  (wanted <= 1.5)")
    print(f"plain / job {cpu['plain'] / cpu['job']:.2f}  (wanted >= 2.5)")
    print(f"memory job / plain {peak['job'][0] / peak['plain'][0]:.2f}  (wanted <= 0.5)")
    print(f"the process {peak['job'][1]:.0f} MB  (wanted < 150)")


def main() -> None:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--peak", nargs=2, help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.peak:
        before = high_water_kb()
        WAYS[given.peak[0]](Path(given.peak[1]))
        held = high_water_kb()
        print((held - before) / 1024, held / 1024)
    else:
        measure(given.rounds)


if __name__ == "__main__":
    main()
