"""The process as it runs: who hears what, what a restart loses (nothing), who is turned away."""

import base64
import json
import signal
import time
from collections.abc import Callable, Iterator
from datetime import timedelta
from uuid import uuid4

import httpx
import pytest
from listening import Listener
from sqlalchemy import create_engine, text
from sqlalchemy.orm import Session

from app.config import Settings
from app.core import clock
from app.identity import actions
from app.identity.tickets import KEY_PURPOSE, LiveTickets
from databases import url_of
from running_copy import PLACES, photo

# Alone with the copy, as its processes are killed here.
pytestmark = [pytest.mark.xdist_group("journeys"), pytest.mark.timeout(180)]


def address(someone) -> str:
    return someone.get("/queue", params={"limit": 1}).json()["links"]["live"]


@pytest.fixture(autouse=True)
def alive(copy) -> None:
    """Another story may have killed it."""
    copy.wait_until(lambda: is_ready(copy))


@pytest.fixture
def listens() -> Iterator[Callable[..., Listener]]:
    opened: list[Listener] = []

    def listen(url: str, **more) -> Listener:
        opened.append(Listener(url, **more))
        return opened[-1]

    yield listen
    for one in opened:
        one.close()


def session_of(someone) -> str:
    said = someone.http.headers["Authorization"].split(".")[1]
    return json.loads(base64.urlsafe_b64decode(said + "=" * (-len(said) % 4)))["sid"]


def is_ready(copy) -> bool:
    return httpx.get(f"http://127.0.0.1:{copy.live_port}/health/ready").status_code == 200


def test_a_unit_hears_of_its_cases_within_a_second_and_another_does_not(copy, listens):
    here, there = copy.staff("officer", "26929"), copy.staff("officer", "26944")
    leader, resident = copy.staff("leader"), copy.resident()
    own, other, all_ = (listens(address(someone)) for someone in (here, there, leader))
    assert own.response.headers["content-type"].startswith("text/event-stream")

    asked_at = time.monotonic()
    report_id = resident.report(PLACES["26929"]).json()["id"]
    heard = own.hears(report_id, seconds=1)
    assert time.monotonic() - asked_at < 2

    assert heard == ("case", heard[1], {"report": report_id, "what": "received"})
    assert all_.hears(report_id)[1] == heard[1]
    resident.send_photo(report_id, photo(9_001))
    here.move(report_id, "accepted")
    copy.wait_until(lambda: [data["what"] for _, _, data in own.heard] == ["received", "photo", "moved", "photo"])
    assert other.heard == []
    assert all_.reports() == [report_id] * 4


def test_a_hand_over_is_heard_on_both_sides(copy, listens):
    here, there = copy.staff("officer", "26929"), copy.staff("officer", "26944")
    report_id = copy.resident().report(PLACES["26929"]).json()["id"]
    own, other = listens(address(here)), listens(address(there))

    assert here.move(report_id, "received", ward="26944", reason="Bên kia đường").status_code == 200

    moved = {"report": report_id, "what": "moved"}
    for listener in (own, other):  # the first may hear that it was received as well
        copy.wait_until(lambda heard=listener.heard: moved in [data for _, _, data in heard], seconds=5)
    assert [data for _, _, data in other.heard] == [moved]


def test_who_comes_back_hears_what_they_missed(copy, listens):
    officer, resident = copy.staff("officer", "26929"), copy.resident()
    before = listens(address(officer))
    first = resident.report(PLACES["26929"]).json()["id"]
    last = before.hears(first)[1]
    before.close()
    missed = resident.report(PLACES["26929"]).json()["id"]
    elsewhere = resident.report(PLACES["26944"]).json()["id"]

    by_header, by_address = listens(address(officer), last=last), listens(f"{address(officer)}&last={last}")

    assert missed in {by_header.hears(missed)[2]["report"], by_address.hears(missed)[2]["report"]}
    assert elsewhere not in by_header.reports()


def test_who_was_away_for_too_long_or_says_nonsense_fetches_everything_anew(copy, listens):
    officer = copy.staff("officer", "26929")

    for last in ("0", "nonsense", "9" * 30):
        listener = listens(f"{address(officer)}&last={last}")
        copy.wait_until(lambda listener=listener: listener.heard == [("reset", "", {})], seconds=5)


def test_a_process_that_was_killed_knows_afterwards_what_happened_meanwhile(copy, listens):
    officer, resident = copy.staff("officer", "26929"), copy.resident()
    before = listens(address(officer))
    last = before.hears(resident.report(PLACES["26929"]).json()["id"])[1]

    copy.kill("live")
    assert before.ended.wait(5)
    meanwhile = resident.report(PLACES["26929"]).json()["id"]
    copy.start("live")
    copy.wait_until(lambda: is_ready(copy))

    listens(address(officer), last=last).hears(meanwhile)


def test_asked_to_stop_it_ends_its_streams_and_stops_at_once(copy, listens):
    listener = listens(address(copy.staff("officer", "26929")))

    began = time.monotonic()
    copy.kill("live", signal.SIGTERM)

    assert time.monotonic() - began < 2
    assert listener.ended.wait(1)


def test_what_is_committed_later_under_a_lower_id_is_heard_too(copy, listens, database_behind):
    officer = copy.staff("officer", "26929")
    unit = officer.person["units"][0]["id"]
    listener = listens(address(officer))
    emit = text("""
        insert into outbox (topic, payload, at)
        values ('photo.ready',
            jsonb_build_object('report_id', cast(:report as text), 'units', jsonb_build_array(cast(:unit as int))), now())
        returning id
    """)
    slow, quick = str(uuid4()), str(uuid4())

    with database_behind.connect() as first, database_behind.connect() as second:
        slow_id = first.execute(emit, {"report": slow, "unit": unit}).scalar_one()
        quick_id = second.execute(emit, {"report": quick, "unit": unit}).scalar_one()
        second.commit()
        listener.hears(quick)
        first.commit()

    assert listener.hears(slow)[1] == str(slow_id)
    assert slow_id < quick_id
    # And whoever had the higher one last, and was away, gets the lower one too.
    listens(address(officer), last=str(quick_id)).hears(slow)


def test_streams_outlive_a_lost_database_and_nothing_is_lost(copy, listens, database_behind):
    officer, resident = copy.staff("officer", "26929"), copy.resident()
    listener = listens(address(officer))
    listener.hears(resident.report(PLACES["26929"]).json()["id"])
    superuser = create_engine(url_of("HAIGIO_SUPERUSER_DATABASE_URL", database_behind.url.database))

    with superuser.connect() as connection:
        cut = connection.execute(
            text(
                "select count(pg_terminate_backend(pid)) from pg_stat_activity "
                "where application_name = 'haigio live' and datname = current_database()"
            )
        ).scalar_one()
    superuser.dispose()

    assert cut >= 2
    listener.hears(resident.report(PLACES["26929"]).json()["id"])
    assert not listener.ended.is_set()
    copy.wait_until(lambda: is_ready(copy), seconds=10)
    assert listens(address(officer)).response.status_code == 200


def test_who_is_turned_away(copy, listens):
    officer = copy.staff("officer", "26929")
    url, live = address(officer), f"http://127.0.0.1:{copy.live_port}"
    tickets = LiveTickets(Settings("test", "", "", copy.folder, copy.environment["HAIGIO_SECRET"]).key(KEY_PURPOSE))
    person, session = uuid4(), uuid4()

    def refused(answer: httpx.Response) -> tuple[int, str]:
        assert answer.headers["content-type"] == "application/problem+json"
        return answer.status_code, answer.json()["code"]

    assert refused(httpx.get(f"{live}/live")) == (401, "token_invalid")
    assert refused(httpx.get(url + "x")) == (401, "token_invalid")
    late = tickets.issue(person, session, now=clock.now() - timedelta(minutes=3))
    assert refused(httpx.get(f"{live}/live?ticket={late}")) == (401, "token_expired")
    unknown = tickets.issue(person, session, now=clock.now())
    assert refused(httpx.get(f"{live}/live?ticket={unknown}")) == (401, "session_ended")
    assert refused(httpx.get(url, headers={"Origin": "https://evil.example"})) == (403, "not_permitted")
    assert refused(httpx.post(url)) == (405, "method_not_allowed")
    assert refused(httpx.get(f"{live}/else")) == (404, "not_found")
    own = listens(url, headers={"Origin": f"http://127.0.0.1:{copy.port}"})
    assert own.response.headers["access-control-allow-origin"] == f"http://127.0.0.1:{copy.port}"
    for _ in range(9):
        listens(url)
    assert refused(httpx.get(url)) == (429, "too_many_requests")
    assert officer.http.delete("/sessions/current").status_code == 204
    assert refused(httpx.get(url)) == (401, "session_ended")


def test_who_signs_out_or_ran_out_is_cut_off_within_half_a_minute_and_the_line_is_felt_meanwhile(
    copy, listens, database_behind
):
    officer, colleague, absent = (copy.staff("officer", "26929") for _ in range(3))
    left, stays, ran_out = (listens(address(someone)) for someone in (officer, colleague, absent))

    assert officer.http.delete("/sessions/current").status_code == 204
    with Session(database_behind) as session:
        # Twelve hours later; the schedule does the same once a minute.
        session.execute(
            text("update refresh_tokens set expires_at = now() where session_id = :id"), {"id": session_of(absent)}
        )
        actions.forget_expired(session, clock.now())
        session.commit()

    assert left.ended.wait(40)
    assert ran_out.ended.wait(10)
    assert not stays.ended.is_set()
    assert stays.lines.count(": ") >= 1


def test_its_log_names_no_ticket(copy, listens):
    url = address(copy.staff("officer", "26929"))
    listens(url)
    httpx.get(url + "x")

    assert url.partition("ticket=")[2][:40] not in (copy.folder / "live.log").read_text()
