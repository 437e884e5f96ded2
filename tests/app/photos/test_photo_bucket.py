"""What the store promises, kept by a real S3."""

import hashlib
import io
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from uuid import uuid4

import pytest

from app.core import clock
from app.photos.errors import HashMismatch, PhotoNotFound, StoreUnavailable
from app.photos.storage import Copy, PhotoStore, chunks
from s3 import S3, s3

PHOTO = b"the bytes of a photo " * 10_000
NAME = hashlib.sha256(PHOTO).hexdigest()
EMPTY = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"

pytestmark = pytest.mark.xdist_group("journeys")


@pytest.fixture(scope="module")
def server(tmp_path_factory) -> Iterator[S3]:
    with s3(tmp_path_factory.mktemp("s3")) as made:
        yield made


@pytest.fixture
def store(server, monkeypatch):
    """A store in a corner of the bucket that no other test has."""
    for name, value in server.environment.items():
        monkeypatch.setenv(name, value)
    return PhotoStore(f"s3://photos/{uuid4().hex}")


def put(store, content=PHOTO, sha256=NAME):
    return store.put(chunks(io.BytesIO(content)), sha256=sha256)


def names(store):
    return [stored.name for stored in store.originals()]


def test_an_original_is_there_byte_for_byte_and_never_overwritten(store):
    assert put(store) == len(PHOTO)
    before = list(store.originals())
    assert put(store) == len(PHOTO)

    assert store.open(NAME).read() == PHOTO
    assert list(store.originals()) == before
    assert [(stored.name, stored.size) for stored in before] == [(NAME, len(PHOTO))]
    assert put(store, b"", EMPTY) == 0
    assert names(store) == sorted([NAME, EMPTY])


def test_other_bytes_than_announced_leave_nothing(store):
    with pytest.raises(HashMismatch):
        put(store, PHOTO[:-1])

    assert not store.exists(NAME)
    assert names(store) == []
    with pytest.raises(PhotoNotFound):
        store.open(NAME)


def test_many_at_once_are_one_photo(store):
    with ThreadPoolExecutor(8) as pool:
        assert list(pool.map(lambda _: put(store), range(16))) == [len(PHOTO)] * 16

    assert names(store) == [NAME]


def test_copies_are_replaced_and_deleted_and_originals_deleted_once(store):
    put(store)
    for content in (b"first", b"second"):
        store.put_copy(NAME, Copy.PUBLIC, content)

    assert store.open_copy(NAME, Copy.PUBLIC).read() == b"second"
    assert [(copy, stored.name) for copy, stored in store.copies()] == [(Copy.PUBLIC, NAME)]
    for _ in range(2):
        store.delete_copies(NAME)
        store.delete(NAME)
    assert list(store.copies()) == []
    assert names(store) == []


def test_a_copy_is_read_from_where_it_lies(store):
    store.put_copy(NAME, Copy.FULL, PHOTO)

    with store.read_copy(NAME, Copy.FULL) as copy:
        assert copy.seek(1000) == 1000
        assert copy.read() == PHOTO[1000:]


def test_pieces_lie_in_their_order_until_they_are_deleted_or_forgotten(store):
    upload, names = uuid4(), []
    for content in (b"abc", b"de"):
        with store.spool() as spool:
            spool.write(content)
            names.append(store.put_piece(upload, spool))

    assert b"".join(part for name in names for part in store.read_piece(name)) == b"abcde"
    store.delete_pieces(names[:1])
    store.delete_pieces(names[:1])
    assert store.discard_abandoned(before=clock.now() - timedelta(hours=1)) == 0
    assert store.discard_abandoned(before=clock.now() + timedelta(hours=1)) == 1
    with pytest.raises(PhotoNotFound):
        list(store.read_piece(names[1]))


def test_a_store_that_does_not_answer_is_told(server, store, monkeypatch):
    store.require_works()

    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "another")
    with pytest.raises(StoreUnavailable):
        PhotoStore("s3://photos/x").require_works()
    with pytest.raises(StoreUnavailable):
        put(PhotoStore("s3://photos/x"))
