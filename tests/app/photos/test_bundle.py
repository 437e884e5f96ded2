"""Originals packed byte for byte, in little memory; what is not what was received is never packed."""

import errno
import hashlib
import io
import tracemalloc
from datetime import UTC, datetime
from zipfile import ZIP_STORED, ZipFile

import pytest

from app.photos.bundle import Bundle
from app.photos.errors import NoRoomForBundle, OriginalDamaged

NOW = datetime(2026, 11, 23, 8, 20, tzinfo=UTC)


@pytest.fixture
def bundle():
    bundle = Bundle(NOW)
    yield bundle
    bundle.close()


def kept(store, content):
    name = hashlib.sha256(content).hexdigest()
    store.put([content], sha256=name)
    return name


def rot(store, tmp_path, name):
    """One bit of an original turns over."""
    path = next((tmp_path / "photos" / "originals").rglob(name))
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.chmod(0o600)
    path.write_bytes(content)


def test_an_original_is_in_it_byte_for_byte(store, bundle):
    content = b"\xff\xd8\xff" + bytes(range(256)) * 3000
    bundle.add_original(store, kept(store, content), "01-before.jpg")
    bundle.add("README.txt", "Hồ sơ".encode())
    size = bundle.finish()

    whole = b"".join(bundle.read())
    assert len(whole) == size
    with ZipFile(io.BytesIO(whole)) as opened:
        assert opened.testzip() is None
        assert opened.namelist() == ["01-before.jpg", "README.txt"]
        assert opened.read("01-before.jpg") == content
        assert {one.compress_type for one in opened.infolist()} == {ZIP_STORED}
        assert opened.infolist()[0].date_time == (2026, 11, 23, 15, 20, 0)  # in Viet Nam


def test_a_rotten_original_stops_it(store, bundle, tmp_path):
    name = kept(store, b"\xff\xd8\xff" + b"evidence" * 100_000)
    rot(store, tmp_path, name)

    with pytest.raises(OriginalDamaged, match=name):
        bundle.add_original(store, name, "01-before.jpg")


def test_a_missing_original_stops_it(store, bundle):
    with pytest.raises(OriginalDamaged):
        bundle.add_original(store, "ab" * 32, "01-before.jpg")


def test_a_full_disk_is_said(store, bundle, monkeypatch):
    name = kept(store, b"\xff\xd8\xff" + b"x" * 1000)

    def full(_data):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(bundle._file, "write", full)
    with pytest.raises(NoRoomForBundle):
        bundle.add_original(store, name, "01-before.jpg")


def test_it_has_no_name_that_a_crash_could_leave_behind(monkeypatch, tmp_path):
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    bundle = Bundle(NOW)
    bundle.add("a", b"a" * 1000)
    assert list(tmp_path.iterdir()) == []
    bundle.close()


def test_four_hundred_megabytes_take_little_memory(store, bundle):
    """Twenty photos of 20 MB each."""
    names = [kept(store, bytes([place]) * 20_000_000) for place in range(20)]
    tracemalloc.start()
    for place, name in enumerate(names):
        bundle.add_original(store, name, f"{place}.jpg")
    size = bundle.finish()
    read = sum(len(piece) for piece in bundle.read())
    _, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()

    assert read == size > 400_000_000
    assert most < 4_000_000
