import hashlib
import io
import os
import random
import signal
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import UUID

import pytest
from PIL import Image, ImageDraw
from sqlalchemy import select, text
from sqlalchemy.orm import Session

from app.core.db import Database
from app.core.outbox import OutboxMessage
from app.notifications.channels.configured import channels_for
from app.photos import actions, images
from app.photos.errors import PhotoNotFound
from app.photos.models import Photo
from app.photos.storage import Copy, PhotoStore
from movies import SECRETS, Movie
from workers import context as workers_context
from workers.jobs import photos as job

NOW = datetime(2026, 11, 23, 8, 20, tzinfo=UTC)
ROOT = Path(__file__).parents[3]


def jpeg() -> bytes:
    out = io.BytesIO()
    Image.effect_noise((800, 600), 60).convert("RGB").save(out, "JPEG")
    return out.getvalue()


@dataclass
class Sent:
    """A photo that was received, and the promise of its copies."""

    database: Database
    store: PhotoStore
    filed: Callable[[Session], UUID]
    sha256: str
    topic: str
    message_id: int
    payload: dict

    def run(self):
        {"photo.received": job.make_copies, "video.received": job.examine_video}[self.topic](
            self.message_id, self.payload
        )

    def row(self):
        with self.database.unit_of_work() as session:
            return session.get_one(Photo, (UUID(self.payload["report_id"]), self.sha256))

    def message(self):
        with self.database.unit_of_work() as session:
            return session.get(OutboxMessage, self.message_id)


@pytest.fixture
def sent(committed, settings, store, filed, monkeypatch):
    """Sends bytes as the photo of a new report, up to the point where the job takes over."""
    monkeypatch.setattr(
        job, "context", lambda: workers_context.Context(settings, committed, store, channels_for(settings))
    )

    def send(content, *, role="before", at=NOW):
        name = hashlib.sha256(content).hexdigest()
        with committed.unit_of_work() as session:
            kept = actions.keep(store, io.BytesIO(content), sha256=name)
            actions.receive(session, store, kept, report_id=filed(session), role=role, now=at)
            message = session.scalars(select(OutboxMessage).order_by(OutboxMessage.id.desc()).limit(1)).one()
        return Sent(committed, store, filed, name, message.topic, message.id, message.payload)

    return send


def test_the_job_makes_both_copies_and_keeps_the_promise(sent):
    photo = sent(jpeg())

    photo.run()

    row = photo.row()
    assert (row.state, row.width, row.height, row.refusal) == ("ready", 800, 600, None)
    assert photo.message().done_at is not None
    for copy, size in ((Copy.DISPLAY, (800, 600)), (Copy.THUMB, (320, 240))):
        with photo.store.open_copy(photo.sha256, copy) as file:
            assert Image.open(file).size == size


def test_the_job_notes_what_it_looks_like_and_what_it_says(sent):
    photo = sent(jpeg())

    photo.run()

    row = photo.row()
    assert row.placeholder.startswith("data:image/webp;base64,")
    assert row.dhash == images.make_copies(io.BytesIO(original_of(photo))).dhash
    assert row.hints == {"place": "unknown", "time": "unknown", "edited": "resaved", "used": None}


def original_of(photo):
    with photo.store.open(photo.sha256) as file:
        return file.read()


# At 10.8, 106.7 (where `filed` puts its reports), and 500 m to the north of it; 0.4 and 24.5 hours before NOW.
THERE, NORTH = (10, 1, 48, 1, 0, 1), (10, 1, 48, 1, 1628, 100)
AT_EIGHT, DAY_BEFORE = b"2026:11:23 14:56:00\0", b"2026:11:22 14:50:00\0"
STREET = {"lon": (106, 1, 42, 1, 0, 1), "taken": AT_EIGHT}


def taken(block: bytes) -> bytes:
    out = io.BytesIO()
    Image.effect_noise((800, 600), 60).convert("RGB").save(out, "JPEG", exif=b"Exif\0\0" + block)
    return out.getvalue()


@pytest.mark.parametrize(
    ("how", "hints"),
    [
        ({**STREET, "lat": THERE}, ("near", "agrees", "no")),
        ({**STREET, "lat": NORTH}, ("far", "agrees", "no")),
        ({**STREET, "lat": THERE, "taken": DAY_BEFORE}, ("near", "old", "no")),
        ({**STREET, "lat": THERE, "taken": b"2027:01:01 00:00:00\0"}, ("near", "ahead", "no")),
    ],
)
def test_a_photo_is_compared_with_its_report(sent, street, how, hints):
    photo = sent(taken(street(**how)))

    photo.run()

    row = photo.row()
    assert (row.hints["place"], row.hints["time"], row.hints["edited"]) == hints
    # A word each, and nothing of the photo's own: no coordinate, no maker, no number.
    assert not any(letter.isdigit() for letter in str(row.hints))
    assert "MAKER" not in str(row.hints)


def test_a_corrected_place_is_no_way_to_find_out_where_a_photo_was_taken(sent, street):
    """The officer moved the pin 500 m to the north, to where the photo was taken, before the job ran."""
    photo = sent(taken(street(**STREET, lat=NORTH)))
    with photo.database.unit_of_work() as session:
        session.execute(text("""update reports set lat = 10.804522, as_sent = '{"lat": 10.8, "accuracy_m": null}'"""))

    photo.run()

    assert photo.row().hints["place"] == "far"


def test_what_was_left_is_compared_with_the_place_as_it_is_and_with_the_receipt(sent, street):
    photo = sent(taken(street(**STREET, lat=NORTH)), role="after")
    with photo.database.unit_of_work() as session:
        session.execute(text("""update reports set lat = 10.804522, as_sent = '{"lat": 10.8, "accuracy_m": null}'"""))

    photo.run()

    # Taken at 7:56 for a report that came at 8:00: within what a clock may be wrong by.
    assert (photo.row().hints["place"], photo.row().hints["time"]) == ("near", "agrees")


def test_a_photo_of_another_report_is_known_again(sent):
    content = jpeg()
    first = sent(content)
    first.run()
    second = sent(content, at=NOW + timedelta(hours=1))
    second.run()

    assert second.row().hints["used"] == {"how": "same", "report": first.payload["report_id"]}
    assert first.row().hints["used"] is None


def test_a_photo_that_a_messenger_made_smaller_is_known_again(sent):
    chance = random.Random(26929)
    picture = Image.linear_gradient("L").resize((1600, 1200)).convert("RGB")
    pen = ImageDraw.Draw(picture)
    for _ in range(40):
        x, y = chance.randrange(1600), chance.randrange(1200)
        pen.rectangle((x, y, x + 300, y + 200), fill=tuple(chance.randrange(256) for _ in range(3)))
    files = []
    for side, quality in ((1600, 92), (1024, 60)):
        out, smaller = io.BytesIO(), picture.copy()
        smaller.thumbnail((side, side))
        smaller.save(out, "JPEG", quality=quality)
        files.append(out.getvalue())
    first = sent(files[0])
    first.run()
    second, other = sent(files[1], at=NOW + timedelta(days=3)), sent(jpeg(), at=NOW + timedelta(days=4))
    second.run()
    other.run()

    assert second.row().hints["used"] == {"how": "near", "report": first.payload["report_id"]}
    assert other.row().hints["used"] is None


def test_a_photo_that_is_named_and_has_not_come_was_not_used(sent):
    content = jpeg()
    photo = sent(content)
    with photo.database.unit_of_work() as session:
        elsewhere = photo.filed(session)
        actions.await_before(session, elsewhere, [photo.sha256], NOW - timedelta(hours=1))

    photo.run()

    assert photo.row().hints["used"] is None


def test_walls_are_alike_and_none_was_used_for_another(sent):
    def wall(shade):
        out = io.BytesIO()
        Image.new("RGB", (800, 600), (shade, shade, shade)).save(out, "JPEG")
        return out.getvalue()

    first, second = sent(wall(90)), sent(wall(91), at=NOW + timedelta(hours=1))
    first.run()
    second.run()

    assert (first.row().dhash, second.row().dhash, second.row().hints["used"]) == (None, None, None)


def test_a_video_is_kept_and_its_picture_and_sound_can_be_looked_at(sent):
    video = sent(Movie(8).content)
    assert (video.row().state, video.row().duration_ms, video.row().media_type) == ("kept", 8000, "video/quicktime")

    video.run()
    video.run()

    row = video.row()
    assert (row.state, row.refusal, row.dhash, row.placeholder) == ("kept", None, None, None)
    assert row.hints == {"place": "unknown", "time": "unknown", "edited": "unknown", "used": None}
    assert (row.ready_at is not None, video.message().done_at is not None) == (True, True)
    with video.store.open_copy(video.sha256, Copy.FULL) as copy:
        seen = copy.read()
    assert [what for what, secret in SECRETS.items() if secret in seen] == []
    for name in (Copy.DISPLAY, Copy.THUMB, Copy.PUBLIC):
        with pytest.raises(PhotoNotFound):
            video.store.open_copy(video.sha256, name)


def test_a_video_that_cannot_be_told_from_what_it_says_is_kept_and_not_shown(sent):
    content = Movie(8, codec=b"gpmd").content
    video = sent(content)

    video.run()

    row = video.row()
    assert (row.state, row.refusal, row.ready_at) == ("kept", "video_not_shown", None)
    assert video.message().done_at is not None
    with pytest.raises(PhotoNotFound):
        video.store.open_copy(video.sha256, Copy.FULL)
    assert original_of(video) == content


def test_the_job_run_again_changes_nothing(sent):
    photo = sent(jpeg())
    photo.run()
    before = photo.row().ready_at, photo.message().done_at

    photo.run()

    assert (photo.row().ready_at, photo.message().done_at) == before


@pytest.mark.parametrize("share", [0.3, 0.9])
def test_a_damaged_photo_ends_refused_and_is_not_tried_again(sent, share):
    content = jpeg()
    photo = sent(content[: int(len(content) * share)])

    photo.run()
    photo.run()

    row = photo.row()
    assert (row.state, row.refusal, row.ready_at) == ("refused", "photo_damaged", None)
    assert photo.message().done_at is not None
    with pytest.raises(PhotoNotFound):
        photo.store.open_copy(photo.sha256, Copy.DISPLAY)
    with photo.store.open(photo.sha256) as original:  # evidence of what was sent
        assert hashlib.sha256(original.read()).hexdigest() == photo.sha256


def test_a_store_that_lost_the_original_is_a_failure_to_be_tried_again(sent, tmp_path):
    photo = sent(jpeg())
    next((tmp_path / "photos" / "originals").rglob(photo.sha256)).unlink()

    with pytest.raises(PhotoNotFound):
        photo.run()

    assert photo.row().state == "received"
    assert photo.message().done_at is None


STUCK = """
import sys, time
from workers.jobs import photos
from app.photos.storage import PhotoStore

put = PhotoStore.put_copy
def put_and_stop(store, sha256, copy, content):
    put(store, sha256, copy, content)
    if copy == sys.argv[3]:
        print("stuck", flush=True)
        time.sleep(60)
PhotoStore.put_copy = put_and_stop
photos.make_copies(int(sys.argv[1]), {"report_id": sys.argv[2], "sha256": sys.argv[4]})
"""


@pytest.mark.parametrize("after", [Copy.DISPLAY, Copy.THUMB])
def test_a_worker_killed_inside_the_job_leaves_the_photo_to_the_next_run(sent, settings, after):
    photo = sent(jpeg())
    environment = os.environ | {
        "HAIGIO_ENV": "test",
        "HAIGIO_DATABASE_URL": settings.database_url,
        "HAIGIO_PHOTOS": str(settings.photos),
        "HAIGIO_SECRET": settings.secret,
    }
    arguments = [str(photo.message_id), photo.payload["report_id"], after.value, photo.sha256]
    with subprocess.Popen(
        [sys.executable, "-c", STUCK, *arguments], cwd=ROOT, env=environment, stdout=subprocess.PIPE
    ) as worker:
        assert worker.stdout.readline() == b"stuck\n"
        worker.send_signal(signal.SIGKILL)
    assert (photo.row().state, photo.message().done_at) == ("received", None)

    photo.run()

    assert photo.row().state == "ready"
    assert photo.message().done_at is not None
