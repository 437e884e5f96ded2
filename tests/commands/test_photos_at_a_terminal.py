"""Photos from a shell: how long they are kept, what goes, and the store read again."""

import hashlib
import os
from datetime import timedelta

import pytest
from shell import environment_of, run
from sqlalchemy import create_engine, text
from sqlalchemy.orm import Session

import district
from app.core import clock
from app.photos import actions
from app.photos.formats import ImageType
from app.photos.storage import PhotoStore
from app.reports.rulebook import RulebookCache
from databases import migrated_database, url_of
from story import Story

CONCLUDED = clock.now() - timedelta(days=100)


@pytest.fixture
def haigio(worker_id, tmp_path):
    """The command line on a district of its own with three cases that ended 93 days ago, a photo each."""
    name = f"haigio_test_{worker_id}_photos"
    migrated_database(name)
    environment = environment_of(name, tmp_path)

    def haigio(*arguments):
        return run(environment, tmp_path, *arguments)

    haigio.engine = create_engine(url_of("HAIGIO_DATABASE_URL", name))
    haigio.store = PhotoStore(tmp_path / "photos")
    haigio.folder = tmp_path / "photos"
    with Session(haigio.engine) as session, session.begin():
        story = Story(session, district.found(session), RulebookCache(1))
        haigio.photos = [photographed(story, haigio.store, place) for place in range(3)]
        session.execute(text("update reports set state = 'closed'"))
    yield haigio
    haigio.engine.dispose()


def photographed(story, store, place) -> str:
    at = CONCLUDED + timedelta(minutes=place)
    report_id = story.received(kind="EN08", now=at)
    story.move(report_id, "accepted", now=at)
    story.move(report_id, "concluded", outcome="recorded" if place == 0 else "gone", note="Xong", now=at)
    content = b"\xff\xd8\xff" + bytes([place]) * 99_997
    sha256 = hashlib.sha256(content).hexdigest()
    store.put([content], sha256=sha256)
    original = actions.Original(sha256, ImageType.JPEG, len(content))
    actions.receive(story.session, store, original, report_id=report_id, role="before", now=at)
    return sha256


def one(haigio, question):
    with haigio.engine.connect() as connection:
        return connection.execute(text(question)).scalar_one()


def words(said: str) -> set[str]:
    return {" ".join(line.split()) for line in said.splitlines()}


def test_retention_is_set_listed_and_refused_into_the_past(haigio):
    assert haigio("photos", "retention", "list").stdout == "no policy holds: every photo is kept\n"

    first = haigio("photos", "retention", "set", "--days", 90, "--from", "2020-01-01")
    assert (first.returncode, first.stderr) == (0, "")
    assert "2 photos of 2 cases are due by it" in first.stdout
    assert haigio("photos", "retention", "set", "--never", "--recorded", "--from", "2020-01-01").returncode == 0
    assert haigio("photos", "retention", "set", "--days", 30, "--from", "2099-01-01").returncode == 0
    assert words(haigio("photos", "retention", "list").stdout) == {
        "not recorded photos go after 90 days cases that end from 2020-01-01 until 2099-01-01",
        "not recorded photos go after 30 days cases that end from 2099-01-01",
        "recorded photos are kept cases that end from 2020-01-01",
    }
    for arguments, code, message in (
        (("--days", 5, "--from", "2021-01-01"), 1, "on a day to come"),
        (("--days", 5, "--from", "soon"), 1, "'soon' is no day"),
        (("--days", 5, "--never", "--from", "2099-01-01"), 2, "either --days or --never"),
        (("--from", "2099-01-01"), 2, "either --days or --never"),
        (("--days", 0, "--from", "2099-01-01"), 2, "--days"),
    ):
        refused = haigio("photos", "retention", "set", *arguments)
        assert (refused.returncode, message in refused.stderr) == (code, True), refused.stderr


def test_what_goes_is_told_first_and_then_goes(haigio):
    haigio("photos", "retention", "set", "--days", 90, "--from", "2020-01-01")
    haigio("photos", "retention", "set", "--never", "--recorded", "--from", "2020-01-01")

    dry = haigio("photos", "expire", "--dry-run")
    assert (dry.returncode, dry.stderr) == (0, "")
    lines = dry.stdout.splitlines()
    assert lines[0] == "2 photos of 2 cases, 200.0 kB of originals, are due"
    assert [line.partition("  ")[2] for line in lines[1:]] == ["1 photos, 100.0 kB"] * 2
    assert one(haigio, "select count(*) from photos where state = 'erased'") == 0

    done = haigio("photos", "expire")
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.splitlines()[-1] == "photos of 2 cases erased, the files of 2 photos deleted"
    assert one(haigio, "select count(*) from photos where state = 'erased' and gone_at is not null") == 2
    assert [stored.name for stored in haigio.store.originals()] == [haigio.photos[0]]
    assert (
        haigio("photos", "expire").stdout.splitlines()[-1] == "photos of 0 cases erased, the files of 0 photos deleted"
    )


def test_a_whole_store_is_well_and_the_status_says_when_it_was_read(haigio):
    assert "never read again yet" in haigio("status", "--english").stdout
    done = haigio("photos", "scrub")

    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith("3 originals, 300.0 kB read in ")
    assert {line.split()[0]: line.split()[1] for line in done.stdout.splitlines()[1:]} == dict.fromkeys(
        ("rotten", "missized", "missing", "strays", "copies", "odd"), "0"
    )
    assert "3 originals, 0 damaged, 0 missing" in haigio("status", "--english").stdout


def test_rot_and_a_missing_file_are_an_error_and_stay_in_the_status_until_they_are_mended(haigio):
    rotten, missing = (next(haigio.folder.glob(f"originals/*/*/{name}")) for name in haigio.photos[:2])
    whole = [path.read_bytes() for path in (rotten, missing)]
    rotten.chmod(0o600)
    rotten.write_bytes(whole[0][:-1] + b"\xff")
    missing.unlink()

    found = haigio("photos", "scrub")
    assert found.returncode == 1
    assert "see `What to do` in docs/operations.md" in found.stderr
    assert {"rotten 1 bytes are not those of their name, or cannot be read", rotten.name} <= words(found.stdout)
    assert {"missing 1 a row names it, and it is not there", missing.name} <= words(found.stdout)
    status = haigio("status")
    assert status.returncode == 1
    assert "Kho ảnh: 1 ảnh gốc bị hỏng, 1 ảnh gốc bị mất." in status.stdout
    assert "./haigio photos scrub" in status.stdout

    rotten.write_bytes(whole[0])
    missing.write_bytes(whole[1])
    assert haigio("photos", "scrub").returncode == 0
    assert "ảnh gốc bị hỏng" not in haigio("status").stdout


def test_strays_go_only_when_asked_and_old_enough(haigio):
    content = b"\xff\xd8\xff stray"
    stray = hashlib.sha256(content).hexdigest()
    haigio.store.put([content], sha256=stray)
    assert "strays 0 originals that no row names" in words(haigio("photos", "scrub").stdout)

    path = next(haigio.folder.glob(f"originals/*/*/{stray}"))
    then = (clock.now() - timedelta(hours=30)).timestamp()
    os.utime(path, (then, then))
    assert "strays 0 originals that no row names" in words(haigio("photos", "scrub", "--older-than", 48).stdout)
    told = haigio("photos", "scrub")
    assert (told.returncode, path.exists()) == (0, True)
    assert {"strays 1 originals that no row names", stray} <= words(told.stdout)

    deleted = haigio("photos", "scrub", "--delete-strays")
    assert (deleted.returncode, path.exists()) == (0, False)
    assert deleted.stdout.splitlines()[-1] == "1 strays deleted"
    assert all(haigio.store.exists(name) for name in haigio.photos)


def test_copies_that_are_missing_are_promised(haigio):
    with haigio.engine.begin() as connection:
        connection.execute(text("update photos set state = 'ready', ready_at = now()"))
        made = {"sha256": haigio.photos[1]}
        connection.execute(text("update photos set blurred_at = now() where sha256 = :sha256"), made)

    said = haigio("photos", "remake").stdout

    assert said.startswith("copies of 2 photos will be made")
    with haigio.engine.connect() as connection:
        promised = connection.scalars(text("select payload->>'sha256' from outbox where topic = 'photo.blur'")).all()
    assert sorted(promised) == sorted([haigio.photos[0], haigio.photos[2]])
