"""The blur measured: what the second job costs, and what it finds on a set that was made for it.

    bench/run blur [--rounds 7] [--scenes 3]

First CPU and memory of the job on a 12-megapixel phone photo, in a process forked for it as the worker forks one: the whole
picture decoded and written, faces and text looked for, the public copy blurred and written. Beside
it, in turns, `bench/photos.py`'s job, which makes the first copies. Wanted: under 1 s of CPU, under 600 MB in the process.

Then recall and false finds on generated street scenes (bench/scenes.py). A face or plate counts as found when four fifths
of it are hidden. It is two faces and a drawn plate: this shows what the networks do with size, light, angle and
compression. It is not a claim about streets.
"""

import argparse
import os
import random
import resource
import statistics
import tempfile
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import numpy as np

from app.photos import detectors, images, redaction
from app.photos.regions import Region
from bench import photos, scenes
from bench.running import told
from bench.scenes import FACES, PLATES, Scene, Target

# The largest first, which need most room. A plate of two lines is made twice as high as one of one.
FACE_HEIGHTS = (240, 80, 40, 28, 22, 18, 14, 10)
PLATE_HEIGHTS = (120, 80, 40, 28, 20, 14, 10, 8)
HIDDEN = 0.8


def job(path: Path) -> None:
    """What the worker does, without its database and its store."""
    picture = images.whole(path)
    images.jpeg(picture, quality=90)
    shown = images.shown(picture)
    del picture
    images.jpeg(redaction.hidden(shown, redaction.find(shown)))


def forked(way: Callable[[Path], None], path: Path) -> tuple[float, float]:
    """CPU seconds of a process made for one run, and the most memory that it held, in MB."""
    reads, writes = os.pipe()
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    child = os.fork()
    if child == 0:
        way(path)
        os.write(writes, str(photos.high_water_kb()).encode())
        os._exit(0)
    os.close(writes)
    said = os.read(reads, 100)
    os.close(reads)
    _, status = os.waitpid(child, 0)
    assert status == 0, f"the job ended with status {status}"
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime, int(said) / 1024


def cost(rounds: int) -> None:
    """Print what the job costs."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "photo.jpg")
        path.write_bytes(photos.photo())
        detectors.load()  # as the worker does before it forks
        seen: dict[str, list[tuple[float, float]]] = {"blur": [], "first copies": []}
        for _ in range(rounds):
            seen["blur"].append(forked(job, path))
            seen["first copies"].append(forked(photos.job, path))
    cpu = {name: statistics.median(taken for taken, _ in runs) for name, runs in seen.items()}
    told(
        "blur: CPU of the job on a 12-megapixel photo",
        cpu["blur"],
        "under 1 s",
        unit=" s",
        rounds=f"{min(taken for taken, _ in seen['blur']):.2f}..{max(taken for taken, _ in seen['blur']):.2f}",
        first_copies=f"{cpu['first copies']:.2f} s",
    )
    peak = max(memory for _, memory in seen["blur"])
    told("blur: memory of its process", peak, "under 600 MB", unit=" MB")


def set_of(rounds: int) -> Iterator[Scene]:
    """The scenes: each way a face or a plate can look, at each height, so many times over."""
    for each in range(rounds):
        for number, how in enumerate(FACES):
            chance = random.Random(f"face {each} {number}")
            scene = Scene(scenes.street(chance))
            for height in FACE_HEIGHTS:
                scenes.add_face(scene, chance, height, how)
            yield scenes.finished(scene, chance, night=how == "at night", quality=chance.choice([50, 70, 85]))
        for number, how in enumerate(PLATES):
            for lines in (1, 2):
                chance = random.Random(f"plate {each} {number} {lines}")
                scene = Scene(scenes.street(chance))
                for height in PLATE_HEIGHTS:
                    scenes.add_plate(scene, chance, height * lines, how, lines)
                yield scenes.finished(scene, chance, night=how == "at night", quality=chance.choice([50, 70, 85]))


def hidden_share(target: Target, regions: list[Region], size: tuple[int, int]) -> float:
    """How much of a target is hidden by regions of its kind, 0 to 1."""
    left, top, right, bottom = (round(edge) for edge in target.box)
    mask = np.zeros((bottom - top, right - left), bool)
    for region in regions:
        if region.what == target.what:
            x0, y0, x1, y1 = redaction.box(region, size)
            mask[max(0, y0 - top) : max(0, y1 - top), max(0, x0 - left) : max(0, x1 - left)] = True
    return float(mask.mean())


def finds(rounds: int) -> None:
    """Print recall by size and by look, and what was hidden without need."""
    by_height: dict[tuple[str, int], list[bool]] = defaultdict(list)
    by_look: dict[tuple[str, str], list[bool]] = defaultdict(list)
    stray: dict[str, int] = defaultdict(int)
    number = 0
    for scene in set_of(rounds):
        number += 1
        size = scene.picture.size
        regions = list(redaction.find(scene.picture))
        for target in scene.targets:
            found = hidden_share(target, regions, size) >= HIDDEN
            by_height[target.what, target.height // (2 if target.how.endswith("two lines") else 1)].append(found)
            by_look[target.what, target.how].append(found)
        for region in regions:
            x0, y0, x1, y1 = redaction.box(region, size)
            if not any(x0 < t.box[2] and x1 > t.box[0] and y0 < t.box[3] and y1 > t.box[1] for t in scene.targets):
                stray[region.what] += 1
    print(f"\nrecall in {number} scenes of {scenes.SIZE[0]} x {scenes.SIZE[1]}, which is the public copy's size")
    table("height in pixels", by_height)
    table("how it looks", by_look)
    print(f"hidden without need, a scene: {stray['face'] / number:.1f} as faces, {stray['plate'] / number:.1f} as text")
    print("(each scene has three signs with text, which are meant to be hidden)")


def table(title: str, found: Mapping[tuple[str, int], list[bool]] | Mapping[tuple[str, str], list[bool]]) -> None:
    """Print shares line by line."""
    for what in ("face", "plate"):
        print(f"  {what}, by {title}:")
        for (kind, name), hits in sorted(found.items(), key=lambda item: str(item[0][1]).rjust(40)):
            if kind == what:
                print(f"    {name!s:32} {sum(hits) / len(hits):5.0%}  of {len(hits)}")


def main() -> None:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--scenes", type=int, default=3)
    given = parser.parse_args()
    cost(given.rounds)
    finds(given.scenes)


if __name__ == "__main__":
    main()
