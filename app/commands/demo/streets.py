"""Where the demo's violations are: along streets of Bình Thạnh, and again and again at the same spots.

The streets are drawn from memory with a few points each; they are scenery, not a map. Points are (lat, lon) in degrees.
"""

# ruff: noqa: S311 -- scenery, not a secret

import math
import random
from dataclasses import dataclass
from functools import cached_property
from itertools import accumulate, pairwise

METRES_PER_DEGREE = 111_000.0
EAST_PER_NORTH = math.cos(math.radians(10.81))

# About as far apart as two shop fronts with a side street between them.
SPOT_EVERY_M = 70.0


@dataclass(frozen=True)
class Street:
    """A street, how much of the district's trouble it has, and how much longer than usual it takes to get there."""

    name: str
    weight: float
    slowness: float
    line: tuple[tuple[float, float], ...]

    @cached_property
    def length_m(self) -> float:
        """The length in metres."""
        return sum(_metres(begin, end) for begin, end in pairwise(self.line))

    @cached_property
    def spots(self) -> int:
        """How many places on it are reported."""
        return max(3, round(self.length_m / SPOT_EVERY_M))

    @cached_property
    def spot_weights(self) -> list[float]:
        """Cumulative: a few spots are back every day, most are quiet. Which ones is part of the street's name."""
        order = list(range(self.spots))
        random.Random(self.name).shuffle(order)
        return list(accumulate(1 / (rank + 1) for rank in order))

    def along(self, metres: float) -> tuple[float, float]:
        """The point so many metres from the beginning."""
        for begin, end in pairwise(self.line):
            piece = _metres(begin, end)
            if metres <= piece:
                part = metres / piece
                return begin[0] + (end[0] - begin[0]) * part, begin[1] + (end[1] - begin[1]) * part
            metres -= piece
        return self.line[-1]


@dataclass(frozen=True)
class Place:
    """A point in degrees, and the address that somebody standing there would write."""

    lat: float
    lon: float
    address: str
    slowness: float


def _metres(begin: tuple[float, float], end: tuple[float, float]) -> float:
    return METRES_PER_DEGREE * math.hypot(end[0] - begin[0], (end[1] - begin[1]) * EAST_PER_NORTH)


STREETS = (
    Street("Bùi Hữu Nghĩa", 13, 1.0, ((10.7953, 106.7003), (10.7985, 106.6998), (10.8022, 106.6990))),
    Street("Bạch Đằng", 9, 1.0, ((10.8030, 106.6995), (10.8034, 106.7060), (10.8020, 106.7108))),
    Street("Phan Đăng Lưu", 8, 1.0, ((10.8025, 106.6965), (10.8020, 106.6915), (10.8013, 106.6870))),
    Street("Lê Quang Định", 9, 1.0, ((10.8037, 106.6985), (10.8088, 106.6942), (10.8128, 106.6905))),
    Street("Nơ Trang Long", 9, 1.05, ((10.8040, 106.6965), (10.8115, 106.6960), (10.8180, 106.6995), (10.8255, 106.7030))),
    Street("Xô Viết Nghệ Tĩnh", 12, 0.95, ((10.7925, 106.7085), (10.8015, 106.7113), (10.8085, 106.7140))),
    Street("Đinh Bộ Lĩnh", 9, 1.0, ((10.8045, 106.7102), (10.8100, 106.7108), (10.8155, 106.7112))),
    Street("Điện Biên Phủ", 6, 1.0, ((10.7945, 106.7025), (10.8010, 106.7110), (10.8005, 106.7165))),
    Street("Nguyễn Gia Trí", 7, 1.0, ((10.8025, 106.7155), (10.8050, 106.7156), (10.8070, 106.7158))),
    Street("Ung Văn Khiêm", 5, 1.05, ((10.8078, 106.7135), (10.8068, 106.7180), (10.8060, 106.7205))),
    Street("Ngô Tất Tố", 5, 1.0, ((10.7925, 106.7110), (10.7945, 106.7145), (10.7950, 106.7170))),
    Street("Nguyễn Hữu Cảnh", 4, 1.0, ((10.7910, 106.7130), (10.7935, 106.7185), (10.7970, 106.7210))),
    Street("Phan Văn Trị", 6, 1.05, ((10.8105, 106.6950), (10.8140, 106.6945), (10.8190, 106.6950))),
    Street("Chu Văn An", 5, 1.05, ((10.8090, 106.7070), (10.8125, 106.7045), (10.8150, 106.7025))),
    Street("Nguyễn Xí", 5, 1.1, ((10.8125, 106.7060), (10.8165, 106.7075), (10.8205, 106.7095))),
    Street("Quốc lộ 13", 4, 1.1, ((10.8165, 106.7118), (10.8205, 106.7130), (10.8230, 106.7138))),
    Street("Vạn Kiếp", 4, 1.0, ((10.7972, 106.6962), (10.8000, 106.6952), (10.8020, 106.6948))),
    Street("Bình Quới", 5, 1.25, ((10.8185, 106.7215), (10.8220, 106.7265), (10.8260, 106.7330), (10.8275, 106.7390))),
    Street("cư xá Thanh Đa", 5, 1.2, ((10.8125, 106.7195), (10.8145, 106.7215), (10.8165, 106.7222))),
)  # fmt: skip

_STREET_WEIGHTS = list(accumulate(street.weight for street in STREETS))


def somewhere(rng: random.Random, spread_m: float) -> Place:
    """A place beside one of the spots, at most `spread_m` metres from it to each side."""
    street = rng.choices(STREETS, cum_weights=_STREET_WEIGHTS)[0]
    spot = rng.choices(range(street.spots), cum_weights=street.spot_weights)[0]
    lat, lon = street.along((spot + 0.5) / street.spots * street.length_m)
    house = 2 * spot + 1 + rng.randrange(2)
    alley = rng.random() < 0.3
    return Place(
        lat=round(lat + rng.uniform(-spread_m, spread_m) / METRES_PER_DEGREE, 6),
        lon=round(lon + rng.uniform(-spread_m, spread_m) / METRES_PER_DEGREE / EAST_PER_NORTH, 6),
        address=f"hẻm {house} {street.name}" if alley else f"{house} {street.name}",
        slowness=street.slowness,
    )
