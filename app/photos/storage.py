"""Where photos lie: a folder in which a file's name is the SHA-256 of its bytes.

    originals/ab/cd/abcd…        evidence: written once, read-only, never overwritten
    copies/display/ab/cd/abcd…   what people see; can be made again from the original
    copies/thumb/ab/cd/abcd…
    incoming/                    half files, invisible to every reader

A file appears under its name in one step, when its bytes are verified and on the disk. So whatever happens on the way,
a reader finds the whole photo or none.
"""

import errno
import hashlib
import os
import re
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from datetime import datetime
from enum import StrEnum
from pathlib import Path
from typing import IO, BinaryIO
from uuid import uuid4

from app.photos.errors import HashMismatch, PhotoNotFound, PhotoTooLarge, StoreFull

MOST_BYTES = 20_000_000
_CHUNK_BYTES = 1 << 18
_SHA256 = re.compile(r"[0-9a-f]{64}")


class Copy(StrEnum):
    """The copies that people see."""

    DISPLAY = "display"
    THUMB = "thumb"
    FULL = "full"
    PUBLIC = "public"


def chunks(stream: IO[bytes]) -> Iterator[bytes]:
    """The bytes of `stream` in pieces of 256 kB (the last one shorter), however small its own reads are."""
    piece = b""
    while more := stream.read(_CHUNK_BYTES - len(piece)):
        piece += more
        if len(piece) == _CHUNK_BYTES:
            yield piece
            piece = b""
    if piece:
        yield piece


def is_sha256(name: str) -> bool:
    """Whether `name` can be the name of a photo."""
    return _SHA256.fullmatch(name) is not None


class PhotoStore:
    """The photos under `folder`, which is made when it is first written to. Safe for many processes at once."""

    def __init__(self, folder: Path, *, limit: int = MOST_BYTES) -> None:
        self._limit = limit
        self._originals = folder / "originals"
        self._copies = folder / "copies"
        self._incoming = folder / "incoming"

    def require_room(self, length: int | None) -> None:
        """Refuse a photo by the size in bytes that its sender states, if any, before a byte is read.

        Raises PhotoTooLarge.
        """
        if length is not None and length > self._limit:
            raise PhotoTooLarge(limit_bytes=self._limit)

    def put(self, pieces: Iterable[bytes], *, sha256: str) -> int:
        """Keep an original whose SHA-256 is `sha256` (hexadecimal); its size in bytes. On return it is durable.

        Bytes that are here already are still read and compared, because a sender has to show that it holds them, and
        not written.

        Raises PhotoTooLarge, HashMismatch and StoreFull; then, as after any other failure, nothing is left behind.
        """
        final = _path(self._originals, sha256)
        verified = _verified(pieces, sha256=sha256, limit=self._limit)
        if final.exists():
            size = sum(len(piece) for piece in verified)
        else:
            with self._written(verified, mode=0o440) as (half, size):
                _make_folder(final.parent)
                with suppress(FileExistsError):  # another upload of the same photo was faster
                    final.hardlink_to(half)
        # Also when it was here before: whoever linked it may not have come to this line yet.
        _sync(final.parent)
        return size

    def exists(self, sha256: str) -> bool:
        """Whether the original is here."""
        return _path(self._originals, sha256).exists()

    def open(self, sha256: str) -> BinaryIO:
        """The original, to read. Raises PhotoNotFound."""
        return _opened(_path(self._originals, sha256))

    def put_copy(self, sha256: str, copy: Copy, content: bytes) -> None:
        """Keep a copy made from the original, in place of the one before. On return it is durable."""
        final = _path(self._copies / copy, sha256)
        with self._written([content], mode=0o640) as (half, _):
            _make_folder(final.parent)
            half.replace(final)
        _sync(final.parent)

    def open_copy(self, sha256: str, copy: Copy) -> BinaryIO:
        """A copy, to read. Raises PhotoNotFound."""
        return _opened(_path(self._copies / copy, sha256))

    def delete_copies(self, sha256: str) -> None:
        """Take away both copies; it is no error when there are none."""
        for copy in Copy:
            _path(self._copies / copy, sha256).unlink(missing_ok=True)

    def discard_abandoned(self, *, before: datetime) -> int:
        """Delete half files of uploads that a crash broke off before that instant; how many there were."""
        discarded = 0
        for half in self._incoming.glob("*"):
            with suppress(FileNotFoundError):  # an upload that ended meanwhile took its own away
                if half.stat().st_mtime < before.timestamp():
                    half.unlink()
                    discarded += 1
        return discarded

    @contextmanager
    def _written(self, pieces: Iterable[bytes], *, mode: int) -> Iterator[tuple[Path, int]]:
        """A synced half file of `pieces` and its size; gone when the block ends, however it ends."""
        _make_folder(self._incoming)
        half = self._incoming / uuid4().hex
        try:
            size = 0
            with os.fdopen(os.open(half, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode), "wb") as file:
                for piece in pieces:
                    size += file.write(piece)
            _sync(half)
            yield half, size
        except OSError as error:
            if error.errno in {errno.ENOSPC, errno.EDQUOT}:
                raise StoreFull from error
            raise
        finally:
            half.unlink(missing_ok=True)


def _path(tree: Path, sha256: str) -> Path:
    """Where a photo lies in a tree. Raises PhotoNotFound for a name that is no hash, so that no path is made of it."""
    if not is_sha256(sha256):
        raise PhotoNotFound
    return tree / sha256[:2] / sha256[2:4] / sha256


def _opened(path: Path) -> BinaryIO:
    try:
        return path.open("rb")
    except FileNotFoundError as missing:
        raise PhotoNotFound from missing


def _verified(pieces: Iterable[bytes], *, sha256: str, limit: int) -> Iterator[bytes]:
    digest, size = hashlib.sha256(), 0
    for piece in pieces:
        size += len(piece)
        if size > limit:
            raise PhotoTooLarge(limit_bytes=limit)
        digest.update(piece)
        yield piece
    if digest.hexdigest() != sha256:
        raise HashMismatch


def _make_folder(folder: Path) -> None:
    """Make a folder and those above it; a name is durable only when the folder that holds it is synced."""
    if not folder.is_dir():
        _make_folder(folder.parent)
        folder.mkdir(mode=0o750, exist_ok=True)
        _sync(folder.parent)


def _sync(path: Path) -> None:
    """Bring a closed file, or the names in a folder, to the disk."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
