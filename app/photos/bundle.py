"""A zip of originals, the only form in which they leave. Each is compared with its name again while it is read.

It is put together in a file without a name, on a disk: whatever it holds, it takes little memory, and nothing of it is
left when the process ends. Nothing is packed, so that whoever opens it finds the bytes as they are.
"""

import errno
import hashlib
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import datetime
from itertools import chain
from typing import IO, Final
from zipfile import ZIP_STORED, ZipFile, ZipInfo

import structlog

from app.photos.errors import NoRoomForBundle, OriginalDamaged, PhotoNotFound
from app.photos.spool import folder_on_a_disk
from app.photos.storage import PhotoStore, chunks
from geo.validity import LOCAL_ZONE

log = structlog.get_logger("photos")

_ORDINARY_FILE: Final = 0o644 << 16


class Bundle:
    """A zip on its way: things are added, it is finished, it is read once."""

    def __init__(self, at: datetime) -> None:
        """`at` is the instant that its members carry, in local time, as a zip knows no offset."""
        self._at = at.astimezone(LOCAL_ZONE).timetuple()[:6]
        with _room():
            self._file: IO[bytes] = tempfile.TemporaryFile(dir=folder_on_a_disk(), prefix="haigio-")  # noqa: SIM115 -- see `close`
        self._zip = ZipFile(self._file, "w", ZIP_STORED)

    def add_original(self, store: PhotoStore, sha256: str, name: str) -> None:
        """Add an original byte for byte under `name`.

        Raises OriginalDamaged when the store has it no more, or other bytes; NoRoomForBundle.
        """
        digest = hashlib.sha256()
        try:
            pieces = store.read(sha256)
            first = next(pieces, b"")
        except PhotoNotFound as missing:
            log.error("original_damaged", sha256=sha256, missing=True)  # noqa: TRY400 -- the place is known
            raise OriginalDamaged(sha256=sha256) from missing
        with _room(), self._zip.open(self._member(name), "w") as member:
            for piece in chain([first], pieces):
                digest.update(piece)
                member.write(piece)
        if digest.hexdigest() != sha256:
            log.error("original_damaged", sha256=sha256, missing=False)
            raise OriginalDamaged(sha256=sha256)

    def add(self, name: str, content: bytes) -> None:
        """Add a small member. Raises NoRoomForBundle."""
        with _room():
            self._zip.writestr(self._member(name), content)

    def finish(self) -> int:
        """Complete the zip and go back to its beginning; its size in bytes. Raises NoRoomForBundle."""
        with _room():
            self._zip.close()
            size = self._file.tell()
            self._file.seek(0)
        return size

    def read(self) -> Iterator[bytes]:
        """The finished zip piece by piece; at its end it is closed."""
        try:
            yield from chunks(self._file)
        finally:
            self.close()

    def close(self) -> None:
        """Let go of it, finished or not."""
        with suppress(OSError, ValueError):  # what is broken off is no zip, and need not become one
            self._zip.close()
        self._file.close()

    def _member(self, name: str) -> ZipInfo:
        member = ZipInfo(name, self._at)
        member.external_attr = _ORDINARY_FILE
        return member


@contextmanager
def _room() -> Iterator[None]:
    try:
        yield
    except OSError as error:
        if error.errno in {errno.ENOSPC, errno.EDQUOT}:
            raise NoRoomForBundle from error
        raise
