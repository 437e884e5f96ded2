"""Where photos lie: a folder, or a bucket of any S3. What lies there is named by the SHA-256 of its original.

    originals/ab/cd/abcd…        evidence: written once, never overwritten
    copies/<copy>/ab/cd/abcd…    what people see; can be made again from the original
    uploads/<upload>-…           pieces of what is on its way
    incoming/                    half files, in a folder only; a bucket's lie on the machine, and have no names

Something appears under its name in one step, when its bytes are verified and durable. So whatever happens on the way,
a reader finds the whole of it or nothing.
"""

import io
import mmap
import os
import re
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from pathlib import Path
from time import monotonic
from typing import IO, Any, BinaryIO, Protocol
from uuid import UUID, uuid4

import obstore
from obstore.exceptions import AlreadyExistsError, BaseError
from obstore.store import LocalStore, ObjectStore, S3Store

from app.config import BUCKET
from app.photos.errors import HashMismatch, PhotoNotFound, PhotoTooLarge, StoreFull, StoreUnavailable
from app.photos.formats import MOST_BYTES
from app.photos.spool import Spool, folder_on_a_disk

_FAST_BYTES, _SLOW_BYTES, _FAST_S = 1 << 16, 1 << 13, 0.05
_SHA256 = re.compile(r"[0-9a-f]{64}")
_FOLDER = re.compile(r"[0-9a-f]{2}")


class Copy(StrEnum):
    """The copies that people see: of a report's readers two, in full size for its unit, blurred for the public."""

    DISPLAY = "display"
    THUMB = "thumb"
    FULL = "full"
    PUBLIC = "public"


@dataclass(frozen=True)
class Stored:
    """Something in the store: its name, its size in bytes, since when it is there."""

    name: str
    size: int
    modified: datetime


def chunks(stream: IO[bytes]) -> Iterator[bytes]:
    """The bytes of `stream` as they come: 64 kB at a time from a fast sender, 8 kB from a slow one.

    A read holds some five times its size while it waits; of two hundred slow phones that would be much.
    """
    size, began = _SLOW_BYTES, monotonic()
    while piece := stream.read(size):
        yield piece
        began, before = monotonic(), began
        size = _FAST_BYTES if began - before < _FAST_S else _SLOW_BYTES


def is_sha256(name: str) -> bool:
    """Whether `name` can be the name of a photo."""
    return _SHA256.fullmatch(name) is not None


class _Place(Protocol):
    """What differs between a folder and a bucket: where half files lie, and how a whole one appears."""

    store: ObjectStore

    def spool(self) -> Spool: ...  # on this machine

    def half_files(self) -> Iterable[Path]: ...  # what crashes left of spools

    def appear(self, spool: Spool, key: str) -> None: ...  # durable on return; AlreadyExistsError when there is one

    def settle(self, key: str) -> None: ...  # what appeared by another's hand is durable on return


class _Folder:
    """A folder on a disk. A name is durable only when the folder that holds it is synced."""

    def __init__(self, folder: Path) -> None:
        self._root = folder
        self._incoming = folder / "incoming"
        self.store: ObjectStore = LocalStore(folder, mkdir=True)

    def spool(self) -> Spool:
        _make_folder(self._incoming)
        return Spool(self._incoming)

    def half_files(self) -> Iterable[Path]:
        return self._incoming.glob("*")

    def appear(self, spool: Spool, key: str) -> None:
        spool.settle()
        folder = (self._root / key).parent
        _make_folder(folder)
        # On a disk this is a second name for the same bytes.
        obstore.copy(self.store, f"incoming/{spool.path.name}", key, overwrite=False)
        _sync(folder)

    def settle(self, key: str) -> None:
        _sync((self._root / key).parent)


class _Bucket:
    """A bucket of an S3, which answers when what it was given is durable. Where and whose it is, AWS_… variables say."""

    def __init__(self, bucket: str, prefix: str | None) -> None:
        self.store: ObjectStore = S3Store(
            bucket,
            prefix=(prefix or "").strip("/") or None,
            client_options={
                "connect_timeout": timedelta(seconds=3),
                "timeout": timedelta(seconds=30),
                "allow_http": os.environ.get("AWS_ALLOW_HTTP", "") == "true",
            },
            retry_config={"max_retries": 4, "retry_timeout": timedelta(seconds=20)},
        )

    def spool(self) -> Spool:
        return Spool(folder_on_a_disk(), nameless=True)

    def half_files(self) -> Iterable[Path]:
        return ()

    def appear(self, spool: Spool, key: str) -> None:
        if not spool.size:
            obstore.put(self.store, key, b"", mode="create")
            return
        with mmap.mmap(spool.file.fileno(), 0, access=mmap.ACCESS_READ) as content, memoryview(content) as view:
            obstore.put(self.store, key, view, mode="create")

    def settle(self, key: str) -> None:
        """What S3 shows is durable."""


class _Lying(io.RawIOBase):
    """A file in the store as Python's files are."""

    def __init__(self, opened: "obstore.ReadableFile") -> None:
        self._opened = opened

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def seek(self, offset: int, whence: int = 0) -> int:
        with _told():
            return self._opened.seek(offset, whence)

    def readinto(self, buffer: Any) -> int:
        with _told():
            piece = self._opened.read(len(buffer))
        buffer[: len(piece)] = memoryview(piece)
        return len(piece)


class PhotoStore:
    """The photos at `address`, a folder or `s3://bucket/prefix`. Safe for many processes and machines at once.

    Who forks must not have used it before: what works underneath has threads of its own, which a fork does not inherit.
    """

    def __init__(self, address: str | Path) -> None:
        bucket = BUCKET.fullmatch(str(address))
        self._place: _Place = _Bucket(bucket["bucket"], bucket["prefix"]) if bucket else _Folder(Path(address))
        self._store = self._place.store

    def require_works(self) -> None:
        """Find out whether the store answers. Raises StoreUnavailable."""
        with _told():
            next(iter(obstore.list(self._store, "uploads/none")), None)

    def spool(self) -> Spool:
        """A place for bytes that come in, as a context manager. Raises StoreFull and StoreUnavailable."""
        with _told():
            return self._place.spool()

    def put(self, pieces: Iterable[bytes], *, sha256: str) -> int:
        """Keep an original whose SHA-256 is `sha256` (hexadecimal); its size in bytes. On return it is durable.

        Bytes that are here already are still read and compared, because a sender has to show that it holds them, and
        not written.

        Raises PhotoTooLarge, HashMismatch, StoreFull and StoreUnavailable; then nothing is left behind.
        """
        _require_name(sha256)
        with self.spool() as spool:
            for piece in pieces:
                spool.write(piece)
                if spool.size > MOST_BYTES:
                    raise PhotoTooLarge(limit_bytes=MOST_BYTES)
            self.keep(spool, sha256=sha256)
            return spool.size

    def keep(self, spool: Spool, *, sha256: str) -> None:
        """Keep what was spooled as the original `sha256`. On return it is durable.

        Raises HashMismatch when it is another, StoreFull and StoreUnavailable.
        """
        if spool.sha256 != sha256:
            raise HashMismatch
        key = _key("originals", sha256)
        with _told():
            try:
                self._place.appear(spool, key)
            except AlreadyExistsError:
                # Whoever was faster may not have come so far yet that it is durable.
                self._place.settle(key)

    def exists(self, sha256: str) -> bool:
        """Whether the original is here. Raises StoreUnavailable."""
        with _told():
            try:
                obstore.head(self._store, _key("originals", sha256))
            except FileNotFoundError:
                return False
        return True

    def open(self, sha256: str) -> BinaryIO:
        """The original, in memory, to read. Raises PhotoNotFound and StoreUnavailable."""
        return self._read(_key("originals", sha256))

    def read(self, sha256: str) -> Iterator[bytes]:
        """The original, piece by piece. The first one raises PhotoNotFound and StoreUnavailable."""
        return self._streamed(_key("originals", sha256))

    def delete(self, sha256: str) -> None:
        """Take the original away, once nothing may name it any more; it is no error when there is none."""
        self._delete(_key("originals", sha256))

    def originals(self) -> Iterator[Stored]:
        """Everything that lies where originals do, by name. Raises StoreUnavailable."""
        return self._listed("originals")

    def put_copy(self, name: str, copy: Copy, content: bytes) -> None:
        """Keep a copy under `name`, in place of the one before. Raises StoreFull and StoreUnavailable.

        A copy can be made again from its original: it is whole when it is there, and need not outlive a power cut.
        """
        with _told():
            obstore.put(self._store, _key(f"copies/{copy}", name), content, use_multipart=False)

    def open_copy(self, name: str, copy: Copy) -> BinaryIO:
        """A copy, to read. Raises PhotoNotFound and StoreUnavailable."""
        return self._read(_key(f"copies/{copy}", name))

    def read_copy(self, name: str, copy: Copy) -> BinaryIO:
        """A copy, to read from where it lies: a video is too large to be held for everybody who looks at it.

        Raises PhotoNotFound and StoreUnavailable.
        """
        with _told():
            try:
                opened = obstore.open_reader(self._store, _key(f"copies/{copy}", name), buffer_size=1 << 18)
            except FileNotFoundError as missing:
                raise PhotoNotFound from missing
        return io.BufferedReader(_Lying(opened))

    def delete_copy(self, name: str, copy: Copy) -> None:
        """Take one copy away; it is no error when there is none."""
        self._delete(_key(f"copies/{copy}", name))

    def delete_copies(self, name: str) -> None:
        """Take away every copy under `name`; it is no error when there are none."""
        for copy in Copy:
            self.delete_copy(name, copy)

    def copies(self) -> Iterator[tuple[Copy, Stored]]:
        """Every copy, by kind and name. Raises StoreUnavailable."""
        for copy in Copy:
            for stored in self._listed(f"copies/{copy}"):
                yield copy, stored

    def put_piece(self, upload_id: UUID, spool: Spool) -> str:
        """Keep what was spooled as a piece of an upload, and return its name. On return it is durable.

        Raises StoreFull and StoreUnavailable.
        """
        name = f"uploads/{upload_id}-{uuid4().hex}"  # no folder of its own, which would stay behind
        with _told():
            self._place.appear(spool, name)
        return name

    def read_piece(self, name: str) -> Iterator[bytes]:
        """The bytes of a piece. Raises PhotoNotFound and StoreUnavailable."""
        return self._streamed(name)

    def delete_pieces(self, names: Iterable[str]) -> None:
        """Take pieces of uploads away; it is no error when they are gone. Raises StoreUnavailable."""
        for name in names:
            self._delete(name)

    def discard_abandoned(self, *, before: datetime, limit: int = 1000) -> int:
        """Delete half files, and pieces of uploads, that were written before an instant; how many, some `limit` at most.

        A crash leaves them behind. Raises StoreUnavailable.
        """
        discarded = 0
        for half in self._place.half_files():
            with suppress(FileNotFoundError):  # an upload that ended meanwhile took its own away
                if half.stat().st_mtime < before.timestamp():
                    half.unlink()
                    discarded += 1
        with _told():
            for batch in obstore.list(self._store, "uploads"):
                if discarded >= limit:
                    break
                for found in batch:
                    if found["last_modified"] < before:
                        self._delete(found["path"])
                        discarded += 1
        return discarded

    def _read(self, key: str) -> BinaryIO:
        with _told():
            try:
                return io.BytesIO(obstore.get(self._store, key).bytes())
            except FileNotFoundError as missing:
                raise PhotoNotFound from missing

    def _streamed(self, key: str) -> Iterator[bytes]:
        with _told():
            try:
                for part in obstore.get(self._store, key).stream(min_chunk_size=1 << 18):
                    yield bytes(part)
            except FileNotFoundError as missing:
                raise PhotoNotFound from missing

    def _delete(self, key: str) -> None:
        with _told(), suppress(FileNotFoundError):
            obstore.delete(self._store, key)

    def _listed(self, tree: str) -> Iterator[Stored]:
        """What lies under `tree`, in the order of names: folder by folder, as a disk has no order of its own."""
        with _told():
            found = obstore.list_with_delimiter(self._store, tree)
        here = [(one["path"], one) for one in found["objects"]] + [
            (folder, None) for folder in found["common_prefixes"]
        ]
        for path, one in sorted(here, key=lambda entry: entry[0]):
            name = path.rpartition("/")[2]
            if one is None:
                yield from self._listed(path)
            elif one["size"] or not _FOLDER.fullmatch(name):  # some S3 show a folder of theirs that fell empty
                yield Stored(name, one["size"], one["last_modified"])


def _require_name(name: str) -> None:
    if not is_sha256(name):
        raise PhotoNotFound


def _key(tree: str, name: str) -> str:
    """Where something lies in a tree. Raises PhotoNotFound for a name that is no hash, so that no path is made of it."""
    _require_name(name)
    return f"{tree}/{name[:2]}/{name[2:4]}/{name}"


@contextmanager
def _told() -> Iterator[None]:
    """Raise our errors in place of those of the store; what is not there or there already is for the caller to say."""
    try:
        yield
    except (FileNotFoundError, AlreadyExistsError):
        raise
    except (BaseError, OSError) as error:
        # The library tells of a full disk in words alone.
        if "os error 28" in str(error) or "os error 122" in str(error):
            raise StoreFull from error
        raise StoreUnavailable from error


def _make_folder(folder: Path) -> None:
    """Make a folder and those above it, durably."""
    if not folder.is_dir():
        _make_folder(folder.parent)
        folder.mkdir(mode=0o750, exist_ok=True)
        _sync(folder.parent)


def _sync(path: Path) -> None:
    """Bring the names in a folder to the disk."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
