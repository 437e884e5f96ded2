"""One incident, several reports, over HTTP: what each may see of the others, and what nobody finds out."""

from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import text

from app.core import clock
from app.core.db import new_id
from app.identity.permissions import Role
from district import IN_AN, NEAR_AN

NOW = datetime(2026, 11, 23, 3, 0, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
STRIPES, NEARLY = "5555555555555555", "555555555555554a"  # five bits apart


class Street:
    """Residents who report one noise, and an officer of Phường An."""

    def __init__(self, as_, district, session, monkeypatch):
        self.as_, self.district, self.session, self.monkeypatch = as_, district, session, monkeypatch
        self.officer, self.chair = district.staff(Role.OFFICER, "90001"), district.staff(Role.CHAIR, "90001")
        self.minute(0)

    def minute(self, minute):
        now = NOW + minute * MINUTE
        self.monkeypatch.setattr(clock, "now", lambda: now)

    def reported(self, minute=0, **said):
        """A report by somebody else: its address, its answer, who sent it."""
        self.minute(minute)
        resident = self.district.resident()
        sent = {"id": str(new_id()), "kind": "EN08", "location": IN_AN, **said}
        answer = self.as_(resident).post("/api/v1/reports", json=sent)
        assert answer.status_code == 201
        return Reported(f"/api/v1/reports/{sent['id']}", sent["id"], answer.get_json()["number"], resident)

    def seen(self, report, actor=None):
        answer = self.as_(actor or self.officer).get(report.url)
        assert answer.status_code == 200, answer.get_json()
        return answer.get_json()

    def join(self, report, original, *, by=None, **given):
        said = {"original": original.number, **given}
        return self.as_(by or self.officer).post(f"{report.url}/join", json=said)

    def move(self, report, to, by=None, **given):
        answer = self.as_(by or self.officer).post(f"{report.url}/moves", json={"to": to, **given})
        assert answer.status_code == 200, answer.get_json()
        return answer.get_json()

    def photo(self, report, letter, role="before", *, dhash=None):
        self.session.execute(
            text("""
                insert into photos (report_id, sha256, role, state, added_at, received_at, dhash)
                values (:id, :sha256, :role, 'ready', :at, :at, ('x' || :dhash)::bit(64)::bigint)
            """),
            {"id": report.id, "sha256": letter * 64, "role": role, "at": NOW, "dhash": dhash},
        )

    def nearby(self, actor=None, **asked):
        asked = {"kind": "EN08", **IN_AN, **asked}
        answer = self.as_(actor or self.district.resident()).get("/api/v1/reports/nearby", query_string=asked)
        assert answer.status_code == 200, answer.get_json()
        return answer.get_json()


class Reported:
    def __init__(self, url, id_, number, resident):
        self.url, self.id, self.number, self.resident = url, id_, number, resident


@pytest.fixture
def street(as_, district, session, monkeypatch):
    return Street(as_, district, session, monkeypatch)


def test_what_is_offered_is_joined_by_what_it_says(street):
    first, second = street.reported(), street.reported(20)

    links = street.seen(second)["links"]
    (item,) = street.as_(street.officer).get(links["alike"]).get_json()["items"]

    assert item == {
        "id": first.id,
        "number": first.number,
        "kind": "EN08",
        "state": "received",
        "unit": {"id": street.district.units["90001"], "name": item["unit"]["name"]},
        "received_at": NOW.isoformat(),
        "age_s": 1200,
        "how": "place",
        "distance_m": 0,
        "is_earlier": True,
        "duplicates": 0,
        "join": {"to": f"{second.url}/join", "original": first.number},
    }
    assert links["join"] == item["join"]["to"]
    answer = street.as_(street.officer).post(item["join"]["to"], json={"original": item["join"]["original"]})
    assert answer.status_code == 200
    assert (answer.get_json()["outcome"], answer.get_json()["original"]) == ("duplicate", first.id)
    assert answer.get_json()["original_number"] == first.number


def test_from_the_earlier_one_the_later_is_joined_to_it(street):
    first, second = street.reported(), street.reported(20)

    (item,) = street.as_(street.officer).get(f"{first.url}/alike").get_json()["items"]

    assert (item["is_earlier"], item["join"]) == (False, {"to": f"{second.url}/join", "original": first.number})


def test_links_are_there_for_who_handles_it_while_it_can_be_joined(street, district):
    report = street.reported()
    leader = district.staff(Role.LEADER)

    def links(actor):
        found = street.seen(report, actor)["links"]
        return found["alike"] is not None, found["join"] is not None

    assert [links(actor) for actor in (street.officer, leader, report.resident)] == [
        (True, True),
        (True, False),
        (False, False),
    ]
    street.move(report, "accepted")
    street.move(report, "awaiting_resident", question="Ở đâu?")
    assert links(street.officer) == (True, False)
    street.move(report, "accepted", by=report.resident, answer="Số 5")
    street.move(report, "concluded", outcome="gone", note="Đã hết")
    assert links(street.officer) == (False, False)


@pytest.mark.parametrize(
    ("who", "status"),
    [("resident", 403), ("stranger", 403), ("neighbour unit", 404), ("leader", 200), ("nobody", 401)],
)
def test_who_may_see_what_is_alike(street, district, who, status):
    report = street.reported()
    actor = {
        "resident": report.resident,
        "stranger": district.resident(),
        "neighbour unit": district.staff(Role.OFFICER, "90002"),
        "leader": district.staff(Role.LEADER),
        "nobody": None,
    }[who]

    assert street.as_(actor).get(f"{report.url}/alike").status_code == status


def test_a_repeated_join_gives_the_same_report_and_a_stale_one_is_refused(street):
    first, second, request = street.reported(), street.reported(1), str(new_id())
    tag = street.as_(street.officer).get(second.url).headers["ETag"]
    street.as_(street.officer).post(f"{second.url}/entries", json={"type": "note", "text": "Gọi lại"})

    stale = street.as_(street.officer).post(
        f"{second.url}/join", json={"original": first.id}, headers={"If-Match": tag}
    )
    answers = [street.join(second, first, id=request) for _ in range(2)]

    assert (stale.status_code, stale.get_json()["code"]) == (412, "stale")
    assert [answer.status_code for answer in answers] == [200, 200]
    assert answers[0].get_json()["version"] == answers[1].get_json()["version"]
    assert street.join(second, first).get_json()["code"] == "move_not_allowed"


@pytest.mark.parametrize(
    ("said", "status", "code"),
    [
        ({}, 422, "input_invalid"),
        ({"original": "BT-2611-9999"}, 422, "original_unknown"),
        ({"original": "x" * 51}, 422, "input_invalid"),
        ({"original": str(new_id())}, 422, "original_unknown"),
        ({"original": "BT", "id": "not an id"}, 422, "input_invalid"),
        ({"original": "BT", "note": "n" * 4001}, 422, "input_invalid"),
    ],
)
def test_what_cannot_be_joined(street, said, status, code):
    report = street.reported()

    answer = street.as_(street.officer).post(f"{report.url}/join", json=said)

    assert (answer.status_code, answer.get_json()["code"]) == (status, code)
    assert street.seen(report)["state"] == "received", "nothing was accepted on the way"


def test_one_job_shows_all_who_reported_it_with_all_their_photos(street, district):
    root, second, third = street.reported(), street.reported(1, note="Loa kẹo kéo"), street.reported(2)
    for report, letter in ((root, "a"), (second, "b"), (third, "c")):
        street.photo(report, letter)
    for report in (second, third):
        street.join(report, root)

    shown = street.seen(root)["joined"]

    assert [(one["number"], one["note"], [photo["sha256"] for photo in one["photos"]]) for one in shown] == [
        (second.number, "Loa kẹo kéo", ["b" * 64]),
        (third.number, None, ["c" * 64]),
    ]
    assert set(shown[0]) == {"id", "number", "received_at", "note", "photos", "contest"}, "never who sent it"
    link = shown[0]["photos"][0]["urls"]["thumb"]
    assert street.as_(None).get(link).status_code != 401
    assert street.seen(root, district.staff(Role.LEADER))["joined"] == shown
    assert street.seen(root, root.resident)["joined"] is None
    assert "joined" not in street.as_(street.officer).get("/api/v1/queue").get_json()["items"][0]


def test_across_a_border_who_handles_the_root_sees_the_photos_and_not_the_other_case(street, district):
    there = district.staff(Role.OFFICER, "90002")
    root = street.reported(location=NEAR_AN)
    again = street.reported(1, location={**NEAR_AN, "lon": NEAR_AN["lon"] - 0.0004})
    street.photo(again, "b")
    assert street.join(again, root).status_code == 200

    (one,) = street.seen(root, there)["joined"]

    assert (one["number"], [photo["sha256"] for photo in one["photos"]]) == (again.number, ["b" * 64])
    assert street.as_(there).get(again.url).status_code == 404
    assert street.as_(street.officer).get(root.url).status_code == 404


def test_the_resident_of_a_duplicate_reads_how_it_ended_and_nothing_of_the_other_one(street):
    root = street.reported(note="Nhà ông Ba", address="12/3 Phan Đăng Lưu")
    again = street.reported(1)
    street.photo(root, "a")
    street.photo(root, "d", "after")  # taken, and not part of the result
    street.photo(root, "e", "after")
    street.join(again, root)
    assert street.seen(again, again.resident)["original_result"] == {
        "state": "received",
        "unit": street.seen(root)["unit"],
        "outcome": None,
        "concluded_at": None,
        "photos": [],
    }
    street.move(root, "accepted")
    street.minute(30)
    street.move(root, "concluded", outcome="remedied", note="Đã nhắc ông Ba", photos=["e" * 64])

    answer = street.as_(again.resident).get(again.url)

    result = answer.get_json()["original_result"]
    assert (result["state"], result["outcome"]) == ("concluded", "remedied")
    assert result["concluded_at"] == (NOW + 30 * MINUTE).isoformat()
    assert [(photo["sha256"], photo["role"]) for photo in result["photos"]] == [("e" * 64, "after")]
    for hidden in ("ông Ba", "12/3", "a" * 64, "d" * 64, root.number):
        assert hidden not in answer.get_data(as_text=True), hidden
    assert street.as_(again.resident).get(root.url).status_code == 404
    assert street.seen(root)["original_result"] is None


def test_an_answer_that_was_kept_is_stale_when_the_other_report_has_changed(street):
    root, again = street.reported(), street.reported(1)
    street.join(again, root)
    tags = {
        "again": street.as_(again.resident).get(again.url).headers["ETag"],
        "root": street.as_(street.officer).get(root.url).headers["ETag"],
    }
    fresh = street.as_(again.resident).get(again.url, headers={"If-None-Match": tags["again"]})
    assert fresh.status_code == 304

    street.move(root, "accepted")
    street.photo(again, "b")

    assert street.as_(again.resident).get(again.url, headers={"If-None-Match": tags["again"]}).status_code == 200
    # Of the root, all but the new photo of what counts with it is as it was.
    street.session.execute(text("update reports set version = version - 1 where id = :id"), {"id": root.id})
    assert street.as_(street.officer).get(root.url, headers={"If-None-Match": tags["root"]}).status_code == 200


def test_a_duplicate_offers_to_contest_as_long_as_its_root_can_be(street):
    root, again = street.reported(), street.reported(1)
    street.join(again, root)
    day = 24 * 60

    def offered(minute):
        street.minute(minute)
        return [move["to"] for move in street.seen(again, again.resident)["moves"]]

    assert offered(2) == ["contested"], "that it is a duplicate"
    street.minute(6 * day)
    street.move(root, "accepted")
    street.move(root, "concluded", outcome="gone", note="Đã hết", late_reason="Ngập")
    assert offered(12 * day) == ["contested"], "how it ended"
    assert offered(13 * day) == []
    street.minute(7 * day)
    mine = street.as_(again.resident).get("/api/v1/reports").get_json()["items"]
    assert [move["to"] for move in mine[0]["moves"]] == ["contested"]


def test_a_contest_of_a_duplicate_is_shown_to_who_reviews_the_root_with_its_words(street):
    root, again = street.reported(), street.reported(1)
    street.join(again, root)
    street.move(root, "accepted")
    street.move(root, "concluded", outcome="gone", note="Đã hết")
    street.minute(30)

    own = street.move(again, "contested", by=again.resident, reason="Tôi vẫn nghe")

    assert own["state"] == "concluded"
    assert own["original_result"]["state"] == "contested"
    assert own["moves"] == []
    shown = street.seen(root, street.chair)
    assert shown["state"] == "contested"
    assert shown["joined"][0]["contest"] == {"at": (NOW + 30 * MINUTE).isoformat(), "reason": "Tôi vẫn nghe"}
    course = street.as_(root.resident).get(f"{root.url}/timeline").get_data(as_text=True)
    assert "Tôi vẫn nghe" not in course
    entries = street.as_(again.resident).get(f"{again.url}/timeline").get_json()["items"]
    assert (entries[-1]["type"], entries[-1]["texts"]) == ("contest_original", {"reason": "Tôi vẫn nghe"})


# Before sending.


def test_a_resident_is_told_what_was_reported_already_and_follows_it(street):
    report = street.reported()
    street.minute(20)

    told = street.nearby()

    assert told == {"count": 1, "how": "place", "age_s": 1200, "follow": report.id, "mine": False}
    assert street.as_(street.district.resident()).put(f"{report.url}/follow").status_code == 204
    assert street.nearby(report.resident)["mine"] is True


@pytest.mark.parametrize(
    ("asked", "how"),
    [
        ({"photo": "a" * 64}, "photo"),
        ({"photo": ["b" * 64, "a" * 64]}, "photo"),
        ({"dhash": NEARLY}, "photo"),
        ({"dhash": ["0" * 16, NEARLY]}, "photo"),
        ({"photo": "b" * 64}, None),
        ({"dhash": "aaaaaaaaaaaaaaaa"}, None),
        ({"dhash": "0" * 16}, None),
        ({}, None),
    ],
)
def test_by_photo_what_was_reported_a_little_way_off(street, asked, how):
    report = street.reported(location={**IN_AN, "lat": IN_AN["lat"] + 100 / 110_610})
    street.photo(report, "a", dhash=STRIPES)

    told = street.nearby(kind="SW01", **asked)

    assert (told["how"], told["count"]) == (how, 0)
    assert told["follow"] == (report.id if how else None)


def test_the_highest_bit_of_a_hash_counts_like_any_other(street):
    report = street.reported()
    street.photo(report, "a", dhash="aaaaaaaaaaaaaaaa")

    assert street.nearby(kind="SW01", dhash="2aaaaaaaaaaaaaaa")["follow"] == report.id


@pytest.mark.parametrize(
    "asked",
    [
        {"photo": "a" * 63},
        {"photo": "A" * 64},
        {"photo": ["a" * 64] * 11},
        {"dhash": "0" * 15},
        {"dhash": "g" * 16},
        {"dhash": ["0" * 16] * 11},
        {"kind": "k" * 21},
        {"lat": "north"},
    ],
)
def test_what_nobody_can_ask(street, asked):
    asked = {"kind": "EN08", **IN_AN, **asked}

    answer = street.as_(street.district.resident()).get("/api/v1/reports/nearby", query_string=asked)

    assert (answer.status_code, answer.get_json()["code"]) == (422, "input_invalid")
