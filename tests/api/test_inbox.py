"""My inbox: what I was told, newest first, in my language, mine alone."""

from datetime import UTC, datetime, timedelta
from unittest.mock import patch
from uuid import UUID

import pytest
from sqlalchemy import select, text

from app.core import clock
from app.core.db import new_id
from app.identity.permissions import Role
from app.notifications import actions
from app.notifications.actions import Matter
from app.notifications.news import Notice
from app.photos.models import Photo
from app.reports.models import TimelineEntry
from district import IN_AN

NOW = datetime(2026, 11, 23, 3, 0, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
INBOX = "/api/v1/me/inbox"


@pytest.fixture(autouse=True)
def _at_ten(monkeypatch):
    monkeypatch.setattr(clock, "now", lambda: NOW)


@pytest.fixture
def resident(district):
    return district.resident()


@pytest.fixture
def report(as_, session):
    """Sends a report and tells its receipt; tells its id."""

    def send(by, **said) -> str:
        sent = {"id": str(new_id()), "kind": "EN08", "location": IN_AN, **said}
        assert as_(by).post("/api/v1/reports", json=sent).status_code == 201
        tell(session, sent["id"])
        return sent["id"]

    return send


def tell(session, report_id):
    entries = select(TimelineEntry.entry_id).where(TimelineEntry.report_id == report_id).order_by(TimelineEntry.id)
    for entry_id in session.scalars(entries).all():
        actions.tell_news(session, report_id, entry_id, NOW)


def say(session, person, number, *, at=NOW, notice=Notice.DIGEST):
    """Puts something into somebody's inbox."""
    data = {"reports": [], "new": number, "overdue": number}
    with patch.object(actions, "new_id", lambda: id_of(at)):
        actions.tell(session, Matter(notice, f"test:{number}", data=data), [person.person_id], now=at)


def id_of(at):
    """An id as it is made at an instant: milliseconds, then chance."""
    milliseconds = (at - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(milliseconds=1)
    return UUID(int=milliseconds << 80 | new_id().int & (1 << 80) - 1)


def inbox(client, **asked):
    answer = client.get(INBOX, query_string=asked)
    assert answer.status_code == 200, answer.get_json()
    return answer.get_json()


def test_it_says_what_happened_and_where_to_read_on(as_, report, resident, session):
    sent = report(resident)
    (item,) = inbox(as_(resident))["items"]
    number = session.scalar(text("select number from reports"))
    assert item == {
        "id": item["id"],
        "topic": "received",
        "title": f"Đã nhận tin báo {number}",
        "body": "Tin “Tiếng ồn” đã được chuyển đến Phường An. Bạn sẽ được thông báo khi có kết quả.",
        "at": "2026-11-23T03:00:00+00:00",
        "read_at": None,
        "report": {"id": sent, "number": number},
        "reports": [],
        "photos": [],
        "link": f"/#report/{sent}",
    }


def test_it_speaks_the_language_of_the_request(as_, report, resident):
    report(resident)
    answer = as_(resident).get(INBOX, headers={"Accept-Language": "en"}).get_json()
    assert answer["items"][0]["body"] == "Your report “Noise” went to Phường An. You will be told how it ends."


def test_what_concerns_an_anonymous_report_is_shown_to_its_author_with_the_rest(as_, report, resident, district):
    open_one, hidden = report(resident), report(resident, anonymous=True)
    shown = inbox(as_(resident))
    assert {item["report"]["id"] for item in shown["items"]} == {open_one, hidden}
    assert shown["unread"] == 2
    assert inbox(as_(district.resident()))["items"] == []


def test_a_result_comes_with_the_photos_from_before_and_after(as_, report, resident, district, session):
    sent, officer = report(resident), district.staff(Role.OFFICER, "90001")
    for sha256, role in (("b" * 64, "after"), ("a" * 64, "before")):
        session.add(
            Photo(
                report_id=UUID(sent),
                sha256=sha256,
                role=role,
                state="ready",
                added_at=NOW,
                received_at=NOW,
                ready_at=NOW,
            )
        )
    session.flush()
    client = as_(officer)
    for move in (
        {"to": "accepted"},
        {"to": "concluded", "outcome": "remedied", "note": "Đã nhắc", "photos": ["b" * 64]},
    ):
        assert client.post(f"/api/v1/reports/{sent}/moves", json=move).status_code == 200
    tell(session, sent)

    item = next(item for item in inbox(as_(resident))["items"] if item["topic"] == "concluded")
    assert [(photo["role"], photo["sha256"]) for photo in item["photos"]] == [("before", "a" * 64), ("after", "b" * 64)]
    assert as_(None).get(item["photos"][0]["urls"]["thumb"]).status_code != 401


def test_a_follower_hears_the_result_without_number_photos_or_a_way_in(as_, report, resident, district, session):
    sent, follower = report(resident), district.resident()
    assert as_(follower).put(f"/api/v1/reports/{sent}/follow").status_code == 204
    client = as_(district.staff(Role.OFFICER, "90001"))
    for move in ({"to": "accepted"}, {"to": "concluded", "outcome": "remedied", "note": "Đã nhắc"}):
        assert client.post(f"/api/v1/reports/{sent}/moves", json=move).status_code == 200
    tell(session, sent)

    (item,) = inbox(as_(follower))["items"]
    assert (item["title"], item["body"]) == (
        "Tin bạn theo dõi đã có kết quả",
        "“Tiếng ồn” (Phường An): Đã nhắc nhở, khắc phục tại chỗ.",
    )
    assert (item["report"], item["link"], item["photos"]) == ({"id": sent, "number": None}, None, [])


def test_pages_go_back_in_time_without_a_gap_though_two_came_at_one_instant(as_, district, session):
    leader = district.staff(Role.LEADER)
    for number, minutes in ((1, 0), (2, 1), (3, 1), (4, 2), (5, 3)):
        say(session, leader, number, at=NOW + minutes * MINUTE)
    client, seen, cursor = as_(leader), [], None
    while True:
        page = inbox(client, limit=2, **({"cursor": cursor} if cursor else {}))
        seen += [item["title"] for item in page["items"]]
        assert page["unread"] == 5
        cursor = page["next"]
        if cursor is None:
            break
    assert seen[0] == "5 tin vừa quá hạn"
    assert seen[-1] == "1 tin vừa quá hạn"
    assert len(set(seen)) == len(seen) == 5


def test_what_was_read_is_so_noted_and_can_be_left_out(as_, district, session):
    leader, other = district.staff(Role.LEADER), district.staff(Role.LEADER)
    for number in (1, 2, 3):
        say(session, leader, number, at=NOW + number * MINUTE)
        say(session, other, number, at=NOW + number * MINUTE)
    client = as_(leader)
    newest = inbox(client)["items"][0]["id"]
    assert client.post(f"{INBOX}/read", json={"ids": [newest]}).status_code == 204
    assert client.post(f"{INBOX}/read", json={"ids": [newest, str(new_id())]}).status_code == 204
    assert inbox(client)["unread"] == 2

    # The third was read by its id; of the others one came until then.
    assert client.post(f"{INBOX}/read", json={"until": (NOW + MINUTE).isoformat()}).status_code == 204
    assert inbox(client)["unread"] == 1
    until = (NOW + 2 * MINUTE).isoformat()
    assert client.post(f"{INBOX}/read", json={"until": until}).status_code == 204
    assert inbox(client, unread=True) == {"items": [], "next": None, "as_of": NOW.isoformat(), "unread": 0}
    assert len(inbox(client)["items"]) == 3
    assert {item["read_at"] for item in inbox(client)["items"]} == {NOW.isoformat()}
    assert inbox(as_(other))["unread"] == 3


@pytest.mark.parametrize(
    ("until", "left"),
    [
        ("9999-12-31T23:59:59.999999+00:00", 0),
        ("9999-12-31T23:59:59.999999-12:00", 0),
        ("0001-01-01T00:00:00+14:00", 1),
        ("1969-12-31T23:59:59Z", 1),
    ],
)
def test_until_the_ends_of_time(as_, district, session, until, left):
    leader = district.staff(Role.LEADER)
    say(session, leader, 1)
    assert as_(leader).post(f"{INBOX}/read", json={"until": until}).status_code == 204
    assert inbox(as_(leader))["unread"] == left


def test_nobody_reads_away_what_is_somebody_elses(as_, district, session):
    leader, other = district.staff(Role.LEADER), district.staff(Role.LEADER)
    say(session, leader, 1)
    item = inbox(as_(leader))["items"][0]["id"]
    assert as_(other).post(f"{INBOX}/read", json={"ids": [item]}).status_code == 204
    assert inbox(as_(leader))["unread"] == 1


@pytest.mark.parametrize(
    "given", [{}, {"ids": []}, {"ids": ["x"]}, {"until": "gestern"}, {"until": "2026-11-23T10:00:00"}]
)
def test_what_names_nothing_is_refused(as_, resident, given):
    assert as_(resident).post(f"{INBOX}/read", json=given).status_code == 422


def test_the_inbox_is_for_those_who_signed_in(as_):
    assert as_(None).get(INBOX).status_code == 401


def test_a_digest_lists_its_cases_by_number(as_, district, report, resident, session):
    leader, sent = district.staff(Role.LEADER), report(resident)
    data = {"reports": [sent], "new": 1, "overdue": 4}
    actions.tell(session, Matter(Notice.DIGEST, "digest:x", data=data), [leader.person_id], now=NOW)
    (item,) = inbox(as_(leader))["items"]
    assert item["reports"] == [{"id": sent, "number": session.scalar(text("select number from reports"))}]
    assert (item["body"], item["link"]) == ("Toàn thành phố hiện có 4 tin quá hạn chưa xong.", "/board")


def test_one_entry_whose_words_cannot_be_made_hides_no_other(as_, district, session):
    leader = district.staff(Role.LEADER)
    actions.tell(session, Matter(Notice.DIGEST, "digest:x", data={}), [leader.person_id], now=NOW)
    say(session, leader, 7, at=NOW + MINUTE)
    assert [item["title"] for item in inbox(as_(leader))["items"]] == ["7 tin vừa quá hạn", "Hai Giờ"]


ME = "/api/v1/me"


def test_quiet_hours_are_set_shown_and_taken_away(as_, resident):
    client = as_(resident)
    assert client.get(ME).get_json()["quiet_hours"] is None
    hours = {"from": "22:00", "to": "06:30"}
    assert client.patch(ME, json={"quiet_hours": hours}).get_json()["quiet_hours"] == hours
    assert client.patch(ME, json={"language": "en"}).get_json()["quiet_hours"] == hours
    midnight = {"from": "00:00", "to": "06:30"}
    assert client.patch(ME, json={"quiet_hours": midnight}).get_json()["quiet_hours"] == midnight
    assert client.patch(ME, json={"quiet_hours": None}).get_json()["quiet_hours"] is None


@pytest.mark.parametrize(
    "hours",
    [{}, {"from": "22:00"}, {"from": "22:00", "to": "22:00"}, {"from": "24:00", "to": "06:00"}, {"from": "9:00", "to": "10:00"},
     {"from": "0١:00", "to": "06:00"}, 7],
)  # fmt: skip
def test_quiet_hours_that_are_none_are_refused(as_, resident, hours):
    assert as_(resident).patch(ME, json={"quiet_hours": hours}).status_code == 422


def test_staff_give_an_address_and_of_residents_none_is_kept(as_, resident, district):
    chair = as_(district.staff(Role.CHAIR, "90001"))
    assert chair.patch(ME, json={"email": "chi@phuong.example"}).get_json()["email"] == "chi@phuong.example"
    assert chair.patch(ME, json={"channels": ["email"]}).get_json()["email"] == "chi@phuong.example"
    assert chair.patch(ME, json={"email": None}).get_json()["email"] is None
    for unusable in ("not one", "đ@phuong.example", "a@b\n", "@phuong.example"):
        assert chair.patch(ME, json={"email": unusable}).status_code == 422
    assert as_(resident).patch(ME, json={"email": "toi@nha.example"}).status_code == 403
    assert as_(resident).patch(ME, json={"email": None}).status_code == 403
