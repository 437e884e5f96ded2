"""The store against the rows: what rotted, what is missing, what nobody names; and what is never deleted."""

import hashlib
import os
from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest
from sqlalchemy import text

from app.core import clock
from app.photos import actions, erasing, links, scrub
from app.photos.formats import ImageType
from app.photos.models import Photo
from app.photos.scrub import Found, Scrub
from app.photos.storage import Copy

NOW = datetime(2026, 11, 23, 8, 20, tzinfo=UTC)
DAY = timedelta(days=1)


class Shelf:
    """A store and rows that are made to disagree."""

    def __init__(self, store, database, session, report_id, folder):
        self.store, self.database, self.session, self.report_id = store, database, session, report_id
        self.folder = folder / "photos"
        self._made = 0

    def kept(self) -> str:
        """Bytes in the store that no row names."""
        self._made += 1
        content = b"\xff\xd8\xff" + str(self._made).encode() * 5000
        name = hashlib.sha256(content).hexdigest()
        self.store.put([content], sha256=name)
        return name

    def received(self) -> str:
        """A photo as it should be."""
        name = self.kept()
        size = self.path(name).stat().st_size
        original = actions.Original(name, ImageType.JPEG, size)
        role = "before" if self._made % 2 else "after"
        actions.receive(self.session, self.store, original, report_id=self.report_id, role=role, now=NOW)
        return name

    def row(self, name) -> Photo:
        return self.session.get_one(Photo, (self.report_id, name), populate_existing=True)

    def path(self, name):
        return next(self.folder.glob(f"originals/*/*/{name}"))

    def age(self, days=3):
        """Everything in the store was written so long ago."""
        then = (clock.now() - timedelta(days=days)).timestamp()
        for path in self.folder.rglob("*"):
            if path.is_file():
                os.utime(path, (then, then))

    def scrubbed(self, *, delete_strays=False) -> Found:
        self.session.flush()
        before = clock.now() - DAY
        return Scrub(self.database.unit_of_work, self.store, before=before, delete_strays=delete_strays).run()


@pytest.fixture
def shelf(store, database, session, report_id, tmp_path):
    return Shelf(store, database, session, report_id, tmp_path)


def numbers(found: Found) -> dict[str, int]:
    sorts = ("rotten", "missized", "missing", "strays", "odd", "copies")
    return {sort: names.number for sort in sorts if (names := getattr(found, sort)).number}


def test_a_whole_store_is_read_and_nothing_found(shelf, monkeypatch):
    monkeypatch.setattr(scrub, "BATCH", 2)
    names = [shelf.received() for _ in range(7)]
    shelf.store.put_copy(names[0], Copy.DISPLAY, b"copy")
    shelf.store.put_copy(links.public_name(shelf.report_id, names[0]), Copy.PUBLIC, b"copy")
    shelf.age()

    found = shelf.scrubbed()

    assert (numbers(found), found.is_well, found.originals) == ({}, True, 7)
    assert found.bytes == sum(shelf.path(name).stat().st_size for name in names)


def test_one_bit_that_turned_over_is_rot(shelf):
    names = [shelf.received() for _ in range(3)]
    path = shelf.path(names[1])
    content = bytearray(path.read_bytes())
    content[4000] ^= 1
    path.chmod(0o600)
    path.write_bytes(content)

    found = shelf.scrubbed()

    assert (numbers(found), found.rotten.first, found.is_well) == ({"rotten": 1}, [names[1]], False)


def test_a_row_with_another_size_is_told(shelf):
    name = shelf.received()
    shelf.row(name).bytes += 1

    assert shelf.scrubbed().missized.first == [name]


@pytest.mark.parametrize("state", ["received", "ready", "refused", "kept"])
def test_a_row_whose_file_is_gone_is_missing(shelf, state):
    whole, lost = shelf.received(), shelf.received()
    shelf.row(lost).state = state
    shelf.path(lost).unlink()

    found = shelf.scrubbed()

    assert (numbers(found), found.missing.first, found.is_well) == ({"missing": 1}, [lost], False)
    assert found.originals == 1
    assert shelf.path(whole).exists()


def test_what_is_erased_or_still_to_come_is_not_missing(shelf):
    erased, awaited = shelf.received(), shelf.received()
    erasing.erase(shelf.session, shelf.report_id, NOW)
    shelf.row(awaited).state = "awaited"
    for name in (erased, awaited):
        shelf.path(name).unlink()

    assert numbers(shelf.scrubbed()) == {}


def test_a_stray_is_told_and_stays_until_it_is_asked_for(shelf):
    named, stray = shelf.received(), shelf.kept()
    shelf.age()

    assert (told := shelf.scrubbed()).strays.first == [stray]
    assert (told.is_well, told.deleted, shelf.path(stray).exists()) == (True, 0, True)
    assert shelf.scrubbed(delete_strays=True).deleted == 1
    assert not shelf.store.exists(stray)
    assert shelf.store.exists(named)
    assert numbers(shelf.scrubbed()) == {}


def test_what_is_young_may_be_on_its_way(shelf):
    stray = shelf.kept()

    assert numbers(shelf.scrubbed(delete_strays=True)) == {}
    assert shelf.store.exists(stray)


def test_what_a_row_still_waits_for_is_no_stray(shelf):
    """Kept, and the row not yet written: a crash in between. The phone will send it again and find it there."""
    name = shelf.kept()
    actions.await_before(shelf.session, shelf.report_id, [name], NOW)
    shelf.age()

    assert numbers(shelf.scrubbed(delete_strays=True)) == {}
    assert shelf.store.exists(name)


def test_what_is_named_while_it_is_looked_at_is_not_deleted(shelf, monkeypatch):
    stray = shelf.kept()
    size = shelf.path(stray).stat().st_size
    shelf.age()
    lock = scrub.lock_bytes

    def an_upload_was_faster(session, name):
        lock(session, name)
        original = actions.Original(stray, ImageType.JPEG, size)
        actions.receive(shelf.session, shelf.store, original, report_id=shelf.report_id, role="before", now=NOW)

    monkeypatch.setattr(scrub, "lock_bytes", an_upload_was_faster)
    found = shelf.scrubbed(delete_strays=True)

    assert (numbers(found), found.deleted) == ({}, 0)
    assert shelf.store.exists(stray)


def test_copies_of_no_photo_are_strays_too(shelf):
    name, gone = shelf.received(), "ab" * 32
    public = [links.public_name(shelf.report_id, one) for one in (name, gone)]
    for copy in (Copy.DISPLAY, Copy.THUMB, Copy.FULL):
        for one in (name, gone):
            shelf.store.put_copy(one, copy, b"copy")
    for one in public:
        shelf.store.put_copy(one, Copy.PUBLIC, b"copy")
    shelf.age()

    found = shelf.scrubbed(delete_strays=True)

    assert sorted(found.copies.first) == sorted(
        [f"display/{gone}", f"full/{gone}", f"public/{public[1]}", f"thumb/{gone}"]
    )
    assert sorted(f"{copy}/{stored.name}" for copy, stored in shelf.store.copies()) == sorted(
        [f"display/{name}", f"full/{name}", f"public/{public[0]}", f"thumb/{name}"]
    )


def test_what_is_named_like_nothing_of_ours_is_told_and_never_deleted(shelf):
    shelf.received()
    odd = shelf.folder / "originals" / "notes.txt"
    odd.write_text("mine")
    shelf.age()

    assert shelf.scrubbed(delete_strays=True).odd.first == ["notes.txt"]
    assert odd.read_text() == "mine"


def test_a_store_that_reads_no_file_stops_it_and_one_bad_file_does_not(shelf, monkeypatch):
    names = [shelf.received() for _ in range(5)]
    read = shelf.store.read

    def unreadable(name):
        if name == names[2] or everything:
            raise OSError(5, "Input/output error")
        return read(name)

    monkeypatch.setattr(shelf.store, "read", unreadable)
    monkeypatch.setattr(scrub, "_MOST_UNREADABLE", 3)
    everything = False
    assert shelf.scrubbed().rotten.first == [names[2]]
    everything = True
    with pytest.raises(OSError, match="Input/output"):
        shelf.scrubbed()


def test_only_the_first_names_of_a_sort_are_held(shelf):
    for _ in range(scrub.SHOWN + 5):
        shelf.kept()
    shelf.age()

    found = shelf.scrubbed()

    assert (found.strays.number, len(found.strays.first)) == (25, 20)
    assert all(one < other for one, other in pairwise(found.strays.first))


def test_each_page_is_a_unit_of_work_of_its_own(shelf, monkeypatch):
    """Hours of reading must not be one transaction."""
    monkeypatch.setattr(scrub, "BATCH", 2)
    for _ in range(5):
        shelf.received()
    opened = []
    work = shelf.database.unit_of_work

    def counted():
        opened.append(shelf.session.execute(text("select 1")).scalar())
        return work()

    monkeypatch.setattr(shelf.database, "unit_of_work", counted)
    shelf.scrubbed()
    assert len(opened) >= 3 + 3 + 3
