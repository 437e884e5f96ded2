"""The one door by which originals leave: for whom, of which case, what is in the zip, and that it is on record first."""

import hashlib
import io
import json
import struct
import subprocess
from datetime import UTC, datetime, timedelta
from pathlib import Path
from zipfile import ZipFile

import pytest
from PIL import Image
from sqlalchemy import insert, select, text

import district as district_
from app import create_app
from app.api import evidence as door
from app.core import clock
from app.core.audit import AuditEntry
from app.core.db import new_id
from app.http.container import KEY
from app.identity.permissions import Role
from app.photos import erasing
from app.photos.models import Photo
from app.photos.storage import PhotoStore
from app.reports.models import TimelineEntry
from district import IN_AN

NOW = datetime(2026, 11, 23, 3, 0, tzinfo=UTC)
WHY = "Theo yêu cầu của Công an phường, công văn 12"
PHONE = "+84901234567"


def photo(shade: int) -> bytes:
    """A JPEG with an EXIF block that says where the phone stood."""
    out = io.BytesIO()
    exif = Image.Exif()
    exif[0x010F] = "MAKER-SERIAL-4711"
    exif.get_ifd(0x8825).update({1: "N", 2: (10.0, 48.0, 12.6), 3: "E", 4: (106.0, 42.0, 36.0)})
    Image.new("RGB", (64, 48), (shade * 25, 90, 90)).save(out, "JPEG", exif=exif)
    return out.getvalue()


class Desk:
    """A case in Phường An with its photos, told to the API."""

    def __init__(self, as_, district, store, monkeypatch):
        self.as_, self.district, self.store = as_, district, store
        self.resident = district.resident(PHONE)
        self.officer = district.staff(Role.OFFICER, "90001")
        self.chair = district.staff(Role.CHAIR, "90001")
        self.now = NOW
        monkeypatch.setattr(clock, "now", lambda: self.now)

    def sent(self, **said) -> str:
        self.now += timedelta(minutes=1)
        report = {"id": str(new_id()), "kind": "SW01", "location": IN_AN, "address": "Hẻm 12", **said}
        answer = self.as_(self.resident).post("/api/v1/reports", json=report)
        assert answer.status_code == 201, answer.get_json()
        return report["id"]

    def photograph(self, report_id, shade, role="before", content=None) -> str:
        content = content or photo(shade)
        sha256 = hashlib.sha256(content).hexdigest()
        who = self.resident if role == "before" else self.officer
        answer = self.as_(who).put(f"/api/v1/reports/{report_id}/photos/{sha256}?role={role}", data=content)
        assert answer.status_code == 201, answer.get_json()
        return sha256

    def move(self, report_id, to, by=None, **given):
        self.now += timedelta(minutes=1)
        answer = self.as_(by or self.officer).post(f"/api/v1/reports/{report_id}/moves", json={"to": to, **given})
        assert answer.status_code == 200, answer.get_json()

    def concluded(self, outcome="recorded", **said) -> str:
        report_id = self.sent(**said)
        self.photograph(report_id, 1)
        self.move(report_id, "accepted")
        after = self.photograph(report_id, 2, "after")
        self.move(report_id, "concluded", outcome=outcome, note="Đã xử lý", photos=[after])
        return report_id

    def asked(self, report_id, by=None, reason=WHY, **kwargs):
        return self.as_(by or self.chair).post(
            f"/api/v1/reports/{report_id}/evidence", json={"reason": reason}, **kwargs
        )

    def bundle(self, report_id) -> ZipFile:
        answer = self.asked(report_id)
        assert answer.status_code == 200, answer.get_json()
        return ZipFile(io.BytesIO(answer.data))

    def report(self, report_id, by=None):
        return self.as_(by or self.chair).get(f"/api/v1/reports/{report_id}").get_json()


@pytest.fixture
def store(web) -> PhotoStore:
    return web.extensions[KEY].photos


@pytest.fixture
def desk(as_, district, store, monkeypatch) -> Desk:
    return Desk(as_, district, store, monkeypatch)


def test_the_bundle_is_a_zip_with_the_originals_byte_for_byte(desk):
    case = desk.concluded()
    number = desk.report(case)["number"]
    answer = desk.asked(case)

    assert (answer.status_code, answer.mimetype) == (200, "application/zip")
    assert answer.headers["Content-Disposition"] == f'attachment; filename="{number}.zip"'
    assert int(answer.headers["Content-Length"]) == len(answer.data)
    assert answer.headers["Cache-Control"] == "no-store"
    opened = ZipFile(io.BytesIO(answer.data))
    hashes = [hashlib.sha256(photo(shade)).hexdigest() for shade in (1, 2)]
    names = [f"01-before-{hashes[0][:12]}.jpg", f"02-after-{hashes[1][:12]}.jpg"]
    assert opened.namelist() == [*names, "manifest.json", "timeline.json", "README.txt", "SHA256SUMS"]
    assert [opened.read(name) for name in names] == [photo(1), photo(2)]
    assert struct.unpack_from("<H", answer.data, 8) == (0,)  # stored, not packed


def test_sha256sum_accepts_it_and_finds_a_change(desk, tmp_path):
    desk.bundle(desk.concluded()).extractall(tmp_path)
    check = ["sha256sum", "-c", "--strict", "SHA256SUMS"]

    whole = subprocess.run(check, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert (whole.returncode, whole.stdout.count(": OK"), whole.stderr) == (0, 5, "")

    (tmp_path / "manifest.json").write_text("{}")
    changed = subprocess.run(check, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert (changed.returncode, "manifest.json: FAILED" in changed.stdout) == (1, True)


def test_the_manifest_says_what_why_and_by_whom(desk, session):
    case = desk.concluded()
    report = desk.report(case)
    chair = session.execute(
        text("select name from staff where person_id = :id"), {"id": desk.chair.person_id}
    ).scalar_one()
    said = json.loads(desk.bundle(case).read("manifest.json"))

    assert said["made"] == {
        "at": desk.now.isoformat(),
        "by": {"name": chair, "role": "chair", "unit": "Phường An"},
        "reason": WHY,
    }
    assert said["report"]["number"] == report["number"]
    assert said["report"]["kind"] == {"code": "SW01", "name_vi": "Lấn chiếm vỉa hè", "name_en": "Sidewalk taken over"}
    assert said["report"]["place"] == {**IN_AN, "accuracy_m": None, "address": "Hẻm 12"}
    assert said["report"]["received_at"] == report["received_at"]
    first, second = said["photos"]
    assert (first["role"], second["role"]) == ("before", "after")
    assert first["bytes"] == len(photo(1))
    assert first["media_type"] == "image/jpeg"


def test_a_place_that_was_corrected_stands_beside_the_one_that_was_stated(desk):
    report_id = desk.sent()
    desk.move(report_id, "accepted")
    entry = {"type": "correct", "address": "Số 14", "reason": "Nhầm số"}
    assert desk.as_(desk.officer).post(f"/api/v1/reports/{report_id}/entries", json=entry).status_code == 200
    after = desk.photograph(report_id, 2, "after")
    desk.move(report_id, "concluded", outcome="recorded", note="Xong", photos=[after])

    report = json.loads(desk.bundle(report_id).read("manifest.json"))["report"]
    assert (report["place"]["address"], report["stated"]["address"]) == ("Số 14", "Hẻm 12")


def test_the_course_is_as_the_unit_sees_it_and_ends_with_the_bundle(desk):
    case = desk.concluded()
    desk.as_(desk.officer).post(f"/api/v1/reports/{case}/entries", json={"type": "note", "text": "Chủ quán vắng"})
    course = json.loads(desk.bundle(case).read("timeline.json"))

    assert [entry["type"] for entry in course] == ["received", "accept", "conclude", "note", "evidence_made"]
    assert course[3]["texts"] == {"text": "Chủ quán vắng"}
    assert course[-1]["texts"] == {"reason": WHY}
    assert course[0]["by"] == {"role": "resident"}


@pytest.mark.parametrize("anonymous", [True, False])
def test_nothing_in_it_says_who_reported(desk, session, anonymous):
    case = desk.concluded(anonymous=anonymous)
    opened = desk.bundle(case)
    written = b"".join(opened.read(name) for name in opened.namelist() if not name.endswith(".jpg"))

    author = session.execute(
        text("select person_id, tag from report_authors where report_id = :id"), {"id": case}
    ).one()
    assert (author.tag is not None) == anonymous
    tags = [author.tag.hex().encode()] if anonymous else []
    for secret in (PHONE.encode(), PHONE[3:].encode(), str(desk.resident.person_id).encode(), *tags):
        assert secret not in written
    assert b"MAKER-SERIAL" not in written


def test_whom_a_volunteer_filed_for_and_who_they_are_is_not_in_it(desk, district, session):
    volunteer = district.staff(Role.VOLUNTEER)
    desk.resident = volunteer
    case = desk.concluded(on_behalf={"phone": "0987654321"})
    name = session.execute(
        text("select name from staff where person_id = :id"), {"id": volunteer.person_id}
    ).scalar_one()
    opened = desk.bundle(case)

    for member in ("manifest.json", "timeline.json", "README.txt"):
        said = opened.read(member).decode()
        for secret in ("987654321", name, str(volunteer.person_id)):
            assert secret not in said, member


def test_it_is_on_record_for_the_unit_and_in_the_audit(desk, session):
    case = desk.concluded()
    version = desk.report(case)["version"]
    desk.bundle(case)
    hashes = [hashlib.sha256(photo(shade)).hexdigest() for shade in (1, 2)]

    entry = session.scalars(select(TimelineEntry).where(TimelineEntry.type == "evidence_made")).one()
    assert (entry.by_role, entry.by_id, entry.shown_to) == ("chair", desk.chair.person_id, "unit")
    assert entry.data == {"photos": hashes, "format": "haigio-evidence/1"}
    audited = session.scalars(select(AuditEntry).where(AuditEntry.action == "evidence:make")).one()
    assert (audited.actor_id, audited.subject) == (desk.chair.person_id, f"report/{case}")
    assert WHY not in json.dumps(audited.data)
    # The resident learns nothing of it, not even that something happened.
    course = desk.as_(desk.resident).get(f"/api/v1/reports/{case}/timeline").get_json()["items"]
    assert "evidence_made" not in [one["type"] for one in course]
    assert desk.report(case)["version"] == version


def test_it_may_be_made_again_and_each_time_is_on_record(desk, session):
    case = desk.concluded()
    desk.bundle(case)
    desk.bundle(case)

    made = session.scalars(select(TimelineEntry.id).where(TimelineEntry.type == "evidence_made")).all()
    assert len(made) == 2


def test_the_record_is_committed_before_a_byte_leaves(settings, committed, monkeypatch):
    with committed.unit_of_work() as session:
        district = district_.found(session)
        web = create_app(settings, committed)

        def as_(actor):
            client = web.test_client()
            token = web.extensions[KEY].tokens.issue(
                actor.person_id, actor.session_id, is_staff=actor.is_staff, now=NOW
            )
            client.environ_base["HTTP_AUTHORIZATION"] = f"Bearer {token}"
            return client

        desk = Desk(as_, district, web.extensions[KEY].photos, monkeypatch)
    case = desk.concluded()
    seen, read, in_use = [], door.Bundle.read, []

    def watched(bundle):
        with committed.unit_of_work() as session:
            seen.append(session.scalars(select(TimelineEntry.id).where(TimelineEntry.type == "evidence_made")).all())
        return read(bundle)

    packed = door.Bundle.add_original

    def packing(*args):
        in_use.append(committed.engine.pool.checkedout())
        packed(*args)

    monkeypatch.setattr(door.Bundle, "read", watched)
    monkeypatch.setattr(door.Bundle, "add_original", packing)
    assert desk.asked(case).status_code == 200
    assert [len(entries) for entries in seen] == [1]
    assert in_use == [0, 0], "no database connection waits while originals are read"


def test_a_rotten_original_is_never_handed_out_as_evidence(desk, web, session):
    case = desk.concluded()
    sha256 = hashlib.sha256(photo(2)).hexdigest()
    path = next(Path(web.extensions[KEY].settings.photos).glob(f"originals/*/*/{sha256}"))
    path.chmod(0o600)
    path.write_bytes(photo(2)[:-1] + b"\0")

    answer = desk.asked(case)
    path.unlink()

    assert (answer.status_code, answer.get_json()["code"]) == (409, "original_damaged")
    assert sha256 in answer.get_json()["detail"]
    assert session.scalars(select(TimelineEntry).where(TimelineEntry.type == "evidence_made")).all() == []
    assert desk.asked(case).get_json()["code"] == "original_damaged"  # missing is no better


def test_what_came_meanwhile_is_not_passed_over_in_silence(desk, session, monkeypatch):
    case = desk.concluded()
    packed = door.Bundle.add_original

    def an_officer_adds_a_photo(*args):
        packed(*args)
        monkeypatch.setattr(door.Bundle, "add_original", packed)
        sha256 = hashlib.sha256(photo(3)).hexdigest()
        desk.store.put([photo(3)], sha256=sha256)
        row = {"report_id": case, "sha256": sha256, "role": "after", "state": "received"}
        session.execute(insert(Photo).values(**row, bytes=len(photo(3)), added_at=desk.now, received_at=desk.now))

    monkeypatch.setattr(door.Bundle, "add_original", an_officer_adds_a_photo)

    assert (desk.asked(case).status_code, desk.asked(case).status_code) == (412, 200)


def test_photos_that_were_erased_are_told_of(desk, session):
    case = desk.concluded()
    erasing.erase(session, case, desk.now)
    opened = desk.bundle(case)

    assert opened.namelist() == ["manifest.json", "timeline.json", "README.txt", "SHA256SUMS"]
    said = json.loads(opened.read("manifest.json"))["photos"]
    assert [(one["file"], one["state"], one["erased_at"]) for one in said] == [
        (None, "erased", desk.now.isoformat())
    ] * 2
    assert "đã xóa theo thời hạn lưu trữ" in opened.read("README.txt").decode()


def test_only_the_chair_of_the_unit_that_holds_it(desk, district):
    case = desk.concluded()
    for actor, status, code in (
        (desk.resident, 403, "not_permitted"),
        (desk.officer, 403, "not_permitted"),
        (district.staff(Role.LEADER), 403, "not_permitted"),
        (district.staff(Role.ADMIN), 403, "not_permitted"),
        (district.staff(Role.DISPATCHER, "desk"), 403, "not_permitted"),
        (district.staff(Role.CHAIR, "90002"), 404, "report_not_found"),
    ):
        refused = desk.asked(case, by=actor)
        assert (refused.status_code, refused.get_json()["code"]) == (status, code), actor
    assert desk.as_(None).post(f"/api/v1/reports/{case}/evidence", json={"reason": WHY}).status_code == 401
    assert desk.asked(new_id()).status_code == 404


@pytest.mark.parametrize("reason", ["", "   ", None, "x" * 2001])
def test_a_reason_is_needed(desk, reason):
    refused = desk.asked(desk.concluded(), reason=reason)

    assert (refused.status_code, refused.get_json()["errors"][0]["at"]) == (422, "reason")


def test_open_cases_and_other_outcomes_have_none(desk):
    contested = desk.concluded()
    desk.move(contested, "contested", by=desk.resident, reason="Vẫn còn")
    for case in (desk.sent(), desk.concluded("remedied"), contested):
        refused = desk.asked(case)
        assert (refused.status_code, refused.get_json()["code"]) == (409, "evidence_needs_record")
        assert desk.report(case)["links"]["evidence"] is None


def test_the_duplicate_of_a_recorded_case_proves_the_same(desk):
    root = desk.concluded()
    duplicate = desk.sent()
    desk.photograph(duplicate, 9)
    desk.move(duplicate, "accepted")
    desk.move(duplicate, "concluded", outcome="duplicate", original=root, note="Trùng")
    opened = desk.bundle(duplicate)

    said = json.loads(opened.read("manifest.json"))["report"]
    assert (said["outcome"], said["original"]) == ("duplicate", desk.report(root)["number"])
    assert opened.read(opened.namelist()[0]) == photo(9)


def test_the_link_is_there_for_who_may(desk):
    case = desk.concluded()

    assert desk.report(case)["links"]["evidence"] == f"/api/v1/reports/{case}/evidence"
    assert desk.report(case, desk.officer)["links"]["evidence"] is None
    assert desk.report(case, desk.resident)["links"]["evidence"] is None


def test_an_erased_photo_has_no_links_and_is_not_taken_again(desk, session):
    case = desk.sent()
    sha256 = desk.photograph(case, 1)
    erasing.erase(session, case, desk.now)

    (shown,) = desk.report(case, desk.resident)["photos"]
    assert (shown["state"], shown["urls"]) == ("erased", None)
    again = desk.as_(desk.resident).put(f"/api/v1/reports/{case}/photos/{sha256}?role=before", data=photo(1))
    assert (again.status_code, again.get_json()["code"]) == (409, "photo_erased")
