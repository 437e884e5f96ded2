"""Bytes on their way in: on a disk of this machine, hashed as they come, gone when nobody wants them."""

import errno
import hashlib
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO, Self
from uuid import uuid4

from app.photos.errors import StoreFull

# What `head` keeps: enough to tell what kind of file it is.
HEAD_BYTES = 64

_ON_DISK = Path("/var/tmp")  # noqa: S108 -- the files in it have no names that anybody could take first


@contextmanager
def full_disk_is_told() -> Iterator[None]:
    """Raise StoreFull in place of whatever the system says of a disk without room."""
    try:
        yield
    except OSError as error:
        if error.errno in {errno.ENOSPC, errno.EDQUOT}:
            raise StoreFull from error
        raise


def folder_on_a_disk() -> Path:
    """Where files may lie for a while: TMPDIR, else a folder that is a disk; the usual one is memory on many systems."""
    return Path(os.environ.get("TMPDIR") or (_ON_DISK if _ON_DISK.is_dir() else tempfile.gettempdir()))


class Spool:
    """A file that is being written, and is gone when its block ends: whoever keeps its bytes links or copies them.

    It holds no bytes in memory, whatever their number: two hundred phones may be sending at a time.
    """

    def __init__(self, folder: Path, *, nameless: bool = False) -> None:
        """With `nameless` it has no name from the beginning on, and nothing is left of it whatever happens."""
        self.path = folder / uuid4().hex
        self._nameless = nameless
        self.size = 0
        self.head = b""
        self._digest = hashlib.sha256()

    def __enter__(self) -> Self:
        with full_disk_is_told():
            descriptor = os.open(self.path, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o440)
        if self._nameless:
            self.path.unlink()
        # Unbuffered: what a phone sends comes in pieces that are large enough.
        self._file = os.fdopen(descriptor, "w+b", buffering=0)
        return self

    def __exit__(self, *_: object) -> None:
        self._file.close()
        self.path.unlink(missing_ok=True)

    def write(self, piece: bytes) -> None:
        """Take bytes in. Raises StoreFull."""
        with full_disk_is_told():
            left = memoryview(piece)
            while left:
                left = left[self._file.write(left) :]
        self._digest.update(piece)
        self.size += len(piece)
        if len(self.head) < HEAD_BYTES:
            self.head += piece[: HEAD_BYTES - len(self.head)]

    @property
    def sha256(self) -> str:
        """The hash of what came so far, in hex."""
        return self._digest.hexdigest()

    @property
    def file(self) -> BinaryIO:
        """The bytes so far, to read from the beginning on."""
        self._file.seek(0)
        return self._file

    def settle(self) -> None:
        """Bring what came to the disk. Raises StoreFull."""
        with full_disk_is_told():
            os.fsync(self._file.fileno())
