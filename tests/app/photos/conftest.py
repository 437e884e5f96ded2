"""Photos made for the tests: nothing comes from outside."""

import io
import struct
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from uuid import UUID, uuid4

import pillow_heif
import pytest
from PIL import Image, ImageDraw
from sqlalchemy import text
from sqlalchemy.orm import Session

from app.photos.storage import PhotoStore
from tiff_blocks import tiff

RED, GREEN, BLUE, WHITE = (255, 0, 0), (0, 255, 0), (0, 0, 255), (255, 255, 255)


@pytest.fixture
def corners() -> Callable[..., Image.Image]:
    """A picture whose four quarters (top left, top right, bottom left, bottom right) have the letters' colours."""

    def draw(letters: str = "RGBW", size: tuple[int, int] = (800, 600)) -> Image.Image:
        colours = {"R": RED, "G": GREEN, "B": BLUE, "W": WHITE}
        picture = Image.new("RGB", size)
        pen = ImageDraw.Draw(picture)
        half_w, half_h = size[0] // 2, size[1] // 2
        for letter, at in zip(letters, ((0, 0), (half_w, 0), (0, half_h), (half_w, half_h)), strict=True):
            pen.rectangle((*at, at[0] + half_w, at[1] + half_h), fill=colours[letter])
        return picture

    return draw


@pytest.fixture
def encoded() -> Callable[..., bytes]:
    """A picture as the bytes of a file."""

    def encode(picture: Image.Image, image_format: str = "JPEG", **options) -> bytes:
        out = io.BytesIO()
        if image_format == "HEIC":
            pillow_heif.from_pillow(picture).save(out, **options)
        else:
            picture.save(out, image_format, **options)
        return out.getvalue()

    return encode


@pytest.fixture
def street() -> Callable[..., bytes]:
    """The EXIF of a photo taken in Binh Thanh: 10 degrees 48' 12.6" north, 106 degrees 42' 36" east, 8:15 local."""

    def block(
        order: str = "<",
        *,
        lat: tuple[int, ...] = (10, 1, 48, 1, 126, 10),
        lon: tuple[int, ...] = (106, 1, 42, 1, 36, 1),
        refs: tuple[bytes, bytes] = (b"N\0", b"E\0"),
        taken: bytes = b"2026:11:23 08:15:00\0",
        offset: bytes | None = None,
    ) -> bytes:
        exif = [(0x9003, 2, len(taken), taken)]
        if offset is not None:
            exif.append((0x9011, 2, len(offset), offset))
        gps = [
            (1, 2, 2, refs[0]),
            (2, 5, len(lat) // 2, struct.pack(f"{order}{len(lat)}I", *lat)),
            (3, 2, 2, refs[1]),
            (4, 5, len(lon) // 2, struct.pack(f"{order}{len(lon)}I", *lon)),
        ]
        main = [
            (0x010F, 2, 12, b"MAKER-SERIAL"),
            (0x0112, 3, 1, struct.pack(order + "H", 6)),
            (0x8769, 4, 1, b""),
            (0x8825, 4, 1, b""),
        ]
        return tiff(order, main, exif, gps)

    return block


@pytest.fixture
def filed() -> Callable[[Session], UUID]:
    """Files a report with bare SQL, which knows nothing of how reports are made, and gives its id."""

    def file(session: Session) -> UUID:
        report_id = uuid4()
        session.execute(
            text("""
                with import as (
                    insert into ward_imports (at, file, sha256, summary) values (:at, 'f', 's', '{}') returning id
                ), ward as (
                    insert into ward_versions (city_id, code, name, type, geom, area_m2, import_id)
                    select 1, :code, 'n', 'phường', st_multi(st_makeenvelope(106, 10, 107, 11, 4326)), 1, id from import
                    returning id
                )
                insert into reports (id, city_id, number, channel, kind_code, field, lat, lon, anonymous, urgent,
                    about_unit, received_at, ward_version_id, routing, unit_id, state, target_s, due_at, updated_at)
                select :id, 1, :code, 'app', 'SW01', 'sidewalk', 10.8, 106.7, false, false, false, :at, ward.id, '{}',
                    (select min(id) from units), 'received', 7200, :at, :at
                from ward
            """),
            {"id": report_id, "code": report_id.hex, "at": datetime(2026, 11, 23, 8, tzinfo=UTC)},
        )
        return report_id

    return file


@pytest.fixture
def report_id(session: Session, filed: Callable[[Session], UUID]) -> UUID:
    return filed(session)


@pytest.fixture
def store(tmp_path: Path) -> PhotoStore:
    return PhotoStore(tmp_path / "photos")
