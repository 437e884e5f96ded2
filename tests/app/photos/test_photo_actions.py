import hashlib
import io
import threading
from datetime import UTC, datetime, timedelta

import pytest
from PIL import Image
from sqlalchemy import func, select, text

from app.core.outbox import OutboxMessage
from app.photos import actions
from app.photos.errors import (
    HashMismatch,
    NotAPhoto,
    NotASha256,
    OriginalGone,
    PhotoRoleTaken,
    PhotosTooLarge,
    PhotoTooLarge,
    TooManyPhotos,
    VideoTooLong,
)
from app.photos.formats import VideoType
from app.photos.models import Photo
from movies import Movie

NOW = datetime(2026, 11, 23, 8, 20, tzinfo=UTC)


def photo(shade: int = 0) -> bytes:
    out = io.BytesIO()
    Image.new("RGB", (64, 48), (shade, 90, 90)).save(out, "PNG")
    return out.getvalue()


def sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


@pytest.fixture
def receive(store):
    """Keep a photo and receive it."""

    def keep_and_receive(session, report_id, content, role="before", now=NOW):
        kept = actions.keep(store, io.BytesIO(content), sha256=sha256(content))
        return actions.receive(session, store, kept, report_id=report_id, role=role, now=now)

    return keep_and_receive


def promised(session, topic="photo.received"):
    return session.scalars(select(OutboxMessage).where(OutboxMessage.topic == topic)).all()


def unit_of(session, report_id):
    return session.execute(text("select unit_id from reports where id = :id"), {"id": report_id}).scalar_one()


def test_a_photo_is_kept_before_it_is_received(store, session, report_id):
    content = photo()

    assert actions.expect(session, report_id, sha256(content), "before")
    kept = actions.keep(store, io.BytesIO(content), sha256=sha256(content))
    new = actions.receive(session, store, kept, report_id=report_id, role="before", now=NOW)

    assert new
    row = session.get(Photo, (report_id, sha256(content)))
    assert (row.role, row.state, row.media_type, row.bytes) == ("before", "received", "image/png", len(content))
    assert (row.added_at, row.received_at, row.ready_at) == (NOW, NOW, None)
    [message] = promised(session)
    assert message.payload == {
        "report_id": str(report_id),
        "sha256": sha256(content),
        "units": [unit_of(session, report_id)],
    }


def test_the_same_photo_again_changes_nothing(session, report_id, receive):
    assert receive(session, report_id, photo())

    assert not receive(session, report_id, photo(), now=NOW + timedelta(minutes=5))
    assert session.get(Photo, (report_id, sha256(photo()))).received_at == NOW
    assert len(promised(session)) == 1


def test_a_photo_that_the_report_named_is_received_when_it_comes(session, report_id, receive):
    name = sha256(photo())
    session.add(Photo(report_id=report_id, sha256=name, role="before", state="awaited", added_at=NOW))
    session.flush()

    assert actions.expect(session, report_id, name, "before")
    assert receive(session, report_id, photo(), now=NOW + timedelta(minutes=3))

    row = session.get(Photo, (report_id, name))
    assert (row.state, row.added_at, row.received_at) == ("received", NOW, NOW + timedelta(minutes=3))


def test_one_photo_is_not_both_before_and_after(session, report_id, receive):
    receive(session, report_id, photo(), "before")

    with pytest.raises(PhotoRoleTaken):
        actions.expect(session, report_id, sha256(photo()), "after")
    with pytest.raises(PhotoRoleTaken):
        receive(session, report_id, photo(), "after")


def test_a_photo_of_one_report_may_be_of_another(session, filed, receive):
    one, other = filed(session), filed(session)

    assert receive(session, one, photo(), "before")
    assert receive(session, other, photo(), "after")


def test_the_eleventh_photo_of_a_role_is_refused_and_the_tenth_may_come_again(session, report_id, receive):
    for shade in range(10):
        receive(session, report_id, photo(shade), "before")

    with pytest.raises(TooManyPhotos):
        actions.expect(session, report_id, sha256(photo(99)), "before")
    with pytest.raises(TooManyPhotos):
        receive(session, report_id, photo(99), "before")
    assert not actions.expect(session, report_id, sha256(photo(9)), "before")  # a retry
    assert not receive(session, report_id, photo(9), "before")
    assert receive(session, report_id, photo(99), "after")  # the officer's own


def test_twenty_uploads_at_once_are_ten_photos(committed, filed, receive):
    with committed.unit_of_work() as session:
        report_id = filed(session)
    outcomes = []

    def upload(shade):
        try:
            with committed.unit_of_work() as session:
                outcomes.append(receive(session, report_id, photo(shade)))
        except TooManyPhotos:
            outcomes.append(None)

    threads = [threading.Thread(target=upload, args=(shade % 15,)) for shade in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    with committed.unit_of_work() as session:
        assert session.scalar(select(func.count()).select_from(Photo)) == 10
        assert len(promised(session)) == 10
    assert outcomes.count(True) == 10
    assert len(outcomes) == 20


@pytest.mark.parametrize("name", ["", "abc", "A" * 64, "../" + "a" * 61])
def test_a_photo_is_named_by_a_hash(session, report_id, name):
    with pytest.raises(NotASha256):
        actions.expect(session, report_id, name, "before")


def test_what_cannot_be_kept_leaves_nothing(store, tmp_path):
    text, content = b"Toi gui anh nay cho phuong", photo()

    with pytest.raises(NotAPhoto):
        actions.keep(store, io.BytesIO(text), sha256=sha256(text))
    with pytest.raises(NotAPhoto):
        actions.keep(store, io.BytesIO(b""), sha256=sha256(b""))
    with pytest.raises(HashMismatch):
        actions.keep(store, io.BytesIO(content), sha256=sha256(text))
    with pytest.raises(PhotoTooLarge):
        actions.keep(store, io.BytesIO(content.ljust(20_000_001, b"\0")), sha256=sha256(content))

    assert [path for path in tmp_path.rglob("*") if path.is_file()] == []


def test_copies_are_written_once(session, report_id, receive):
    name = sha256(photo())
    receive(session, report_id, photo())

    actions.copies_made(session, report_id, name, width=64, height=48, now=NOW)
    actions.copies_made(session, report_id, name, width=1, height=1, now=NOW + timedelta(hours=1))

    row = session.get(Photo, (report_id, name), populate_existing=True)
    assert (row.state, row.width, row.height, row.ready_at) == ("ready", 64, 48, NOW)
    [message] = promised(session, "photo.ready")
    assert message.payload == {"report_id": str(report_id), "sha256": name, "units": [unit_of(session, report_id)]}


def test_a_photo_that_cannot_be_opened_is_refused_with_its_reason(session, report_id, receive):
    name = sha256(photo())
    receive(session, report_id, photo(), "after")

    actions.refuse(session, report_id, name, refusal="photo_damaged", now=NOW)

    row = session.get(Photo, (report_id, name), populate_existing=True)
    assert (row.state, row.refusal) == ("refused", "photo_damaged")
    assert [message.payload["sha256"] for message in promised(session, "photo.refused")] == [name]


@pytest.mark.parametrize(
    ("length", "media_type"),
    [(None, "image/jpeg"), (0, "image/jpeg"), (20_000_000, "image/jpeg"), (20_000_000, ""), (40_000_000, "video/mp4")],
)
def test_a_stated_length_within_the_limit_is_let_in(length, media_type):
    actions.require_size(length, media_type)


@pytest.mark.parametrize(
    ("length", "media_type", "limit"),
    [(20_000_001, "image/jpeg", 20_000_000), (20_000_001, "", 20_000_000), (40_000_001, "video/mp4", 40_000_000)],
)
def test_a_stated_length_over_the_limit_is_refused(length, media_type, limit):
    with pytest.raises(PhotoTooLarge) as refused:
        actions.require_size(length, media_type)

    assert refused.value.facts == {"limit_bytes": limit}


def test_sixty_megabytes_of_one_role_are_the_most(session, report_id, receive):
    report = {"report_id": report_id, "role": "before", "state": "received", "added_at": NOW}
    session.add_all(Photo(sha256=sha256(bytes([n])), bytes=20_000_000, **report) for n in range(2))
    session.add(Photo(sha256=sha256(b"2"), bytes=19_000_000, **report))
    session.flush()

    assert actions.expect(session, report_id, sha256(photo(1)), "before", length=1_000_000)
    with pytest.raises(PhotosTooLarge):
        actions.expect(session, report_id, sha256(photo(1)), "before", length=1_000_001)
    assert actions.expect(session, report_id, sha256(photo(1)), "after", length=20_000_000)
    assert receive(session, report_id, photo(1))


def test_bytes_that_went_meanwhile_have_to_be_sent_again(session, store, report_id):
    kept = actions.keep(store, io.BytesIO(photo()), sha256=sha256(photo()))
    store.delete(sha256(photo()))

    with pytest.raises(OriginalGone):
        actions.receive(session, store, kept, report_id=report_id, role="before", now=NOW)


def test_a_video_that_is_refused_is_taken_away_again_unless_it_was_here_before(store):
    short, long = Movie(10).content, Movie(40).content

    with pytest.raises(VideoTooLong):
        actions.keep(store, io.BytesIO(long), sha256=sha256(long))
    assert not store.exists(sha256(long))

    # Another report's, from the days of another limit.
    store.put([long], sha256=sha256(long))
    with pytest.raises(VideoTooLong):
        actions.keep(store, io.BytesIO(long), sha256=sha256(long))
    assert store.exists(sha256(long))
    kept = actions.keep(store, io.BytesIO(short), sha256=sha256(short))
    assert (kept.media_type, kept.duration_ms, kept.size_bytes) == (VideoType.QUICKTIME, 10_000, len(short))


def test_a_video_is_kept_at_once_and_promised_no_copies_for_everybody(session, report_id, receive):
    content = Movie(10).content

    assert receive(session, report_id, content)
    assert not receive(session, report_id, content)

    row = session.get(Photo, (report_id, sha256(content)))
    assert (row.state, row.media_type, row.duration_ms, row.ready_at) == ("kept", "video/quicktime", 10_000, None)
    assert (len(promised(session)), len(promised(session, "video.received"))) == (0, 1)
