"""The store read again and compared with the rows: what rotted, what is missing, what nobody names.

Names are looked up some hundreds at a time and nothing is held but counts and the first names of each sort, so that it
takes the same little memory over a thousand photos and over millions. It may run beside uploads: what is younger than
`before` is nobody's stray, and what looks missing is looked for once more.
"""

import hashlib
import sqlite3
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, closing
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial
from itertools import islice
from typing import Final, TypeVar
from uuid import UUID

from sqlalchemy import ColumnElement, func, or_, select, tuple_
from sqlalchemy.orm import Session

from app.core.errors import Unavailable
from app.photos import links
from app.photos.actions import lock_bytes
from app.photos.errors import PhotoNotFound
from app.photos.models import Photo
from app.photos.retention import LIVING
from app.photos.storage import Copy, PhotoStore, Stored, is_sha256

BATCH: Final = 500
SHOWN: Final = 20

# One original may lie on a bad part of a disk; so many one after another are a store that is down.
_MOST_UNREADABLE: Final = 20

Item = TypeVar("Item")


@dataclass
class Names:
    """How many of a sort there are, and the first of them."""

    number: int = 0
    first: list[str] = field(default_factory=list)

    def add(self, name: str) -> None:
        """Count one more."""
        self.number += 1
        if len(self.first) < SHOWN:
            self.first.append(name)


@dataclass
class Found:
    """What a scrub found. Sizes in bytes."""

    originals: int = 0
    bytes: int = 0
    rotten: Names = field(default_factory=Names)  # the bytes have another hash than their name, or cannot be read
    missized: Names = field(default_factory=Names)  # whole, but the row says another size
    missing: Names = field(default_factory=Names)  # a row names it, and it is not there
    strays: Names = field(default_factory=Names)  # an original that no row names
    odd: Names = field(default_factory=Names)  # what is named like no photo: nothing of ours, and never deleted
    copies: Names = field(default_factory=Names)  # a copy that no row can show
    deleted: int = 0

    @property
    def is_well(self) -> bool:
        """Whether everything is there that was promised."""
        return not (self.rotten.number or self.missized.number or self.missing.number)


class Scrub:
    """One reading of a whole store. `work` opens a unit of work on the database; each is short."""

    def __init__(
        self,
        work: Callable[[], AbstractContextManager[Session]],
        store: PhotoStore,
        *,
        before: datetime,
        delete_strays: bool = False,
    ) -> None:
        self._work, self._store, self._before, self._delete_strays = work, store, before, delete_strays
        self._unreadable_running = 0
        self.found = Found()

    def run(self) -> Found:
        """Read every original, look for every one that a row names, look at every copy.

        Raises Unavailable when the store does not answer.
        """
        for batch in _batches(self._store.originals()):
            self._originals(batch)
        for page in self._rows():
            self._look_for(page)
        self._copies()
        return self.found

    def _originals(self, batch: Sequence[Stored]) -> None:
        with self._work() as session:
            known = _named(session, [stored.name for stored in batch if is_sha256(stored.name)])
        for stored in batch:
            if not is_sha256(stored.name):
                self.found.odd.add(stored.name)
            elif stored.name not in known and stored.modified < self._before:
                self._stray(stored.name)
            else:
                self._read(stored.name, known.get(stored.name))

    def _read(self, name: str, size: int | None) -> None:
        digest, length = hashlib.sha256(), 0
        try:
            for piece in self._store.read(name):
                digest.update(piece)
                length += len(piece)
        except PhotoNotFound:  # erased since it was listed; else it is found missing
            return
        except (OSError, Unavailable):
            self._unreadable_running += 1
            if self._unreadable_running > _MOST_UNREADABLE:
                raise
            self.found.rotten.add(name)
            return
        self._unreadable_running = 0
        self.found.originals += 1
        self.found.bytes += length
        if digest.hexdigest() != name:
            self.found.rotten.add(name)
        elif size is not None and size != length:
            self.found.missized.add(name)

    def _stray(self, name: str) -> None:
        if not self._delete_strays or self._deleted(name, lambda: self._store.delete(name)):
            self.found.strays.add(name)

    def _deleted(self, name: str, delete: Callable[[], None]) -> bool:
        """Delete what belongs to bytes that no row names; False when one does by now.

        Locked, an upload of the same bytes has either named them, or will find that they are gone.
        """
        with self._work() as session:
            lock_bytes(session, name)
            if _named(session, [name]):
                return False
            delete()
        self.found.deleted += 1
        return True

    def _rows(self) -> Iterator[Sequence[str]]:
        """The hashes that rows name, page by page in their order."""
        after = ""
        while True:
            wanted = select(Photo.sha256).where(Photo.state.in_(LIVING), Photo.sha256 > after)
            with self._work() as session:
                page = session.scalars(wanted.order_by(Photo.sha256).limit(BATCH)).all()
            if not page:
                return
            yield list(dict.fromkeys(page))  # one photo may be of several reports
            after = page[-1]

    def _look_for(self, names: Iterable[str]) -> None:
        absent = [name for name in names if not self._store.exists(name)]
        if not absent:
            return
        with self._work() as session:
            still = session.scalars(
                select(Photo.sha256).where(Photo.sha256.in_(absent), Photo.state.in_(LIVING)).distinct()
            ).all()
        for name in still:
            if not self._store.exists(name):
                self.found.missing.add(name)

    def _copies(self) -> None:
        with closing(sqlite3.connect("")) as wanted:  # a file without a name, which SQLite makes and takes away
            self._write_public_names(wanted)
            for batch in _batches(self._store.copies()):
                self._copies_of(batch, wanted)

    def _copies_of(self, batch: Sequence[tuple[Copy, Stored]], public: sqlite3.Connection) -> None:
        of_hashes = [stored.name for copy, stored in batch if copy is not Copy.PUBLIC and is_sha256(stored.name)]
        with self._work() as session:
            known = _named(session, of_hashes)
        for copy, stored in batch:
            if not is_sha256(stored.name):
                self.found.odd.add(f"{copy}/{stored.name}")
                continue
            if copy is Copy.PUBLIC:
                is_known = public.execute("select 1 from public where name = ?", [stored.name]).fetchone() is not None
            else:
                is_known = stored.name in known
            if is_known or stored.modified >= self._before:
                continue
            delete = partial(self._store.delete_copy, stored.name, copy)
            if not self._delete_strays or self._deleted(stored.name, delete):
                self.found.copies.add(f"{copy}/{stored.name}")

    def _write_public_names(self, database: sqlite3.Connection) -> None:
        """Which public copies there may be: their names cannot be turned back into the rows that they belong to."""
        database.execute("create table public (name text primary key) without rowid")
        after: tuple[UUID, str] = UUID(int=0), ""
        while True:
            wanted = (
                select(Photo.report_id, Photo.sha256)
                .where(tuple_(Photo.report_id, Photo.sha256) > after, _names_it())
                .order_by(Photo.report_id, Photo.sha256)
                .limit(BATCH)
            )
            with self._work() as session:
                page = session.execute(wanted).all()
            if not page:
                return
            database.executemany("insert into public values (?)", [(links.public_name(*row),) for row in page])
            after = page[-1].report_id, page[-1].sha256


def _names_it() -> ColumnElement[bool]:
    """Whether a row names bytes: also one whose bytes are still to come, or are still to be deleted."""
    return or_(Photo.state != "erased", Photo.gone_at.is_(None))


def _named(session: Session, names: Sequence[str]) -> Mapping[str, int | None]:
    """Those of the names that a row names, each with the size that one says its bytes have."""
    found = select(Photo.sha256, func.max(Photo.bytes)).where(Photo.sha256.in_(names), _names_it())
    return {name: size for name, size in session.execute(found.group_by(Photo.sha256))}  # noqa: C416 -- rows


def _batches(items: Iterable[Item]) -> Iterator[Sequence[Item]]:
    remaining = iter(items)
    while batch := list(islice(remaining, BATCH)):
        yield batch
