import errno
import hashlib
import io
import itertools
import os
import stat
import subprocess
import sys
import tracemalloc
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import UUID

import pytest

from app.core import clock
from app.photos.errors import HashMismatch, PhotoNotFound, PhotoTooLarge, StoreFull
from app.photos.spool import Spool
from app.photos.storage import Copy, chunks

ROOT = Path(__file__).parents[3]

PHOTO = b"the bytes of a photo " * 50_000
NAME = hashlib.sha256(PHOTO).hexdigest()
# FIPS 180-4's hash of no bytes at all.
EMPTY = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"


def files(tmp_path):
    return sorted(str(path.relative_to(tmp_path / "photos")) for path in tmp_path.rglob("*") if path.is_file())


def put(store, content=PHOTO, sha256=NAME):
    return store.put(chunks(io.BytesIO(content)), sha256=sha256)


def test_a_photo_lies_under_its_hash_byte_for_byte(store, tmp_path):
    assert put(store) == len(PHOTO)

    assert files(tmp_path) == [f"originals/{NAME[:2]}/{NAME[2:4]}/{NAME}"]
    with store.open(NAME) as original:
        assert original.read() == PHOTO


def test_the_name_is_the_sha256_of_the_standard(store):
    assert put(store, b"", EMPTY) == 0
    assert store.exists(EMPTY)


def test_the_same_photo_again_is_read_and_not_written(store, tmp_path):
    put(store)
    path = next((tmp_path / "photos" / "originals").rglob(NAME))
    before = path.stat()

    assert put(store) == len(PHOTO)
    assert path.stat().st_ino == before.st_ino
    assert path.stat().st_mtime_ns == before.st_mtime_ns
    assert stat.S_IMODE(before.st_mode) & 0o222 == 0  # read-only


def test_knowing_a_name_is_not_holding_the_photo(store):
    put(store)

    with pytest.raises(HashMismatch):
        put(store, b"something else")
    with store.open(NAME) as original:
        assert original.read() == PHOTO


def test_other_bytes_than_announced_leave_nothing(store, tmp_path):
    with pytest.raises(HashMismatch):
        put(store, PHOTO[:-1])

    assert files(tmp_path) == []
    assert not store.exists(NAME)


def test_too_many_bytes_leave_nothing(store, tmp_path):
    with pytest.raises(PhotoTooLarge):
        store.put(itertools.repeat(bytes(1_000_000), 41), sha256=NAME)

    assert files(tmp_path) == []


def test_a_connection_that_breaks_leaves_nothing(store, tmp_path):
    def broken():
        yield PHOTO[:1000]
        raise ConnectionResetError

    with pytest.raises(ConnectionResetError):
        store.put(broken(), sha256=NAME)

    assert files(tmp_path) == []


def test_a_full_disk_is_told_and_leaves_nothing(store, tmp_path, monkeypatch):
    put(store, b"", EMPTY)

    def full(_descriptor):
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as disk:
        disk.setattr(os, "fsync", full)
        with pytest.raises(StoreFull):
            put(store)

    assert files(tmp_path) == [f"originals/{EMPTY[:2]}/{EMPTY[2:4]}/{EMPTY}"]


def test_nobody_sees_a_photo_before_its_last_byte_is_synced(store, monkeypatch):
    seen = []
    sync = os.fsync

    def watched(descriptor):
        seen.append(store.exists(NAME))
        sync(descriptor)

    monkeypatch.setattr(os, "fsync", watched)
    pieces = chunks(io.BytesIO(PHOTO))
    store.put((seen.append(store.exists(NAME)) or piece for piece in pieces), sha256=NAME)

    # Everything but the very last sync, that of the folder which then holds the name.
    assert seen[-1] is True
    assert not any(seen[:-1])


def test_many_at_once_are_one_photo(store, tmp_path):
    with ThreadPoolExecutor(8) as pool:
        sizes = list(pool.map(lambda _: put(store), range(24)))

    assert sizes == [len(PHOTO)] * 24
    assert files(tmp_path) == [f"originals/{NAME[:2]}/{NAME[2:4]}/{NAME}"]


@pytest.mark.parametrize(
    "name", ["", "abc", "../../etc/passwd", NAME.upper(), NAME + "\n", NAME[:-1] + "g", "/" + NAME]
)
def test_a_name_that_is_no_hash_makes_no_path(store, name):
    with pytest.raises(PhotoNotFound):
        store.open(name)
    with pytest.raises(PhotoNotFound):
        put(store, sha256=name)


def test_copies_lie_apart_and_can_be_replaced_and_deleted(store, tmp_path):
    put(store)
    store.put_copy(NAME, Copy.THUMB, b"first")
    store.put_copy(NAME, Copy.THUMB, b"second")

    with store.open_copy(NAME, Copy.THUMB) as thumb:
        assert thumb.read() == b"second"
    with pytest.raises(PhotoNotFound):
        store.open_copy(NAME, Copy.DISPLAY)

    store.delete_copies(NAME)
    store.delete_copies(NAME)

    assert files(tmp_path) == [f"originals/{NAME[:2]}/{NAME[2:4]}/{NAME}"]


def test_half_files_of_a_crash_are_swept_when_old(store, tmp_path):
    put(store)
    half = tmp_path / "photos" / "incoming" / "left"
    half.write_bytes(b"half a photo")
    written = datetime.fromtimestamp(half.stat().st_mtime, UTC)

    assert store.discard_abandoned(before=written - timedelta(hours=1)) == 0
    assert store.discard_abandoned(before=written + timedelta(hours=1)) == 1
    assert files(tmp_path) == [f"originals/{NAME[:2]}/{NAME[2:4]}/{NAME}"]


def test_an_upload_that_ends_while_half_files_are_looked_through_is_no_error(store, tmp_path, monkeypatch):
    put(store)
    halves = [tmp_path / "photos" / "incoming" / name for name in ("ends", "left")]
    for half in halves:
        half.write_bytes(b"half a photo")
    later = datetime.fromtimestamp(halves[0].stat().st_mtime, UTC) + timedelta(hours=1)
    listed = type(tmp_path).glob

    def glob(folder, pattern):
        found = list(listed(folder, pattern))
        halves[0].unlink()
        return found

    monkeypatch.setattr(type(tmp_path), "glob", glob)
    assert store.discard_abandoned(before=later) == 1
    assert not any(half.exists() for half in halves)


HALF_AN_UPLOAD = """
import sys, time
from pathlib import Path
from uuid import UUID
from app.photos.storage import PhotoStore

def pieces():
    yield b"the bytes of a photo " * 25_000
    print("half", flush=True)
    time.sleep(60)

PhotoStore(Path(sys.argv[1])).put(pieces(), sha256=sys.argv[2])
"""


def test_a_killed_upload_leaves_nothing_that_is_seen_and_nothing_in_the_way(store, tmp_path):
    upload = subprocess.Popen(
        [sys.executable, "-c", HALF_AN_UPLOAD, str(tmp_path / "photos"), NAME], stdout=subprocess.PIPE, cwd=ROOT
    )
    with upload:
        assert upload.stdout.readline() == b"half\n"
        upload.kill()

    assert not store.exists(NAME)
    put(store)
    with store.open(NAME) as original:
        assert original.read() == PHOTO


def test_everything_that_lies_there_is_listed_by_name(store, tmp_path):
    others = [bytes([n]) for n in range(40)]
    for content in others:
        put(store, content, hashlib.sha256(content).hexdigest())
    (tmp_path / "photos" / "originals" / "odd name").write_bytes(b"a stray")
    store.put_copy(NAME, Copy.THUMB, b"thumb")

    listed = list(store.originals())

    assert [stored.name for stored in listed] == [
        *sorted(hashlib.sha256(one).hexdigest() for one in others),
        "odd name",
    ]
    assert {stored.size for stored in listed} == {1, 7}
    assert [(copy, stored.name, stored.size) for copy, stored in store.copies()] == [(Copy.THUMB, NAME, 5)]


def test_an_original_is_deleted_once(store, tmp_path):
    put(store)

    store.delete(NAME)
    store.delete(NAME)

    assert files(tmp_path) == []


def test_pieces_that_nobody_went_on_with_are_swept_when_old(store, tmp_path):
    with store.spool() as spool:
        spool.write(b"abc")
        name = store.put_piece(UUID(int=7), spool)
    [piece] = (tmp_path / "photos" / "uploads").iterdir()
    written = datetime.fromtimestamp(piece.stat().st_mtime, UTC)

    assert b"".join(store.read_piece(name)) == b"abc"
    assert store.discard_abandoned(before=written - timedelta(seconds=1)) == 0
    assert store.discard_abandoned(before=written + timedelta(seconds=1)) == 1
    assert files(tmp_path) == []


def test_a_spool_holds_no_bytes_in_memory(store):
    tracemalloc.start()
    with store.spool() as spool:
        for _ in range(200):
            spool.write(bytes(100_000))
        assert spool.size == 20_000_000
        peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()

    assert peak < 1_000_000


def test_a_copy_is_read_from_where_it_lies(store):
    store.put_copy(NAME, Copy.FULL, PHOTO)

    with store.read_copy(NAME, Copy.FULL) as copy:
        assert copy.seek(0, os.SEEK_END) == len(PHOTO)
        assert copy.seek(1000) == 1000
        assert copy.read(21) == PHOTO[1000:1021]
        assert copy.read() == PHOTO[1021:]
    with pytest.raises(PhotoNotFound):
        store.read_copy(NAME, Copy.DISPLAY)


def test_a_sweep_is_bounded(store):
    for _ in range(120):
        with store.spool() as spool:
            spool.write(b"abc")
            store.put_piece(UUID(int=7), spool)
    later = clock.now() + timedelta(hours=1)

    counts = []
    while count := store.discard_abandoned(before=later, limit=50):
        counts.append(count)

    assert sum(counts) == 120
    assert len(counts) > 1


def test_a_spool_without_a_name_is_nowhere_to_be_found(tmp_path):
    with Spool(tmp_path, nameless=True) as spool:
        spool.write(PHOTO)
        assert list(tmp_path.iterdir()) == []
        assert spool.file.read() == PHOTO
