"""Uploads that go on where they broke off, request by request. Whole stories over real connections are in `journeys`."""

import base64
import hashlib
import io
import random
from datetime import timedelta
from functools import cache
from pathlib import Path
from uuid import UUID

import pytest
from PIL import Image
from sqlalchemy import select, update

import district as district_
from app import create_app
from app.api import uploads as uploads_door
from app.core import clock
from app.core.db import new_id
from app.core.outbox import OutboxMessage
from app.http.container import KEY
from app.identity.permissions import Role
from app.photos import uploads
from app.photos.models import Photo, Upload
from app.reports.models import Report
from movies import Movie

TUS = {"Tus-Resumable": "1.0.0"}
BODY = "application/offset+octet-stream"


@cache
def photo(seed=0):
    out = io.BytesIO()
    Image.frombytes("L", (160, 120), random.Random(seed).randbytes(160 * 120)).save(out, "JPEG", quality=90)
    return out.getvalue()


def sha256(content):
    return hashlib.sha256(content).hexdigest()


def said(**pairs):
    return ",".join(f"{name} {base64.b64encode(str(value).encode()).decode()}" for name, value in pairs.items())


@pytest.fixture
def web(settings, database, district):
    return create_app(settings, database)


@pytest.fixture
def as_(web):
    """A client of somebody's that speaks the protocol."""

    class Client:
        def __init__(self, actor=None):
            self._client = web.test_client()
            self.headers = dict(TUS)
            if actor is not None:
                token = web.extensions[KEY].tokens.issue(
                    actor.person_id, actor.session_id, is_staff=actor.is_staff, now=clock.now()
                )
                self.headers["Authorization"] = f"Bearer {token}"

        def begin(self, report_id, content, *, length=None, role="before", data=None, metadata=None, **headers):
            metadata = metadata or said(report=report_id, role=role, sha256=sha256(content), filename="a/../b.jpg")
            sent = {"Upload-Length": str(length or len(content)), "Upload-Metadata": metadata, **headers}
            more = {"data": data, "content_type": BODY} if data is not None else {}
            return self._client.post("/api/v1/uploads", headers=self.headers | sent, **more)

        def patch(self, address, offset, data, content_type=BODY, **headers):
            sent = self.headers | {"Upload-Offset": str(offset)} | {k.replace("_", "-"): v for k, v in headers.items()}
            return self._client.patch(address, headers=sent, data=data, content_type=content_type)

        def head(self, address):
            return self._client.head(address, headers=self.headers)

        def open(self, address, method, **headers):
            sent = self.headers | {k.replace("_", "-"): v for k, v in headers.items()}
            return self._client.open(address, method=method, headers=sent)

        def submit(self):
            sent = {"id": str(new_id()), "kind": "SW01", "location": district_.IN_AN, "photos": []}
            assert self._client.post("/api/v1/reports", json=sent, headers=self.headers).status_code == 201
            return sent["id"]

    return Client


@pytest.fixture
def resident(as_, district):
    return as_(district.resident())


@pytest.fixture
def officer(as_, district):
    return as_(district.staff(Role.OFFICER, "90001"))


@pytest.fixture
def report_id(resident):
    """A report of the resident's in An."""
    return resident.submit()


def files(settings):
    folder = Path(settings.photos)
    return sorted(str(path.relative_to(folder)).partition("/")[0] for path in folder.rglob("*") if path.is_file())


def received(session):
    return session.scalars(select(Photo)).all()


def test_a_server_says_what_it_can(as_):
    answer = as_().open("/api/v1/uploads", "OPTIONS")

    assert answer.status_code == 204
    assert answer.headers["Tus-Version"] == answer.headers["Tus-Resumable"] == "1.0.0"
    assert answer.headers["Tus-Extension"].split(",") == [
        "creation", "creation-with-upload", "checksum", "expiration", "termination",
    ]  # fmt: skip
    assert answer.headers["Tus-Max-Size"] == "40000000"
    assert answer.headers["Tus-Checksum-Algorithm"] == "sha1,sha256,md5"


def test_a_photo_in_three_pieces_is_the_photo(resident, report_id, session, settings):
    content = photo()
    third = len(content) // 3

    begun = resident.begin(report_id, content)
    address = begun.headers["Location"]
    assert begun.status_code == 201
    assert begun.headers["Upload-Offset"] == "0"
    for at in (0, third, 2 * third):
        piece = content[at:] if at == 2 * third else content[at : at + third]
        answer = resident.patch(address, at, piece)
        assert (answer.status_code, answer.headers["Upload-Offset"]) == (204, str(at + len(piece)))
        assert answer.headers["Tus-Resumable"] == "1.0.0"

    [row] = received(session)
    assert (str(row.report_id), row.sha256, row.role, row.state, row.bytes) == (
        report_id, sha256(content), "before", "received", len(content),
    )  # fmt: skip
    assert files(settings) == ["originals"]
    store = Path(settings.photos, "originals", sha256(content)[:2], sha256(content)[2:4], sha256(content))
    assert store.read_bytes() == content
    messages = session.scalars(select(OutboxMessage).where(OutboxMessage.topic == "photo.received")).all()
    assert [message.payload["sha256"] for message in messages] == [sha256(content)]


def test_a_slow_request_is_made_durable_part_by_part(resident, report_id, session, settings, monkeypatch):
    content, seconds = photo(), iter(range(0, 100_000, 11))
    monkeypatch.setattr(uploads_door.time, "monotonic", lambda: next(seconds))
    monkeypatch.setattr(uploads_door, "chunks", lambda stream: iter(lambda: stream.read(1000), b""))
    kept, put = [], uploads.PhotoStore.put_piece
    monkeypatch.setattr(
        uploads.PhotoStore,
        "put_piece",
        lambda store, upload, spool: kept.append(spool.size) or put(store, upload, spool),
    )
    address = resident.begin(report_id, content).headers["Location"]

    answer = resident.patch(address, 0, content)

    assert (answer.status_code, answer.headers["Upload-Offset"]) == (204, str(len(content)))
    assert len(kept) == len(content) // 1000
    assert [row.sha256 for row in received(session)] == [sha256(content)]
    assert files(settings) == ["originals"]


@pytest.mark.parametrize(("seconds", "code"), [(40, "video_too_long"), (None, "video_damaged")])
def test_a_video_that_cannot_be_taken_is_given_up(resident, report_id, session, settings, seconds, code):
    content = Movie(seconds or 10).content
    content = content if seconds else content[: len(content) // 2]
    metadata = said(report=report_id, role="before", sha256=sha256(content), filetype="video/quicktime")

    answer = resident.begin(report_id, content, data=content, metadata=metadata)

    assert (answer.status_code, answer.json["code"]) == (422, code)
    assert files(settings) == []
    assert session.scalars(select(Upload)).all() == []


def test_where_an_upload_is_can_be_asked_also_when_it_is_complete(resident, report_id):
    content, metadata = photo(), said(report=report_id, role="before", sha256=sha256(photo()))
    address = resident.begin(report_id, content, metadata=metadata).headers["Location"]
    resident.patch(address, 0, content[:1000])

    on_its_way = resident.head(address)
    resident.patch(address, 1000, content[1000:])
    complete = resident.head(address)

    for answer, offset in ((on_its_way, 1000), (complete, len(content))):
        assert answer.status_code == 200
        assert answer.headers["Upload-Offset"] == str(offset)
        assert answer.headers["Upload-Length"] == str(len(content))
        assert answer.headers["Upload-Metadata"] == metadata
        assert answer.headers["Cache-Control"] == "no-store"
        assert answer.headers["Upload-Expires"].endswith("GMT")


def test_the_beginning_may_come_with_the_creation(resident, report_id, session):
    content = photo()

    part = resident.begin(report_id, content, data=content[:500])
    whole = resident.begin(report_id, photo(1), data=photo(1))

    assert (part.status_code, part.headers["Upload-Offset"]) == (201, "500")
    assert (whole.status_code, whole.headers["Upload-Offset"]) == (201, str(len(photo(1))))
    assert [row.sha256 for row in received(session)] == [sha256(photo(1))]
    resident.patch(part.headers["Location"], 500, content[500:])
    assert {row.sha256 for row in received(session)} == {sha256(content), sha256(photo(1))}


def test_bytes_that_do_not_join_are_refused(resident, report_id):
    content = photo()
    address = resident.begin(report_id, content).headers["Location"]
    resident.patch(address, 0, content[:700])

    for offset in (0, 699, 701):
        answer = resident.patch(address, offset, content[offset : offset + 10])
        assert (answer.status_code, answer.json["code"], answer.json["offset"]) == (409, "upload_offset_mismatch", 700)
    assert resident.head(address).headers["Upload-Offset"] == "700"


def test_of_two_who_send_the_same_part_one_is_told_to_look_again(resident, report_id, session, settings, monkeypatch):
    content = photo()
    address = resident.begin(report_id, content).headers["Location"]
    put = uploads.PhotoStore.put_piece

    def put_while_another_is_faster(store, upload_id, spool):
        session.execute(update(Upload).values(offset_bytes=900, pieces=["uploads/x/other"]))
        return put(store, upload_id, spool)

    monkeypatch.setattr(uploads.PhotoStore, "put_piece", put_while_another_is_faster)
    answer = resident.patch(address, 0, content[:700])

    assert (answer.status_code, answer.json["code"], answer.json["offset"]) == (409, "upload_offset_mismatch", 900)
    assert files(settings) == []


@pytest.mark.parametrize("algorithm", ["sha1", "sha256", "md5"])
def test_a_checksum_is_verified_before_anything_is_kept(resident, report_id, settings, algorithm):
    content = photo()
    address = resident.begin(report_id, content).headers["Location"]

    def checksum(of):
        return f"{algorithm} {base64.b64encode(hashlib.new(algorithm, of).digest()).decode()}"

    damaged = resident.patch(address, 0, content[:800], Upload_Checksum=checksum(content[:799]))
    assert (damaged.status_code, damaged.json["code"]) == (460, "upload_checksum_mismatch")
    assert resident.head(address).headers["Upload-Offset"] == "0"
    assert files(settings) == []

    assert resident.patch(address, 0, content[:800], Upload_Checksum=checksum(content[:800])).status_code == 204
    assert resident.head(address).headers["Upload-Offset"] == "800"


@pytest.mark.parametrize("header", ["crc32 AAAA", "sha1", "sha1 !!!", "sha1 ", ""])
def test_a_checksum_that_cannot_be_read_is_refused(resident, report_id, header):
    content = photo()
    address = resident.begin(report_id, content).headers["Location"]

    answer = resident.patch(address, 0, content[:800], Upload_Checksum=header)

    assert (answer.status_code, answer.json["code"]) == (422, "upload_header_malformed")
    assert resident.head(address).headers["Upload-Offset"] == "0"


def test_more_than_was_announced_is_refused_at_the_header(resident, report_id):
    content = photo()
    address = resident.begin(report_id, content, length=1000).headers["Location"]

    too_much = resident.patch(address, 0, content[:1001])

    assert (too_much.status_code, too_much.json["code"]) == (413, "upload_too_long")
    assert resident.head(address).headers["Upload-Offset"] == "0"


def test_who_lied_about_the_length_has_no_photo_and_leaves_nothing(resident, report_id, session, settings):
    content = photo()
    address = resident.begin(report_id, content, length=1000).headers["Location"]

    answer = resident.patch(address, 0, content[:1000])

    assert (answer.status_code, answer.json["code"]) == (422, "photo_hash_mismatch")
    assert received(session) == []
    assert files(settings) == []
    assert resident.head(address).status_code == 404


def test_what_is_no_photo_is_found_out_with_its_first_bytes(resident, report_id, session, settings):
    text = b"<svg xmlns='http://www.w3.org/2000/svg'/>" * 100
    address = resident.begin(report_id, text).headers["Location"]

    answer = resident.patch(address, 0, text[:200])

    assert (answer.status_code, answer.json["code"]) == (415, "not_a_photo")
    assert files(settings) == []
    assert session.scalars(select(Upload)).all() == []


def test_a_photo_that_was_announced_as_a_video_is_too_large_from_its_first_bytes(resident, report_id, settings):
    content = photo()
    metadata = said(report=report_id, role="before", sha256=sha256(content), filetype="video/mp4")
    address = resident.begin(report_id, content, length=20_000_001, metadata=metadata).headers["Location"]

    answer = resident.patch(address, 0, content)

    assert (answer.status_code, answer.json["code"]) == (413, "photo_too_large")
    assert files(settings) == []


def test_what_is_no_photo_is_found_out_at_the_end_when_its_beginning_came_in_crumbs(resident, report_id, settings):
    text = b"Toi gui anh nay cho phuong. " * 10
    address = resident.begin(report_id, text).headers["Location"]
    assert resident.patch(address, 0, text[:10]).status_code == 204

    answer = resident.patch(address, 10, text[10:])

    assert (answer.status_code, answer.json["code"]) == (415, "not_a_photo")
    assert files(settings) == []


@pytest.mark.parametrize(
    ("length", "metadata", "status", "code"),
    [
        ("20000001", {}, 413, "photo_too_large"),
        ("40000001", {"filetype": "video/mp4"}, 413, "photo_too_large"),
        ("0", {}, 415, "not_a_photo"),
        ("-1", {}, 422, "upload_header_malformed"),
        ("9" * 16, {}, 422, "upload_header_malformed"),
        ("12", {"role": "during"}, 422, "upload_header_malformed"),
        ("12", {"report": "../../etc"}, 422, "upload_header_malformed"),
        ("12", {"sha256": "../../etc/passwd"}, 422, "sha256_malformed"),
        ("12", {"report": new_id()}, 404, "report_not_found"),
        ("12", {"filename": "x" * 3000}, 422, "upload_header_malformed"),
    ],
)
def test_what_cannot_become_a_photo_is_refused_before_a_byte_is_sent(
    resident, report_id, session, length, metadata, status, code
):
    metadata = said(**({"report": report_id, "role": "before", "sha256": "ab" * 32} | metadata))

    answer = resident.begin(report_id, b"", length=length, metadata=metadata)

    assert (answer.status_code, answer.json["code"]) == (status, code)
    assert session.scalars(select(Upload)).all() == []


@pytest.mark.parametrize("metadata", ["", "report", "report x", "sha256 !!!", "report YWJj,sha256 YWJj", ",,,"])
def test_metadata_that_cannot_be_read_is_refused(resident, report_id, metadata):
    answer = resident.open("/api/v1/uploads", "POST", Upload_Length="10", Upload_Metadata=metadata)

    assert (answer.status_code, answer.json["code"]) == (422, "upload_header_malformed")


def test_what_is_on_its_way_has_its_room(resident, report_id):
    def begin(n, length):
        name = sha256(bytes([n]))
        metadata = said(report=report_id, role="before", sha256=name)
        return resident.begin(report_id, b"", length=length, metadata=metadata)

    addresses = [begin(n, 20_000_000).headers["Location"] for n in range(3)]
    full = begin(3, 1000)
    assert (full.status_code, full.json["code"]) == (413, "photos_too_large")
    assert begin(2, 20_000_000).status_code == 201  # the same once more, after a lost answer

    assert resident.open(addresses[0], "DELETE").status_code == 204
    assert begin(3, 1000).status_code == 201
    for n in range(4, 11):
        assert begin(n, 1000).status_code == 201
    eleventh = begin(11, 1000)
    assert (eleventh.status_code, eleventh.json["code"]) == (422, "too_many_photos")


def test_crumbs_without_end_are_given_up(resident, report_id, settings, monkeypatch):
    monkeypatch.setattr(uploads, "MOST_PIECES", 3)
    address = resident.begin(report_id, photo()).headers["Location"]
    for at in range(3):
        assert resident.patch(address, at, photo()[at : at + 1]).status_code == 204

    answer = resident.patch(address, 3, photo()[3:4])

    assert (answer.status_code, answer.json["code"]) == (422, "upload_too_many_pieces")
    assert files(settings) == []
    assert resident.head(address).status_code == 404


def test_who_begins_the_same_anew_has_given_the_earlier_one_up(resident, report_id, session, settings):
    content = photo()
    lost = resident.begin(report_id, content, data=content[:1000]).headers["Location"]
    assert files(settings) == ["uploads"]

    again = resident.begin(report_id, content).headers["Location"]

    assert files(settings) == []
    assert resident.head(lost).status_code == 404
    assert resident.patch(again, 0, content).status_code == 204
    assert len(received(session)) == 1


def test_what_is_still_on_its_way_when_the_case_is_over_is_not_taken(resident, report_id, session):
    content = photo()
    address = resident.begin(report_id, content, data=content[:1000]).headers["Location"]
    session.execute(update(Report).where(Report.id == UUID(report_id)).values(state="closed"))

    answer = resident.patch(address, 1000, content[1000:])

    assert (answer.status_code, answer.json["code"]) == (409, "entry_not_allowed")
    assert received(session) == []


def test_an_upload_is_given_up_with_all_its_bytes(resident, report_id, settings, session):
    content = photo()
    address = resident.begin(report_id, content).headers["Location"]
    resident.patch(address, 0, content[:1000])
    assert files(settings) == ["uploads"]

    assert resident.open(address, "DELETE").status_code == 204

    assert files(settings) == []
    assert resident.head(address).status_code == 404
    assert resident.patch(address, 1000, content[1000:]).status_code == 404
    assert received(session) == []


def test_a_photo_that_is_complete_stays_when_its_upload_is_given_up(resident, report_id, session, settings):
    address = resident.begin(report_id, photo(), data=photo()).headers["Location"]

    assert resident.open(address, "DELETE").status_code == 204
    assert [row.state for row in received(session)] == ["received"]
    assert files(settings) == ["originals"]


def test_networks_that_let_only_post_through(resident, report_id, session):
    content = photo()
    address = resident.begin(report_id, content).headers["Location"]

    sent = {"Upload-Offset": "0", "X-HTTP-Method-Override": "PATCH"}
    answer = resident._client.post(address, headers=resident.headers | sent, data=content, content_type=BODY)
    assert (answer.status_code, answer.headers["Upload-Offset"]) == (204, str(len(content)))
    assert len(received(session)) == 1
    assert resident.open(address, "POST", X_HTTP_Method_Override="DELETE").status_code == 204
    assert resident.open(address, "POST", X_HTTP_Method_Override="TRACE").status_code == 422
    assert resident.open(address, "POST").status_code == 422


@pytest.mark.parametrize("version", ["0.2.2", "", None])
def test_another_version_of_the_protocol_is_refused_with_ours(resident, report_id, version):
    address = resident.begin(report_id, photo()).headers["Location"]
    del resident.headers["Tus-Resumable"]
    if version is not None:
        resident.headers["Tus-Resumable"] = version

    answers = [resident.begin(report_id, photo()), resident.head(address), resident.patch(address, 0, photo())]
    answers.append(resident.open(address, "DELETE"))

    assert [answer.status_code for answer in answers] == [412] * 4
    assert {answer.headers["Tus-Version"] for answer in answers} == {"1.0.0"}
    assert answers[0].json["code"] == "upload_protocol_unknown"


def test_a_body_of_another_kind_is_refused(resident, report_id):
    address = resident.begin(report_id, photo()).headers["Location"]

    assert resident.patch(address, 0, photo(), content_type="image/jpeg").status_code == 415
    assert resident.patch(address, "x", photo()).status_code == 422


def test_an_upload_is_there_only_for_who_may_add_such_a_photo(as_, district, resident, officer, report_id):
    stranger, elsewhere = as_(district.resident()), as_(district.staff(Role.OFFICER, "90002"))
    address = resident.begin(report_id, photo()).headers["Location"]

    for other in (stranger, elsewhere):
        assert other.begin(report_id, photo()).status_code == 404
        assert other.head(address).status_code == 404
        assert other.patch(address, 0, photo()).status_code == 404
        assert other.open(address, "DELETE").status_code == 404
    assert officer.begin(report_id, photo(), role="before").status_code == 403
    assert officer.head(address).status_code == 403
    assert resident.begin(report_id, photo(), role="after").status_code == 403
    assert officer.begin(report_id, photo(), role="after").status_code == 201
    assert as_().begin(report_id, photo()).status_code == 401
    assert as_().head(address).status_code == 401
    assert resident.head(f"/api/v1/uploads/{new_id()}").status_code == 404


def test_an_upload_names_nobody(resident, report_id, session, district):
    resident.begin(report_id, photo())

    columns = set(Upload.__table__.columns.keys())
    assert columns == {
        "id", "report_id", "role", "sha256", "metadata", "length_bytes", "offset_bytes", "pieces", "created_at",
        "expires_at", "done_at",
    }  # fmt: skip


def test_a_unit_that_loses_the_report_meanwhile_adds_nothing(district, officer, report_id, session, settings):
    content = photo()
    address = officer.begin(report_id, content, role="after").headers["Location"]
    officer.patch(address, 0, content[:1000])
    session.execute(update(Report).where(Report.id == UUID(report_id)).values(unit_id=district.units["90002"]))

    assert officer.patch(address, 1000, content[1000:]).status_code == 404
    assert received(session) == []
    assert "originals" not in files(settings)


def test_a_report_that_is_over_takes_no_photo(resident, report_id, session):
    session.execute(update(Report).where(Report.id == UUID(report_id)).values(state="closed"))

    answer = resident.begin(report_id, photo())

    assert (answer.status_code, answer.json["code"]) == (409, "entry_not_allowed")


def test_a_day_later_an_upload_is_over(resident, report_id, session, web):
    content, now = photo(), clock.now()
    address = resident.begin(report_id, content).headers["Location"]
    resident.patch(address, 0, content[:1000])
    session.execute(update(Upload).values(expires_at=now))

    assert resident.head(address).status_code == 404
    assert uploads.forget_expired(session, now - timedelta(seconds=1), 10) == 0
    assert uploads.forget_expired(session, now, 10) == 1
    assert session.scalars(select(Upload)).all() == []


def test_the_same_photo_by_both_ways_is_one(resident, report_id, session):
    content = photo()
    address = f"/api/v1/reports/{report_id}/photos/{sha256(content)}"
    assert resident._client.put(address, data=content, headers=resident.headers).status_code == 201

    again = resident.begin(report_id, content, data=content)

    assert (again.status_code, again.headers["Upload-Offset"]) == (201, str(len(content)))
    assert len(received(session)) == 1
