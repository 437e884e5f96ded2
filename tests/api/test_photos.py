import hashlib
import io
import struct
from datetime import timedelta
from pathlib import Path
from uuid import UUID

import pytest
from PIL import Image
from sqlalchemy import select, update

import district as district_
from app import create_app
from app.core import clock
from app.core.db import new_id
from app.core.outbox import OutboxMessage
from app.http.container import KEY
from app.identity.permissions import Role
from app.photos import actions, images, links
from app.photos.models import Photo
from app.photos.storage import Copy, PhotoStore
from app.reports.models import Report


def photo(shade=0, image_format="JPEG"):
    out = io.BytesIO()
    Image.new("RGB", (640, 480), (shade * 20, 90, 90)).save(out, image_format, quality=95)
    return out.getvalue()


def sha256(content):
    return hashlib.sha256(content).hexdigest()


@pytest.fixture
def web(settings, database, district):
    return create_app(settings, database)


@pytest.fixture
def as_(web):
    """A client of somebody's; of nobody's without an actor."""

    class Client:
        def __init__(self, actor=None):
            self._client = web.test_client()
            self._headers = {}
            if actor is not None:
                token = web.extensions[KEY].tokens.issue(
                    actor.person_id, actor.session_id, is_staff=actor.is_staff, now=clock.now()
                )
                self._headers = {"Authorization": f"Bearer {token}"}

        def put(self, report_id, content, *, name=None, role="before", **kwargs):
            address = f"/api/v1/reports/{report_id}/photos/{name or sha256(content)}?role={role}"
            return self._client.put(address, data=content, headers=self._headers, **kwargs)

        def post(self, path, **kwargs):
            return self._client.post("/api/v1" + path, headers=self._headers, **kwargs)

        def get(self, path, headers=None):
            return self._client.get(path, headers=self._headers | (headers or {}))

    return Client


@pytest.fixture
def resident(district):
    return district.resident()


@pytest.fixture
def officer(district):
    return district.staff(Role.OFFICER, "90001")


@pytest.fixture
def report_id(as_, resident):
    """A report of the resident's in An."""
    sent = {"id": str(new_id()), "kind": "SW01", "location": district_.IN_AN, "photos": []}
    answer = as_(resident).post("/reports", json=sent)
    assert answer.status_code == 201, answer.json
    return sent["id"]


@pytest.fixture
def store(settings):
    return PhotoStore(settings.photos)


def files(settings):
    return sorted(path.name for path in Path(settings.photos).rglob("*") if path.is_file())


def test_a_photo_is_201_then_200_and_kept_byte_for_byte(as_, resident, report_id, store, session):
    content = photo()

    first = as_(resident).put(report_id, content)
    again = as_(resident).put(report_id, content)

    assert (first.status_code, again.status_code) == (201, 200)
    shown = {"sha256": sha256(content), "role": "before", "state": "received", "urls": None, "refusal": None}
    more = {"placeholder": None, "duration_ms": None, "hints": None, "look": None}
    assert first.json == again.json == shown | more
    with store.open(sha256(content)) as original:
        assert original.read() == content
    messages = session.scalars(select(OutboxMessage).where(OutboxMessage.topic == "photo.received")).all()
    assert [message.payload["sha256"] for message in messages] == [sha256(content)]


@pytest.mark.parametrize(
    ("content", "name", "status", "code"),
    [
        (b"Toi gui anh nay", None, 415, "not_a_photo"),
        (b"", None, 415, "not_a_photo"),
        (photo(1), sha256(photo(2)), 422, "photo_hash_mismatch"),
        (photo(1), sha256(photo(1)).upper(), 422, "sha256_malformed"),
        (photo(1), "abc", 422, "sha256_malformed"),
    ],
    ids=["text", "nothing", "other hash", "upper case", "no hash"],
)
def test_bad_bytes_are_a_problem_and_store_nothing(
    as_, resident, report_id, settings, session, content, name, status, code
):
    answer = as_(resident).put(report_id, content, name=name)

    assert (answer.status_code, answer.json["code"]) == (status, code)
    assert answer.mimetype == "application/problem+json"
    assert files(settings) == []
    assert session.scalars(select(Photo)).all() == []


@pytest.mark.parametrize("length", [20_000_001, 60_000_000])
@pytest.mark.parametrize("stated", [True, False])
def test_a_body_over_20_mb_is_refused_and_stores_nothing(as_, resident, report_id, settings, length, stated):
    content = photo().ljust(length, b"\0")
    # Without a stated length the server says where the body ends (chunked).
    how = {} if stated else {"input_stream": io.BytesIO(content), "environ_overrides": {"wsgi.input_terminated": True}}

    answer = as_(resident).put(report_id, content if stated else None, name=sha256(content), **how)

    assert (answer.status_code, answer.json["code"]) == (413, "photo_too_large")
    assert files(settings) == []


def test_a_stated_length_over_the_limit_is_refused_before_a_byte_is_read(as_, resident, report_id):
    class Unread(io.BytesIO):
        def read(self, *_size):
            pytest.fail("a byte was read")

    unread = {"wsgi.input": Unread(), "CONTENT_LENGTH": "20000001"}
    answer = as_(resident).put(report_id, None, name="ab" * 32, environ_overrides=unread)

    assert (answer.status_code, answer.json["code"]) == (413, "photo_too_large")


def test_an_after_photo_is_only_for_the_unit_that_holds_the_report(as_, district, resident, officer, report_id):
    elsewhere = district.staff(Role.OFFICER, "90002")

    assert as_(resident).put(report_id, photo(1), role="after").status_code == 403
    assert as_(elsewhere).put(report_id, photo(1), role="after").status_code == 404
    assert as_(officer).put(report_id, photo(1), role="after").status_code == 201


def test_a_before_photo_is_only_for_its_author(as_, district, officer, report_id):
    stranger = as_(district.resident()).put(report_id, photo())

    assert (stranger.status_code, stranger.json["code"]) == (404, "report_not_found")
    assert as_(officer).put(report_id, photo(), role="before").status_code == 403
    assert as_().put(report_id, photo()).status_code == 401
    assert as_(officer).put(new_id(), photo()).status_code == 404


def test_a_refused_photo_is_not_even_stored(as_, district, report_id, settings):
    as_(district.resident()).put(report_id, photo())

    assert files(settings) == []


def test_a_unit_that_loses_the_report_meanwhile_adds_nothing(as_, district, officer, report_id, session, monkeypatch):
    keep = actions.keep

    def keep_while_the_report_goes_elsewhere(*args, **kwargs):
        session.execute(update(Report).values(unit_id=district.units["90002"]))
        return keep(*args, **kwargs)

    monkeypatch.setattr(actions, "keep", keep_while_the_report_goes_elsewhere)

    assert as_(officer).put(report_id, photo(), role="after").status_code == 404
    assert session.scalars(select(Photo)).all() == []


def test_what_was_kept_and_then_refused_is_taken_away_unless_another_report_has_it(
    as_, district, officer, report_id, settings, session, monkeypatch
):
    keep = actions.keep

    def keep_while_the_report_goes_elsewhere(*args, **kwargs):
        session.execute(update(Report).where(Report.id == UUID(report_id)).values(unit_id=district.units["90002"]))
        return keep(*args, **kwargs)

    other = district.resident()
    sent = {"id": str(new_id()), "kind": "SW01", "location": district_.IN_AN, "photos": []}
    assert as_(other).post("/reports", json=sent).status_code == 201
    assert as_(other).put(sent["id"], photo(1)).status_code == 201
    session.commit()  # what is refused is rolled back
    monkeypatch.setattr(actions, "keep", keep_while_the_report_goes_elsewhere)

    assert as_(officer).put(report_id, photo(2), role="after").status_code == 404
    assert as_(officer).put(report_id, photo(1), role="after").status_code == 404

    assert files(settings) == [sha256(photo(1))]


def test_one_photo_has_one_role(as_, resident, officer, report_id):
    as_(resident).put(report_id, photo())

    answer = as_(officer).put(report_id, photo(), role="after")

    assert (answer.status_code, answer.json["code"]) == (409, "photo_role_taken")


@pytest.mark.parametrize("role", ["during", ""])
def test_there_are_two_roles(as_, resident, report_id, role):
    answer = as_(resident).put(report_id, photo(), role=role)

    assert (answer.status_code, answer.json["errors"][0]["at"]) == (422, "role")


def test_the_eleventh_photo_is_refused(as_, resident, report_id):
    for shade in range(10):
        assert as_(resident).put(report_id, photo(shade)).status_code == 201

    answer = as_(resident).put(report_id, photo(11))

    assert (answer.status_code, answer.json["code"]) == (422, "too_many_photos")
    assert as_(resident).put(report_id, photo(3)).status_code == 200


def test_no_database_connection_waits_while_a_phone_sends(settings, committed, monkeypatch):
    with committed.unit_of_work() as session:
        resident = district_.found(session).resident()
    client = create_app(settings, committed).test_client()
    token = client.application.extensions[KEY].tokens.issue(
        resident.person_id, resident.session_id, is_staff=False, now=clock.now()
    )
    headers = {"Authorization": f"Bearer {token}"}
    sent = {"id": str(new_id()), "kind": "SW01", "location": district_.IN_AN, "photos": []}
    assert client.post("/api/v1/reports", json=sent, headers=headers).status_code == 201
    in_use, keep = [], actions.keep

    def watched(*args, **kwargs):
        in_use.append(committed.engine.pool.checkedout())
        return keep(*args, **kwargs)

    monkeypatch.setattr(actions, "keep", watched)
    answer = client.put(f"/api/v1/reports/{sent['id']}/photos/{sha256(photo())}", data=photo(), headers=headers)

    assert (answer.status_code, in_use) == (201, [0])


@pytest.fixture
def ready(as_, resident, report_id, store, session):
    """The hash of a photo of the report whose copies are made."""
    content = photo()
    as_(resident).put(report_id, content)
    made = images.make_copies(io.BytesIO(content))
    store.put_copy(sha256(content), Copy.DISPLAY, made.display)
    store.put_copy(sha256(content), Copy.THUMB, made.thumb)
    actions.copies_made(session, report_id, sha256(content), width=640, height=480, now=clock.now())
    return sha256(content)


def test_a_ready_photo_is_looked_at_through_links_without_a_token(as_, resident, report_id, ready):
    [shown] = as_(resident).get(f"/api/v1/reports/{report_id}").json["photos"]
    assert (shown["sha256"], shown["state"], set(shown["urls"])) == (ready, "ready", {"display", "thumb"})

    for copy, size in (("display", (640, 480)), ("thumb", (320, 240))):
        answer = as_().get(shown["urls"][copy])
        assert answer.status_code == 200
        assert answer.mimetype == "image/jpeg"
        assert Image.open(io.BytesIO(answer.data)).size == size


@pytest.mark.parametrize(
    ("code", "words"),
    [("photo_damaged", "damaged or cut short"), ("photo_too_many_pixels", "too many pixels")],
)
def test_a_photo_that_cannot_be_opened_says_why(as_, resident, report_id, session, code, words):
    content = photo()
    as_(resident).put(report_id, content)
    actions.refuse(session, report_id, sha256(content), refusal=code, now=clock.now())

    [shown] = as_(resident).get(f"/api/v1/reports/{report_id}", headers={"Accept-Language": "en"}).json["photos"]

    assert (shown["state"], shown["urls"], shown["refusal"]["code"]) == ("refused", None, code)
    assert words in shown["refusal"]["detail"]
    assert as_(resident).put(report_id, content).json["refusal"]["code"] == code


@pytest.mark.usefixtures("ready")
def test_a_copy_is_a_picture_and_nothing_else(as_, resident, report_id):
    [shown] = as_(resident).get(f"/api/v1/reports/{report_id}").json["photos"]

    answer = as_().get(shown["urls"]["thumb"])

    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert answer.headers["Content-Security-Policy"] == "default-src 'none'; sandbox"
    cached = answer.cache_control
    assert cached.private
    assert 595 <= cached.max_age <= 900
    again = as_().get(shown["urls"]["thumb"], headers={"If-None-Match": answer.headers["ETag"]})
    assert (again.status_code, again.data) == (304, b"")


def test_no_address_can_be_guessed(as_, officer, ready, settings):
    key = settings.key(links.KEY_PURPOSE)
    good = links.urls(key, ready, now=clock.now())["thumb"]
    old = links.urls(key, ready, now=clock.now() - timedelta(minutes=16))["thumb"]

    refused = {
        f"/api/v1/photos/{ready}/thumb": 422,  # no signature at all
        good.replace("/thumb", "/display"): 404,
        good[:-1] + ("0" if good[-1] != "0" else "1"): 404,
        good.replace(ready, "ab" * 32): 404,
        good.replace("/thumb", "/original"): 404,
        good.replace("until=", "until=9"): 404,
        old: 404,
    }

    assert {address: as_(officer).get(address).status_code for address in refused} == refused
    assert as_().get(old).json["code"] == "photo_link_expired"
    assert as_().get(good).status_code == 200


def test_the_original_has_no_address(web):
    assert {rule.rule for rule in web.url_map.iter_rules() if "photos" in rule.rule} == {
        "/api/v1/reports/<uuid:report_id>/photos/<sha256>",
        "/api/v1/photos/place",
        "/api/v1/photos/<sha256>/<any(display, thumb):copy>",
        "/api/v1/reports/<uuid:report_id>/photos/<sha256>/look",
        "/api/v1/photos/looks/<uuid:look_id>",
        "/api/v1/public/reports/<uuid:report_id>/photos/<name>",
        "/api/v1/reports/<uuid:report_id>/photos/<sha256>/blurs",
        "/api/v1/reports/<uuid:report_id>/photos/<sha256>/blurs/<uuid:blur_id>",
    }


def located():
    """A JPEG's beginning with 10.5 N, 106.5 E, and a time, by hand."""
    gps = struct.pack("<H", 4) + b"".join(
        (
            struct.pack("<HHI4s", 1, 2, 2, b"N"),
            struct.pack("<HHII", 2, 5, 1, 92),
            struct.pack("<HHI4s", 3, 2, 2, b"E"),
            struct.pack("<HHII", 4, 5, 1, 100),
        )
    )
    block = b"II*\0" + struct.pack("<IHHHIIIH", 8, 1, 0x8825, 4, 1, 26, 0, 0)[:22] + gps
    block = block.ljust(92, b"\0") + struct.pack("<4I", 105, 10, 1065, 10)
    return b"\xff\xd8\xff\xe1" + struct.pack(">H", len(block) + 8) + b"Exif\0\0" + block


def test_a_photo_says_where_it_was_taken_and_nothing_is_stored(as_, resident, settings):
    answer = as_(resident).post("/photos/place", data=located().ljust(256 * 1024, b"\0"))

    assert answer.status_code == 200
    assert answer.json == {"lat": 10.5, "lon": 106.5, "captured_at": None}
    assert files(settings) == []


def test_a_photo_that_does_not_say_has_no_place(as_, resident):
    assert as_(resident).post("/photos/place", data=photo()).json == {"lat": None, "lon": None, "captured_at": None}


@pytest.mark.parametrize(
    ("content", "status", "code"),
    [
        (b"Toi gui anh nay", 415, "not_a_photo"),
        (b"", 415, "not_a_photo"),
        (located().ljust(256 * 1024 + 1, b"\0"), 413, "body_too_large"),
    ],
    ids=["text", "nothing", "too much"],
)
def test_only_the_beginning_of_a_photo_has_a_place(as_, resident, content, status, code):
    answer = as_(resident).post("/photos/place", data=content)

    assert (answer.status_code, answer.json["code"]) == (status, code)


def test_a_place_is_not_read_for_everybody(as_):
    assert as_().post("/photos/place", data=located()).status_code == 401
