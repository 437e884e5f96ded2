"""One schedule at a time: each tick once, taken over when it dies; and what the ticks do."""

import hashlib
import time
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import psycopg
import pytest
from redis.exceptions import ConnectionError as QueueIsDown
from sqlalchemy import select, text
from sqlalchemy.orm import Session
from structlog.testing import capture_logs
from trial import Outbox, Processes, eventually

from app.core import clock, outbox
from app.core.db import Database, new_id
from app.identity import actions as identity
from app.identity import queries as people
from app.identity.models import RefreshToken
from app.identity.permissions import Actor, Role
from app.notifications import queries
from app.notifications.models import Device
from app.photos import actions as photos
from app.photos.formats import ImageType
from app.photos.models import RetentionPolicy
from app.photos.storage import PhotoStore
from app.reports.rulebook import RulebookCache
from app.targets.models import CalendarYear, TargetPolicy, WorkCalendar
from district import LONG_AGO, District
from story import Story
from workers import schedule
from workers.schedule import Every, Round, Sweeps

NOW = datetime(2026, 11, 23, 5, 0, tzinfo=UTC)

TICKING = """
import os
from app.config import read_settings
from app.core.db import Database
from trial import Outbox
from workers import schedule
settings = read_settings()
write = Outbox(Database(settings.database_url)).write
schedule.run(settings, every=[schedule.Every(0.5, lambda now: write("tick", os.getpid()))])
"""


def test_of_two_schedules_one_ticks_and_the_other_takes_over(processes: Processes, promises: Outbox) -> None:
    one, two = processes.start("-c", TICKING), processes.start("-c", TICKING)
    eventually(lambda: len(promises.written("tick")) >= 4, seconds=15)
    ticks = promises.written("tick")
    assert len(set(ticks)) == 1
    leader, other = (one, two) if one.pid == ticks[0] else (two, one)
    leader.kill()
    assert eventually(lambda: other.pid in promises.written("tick"), seconds=10) < 5
    began = len(promises.written("tick"))
    time.sleep(1.2)
    assert len(promises.written("tick")) - began <= 3


def test_ticks_missed_in_an_outage_are_made_up_for_once() -> None:
    ran: list[str] = []
    turn = Round([Every(5, lambda _now: ran.append("a")), Every(60, lambda _now: ran.append("b"))])
    for seconds in (1000, 1001, 1004.9, 1005, 1600, 1601):
        turn.run(seconds, NOW)
    assert ran == ["a", "b", "a", "a", "b"]


def test_a_tick_that_has_more_to_do_goes_on_at_once_and_lets_others_in_between() -> None:
    ran: list[str] = []
    left = [True, True, False]

    def sweep(_now: datetime) -> bool:
        ran.append("sweep")
        return left.pop(0)

    turn = Round([Every(3600, sweep), Every(1, lambda _now: ran.append("reap"))])
    for seconds in (10, 11, 12, 13):
        turn.run(seconds, NOW)
    assert ran == ["sweep", "reap"] * 3 + ["reap"]


def test_a_tick_that_fails_stops_no_other() -> None:
    ran: list[str] = []

    def fail(_now: datetime) -> None:
        raise QueueIsDown

    turn = Round([Every(1, fail), Every(1, lambda _now: ran.append("other"))])
    turn.run(10, NOW)
    turn.run(11, NOW)
    assert ran == ["other", "other"]


def test_a_tick_that_breaks_stops_no_other_and_says_where_without_a_word_of_it() -> None:
    ran: list[str] = []

    def broken(_now: datetime) -> None:
        raise FileNotFoundError("0912345678")

    turn = Round([Every(1, broken), Every(1, lambda _now: ran.append("other"))])
    with capture_logs() as said:
        turn.run(10, NOW)
        turn.run(11, NOW)
    assert ran == ["other", "other"]
    first, second = said
    assert (first["log_level"], first["tick"], first["error"]) == ("error", "broken", "FileNotFoundError")
    assert "test_schedule.py:" in first["where"]
    assert "0912345678" not in str(first)
    assert second == first


def test_what_people_were_promised_comes_before_the_queue(database: Database, valkey, tmp_path: Path) -> None:
    table = schedule.timetable(database, valkey, PhotoStore(tmp_path), 1)
    names = [getattr(every.tick, "__name__", "") for every in table]
    assert names.index("warn_of_cases_that_reach_a_rung") < names.index("queue_retries")
    assert names.index("resume_clocks_stopped_for_24_hours") < names.index("revive")


def test_a_schedule_that_loses_its_connection_is_told_before_the_next_tick(database_url: str) -> None:
    with schedule.alone(database_url) as make_sure:
        make_sure()
        with psycopg.connect(database_url, autocommit=True) as other:
            other.execute(
                "select pg_terminate_backend(pid) from pg_stat_activity where application_name = 'haigio schedule' "
                "and datname = current_database()"
            )
        with pytest.raises(psycopg.Error):
            make_sure()


@pytest.fixture
def database_url(committed: Database) -> str:
    return committed.engine.url.set(drivername="postgresql").render_as_string(hide_password=False)


def test_kept_promises_are_forgotten_after_a_fortnight_piece_by_piece(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(schedule, "BATCH", 3)
    with database.unit_of_work() as session:
        for days in (13, 15, 16, 17, 18):
            outbox.emit(session, "trial", {"days": days}, at=NOW - timedelta(days=days))
            outbox.emit(session, "trial", {"kept": False}, at=NOW - timedelta(days=days))
        session.execute(text("update outbox set done_at = at where payload ? 'days'"))
    sweeps = Sweeps(database, 1)
    assert sweeps.forget_kept_promises(NOW) is True
    assert sweeps.forget_kept_promises(NOW) is False
    with database.unit_of_work() as session:
        left = session.execute(text("select payload ->> 'days' from outbox order by id")).scalars().all()
    assert sorted(left, key=str) == ["13", None, None, None, None, None]


SIGN_INS = (
    """
    insert into otp_challenges (id, phone, address_tag, created_at, expires_at)
    values (gen_random_uuid(), '0900000000', '', :at, :past)
    """,
    "insert into sign_in_failures (address_tag, at) values ('', :past)",
    """
    with person as (
        insert into people (id, is_staff, created_at) values (gen_random_uuid(), false, :at) returning id
    ), session as (
        insert into sessions (id, person_id, created_at) select gen_random_uuid(), id, :at from person returning id
    )
    insert into refresh_tokens (token_hash, session_id, issued_at, expires_at)
    select cast(cast(id as text) as bytea), id, :at, :past from session
    """,
)


def test_a_sign_in_that_ran_out_is_ended_and_its_device_rings_on_for_a_month(
    session: Session, database: Database, district: District
) -> None:
    gone, stays = district.staff(Role.OFFICER, "90001"), district.staff(Role.OFFICER, "90001")
    devices = {}
    for actor, hours in ((gone, (3, 12)), (stays, (3, 12.1))):
        devices[actor] = new_id()
        session.add(
            Device(
                id=devices[actor],
                person_id=actor.person_id,
                session_id=actor.session_id,
                platform="fcm",
                token="t",
                token_hash=devices[actor].bytes,
                added_at=NOW,
                seen_at=NOW,
            )
        )
        for number, until in enumerate(hours):
            token = RefreshToken(
                token_hash=devices[actor].bytes + bytes([number]),
                session_id=actor.session_id,
                issued_at=NOW,
                expires_at=NOW + timedelta(hours=until),
            )
            session.add(token)
    session.flush()

    def rings(now: datetime) -> set[str]:
        known = queries.reaches(session, [gone.person_id, stays.person_id], [], now)
        return {name for name, actor in (("gone", gone), ("stays", stays)) if known[actor.person_id].devices}

    def acts(actor: Actor) -> bool:
        sign_in = {"person_id": actor.person_id, "session_id": actor.session_id}
        return people.actor_of(session, **sign_in, on=NOW.date()) is not None

    sweeps, end = Sweeps(database, 1), NOW + timedelta(hours=12)
    sweeps.end_expired_sign_ins(end - timedelta(seconds=1))
    assert (acts(gone), acts(stays)) == (True, True)
    sweeps.end_expired_sign_ins(end)
    assert (acts(gone), acts(stays)) == (False, True)
    assert session.scalars(select(RefreshToken.session_id)).all() == [stays.session_id]

    # A chair whose page was closed for half a day is warned at night all the same; for a month, and not once signed out.
    assert rings(end + timedelta(days=30) - timedelta(seconds=1)) == {"gone", "stays"}
    assert rings(end + timedelta(days=30)) == {"stays"}
    identity.sign_out(session, gone.session_id, now=end + timedelta(hours=1))
    assert rings(end + timedelta(hours=1)) == {"stays"}


def test_sign_ins_are_ended_every_minute(database: Database, valkey, tmp_path: Path) -> None:
    table = schedule.timetable(database, valkey, PhotoStore(tmp_path), 1)
    assert [every.seconds for every in table if every.tick.__name__ == "end_expired_sign_ins"] == [60]


def test_what_can_decide_no_sign_in_any_more_is_forgotten(database: Database) -> None:
    with database.unit_of_work() as session:
        for age in (timedelta(hours=1), timedelta(days=3), timedelta(days=8)):
            for statement in SIGN_INS:
                session.execute(text(statement), {"at": NOW, "past": NOW - age})
    assert Sweeps(database, 1).end_expired_sign_ins(NOW) is False
    with database.unit_of_work() as session:
        left = {
            table: session.execute(text(f"select count(*) from {table}")).scalar_one()
            for table in ("otp_challenges", "sign_in_failures", "refresh_tokens")
        }
    assert left == {"otp_challenges": 1, "sign_in_failures": 1, "refresh_tokens": 0}


def test_sign_ins_are_forgotten_piece_by_piece(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(schedule, "BATCH", 2)
    with database.unit_of_work() as session:
        for _ in range(3):
            session.execute(text(SIGN_INS[1]), {"past": NOW - timedelta(days=3)})
        session.execute(text(SIGN_INS[0]), {"at": NOW, "past": NOW - timedelta(days=3)})
    sweeps = Sweeps(database, 1)
    assert [sweeps.end_expired_sign_ins(NOW) for _ in range(2)] == [True, False]
    with database.unit_of_work() as session:
        assert session.execute(text("select count(*) from sign_in_failures")).scalar_one() == 0


def test_the_real_timetable_runs_and_tells_what_waits(
    promises: Outbox, valkey, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    promises.emit("trial.effect", 3)
    turn = Round(schedule.timetable(promises.database, valkey, PhotoStore(tmp_path), 1))
    turn.run(1, clock.now())
    assert "outbox_waiting=3" in capsys.readouterr().out


def test_working_hours_that_lack_a_year_are_said_loudly(
    session: Session, database: Database, district: District
) -> None:
    """The year that is, or the next, has no holidays: whose target goes by that calendar is named, and nobody else."""
    session.add(WorkCalendar(city_id=1, code="office", name_vi="Giờ hành chính", name_en="Office hours", hours={}))
    session.add(WorkCalendar(city_id=1, code="unused", name_vi="Không dùng", name_en="Not used", hours={}))
    session.add(CalendarYear(city_id=1, year=2026, source="thử", loaded_at=LONG_AGO))
    session.flush()
    session.add(TargetPolicy(city_id=1, minutes=60, kind_code="CO01", calendar_code="office", valid_from=LONG_AGO))
    session.flush()

    with capture_logs() as said:
        Sweeps(database, 1).complain_of_calendars_that_lack_a_year(NOW)

    (complaint,) = said
    assert (complaint["log_level"], complaint["calendar"], complaint["years"]) == ("error", "office", (2027,))


def test_photos_whose_time_is_over_go_and_their_files_with_them(
    session: Session, database: Database, district: District, tmp_path: Path
) -> None:
    story, store = Story(session, district, RulebookCache(1)), PhotoStore(tmp_path)
    session.add(RetentionPolicy(city_id=1, recorded=False, days=30, valid_from=date(2026, 1, 1)))
    ended = NOW - timedelta(days=30)
    report_id = story.received(now=ended)
    sha256 = hashlib.sha256(b"photo").hexdigest()
    store.put([b"photo"], sha256=sha256)
    original = photos.Original(sha256, ImageType.JPEG, 5)
    photos.receive(session, store, original, report_id=report_id, role="before", now=ended)
    story.move(report_id, "withdrawn", by=story.resident, now=ended)
    sweeps = Sweeps(database, 1)

    assert sweeps.erase_photos_whose_time_is_over(store, NOW - timedelta(seconds=1)) is False
    assert store.exists(sha256)
    assert sweeps.erase_photos_whose_time_is_over(store, NOW) is True
    assert not store.exists(sha256)
    assert sweeps.erase_photos_whose_time_is_over(store, NOW) is False
