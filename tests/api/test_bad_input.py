"""Each kind of bad input gets its own clear problem, never a 500, and changes nothing that is stored."""

from uuid import uuid4

import pytest
from sqlalchemy import text

from app.api.reports import EntrySchema
from app.identity.permissions import Role
from app.reports.timeline import digest_of
from district import IN_AN, IN_BINH, NEAR_AN


@pytest.fixture
def resident(district):
    return district.resident()


def body(**said):
    return {"id": str(uuid4()), "kind": "SW01", "location": IN_AN, **said}


def stored(session):
    return session.execute(text("select count(*), coalesce(sum(version), 0) from reports")).one()


BAD = [
    # what is wrong, the code, the member that is named
    (body(location={"lat": 106.705, "lon": 10.805}), "coordinates_swapped", None),
    (body(location={"lat": 48.85, "lon": 2.35}), "coordinates_outside_viet_nam", None),
    (body(location={"lat": 10.9, "lon": 106.705}), "outside_area", None),
    (body(location={"lat": 10.805}), "input_invalid", "location.lon"),
    (body(location={"lat": "here", "lon": 106.705}), "input_invalid", "location.lat"),
    (body(location=None), "input_invalid", "location"),
    (body(location={**IN_AN, "accuracy_m": -5}), "input_invalid", "location.accuracy_m"),
    (body(kind="XX99"), "kind_unknown", "kind"),
    (body(kind=""), "input_invalid", "kind"),
    (body(note="r" * 12_000), "input_invalid", "note"),
    (body(note="a\x00b"), "input_invalid", "note"),
    (body(note="a\x07b"), "input_invalid", "note"),
    (body(note={"vi": "Rác"}), "input_invalid", "note"),
    (body(id="not-an-id"), "input_invalid", "id"),
    (body(captured_at="yesterday"), "input_invalid", "captured_at"),
    (body(captured_at="2026-11-23T10:00:00"), "input_invalid", "captured_at"),
    (body(photos=["abc"]), "input_invalid", "photos.0"),
    (body(photos=[f"{i:064x}" for i in range(11)]), "input_invalid", "photos"),
    (body(channel="hotline"), "channel_not_suitable", "channel"),
    (body(channel="demo"), "input_invalid", "channel"),
    (body(on_behalf={"phone": "0912345678"}), "not_for_others", "on_behalf"),
    ([], "input_invalid", None),
    ("report", "input_invalid", None),
]


@pytest.mark.parametrize(("sent", "code", "at"), BAD)
def test_a_report_that_cannot_be_taken_in(as_, session, resident, sent, code, at):
    before = stored(session)

    answer = as_(resident).post("/api/v1/reports", json=sent)

    problem = answer.get_json()
    assert (answer.status_code, problem["code"]) == (422, code), problem
    assert answer.mimetype == "application/problem+json"
    if at is not None:
        assert at in [wrong["at"] for wrong in problem["errors"]]
    assert stored(session) == before


RAW = [
    (b'{"id": ', "application/json", 400, "json_malformed"),
    (b'{"location": {"lat": NaN, "lon": 106.7}}', "application/json", 400, "json_malformed"),
    (b'{"note": "\\ud800"}', "application/json", 422, "input_invalid"),
    (b"\xff\xfe", "application/json", 400, "json_malformed"),
    (b"[" * 30_000, "application/json", 400, "json_malformed"),
    (b'{"note": "' + b"r" * 70_000 + b'"}', "application/json", 413, "body_too_large"),
]


@pytest.mark.parametrize(("sent", "media_type", "status", "code"), RAW)
def test_a_body_that_cannot_be_read(as_, resident, sent, media_type, status, code):
    answer = as_(resident).post("/api/v1/reports", data=sent, content_type=media_type)

    assert (answer.status_code, answer.get_json()["code"]) == (status, code)


def test_a_phone_with_a_wrong_clock_loses_nothing(as_, resident):
    marks = {}
    for captured_at in (
        "1970-01-01T00:00:00+00:00",
        "2099-01-01T00:00:00+07:00",
        "9999-12-31T23:59:59-12:00",
        "0001-01-01T00:00:00+14:00",
    ):
        sent = body(captured_at=captured_at)
        answer = as_(resident).post("/api/v1/reports", json=sent)
        assert answer.status_code == 201, answer.get_json()
        assert as_(resident).post("/api/v1/reports", json=sent).status_code == 200
        marks[captured_at[:4]] = answer.get_json()["captured_mark"]

    assert marks == {"1970": "old", "2099": "ahead", "9999": "ahead", "0001": "old"}


def test_a_problem_speaks_the_language_that_is_asked_for(as_, resident):
    sent = body(location={"lat": 106.705, "lon": 10.805})

    vi = as_(resident).post("/api/v1/reports", json=sent)
    en = as_(resident).post("/api/v1/reports", json=sent, headers={"Accept-Language": "en-GB,en;q=0.9"})

    assert vi.headers["Content-Language"] == "vi"
    assert vi.get_json()["detail"] == "Vĩ độ và kinh độ có vẻ bị đảo chỗ cho nhau."
    assert en.get_json()["detail"] == "Latitude and longitude seem to have changed places."
    assert en.get_json()["type"].endswith("/api/problems#coordinates_swapped")


def test_outside_every_ward_tells_how_far_the_nearest_is(as_, district):
    # 0.01 degree north of the district's edge: 1106 m.
    answer = as_().get("/api/v1/wards/at", query_string={"lat": 10.82, "lon": 106.705})

    problem = answer.get_json()
    assert (answer.status_code, problem["code"]) == (422, "outside_area")


def test_the_ward_of_a_place_and_its_neighbours(as_, district):
    inside = as_().get("/api/v1/wards/at", query_string=IN_BINH).get_json()
    near = as_().get("/api/v1/wards/at", query_string={**NEAR_AN, "accuracy_m": 50}).get_json()

    assert (inside["ward"]["code"], inside["how"], inside["neighbours"]) == ("90002", "inside", [])
    assert (near["ward"]["code"], near["how"]) == ("90002", "near_border")
    assert [(one["code"], 0.1 < one["share"] < 0.4) for one in near["neighbours"]] == [("90001", True)]
    assert 21 < near["border_m"] < 23


def test_a_cursor_that_is_not_ours(as_, district):
    officer = district.staff(Role.OFFICER, "90001")

    for cursor in ("x", "!!", "WzEsMl0", "W10", "bnVsbA"):
        answer = as_(officer).get("/api/v1/queue", query_string={"cursor": cursor})
        assert (answer.status_code, answer.get_json()["code"]) == (422, "cursor_invalid"), cursor


def test_a_limit_is_clamped(as_, district):
    officer = district.staff(Role.OFFICER, "90001")

    for limit in ("0", "-3", "100000"):
        assert as_(officer).get("/api/v1/queue", query_string={"limit": limit}).status_code == 200


MOVES = [
    ({"to": "nowhere"}, 422, "input_invalid"),
    ({}, 422, "input_invalid"),
    ({"to": "concluded", "outcome": "forgotten", "note": "n"}, 422, "input_invalid"),
    ({"to": "concluded", "outcome": "gone", "note": "n", "photos": ["a" * 64]}, 409, "photo_missing"),
    ({"to": "concluded", "outcome": "gone", "note": "   "}, 422, "required"),
    ({"to": "concluded", "outcome": "duplicate", "note": "n", "original": "BT-0000-0000"}, 422, "original_unknown"),
    ({"to": "concluded", "outcome": "referred", "note": "n", "body": "nobody"}, 422, "body_unknown"),
    ({"to": "received", "unit": 2_000_000_000, "reason": "r"}, 422, "unit_not_suitable"),
    ({"to": "received", "ward": "99999", "reason": "r"}, 422, "unit_not_suitable"),
    ({"to": "received", "reason": "r"}, 422, "required"),
    ({"to": "closed"}, 409, "move_not_allowed"),
    ({"to": "contested", "reason": "r"}, 409, "move_not_allowed"),
]


@pytest.mark.parametrize(("given", "status", "code"), MOVES)
def test_a_move_that_cannot_be_made(as_, session, district, resident, given, status, code):
    officer = district.staff(Role.OFFICER, "90001")
    report_id = as_(resident).post("/api/v1/reports", json=body()).get_json()["id"]
    as_(officer).post(f"/api/v1/reports/{report_id}/moves", json={"to": "accepted"})
    before = stored(session)

    answer = as_(officer).post(f"/api/v1/reports/{report_id}/moves", json=given)

    assert (answer.status_code, answer.get_json()["code"]) == (status, code), answer.get_json()
    assert stored(session) == before


@pytest.mark.parametrize("said", ["0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-14:00"])
def test_a_course_is_read_whatever_a_phone_said_of_the_time(as_, district, resident, said):
    officer = district.staff(Role.OFFICER, "90001")
    at = f"/api/v1/reports/{as_(resident).post('/api/v1/reports', json=body()).get_json()['id']}"

    as_(resident).post(f"{at}/entries", json={"type": "add", "text": "Vẫn còn", "done_at": said})
    as_(officer).post(f"{at}/moves", json={"to": "accepted", "done_at": said})

    course = as_(officer).get(f"{at}/timeline")
    assert course.status_code == 200, course.get_json()
    assert [step["type"] for step in course.get_json()["items"]] == ["received", "add", "accept"]


@pytest.mark.parametrize("tag", ["9" * 5000, "9" * 11, "²", "none of ours"])
def test_a_tag_that_is_none_of_ours_fits_no_version(as_, district, resident, tag):
    officer = district.staff(Role.OFFICER, "90001")
    report_id = as_(resident).post("/api/v1/reports", json=body()).get_json()["id"]

    answer = as_(officer).post(
        f"/api/v1/reports/{report_id}/moves", json={"to": "accepted"}, headers={"If-Match": f'"{tag}"'}
    )

    assert (answer.status_code, answer.get_json()["code"]) == (412, "stale")


def test_nobody_learns_who_reported_for_a_blank_reason(as_, session, district, resident):
    dispatcher = district.staff(Role.DISPATCHER, "desk")
    report_id = as_(resident).post("/api/v1/reports", json=body()).get_json()["id"]

    for reason in ("", "  \n"):
        answer = as_(dispatcher).post(f"/api/v1/reports/{report_id}/author", json={"reason": reason})
        assert (answer.status_code, answer.get_json()["errors"][0]["code"]) == (422, "required")
    assert session.execute(text("select count(*) from audit where action = 'author:see'")).scalar_one() == 0
    assert as_(dispatcher).post(f"/api/v1/reports/{report_id}/author", json={"reason": "r"}).status_code == 200


def test_a_decision_without_a_number_is_refused(as_, district, resident):
    chair = district.staff(Role.CHAIR, "90001")
    report_id = as_(resident).post("/api/v1/reports", json=body()).get_json()["id"]

    decision = {"number": "  ", "decided_on": "2026-11-23", "fine_vnd": 0}
    answer = as_(chair).post(f"/api/v1/reports/{report_id}/decisions", json=decision)

    assert (answer.status_code, answer.get_json()["errors"][0]["at"]) == (422, "number")


# Of version 1, 3, 5 and 8, and one that follows no rule.
NOT_FOR_REQUESTS = (
    "c232ab00-9414-11ec-b3c8-9f6bdeced846",
    "5df41881-3aed-3515-88a7-2f4a814cf09e",
    "2ed6657d-e927-568b-95e1-2665a8aea6a2",
    "2489e9ad-2ee2-8e00-8ec9-32d5f69181c0",
    "00000000-0000-0000-0000-000000000001",
)


@pytest.mark.parametrize("sent", NOT_FOR_REQUESTS)
@pytest.mark.parametrize(
    ("what", "said"), [("entries", {"type": "add", "text": "Vẫn còn"}), ("moves", {"to": "withdrawn"})]
)
def test_a_move_or_entry_has_an_id_that_nobody_else_comes_upon(as_, session, resident, what, said, sent):
    client = as_(resident)
    report_id = client.post("/api/v1/reports", json=body()).get_json()["id"]
    path = f"/api/v1/reports/{report_id}/{what}"

    answers = {
        language: client.post(path, json={"id": sent, **said}, headers={"Accept-Language": language})
        for language in ("vi", "en")
    }
    wrong = [(answer.status_code, answer.get_json()["errors"][0]) for answer in answers.values()]
    assert [(status, one["at"], one["code"]) for status, one in wrong] == [(422, "id", "uuid_version_invalid")] * 2
    assert [one["detail"] for _, one in wrong] == [
        "Phải là mã UUID phiên bản 4 hoặc 7.",
        "Must be a UUID of version 4 or 7.",
    ]
    assert session.execute(text("select count(*) from timeline where type <> 'received'")).scalar_one() == 0


@pytest.mark.parametrize("sent", ["919108f7-52d1-4320-9bac-f847db4148a8", "017f22e2-79b0-7cc3-98c4-dc0c0c07398f"])
def test_an_id_by_chance_or_by_time_and_chance_is_taken(as_, session, resident, sent):
    report_id = as_(resident).post("/api/v1/reports", json=body()).get_json()["id"]
    said = {"id": sent, "type": "add", "text": "Vẫn còn"}
    assert as_(resident).post(f"/api/v1/reports/{report_id}/entries", json=said).status_code == 200
    kept = session.execute(text("select entry_id from timeline where type = 'add'")).scalar_one()
    assert str(kept) == sent


def test_an_entry_of_a_resident_does_not_tell_who_wrote_it_to_one_who_tries_everybody(as_, session, resident):
    report_id = as_(resident).post("/api/v1/reports", json=body(anonymous=True)).get_json()["id"]
    said = {"id": str(uuid4()), "type": "add", "text": "Vẫn còn"}
    as_(resident).post(f"/api/v1/reports/{report_id}/entries", json=said)

    kept = session.execute(text("select request_digest from timeline where type = 'add'")).scalar_one()
    loaded = EntrySchema().load(said)
    assert kept not in {digest_of({**loaded, "by": by}) for by in (resident.person_id, str(resident.person_id))}
