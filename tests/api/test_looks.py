"""Full size is for who works on the case, and every look is on record."""

import hashlib
import io
from datetime import datetime, timedelta
from unittest.mock import patch
from uuid import UUID

import pytest
from PIL import Image
from sqlalchemy import select, update

from app.core import clock
from app.core.db import new_id
from app.identity.permissions import Role
from app.photos import actions, links
from app.photos.models import Photo, PhotoLook
from app.photos.storage import Copy, PhotoStore
from app.reports.models import Report
from district import IN_AN, IN_BINH
from movies import Movie


def jpeg(shade=0) -> bytes:
    out = io.BytesIO()
    Image.new("RGB", (64, 48), (shade, 90, 90)).save(out, "JPEG")
    return out.getvalue()


@pytest.fixture
def resident(district):
    return district.resident()


@pytest.fixture
def officer(district):
    return district.staff(Role.OFFICER, "90001")


@pytest.fixture
def store(web):
    return PhotoStore(web.extensions["haigio"].settings.photos)


def report(as_, resident, place=IN_AN) -> str:
    sent = {"id": str(new_id()), "kind": "SW01", "location": place}
    assert as_(resident).post("/api/v1/reports", json=sent).status_code == 201
    return sent["id"]


@pytest.fixture
def photo(as_, resident, store, session):
    """A report in An, a photo of it, and its copy in full size, as the second job makes it."""
    report_id, content = report(as_, resident), jpeg()
    name = hashlib.sha256(content).hexdigest()
    as_(resident).put(f"/api/v1/reports/{report_id}/photos/{name}", data=content)
    actions.copies_made(session, UUID(report_id), name, width=64, height=48, now=clock.now(), hints={"place": "far"})
    return report_id, name


def make_full(session, store, report_id, name, content=b"\xff\xd8full\xff\xd9"):
    store.put_copy(name, Copy.FULL, content)
    session.execute(update(Photo).where(Photo.sha256 == name).values(blurred_at=clock.now()))


@pytest.fixture
def full(photo, session, store):
    make_full(session, store, *photo)
    return photo


def look(client, report_id, name):
    return client.post(f"/api/v1/reports/{report_id}/photos/{name}/look")


def see(client, url, **kwargs):
    """What is behind a link, to its end, as a server would send it."""
    return client.get(url, buffered=True, **kwargs)


def test_an_officer_looks_and_it_is_on_record(as_, full, officer, session):
    before = clock.now()

    answer = look(as_(officer), *full)

    assert answer.status_code == 200
    row = session.scalars(select(PhotoLook)).one()
    assert (str(row.report_id), row.sha256, row.person_id, row.opened_at) == (*full, officer.person_id, None)
    good_for = datetime.fromisoformat(answer.json["expires_at"]) - before
    assert timedelta(seconds=90) <= good_for <= timedelta(seconds=95)
    assert str(officer.person_id) not in answer.json["url"]

    seen = see(as_(), answer.json["url"])  # a picture has no token
    assert (seen.status_code, seen.data, seen.mimetype) == (200, b"\xff\xd8full\xff\xd9", "image/jpeg")
    opened = session.scalars(select(PhotoLook.opened_at).execution_options(populate_existing=True)).one()
    assert opened is not None

    with patch.object(clock, "now", return_value=opened + timedelta(seconds=20)):
        assert see(as_(), answer.json["url"]).status_code == 200
    rows = session.scalars(select(PhotoLook).execution_options(populate_existing=True)).all()
    assert [one.opened_at for one in rows] == [opened]  # the same look, first opened when it was


def test_nothing_of_a_look_is_kept_on_the_way(as_, full, officer):
    headers = see(as_(), look(as_(officer), *full).json["url"]).headers

    assert headers["Cache-Control"] == "no-store"
    assert headers["Referrer-Policy"] == "no-referrer"
    assert headers["Content-Security-Policy"] == "default-src 'none'; sandbox"
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert "ETag" not in headers


def test_a_link_is_good_for_a_minute_and_a_half(as_, full, officer):
    asked = clock.now()
    url = look(as_(officer), *full).json["url"]

    with patch.object(clock, "now", return_value=asked + timedelta(seconds=89)):
        assert see(as_(), url).status_code == 200
    with patch.object(clock, "now", return_value=asked + timedelta(seconds=93)):
        answer = see(as_(), url)
    assert (answer.status_code, answer.json["code"]) == (404, "photo_link_expired")


def test_no_look_can_be_guessed(as_, full, officer, resident, settings):
    key = settings.key(links.KEY_PURPOSE)
    good = look(as_(officer), *full).json["url"]
    look_id = good.split("/looks/")[1].split("?")[0]
    until = clock.now() + timedelta(seconds=60)
    refused = {
        good.replace("until=", "until=9"),
        good[:-1] + ("0" if good[-1] != "0" else "1"),
        good.replace(look_id, str(new_id())),
        links.look_url(key, new_id(), until=until),  # ours, of a look that never was
        links.look_url(b"another key of 32 letters or more", UUID(look_id), until=until),
        # A signature for a copy is none for a look, nor the other way round.
        good.replace(f"looks/{look_id}", f"{full[1]}/display"),
        links.urls(key, full[1], now=clock.now())["display"].replace(f"{full[1]}/display", f"looks/{look_id}"),
        f"/api/v1/photos/{full[1]}/full?" + good.split("?")[1],
        f"/api/v1/photos/{full[1]}/public?" + good.split("?")[1],
    }

    assert {as_(officer).get(url).status_code for url in refused} == {404}
    assert as_().get(f"/api/v1/photos/looks/{look_id}").status_code == 422
    assert see(as_(), good).status_code == 200


def test_who_does_not_work_on_the_case_does_not_look(as_, district, full, resident, session):
    refused = {
        "resident": (resident, 403),
        "stranger": (district.resident(), 403),
        "officer elsewhere": (district.staff(Role.OFFICER, "90002"), 404),
        "chair elsewhere": (district.staff(Role.CHAIR, "90002"), 404),
        "dispatcher": (district.staff(Role.DISPATCHER, "desk"), 404),
        "leader": (district.staff(Role.LEADER), 403),
        "admin": (district.staff(Role.ADMIN), 403),
    }

    assert {who: look(as_(actor), *full).status_code for who, (actor, _) in refused.items()} == {
        who: status for who, (_, status) in refused.items()
    }
    assert look(as_(), *full).status_code == 401
    assert session.scalars(select(PhotoLook)).all() == []


def test_the_desk_looks_while_it_reviews(as_, district, full, session):
    dispatcher = district.staff(Role.DISPATCHER, "desk")
    session.execute(update(Report).values(state="contested", review_by_desk=True))

    assert look(as_(dispatcher), *full).status_code == 200


def test_a_copy_that_is_still_to_be_made_says_so(as_, photo, officer, session, store):
    report_id, name = photo
    shown = as_(officer).get(f"/api/v1/reports/{report_id}")
    assert shown.json["photos"][0]["look"] is None

    early = look(as_(officer), *photo)
    make_full(session, store, *photo)

    assert (early.status_code, early.json["code"]) == (404, "photo_not_ready")
    again = as_(officer).get(f"/api/v1/reports/{report_id}", headers={"If-None-Match": shown.headers["ETag"]})
    assert again.json["photos"][0]["look"] == f"/api/v1/reports/{report_id}/photos/{name}/look"
    assert look(as_(officer), *photo).status_code == 200


def test_a_photo_of_another_report_is_not_looked_at_through_this_one(as_, full, officer, resident):
    other = report(as_, resident)

    assert look(as_(officer), other, full[1]).json["code"] == "photo_not_found"
    assert look(as_(officer), full[0], "ab" * 32).json["code"] == "photo_not_found"
    assert look(as_(officer), full[0], "%00").json["code"] == "photo_not_found"


def test_an_erased_photo_is_not_seen_through_a_link_from_before(as_, full, officer, session, store):
    url = look(as_(officer), *full).json["url"]
    store.delete_copies(full[1])
    session.execute(update(Photo).values(state="erased"))

    assert (see(as_(), url).status_code, look(as_(officer), *full).status_code) == (404, 404)


def test_chair_and_leaders_read_who_looked(as_, district, full, officer):
    chair, leader = district.staff(Role.CHAIR, "90001"), district.staff(Role.LEADER)
    see(as_(), look(as_(officer), *full).json["url"])
    look(as_(chair), *full)
    path = f"/api/v1/reports/{full[0]}/looks"

    for reader in (chair, leader):
        shown = as_(reader).get(path).json
        assert [(one["photo"], one["by"]["id"], one["opened_at"] is None) for one in shown["items"]] == [
            (full[1], str(chair.person_id), True),
            (full[1], str(officer.person_id), False),
        ]
        assert shown["items"][1]["by"]["name"].startswith("officer")
        assert as_(reader).get(f"/api/v1/reports/{full[0]}").json["links"]["looks"] == path
    first = as_(chair).get(path, query_string={"limit": 1}).json
    second = as_(chair).get(path, query_string={"limit": 1, "cursor": first["next"]}).json
    assert [page["items"][0]["by"]["id"] for page in (first, second)] == [str(chair.person_id), str(officer.person_id)]
    assert second["next"] is None


def test_nobody_else_reads_who_looked(as_, district, full, officer, resident):
    path = f"/api/v1/reports/{full[0]}/looks"

    assert as_(officer).get(path).status_code == 403
    assert as_(resident).get(path).status_code == 403
    assert as_(district.staff(Role.CHAIR, "90002")).get(path).status_code == 404
    assert as_().get(path).status_code == 401
    assert as_(officer).get(f"/api/v1/reports/{full[0]}").json["links"]["looks"] is None


def test_hints_are_for_who_works_on_the_case(as_, district, full, officer, resident):
    def shown(actor):
        return as_(actor).get(f"/api/v1/reports/{full[0]}").json["photos"][0]

    assert shown(officer)["hints"] == {"place": "far", "used": None}
    assert shown(district.staff(Role.LEADER))["hints"]["place"] == "far"
    assert (shown(resident)["hints"], shown(resident)["look"]) == (None, None)
    queue = as_(officer).get("/api/v1/queue").json["items"]
    assert queue[0]["photos"][0]["hints"]["place"] == "far"
    assert as_(resident).get("/api/v1/reports").json["items"][0]["photos"][0]["hints"] is None


@pytest.mark.parametrize(("place", "is_named"), [(IN_AN, True), (IN_BINH, False)])
def test_the_other_report_is_named_to_who_may_read_that_one_too(
    as_, district, full, officer, resident, session, place, is_named
):
    other = report(as_, resident, place)
    used = {"how": "near", "report": other}
    session.execute(update(Photo).values(hints={"place": "near", "time": "agrees", "edited": "no", "used": used}))

    def shown(actor):
        return as_(actor).get(f"/api/v1/reports/{full[0]}").json["photos"][0]["hints"]["used"]

    number = as_(resident).get(f"/api/v1/reports/{other}").json["number"]
    named = {"how": "near", "report": {"id": other, "number": number}}
    assert shown(officer) == (named if is_named else {"how": "near", "report": None})
    assert shown(district.staff(Role.LEADER)) == named


@pytest.fixture
def video(as_, resident, store, session):
    """A video of 200 kB, as its job leaves it."""
    report_id, content = report(as_, resident), Movie(9, brand=b"mp42").content
    name = hashlib.sha256(content).hexdigest()
    sent = as_(resident).put(f"/api/v1/reports/{report_id}/photos/{name}", data=content)
    assert (sent.status_code, sent.json["state"], sent.json["duration_ms"]) == (201, "kept", 9000)
    store.put_copy(name, Copy.FULL, bytes(range(250)) * 800)
    actions.video_examined(session, UUID(report_id), name, hints={}, refusal=None, now=clock.now())
    return report_id, name


def test_a_video_is_looked_at_whole_and_in_parts(as_, video, officer):
    [shown] = as_(officer).get(f"/api/v1/reports/{video[0]}").json["photos"]
    assert (shown["state"], shown["urls"], shown["look"] is None) == ("kept", None, False)
    url = look(as_(officer), *video).json["url"]

    whole = see(as_(), url)
    assert (whole.status_code, whole.mimetype, len(whole.data)) == (200, "video/mp4", 200_000)
    part = see(as_(), url, headers={"Range": "bytes=251-259"})
    assert (part.status_code, part.data) == (206, bytes(range(1, 10)))
    assert part.headers["Content-Range"] == "bytes 251-259/200000"
    assert see(as_(), url, headers={"Range": "bytes=200000-"}).status_code == 416


def test_a_video_that_cannot_be_shown_says_so(as_, video, officer, resident, session):
    session.execute(update(Photo).values(ready_at=None, refusal="video_not_shown"))

    answer = look(as_(officer), *video)

    assert (answer.status_code, answer.json["code"]) == (404, "video_not_shown")
    for actor in (officer, resident):
        [shown] = as_(actor).get(f"/api/v1/reports/{video[0]}").json["photos"]
        assert (shown["state"], shown["refusal"]["code"], shown["look"]) == ("kept", "video_not_shown", None)


@pytest.mark.parametrize(
    ("content", "status", "code"),
    [
        (Movie(31).content, 422, "video_too_long"),
        (Movie(9).content[:-200], 422, "video_damaged"),
        (Movie(9, tracks=(b"soun",)).content, 415, "not_a_photo"),
    ],
    ids=["too long", "cut short", "sound alone"],
)
def test_a_video_that_is_refused_leaves_nothing(as_, resident, session, store, tmp_path, content, status, code):
    report_id, name = report(as_, resident), hashlib.sha256(content).hexdigest()

    answer = as_(resident).put(f"/api/v1/reports/{report_id}/photos/{name}", data=content)

    assert (answer.status_code, answer.json["code"]) == (status, code)
    assert not store.exists(name)
    assert session.scalars(select(Photo)).all() == []


def test_a_video_proves_no_result(as_, video, officer, session):
    content = Movie(5).content
    name = hashlib.sha256(content).hexdigest()
    client = as_(officer)
    assert client.put(f"/api/v1/reports/{video[0]}/photos/{name}?role=after", data=content).status_code == 201
    moves = f"/api/v1/reports/{video[0]}/moves"
    assert client.post(moves, json={"to": "accepted"}).status_code == 200

    concluded = {"to": "concluded", "outcome": "remedied", "note": "Đã nhắc", "photos": [name]}

    assert client.post(moves, json=concluded).json["code"] == "photo_missing"
