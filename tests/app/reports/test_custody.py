"""Photos go when their time is over: which cases, when, what stays of them; and a crash on the way."""

import hashlib
import threading
from datetime import UTC, date, datetime, timedelta

import pytest
from sqlalchemy import select, text

import district as district_
from app.core.db import new_id
from app.photos import actions as photos
from app.photos import erasing, links
from app.photos.errors import PhotoErased, RetentionInThePast, StoreUnavailable
from app.photos.formats import ImageType
from app.photos.models import Photo, PhotoBlur, RetentionPolicy
from app.photos.queries import count_undeleted
from app.photos.storage import Copy, PhotoStore
from app.reports import custody
from app.reports.models import TimelineEntry
from app.reports.rulebook import RulebookCache
from app.reports.sweep import close_due
from story import HOUR, NOW, Story

DAY = timedelta(days=1)
CLOSED = NOW + HOUR + 7 * DAY  # of what was concluded an hour after it came


class Street(Story):
    """Cases with photos, which end."""

    def __init__(self, session, district, cache, folder):
        super().__init__(session, district, cache)
        self.store = PhotoStore(folder)
        self._made = 0

    def photograph(self, report_id, role="before", content=None, now=NOW) -> str:
        """A photo with its copies, as its jobs leave it."""
        self._made += 1
        content = content or b"\xff\xd8\xff" + str(self._made).encode() * 3000
        sha256 = hashlib.sha256(content).hexdigest()
        self.store.put([content], sha256=sha256)
        original = photos.Original(sha256, ImageType.JPEG, len(content))
        photos.receive(self.session, self.store, original, report_id=report_id, role=role, now=now)
        for copy in (Copy.DISPLAY, Copy.THUMB, Copy.FULL):
            self.store.put_copy(sha256, copy, b"copy")
        self.store.put_copy(links.public_name(report_id, sha256), Copy.PUBLIC, b"copy")
        photos.copies_made(self.session, report_id, sha256, width=64, height=48, now=now)
        return sha256

    def concluded(self, outcome="remedied", now=NOW, **given):
        report_id = self.received(kind="EN08", now=now)
        self.move(report_id, "accepted", now=now)
        self.move(report_id, "concluded", outcome=outcome, note="Xong", now=now + HOUR, **given)
        return report_id

    def closed(self, outcome="remedied", now=NOW, **given):
        report_id = self.concluded(outcome, now, **given)
        self.close(now + HOUR + 7 * DAY)
        return report_id

    def close(self, now):
        while close_due(self.session, now):  # a duplicate closes after its root
            pass

    def policy(self, days, *, recorded=False, first=date(2026, 1, 1), until=None):
        row = RetentionPolicy(city_id=1, recorded=recorded, days=days, valid_from=first, valid_to=until)
        self.session.add(row)
        self.session.flush()

    def expire(self, now, limit=100):
        return custody.expire(self.session, 1, now, limit)

    def photo(self, report_id, sha256) -> Photo:
        return self.session.get_one(Photo, (report_id, sha256), populate_existing=True)

    def files(self) -> set[str]:
        """Everything in the store, by what it is and the beginning of its name."""
        originals = {f"original {stored.name[:8]}" for stored in self.store.originals()}
        return originals | {f"{copy} {stored.name[:8]}" for copy, stored in self.store.copies()}


@pytest.fixture
def street(session, district, tmp_path) -> Street:
    return Street(session, district, RulebookCache(1), tmp_path / "photos")


def test_photos_go_after_their_days_with_a_trace_that_all_may_read(street):
    street.policy(90)
    case = street.concluded()
    one, other = street.photograph(case), street.photograph(case, "after")
    street.close(CLOSED)
    version = street.report(case).version

    assert street.expire(CLOSED + 90 * DAY - timedelta(microseconds=1)) == 0
    assert street.expire(CLOSED + 90 * DAY) == 1
    assert street.expire(CLOSED + 90 * DAY) == 0

    entry = street.session.scalars(select(TimelineEntry).where(TimelineEntry.type == "photos_erased")).one()
    assert (entry.by_role, entry.shown_to, entry.at) == ("system", "all", CLOSED + 90 * DAY)
    assert entry.data == {"photos": sorted([one, other])}
    assert street.report(case).version == version + 1


def test_seven_days_after_its_conclusion_a_case_is_over_however_late_the_sweep_comes(street):
    street.policy(10)
    case = street.concluded()
    street.photograph(case)
    street.close(CLOSED + 5 * DAY)

    assert street.expire(CLOSED + 10 * DAY) == 1


def test_a_tombstone_is_left_and_says_nothing_of_the_picture(street):
    street.policy(1)
    case = street.concluded()
    sha256 = street.photograph(case)
    photo = street.photo(case, sha256)
    photo.dhash, photo.placeholder, photo.hints, photo.blurred_at = 7, "tiny", {"place": "far"}, NOW
    place = {"left": 0.1, "top": 0.1, "width": 0.2, "height": 0.2}
    street.session.flush()
    street.session.add(PhotoBlur(id=new_id(), report_id=case, sha256=sha256, what="face", added_at=NOW, **place))
    street.close(CLOSED)

    street.expire(CLOSED + DAY)

    photo = street.photo(case, sha256)
    assert (photo.state, photo.erased_at, photo.gone_at) == ("erased", CLOSED + DAY, None)
    assert (photo.dhash, photo.placeholder, photo.hints, photo.blurred_at) == (None, None, {}, None)
    assert (photo.sha256, photo.media_type, photo.width, photo.height, photo.received_at) == (
        sha256, "image/jpeg", 64, 48, NOW,
    )  # fmt: skip
    assert street.session.scalars(select(PhotoBlur)).all() == []


def test_open_concluded_and_contested_cases_keep_their_photos(street):
    street.policy(1)
    received, concluded, contested = street.received(), street.concluded(), street.concluded()
    street.move(contested, "contested", by=street.resident, reason="Vẫn còn", now=NOW + 2 * HOUR)
    for case in (received, concluded, contested):
        street.photograph(case)

    assert street.expire(NOW + 1000 * DAY) == 0


def test_a_withdrawn_report_ended_when_it_was_withdrawn(street):
    street.policy(30)
    case = street.received()
    street.photograph(case)
    street.move(case, "withdrawn", by=street.resident, now=NOW + HOUR)

    assert street.expire(NOW + HOUR + 30 * DAY - timedelta(microseconds=1)) == 0
    assert street.expire(NOW + HOUR + 30 * DAY) == 1


def test_a_recorded_violation_goes_by_a_policy_of_its_own(street):
    street.policy(30)
    street.policy(None, recorded=True)
    recorded, other = street.concluded("recorded"), street.concluded("unfounded")
    kept, gone = street.photograph(recorded), street.photograph(other)
    street.close(CLOSED)

    assert street.expire(NOW + 3650 * DAY) == 1
    assert (street.photo(recorded, kept).state, street.photo(other, gone).state) == ("ready", "erased")


def test_recorded_cases_go_too_where_the_city_says_so(street):
    street.policy(365, recorded=True)
    case = street.concluded("recorded")
    street.photograph(case)
    street.close(CLOSED)

    assert street.expire(CLOSED + 365 * DAY - timedelta(seconds=1)) == 0
    assert street.expire(CLOSED + 365 * DAY) == 1


def test_the_policy_of_the_day_it_ended_decides(street):
    """The case ends on 30 November; from 1 December on others go after a day."""
    street.policy(100, until=date(2026, 12, 1))
    street.policy(1, first=date(2026, 12, 1))
    case = street.concluded()
    street.photograph(case)
    street.close(CLOSED)

    assert street.expire(CLOSED + 99 * DAY) == 0
    assert street.expire(CLOSED + 100 * DAY) == 1


def test_a_city_without_a_policy_keeps_everything(street):
    case = street.concluded()
    street.photograph(case)
    street.close(CLOSED)

    assert street.expire(NOW + 36_500 * DAY) == 0


@pytest.mark.parametrize(("outcome", "goes"), [("recorded", False), ("remedied", True)])
def test_a_duplicate_is_judged_by_the_case_that_it_repeats(street, outcome, goes):
    street.policy(30)
    street.policy(None, recorded=True)
    root, duplicate = street.concluded(outcome), street.received(kind="EN08", now=NOW + timedelta(minutes=5))
    street.move(duplicate, "accepted", now=NOW + HOUR)
    street.move(duplicate, "concluded", outcome="duplicate", original=str(root), note="Trùng", now=NOW + HOUR)
    street.photograph(duplicate)
    street.close(CLOSED)

    assert street.expire(CLOSED + 1000 * DAY) == goes


def test_a_duplicate_waits_for_the_end_of_the_case_that_it_repeats(street):
    street.policy(30)
    root, duplicate = street.received(kind="EN08"), street.received(kind="EN08", now=NOW + timedelta(minutes=5))
    street.move(duplicate, "accepted", now=NOW + HOUR)
    street.move(duplicate, "concluded", outcome="duplicate", original=str(root), note="Trùng", now=NOW + HOUR)
    street.photograph(duplicate)
    street.close(CLOSED)
    assert street.expire(CLOSED + 365 * DAY) == 0  # the root is open

    later = CLOSED + 10 * DAY
    street.move(root, "accepted", now=later)
    street.move(root, "concluded", outcome="gone", note="Hết", late_reason="Mưa", now=later)
    street.close(later + 7 * DAY)

    assert street.expire(later + 37 * DAY - timedelta(seconds=1)) == 0
    assert street.expire(later + 37 * DAY) == 1


def test_files_go_after_the_row_and_only_then_is_it_gone(street):
    street.policy(1)
    case = street.concluded()
    sha256 = street.photograph(case)
    street.close(CLOSED)
    public = links.public_name(case, sha256)[:8]
    whole = {
        f"original {sha256[:8]}",
        *(f"{copy} {sha256[:8]}" for copy in ("display", "thumb", "full")),
        f"public {public}",
    }
    assert street.files() == whole

    later = CLOSED + DAY
    street.expire(later)
    assert street.files() == whole
    assert count_undeleted(street.session, before=later + HOUR) == 1
    assert erasing.delete_files(street.session, street.store, later + HOUR) == 1

    assert street.files() == set()
    assert street.photo(case, sha256).gone_at == later + HOUR
    assert erasing.delete_files(street.session, street.store, later + HOUR) == 0
    assert count_undeleted(street.session, before=later + HOUR) == 0


def test_after_a_crash_between_file_and_row_the_next_turn_makes_up_for_it(street, monkeypatch):
    street.policy(1)
    case = street.concluded()
    first, second = street.photograph(case), street.photograph(case, "after")
    street.close(CLOSED)
    street.expire(CLOSED + DAY)
    deleted, delete = [], street.store.delete

    def crash_after_the_first(sha256):
        delete(sha256)
        deleted.append(sha256)
        if len(deleted) == 1:
            raise KeyboardInterrupt

    monkeypatch.setattr(street.store, "delete", crash_after_the_first)
    with pytest.raises(KeyboardInterrupt), street.session.begin_nested():
        erasing.delete_files(street.session, street.store, CLOSED + DAY)
    assert [street.photo(case, one).gone_at for one in (first, second)] == [None, None]

    assert erasing.delete_files(street.session, street.store, CLOSED + DAY) == 2
    assert street.files() == set()


def test_what_the_store_will_not_give_up_keeps_no_other(street, monkeypatch):
    street.policy(1)
    case = street.concluded()
    stubborn, other = street.photograph(case), street.photograph(case, "after")
    street.close(CLOSED)
    street.expire(CLOSED + DAY)
    delete = street.store.delete

    def refuse_one(sha256):
        if sha256 == stubborn:
            raise StoreUnavailable
        delete(sha256)

    with monkeypatch.context() as store:
        store.setattr(street.store, "delete", refuse_one)
        assert erasing.delete_files(street.session, street.store, CLOSED + DAY) == 1

    assert (street.photo(case, stubborn).gone_at, street.photo(case, other).gone_at) == (None, CLOSED + DAY)
    assert erasing.delete_files(street.session, street.store, CLOSED + 2 * DAY) == 1
    assert street.files() == set()


def test_what_a_job_made_of_an_erased_photo_is_taken_away_and_of_another_nothing(street):
    street.policy(1)
    case, living = street.concluded(), street.concluded(now=NOW + 10 * DAY)
    sha256, kept = street.photograph(case), street.photograph(living, now=NOW + 10 * DAY)
    street.close(CLOSED)
    street.expire(CLOSED + DAY)
    erasing.delete_files(street.session, street.store, CLOSED + DAY)
    here = street.files()
    street.store.put_copy(sha256, Copy.FULL, b"made by a job that had begun before")
    street.store.put_copy(links.public_name(case, sha256), Copy.PUBLIC, b"likewise")

    erasing.leave_nothing(street.session, street.store, case, sha256)
    erasing.leave_nothing(street.session, street.store, living, kept)

    assert street.files() == here


def test_a_photo_of_two_reports_stays_until_the_last_of_them_lets_go(street):
    street.policy(1)
    content = b"\xff\xd8\xff the same photo"
    one, other = street.concluded(), street.concluded(now=NOW + 10 * DAY)
    sha256 = street.photograph(one, content=content)
    street.photograph(other, content=content, now=NOW + 10 * DAY)
    street.close(CLOSED)
    street.close(CLOSED + 10 * DAY)

    street.expire(CLOSED + DAY)
    erasing.delete_files(street.session, street.store, CLOSED + DAY)

    left = {f"original {sha256[:8]}", *(f"{copy} {sha256[:8]}" for copy in ("display", "thumb", "full"))}
    assert street.files() == left | {f"public {links.public_name(other, sha256)[:8]}"}
    assert street.photo(one, sha256).gone_at is not None

    street.expire(CLOSED + 11 * DAY)
    erasing.delete_files(street.session, street.store, CLOSED + 11 * DAY)
    assert street.files() == set()


def test_what_was_erased_is_not_taken_again(street):
    street.policy(1)
    case = street.concluded()
    sha256 = street.photograph(case)
    street.close(CLOSED)
    street.expire(CLOSED + DAY)

    with pytest.raises(PhotoErased):
        photos.expect(street.session, case, sha256, "before")
    original = photos.Original(sha256, ImageType.JPEG, 1)
    with pytest.raises(PhotoErased):
        photos.receive(street.session, street.store, original, report_id=case, role="before", now=CLOSED + DAY)


def test_a_batch_is_bounded_and_the_oldest_come_first(street):
    street.policy(1)
    cases = [street.concluded(now=NOW + place * DAY) for place in range(3)]
    for case in cases:
        street.photograph(case)
    street.close(CLOSED + 2 * DAY)
    later = CLOSED + 100 * DAY

    assert street.expire(later, limit=2) == 2
    states = [street.session.scalar(select(Photo.state).where(Photo.report_id == case)) for case in cases]
    assert states == ["erased", "erased", "ready"]
    assert (street.expire(later, limit=2), street.expire(later, limit=2)) == (1, 0)


def test_what_would_go_is_told_without_a_change(street):
    street.policy(1)
    case = street.concluded()
    street.photograph(case, content=b"\xff\xd8\xff" + b"x" * 997)
    street.photograph(case, "after", content=b"\xff\xd8\xff" + b"y" * 1997)
    street.close(CLOSED)

    assert custody.due(street.session, 1, CLOSED) == []
    assert custody.due(street.session, 1, CLOSED + DAY) == [custody.Due(street.report(case).number, 2, 3000)]
    assert street.expire(CLOSED + DAY) == 1
    assert custody.due(street.session, 1, CLOSED + DAY) == []


def test_an_upload_of_the_same_bytes_waits_for_the_deletion(committed, tmp_path):
    """Whoever names bytes does so under the lock of their deletion; so no row is left without its file."""
    with committed.unit_of_work() as session:
        street = Street(session, district_.found(session), RulebookCache(1), tmp_path / "photos")
        street.policy(1)
        case = street.concluded()
        sha256 = street.photograph(case)
        street.close(CLOSED)
        street.expire(CLOSED + DAY)
    order = []
    locked = threading.Event()

    def name_them():
        with committed.unit_of_work() as session:
            photos.lock_bytes(session, sha256)
            order.append(f"named, file there: {street.store.exists(sha256)}")

    with committed.unit_of_work() as session:
        uploading = threading.Thread(target=name_them)

        class Watched(PhotoStore):
            def delete(self, sha256):
                uploading.start()
                locked.wait(0.3)  # the other is at the lock by now
                order.append("deleted")
                super().delete(sha256)

        erasing.delete_files(session, Watched(tmp_path / "photos"), CLOSED + DAY)
    uploading.join()
    assert order == ["deleted", "named, file there: False"]


def test_policies_are_set_for_days_to_come_and_the_first_for_any(session):
    def put(days, starts, now=datetime(2026, 11, 23, 18, tzinfo=UTC)):  # 24 November in Viet Nam
        return erasing.set_retention(session, 1, recorded=False, days=days, starts=date.fromisoformat(starts), now=now)

    def rows():
        return session.execute(
            text("select days, valid_from::text, valid_to::text from retention_policies order by valid_from")
        ).all()

    assert put(90, "2025-01-01") == (False, None)
    with pytest.raises(RetentionInThePast):
        put(30, "2026-11-24")
    assert put(30, "2026-11-25") == (True, None)
    assert put(60, "2027-06-01") == (True, None)
    assert put(None, "2027-01-01") == (True, date(2027, 6, 1))
    assert put(45, "2027-01-01") == (False, date(2027, 6, 1))  # what was planned for that very day is replaced
    assert [tuple(row) for row in rows()] == [
        (90, "2025-01-01", "2026-11-25"),
        (30, "2026-11-25", "2027-01-01"),
        (45, "2027-01-01", "2027-06-01"),
        (60, "2027-06-01", None),
    ]


def test_a_new_city_gets_its_first_policies_once(street):
    assert erasing.ensure_retention(street.session, 1, NOW)
    assert not erasing.ensure_retention(street.session, 1, NOW)
    found = street.session.execute(select(RetentionPolicy.recorded, RetentionPolicy.days).order_by("recorded")).all()
    assert [tuple(row) for row in found] == [(False, 90), (True, None)]


def test_a_city_that_was_there_before_is_not_made_to_forget(street):
    street.received()

    assert not erasing.ensure_retention(street.session, 1, NOW)
    assert street.session.scalars(select(RetentionPolicy)).all() == []
