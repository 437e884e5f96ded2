import hashlib
import io
import os
import signal
import subprocess
import sys
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import pytest
from PIL import Image
from sqlalchemy import select

from app.core.db import Database
from app.core.outbox import OutboxMessage
from app.notifications.channels.configured import channels_for
from app.photos import actions
from app.photos.errors import PhotoNotFound
from app.photos.models import Photo
from app.photos.storage import Copy, PhotoStore
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
    sha256: str
    message_id: int
    payload: dict

    def run(self):
        job.make_copies(self.message_id, self.payload)

    def row(self):
        with self.database.unit_of_work() as session:
            return session.scalars(select(Photo)).one()

    def message(self):
        with self.database.unit_of_work() as session:
            return session.get(OutboxMessage, self.message_id)


@pytest.fixture
def sent(committed, settings, store, filed, monkeypatch):
    """Sends bytes as the photo of a new report, up to the point where the job takes over."""
    monkeypatch.setattr(
        job, "context", lambda: workers_context.Context(settings, committed, store, channels_for(settings))
    )

    def send(content):
        name = hashlib.sha256(content).hexdigest()
        with committed.unit_of_work() as session:
            kept = actions.keep(store, io.BytesIO(content), sha256=name)
            actions.receive(session, store, kept, report_id=filed(session), role="before", now=NOW)
            message = session.scalars(select(OutboxMessage)).one()
        return Sent(committed, store, name, message.id, message.payload)

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
