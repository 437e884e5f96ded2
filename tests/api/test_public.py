"""What everybody may see without signing in, and that nothing else is there."""

import hashlib
import io
import json
from datetime import timedelta
from uuid import UUID

import pytest
from PIL import Image
from sqlalchemy import select, text, update

from app.core import clock
from app.core.db import new_id
from app.identity.permissions import Role
from app.photos import actions
from app.photos.links import public_name
from app.photos.models import Photo
from app.photos.storage import Copy, PhotoStore
from app.reports.models import Report, TimelineEntry, TimelineText
from district import IN_AN

PLACE = {"lat": 10.80512345, "lon": 106.70498765, "accuracy_m": 12}


def jpeg(shade) -> bytes:
    out = io.BytesIO()
    Image.new("RGB", (64, 48), (shade * 80, 90, 90)).save(out, "JPEG")
    return out.getvalue()


@pytest.fixture
def officer(district):
    return district.staff(Role.OFFICER, "90001")


@pytest.fixture
def store(web):
    return PhotoStore(web.extensions["haigio"].settings.photos)


@pytest.fixture
def resident(district):
    return district.resident()


@pytest.fixture
def sent(as_, district, resident, officer, store, session):
    """A case concluded 25 hours ago, with one photo from before and one from after, both with their public copies."""
    report_id = str(new_id())
    note = {"note": "Nhà ông A ở số 12", "address": "12/5 Bùi Hữu Nghĩa"}
    given = {"id": report_id, "kind": "SW01", "location": PLACE, **note}
    assert as_(resident).post("/api/v1/reports", json=given).status_code == 201
    names = {}
    for shade, (role, actor) in enumerate((("before", resident), ("after", officer))):
        content = jpeg(shade)
        names[role] = hashlib.sha256(content).hexdigest()
        path = f"/api/v1/reports/{report_id}/photos/{names[role]}?role={role}"
        assert as_(actor).put(path, data=content).status_code == 201
        actions.copies_made(session, UUID(report_id), names[role], width=64, height=48, now=clock.now())
        store.put_copy(public_name(UUID(report_id), names[role]), Copy.PUBLIC, b"\xff\xd8blurred " + role.encode())
    client = as_(officer)
    for move in (
        {"to": "accepted"},
        {"to": "concluded", "outcome": "remedied", "note": "Đã nhắc", "photos": [names["after"]]},
    ):
        assert client.post(f"/api/v1/reports/{report_id}/moves", json=move).status_code == 200
    session.execute(update(Photo).values(blurred_at=clock.now(), received_at=clock.now() - timedelta(hours=26)))
    session.execute(
        update(Report).values(
            received_at=clock.now() - timedelta(hours=26), concluded_at=clock.now() - timedelta(hours=25)
        )
    )
    return report_id, names


def seen(as_, report_id):
    return as_().get(f"/api/v1/public/reports/{report_id}")


def test_everybody_sees_kind_ward_day_outcome_place_and_blurred_photos_and_nothing_else(as_, sent, session):
    report_id, names = sent
    answer = seen(as_, report_id)

    received = session.scalars(select(Report.received_at).where(Report.id == report_id)).one()
    prefix = f"/api/v1/public/reports/{report_id}/photos/"
    assert (answer.status_code, answer.json) == (
        200,
        {
            "kind": "SW01",
            "field": "sidewalk",
            "ward": {"code": "90001", "name": "Phường An", "valid_from": "2024-01-01"},
            "day": (received + timedelta(hours=7)).date().isoformat(),
            "outcome": "remedied",
            "location": {"lat": 10.805, "lon": 106.705},
            "photos": [
                {
                    "role": "before",
                    "url": prefix + hashlib.sha256(f"{report_id} {names['before']}".encode()).hexdigest(),
                },
                {"role": "after", "url": prefix + hashlib.sha256(f"{report_id} {names['after']}".encode()).hexdigest()},
            ],
        },
    )
    said = json.dumps(answer.json, ensure_ascii=False)
    assert not any(word in said for word in ("BT-", "ông A", "Bùi Hữu Nghĩa", "Đã nhắc", *names.values()))
    assert answer.headers["Cache-Control"] == "public, max-age=60"


def test_a_public_photo_is_the_blurred_one(as_, sent):
    for photo in seen(as_, sent[0]).json["photos"]:
        answer = as_().get(photo["url"])
        assert (answer.status_code, answer.data) == (200, b"\xff\xd8blurred " + photo["role"].encode())
        assert answer.mimetype == "image/jpeg"
        assert answer.headers["Cache-Control"] == "public, max-age=60"
        assert answer.headers["Content-Security-Policy"] == "default-src 'none'; sandbox"
        assert answer.headers["Referrer-Policy"] == "no-referrer"
        again = as_().get(photo["url"], headers={"If-None-Match": answer.headers["ETag"]})
        assert again.status_code == 304


def entry(client, report_id, **given):
    return client.post(f"/api/v1/reports/{report_id}/entries", json=given)


def test_an_officer_withholds_a_case_and_gives_it_free(as_, sent, officer, resident, session):
    report_id, client = sent[0], as_(officer)
    [url, _] = [photo["url"] for photo in seen(as_, report_id).json["photos"]]

    def offered():
        return {one["type"]: one["needs"] for one in client.get(f"/api/v1/reports/{report_id}").json["entries"]}

    assert ("publish" in offered(), offered()["withhold"]) == (False, ["reason"])
    assert entry(client, report_id, type="withhold").json["code"] == "required"
    assert entry(client, report_id, type="withhold", reason="Có trẻ em trong ảnh").status_code == 200
    assert (seen(as_, report_id).status_code, as_().get(url).status_code) == (404, 404)
    assert ("withhold" in offered(), offered()["publish"]) == (False, [])
    assert entry(client, report_id, type="withhold", reason="Lần nữa").json["code"] == "entry_not_allowed"

    assert entry(client, report_id, type="publish").status_code == 200
    assert (seen(as_, report_id).status_code, as_().get(url).status_code) == (200, 200)
    assert entry(client, report_id, type="publish").json["code"] == "entry_not_allowed"

    course = session.scalars(
        select(TimelineEntry).where(TimelineEntry.type.in_(["withhold", "publish"])).order_by(TimelineEntry.id)
    ).all()
    assert [(one.type, one.shown_to, one.by_id) for one in course] == [
        ("withhold", "unit", officer.person_id),
        ("publish", "unit", officer.person_id),
    ]
    words = session.scalars(select(TimelineText.texts).where(TimelineText.entry_id == course[0].entry_id)).one()
    assert words == {"reason": "Có trẻ em trong ảnh"}
    shown = as_(resident).get(f"/api/v1/reports/{report_id}/timeline").json["items"]
    assert not {"withhold", "publish"} & {one["type"] for one in shown}


def test_only_the_unit_withholds_and_gives_free(as_, district, sent, resident):
    refused = {
        resident: 403,
        district.staff(Role.LEADER): 403,
        district.staff(Role.OFFICER, "90002"): 404,
        district.staff(Role.DISPATCHER, "desk"): 404,
    }
    for actor, status in refused.items():
        for type_ in ("withhold", "publish"):
            assert entry(as_(actor), sent[0], type=type_, reason="x").status_code == status


def test_a_contested_case_is_gone_at_once(as_, sent, resident, session):
    photo = seen(as_, sent[0]).json["photos"][0]
    contested = {"to": "contested", "reason": "Họ lại bày ra"}

    assert as_(resident).post(f"/api/v1/reports/{sent[0]}/moves", json=contested).status_code == 200

    assert (seen(as_, sent[0]).status_code, as_().get(photo["url"]).status_code) == (404, 404)


@pytest.mark.parametrize(
    "changed",
    [
        {"concluded_at": text("now() - interval '23 hours'")},
        {"state": "accepted"},
        {"state": "withdrawn"},
        {"outcome": "unfounded"},
        {"state": "closed", "outcome": "duplicate"},
        {"withheld": True},
    ],
    ids=["fresh", "open", "withdrawn", "not true", "duplicate", "withheld"],
)
def test_what_is_not_public_is_not_there_and_does_not_say_why(as_, sent, session, changed):
    url = seen(as_, sent[0]).json["photos"][0]["url"]
    session.execute(update(Report).values(**changed))

    answer, photo, unknown = seen(as_, sent[0]), as_().get(url), seen(as_, new_id())

    assert (answer.status_code, photo.status_code) == (404, 404)
    assert answer.json == unknown.json | {"type": answer.json["type"]}
    assert photo.json["code"] == "photo_not_found"


def test_what_somebody_adds_to_a_concluded_case_is_shown_to_nobody(as_, sent, session):
    """Nobody has looked at it."""
    report_id, names = sent
    late = update(Photo).where(Photo.sha256 == names["before"]).values(received_at=clock.now() - timedelta(hours=24))
    session.execute(late)

    assert [one["role"] for one in seen(as_, report_id).json["photos"]] == ["after"]


def test_a_photo_without_a_public_copy_is_left_out(as_, sent, session):
    report_id, names = sent
    urls = {photo["role"]: photo["url"] for photo in seen(as_, report_id).json["photos"]}
    session.execute(update(Photo).where(Photo.sha256 == names["before"]).values(blurred_at=None))

    assert [photo["role"] for photo in seen(as_, report_id).json["photos"]] == ["after"]
    assert (as_().get(urls["before"]).status_code, as_().get(urls["after"]).status_code) == (404, 200)

    session.execute(update(Photo).values(blurred_at=None))
    assert seen(as_, report_id).status_code == 404


def test_where_nothing_was_wrong_no_photo_is_shown(as_, sent, session):
    urls = [photo["url"] for photo in seen(as_, sent[0]).json["photos"]]
    session.execute(update(Report).values(state="closed", outcome="unfounded"))

    answer = seen(as_, sent[0])

    assert (answer.status_code, answer.json["outcome"], answer.json["photos"]) == (200, "unfounded", [])
    assert {as_().get(url).status_code for url in urls} == {404}


def test_a_photo_is_not_found_by_its_hash_nor_under_another_report(as_, sent, resident, session):
    report_id, names = sent
    good = public_name(UUID(report_id), names["before"])
    other = str(new_id())
    as_(resident).post("/api/v1/reports", json={"id": other, "kind": "EN08", "location": IN_AN})

    for report, name in (
        (report_id, names["before"]),
        (report_id, "ab" * 32),
        (report_id, good.upper()),
        (report_id, f"{good}0"),
        (other, good),
        (new_id(), good),
    ):
        answer = as_().get(f"/api/v1/public/reports/{report}/photos/{name}")
        assert (answer.status_code, answer.json["code"]) == (404, "photo_not_found")
