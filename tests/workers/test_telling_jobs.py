"""The jobs that tell: in two processes' time at once, and once all the same."""

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import select, text

import district
from app.core import clock
from app.core.outbox import OutboxMessage
from app.identity.permissions import Role
from app.notifications import actions
from app.reports import sweep
from app.reports.rulebook import RulebookCache
from story import Story
from workers.context import Context
from workers.jobs import news
from workers.schedule import Sweeps

NOW = datetime(2026, 11, 23, 3, 0, tzinfo=UTC)


@pytest.fixture
def at(monkeypatch):
    """Sets the clock."""

    def set_to(instant):
        monkeypatch.setattr(clock, "now", lambda: instant)

    set_to(NOW)
    return set_to


@pytest.fixture
def here(settings, committed, monkeypatch):
    monkeypatch.setattr(news, "context", lambda: Context(settings, committed, None, None))
    return committed


@pytest.fixture
def lived(here, at):
    """A case that was received, accepted, and warned of, with a phone for each who hears of it; nobody was told yet."""
    with here.unit_of_work() as session:
        story = Story(session, district.found(session), RulebookCache(1))
        story.district.staff(Role.LEADER)
        for number, who in enumerate((story.resident, story.officer, story.chair)):
            actions.register_device(
                session, who.person_id, who.session_id, platform="fcm", token=f"t-{number}", app_version=None, now=NOW
            )
        report = story.received()
        story.move(report, "accepted", now=NOW + timedelta(minutes=1))
        sweep.warn_due(session, NOW + timedelta(minutes=61))
    return report


def jobs(database, topic):
    with database.unit_of_work() as session:
        rows = session.execute(
            select(OutboxMessage.id, OutboxMessage.payload).where(OutboxMessage.topic == topic)
        ).all()
    return [(row.id, row.payload) for row in rows]


def state(database):
    """How many notices there are by topic, how many pushes were promised, and how many promises are not kept."""
    with database.unit_of_work() as session:
        told = session.execute(text("select topic, count(*) from notifications group by topic")).all()
        pushes = session.execute(text("select count(*) from outbox where topic = 'notice.push'")).scalar_one()
        left = session.execute(
            text("select count(*) from outbox where topic like 'report.%' and done_at is null")
        ).scalar_one()
    return {row[0]: row[1] for row in told}, pushes, left


def test_however_many_run_at_once_everybody_is_told_once(here, lived, at):
    at(NOW + timedelta(minutes=62))
    wanted = [
        *[(news.take_in, job) for job in jobs(here, "report.received")],
        *[(news.tell, job) for job in jobs(here, "report.moved")],
        *[(news.warn, job) for job in jobs(here, "report.warned")],
    ]
    assert len(wanted) == 3
    with ThreadPoolExecutor(6) as threads:
        list(threads.map(lambda one: one[0](*one[1]), wanted * 6))

    # The officer took the case before anybody was told of it: it rings nobody as a new one.
    assert state(here) == ({"received": 1, "accepted": 1, "half_gone": 1}, 3, 0)


def test_two_promises_of_one_warning_are_one_warning(here, lived, at):
    at(NOW + timedelta(minutes=62))
    (job,) = jobs(here, "report.warned")
    with here.unit_of_work() as session:
        session.execute(
            text("insert into outbox (topic, payload, at) select topic, payload, at from outbox where id = :id"),
            {"id": job[0]},
        )
    with ThreadPoolExecutor(2) as threads:
        list(threads.map(lambda one: news.warn(*one), jobs(here, "report.warned")))

    told, pushes, _ = state(here)
    assert (told, pushes) == ({"half_gone": 1}, 1)


def test_two_schedules_send_one_digest(here, lived, at):
    late = NOW + timedelta(minutes=125)
    with ThreadPoolExecutor(4) as threads:
        list(threads.map(lambda _: Sweeps(here, 1).tell_leaders_what_became_overdue(late), range(8)))

    told, _, _ = state(here)
    assert told == {"digest": 1}
