"""The page that is watched: each figure by its name, and a store that is down hides nothing of the others."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from redis import Redis
from rq import Queue
from sqlalchemy import text

from app.core import clock, outbox
from app.core.clock import ClockWrong
from app.http.container import KEY
from app.reports import queries

NOW = datetime(2026, 11, 23, 3, 0, tzinfo=UTC)


@pytest.fixture(autouse=True)
def _at_ten(monkeypatch):
    monkeypatch.setattr(clock, "now", lambda: NOW)


def figures(client) -> dict[str, float]:
    page = client.get("/metrics")
    assert page.status_code == 200
    lines = [line for line in page.text.splitlines() if line.startswith("haigio_")]
    return {name: float(value) for name, _, value in (line.rpartition(" ") for line in lines)}


def test_how_the_outbox_stands(as_, session):
    for minutes in (4, 1):
        outbox.emit(session, "report.moved", {}, at=NOW - timedelta(minutes=minutes))
    outbox.emit(session, "notice.push", {}, at=NOW, not_before=NOW + timedelta(hours=1))
    outbox.emit(session, "webhook.call", {}, at=NOW)
    first = outbox.unsent(session, ["report.moved"], 1, now=NOW)[0].id
    last = outbox.unsent(session, ["webhook.call"], 1, now=NOW)[0].id
    outbox.mark_sent(session, [first], at=NOW)
    outbox.mark_sent(session, [first], at=NOW)
    outbox.give_up(session, last, "refused", at=NOW)
    seen = figures(as_())
    wanted = {
        "haigio_outbox_depth": 2,
        "haigio_outbox_oldest_seconds": 240,
        "haigio_outbox_unsent": 1,
        "haigio_outbox_oldest_unsent_seconds": 60,
        "haigio_outbox_retried": 1,
        "haigio_outbox_failed": 0,
        "haigio_outbox_later": 1,
        "haigio_dead_letters": 1,
        'haigio_outbox_topic_depth{topic="report.moved"}': 2,
    }
    assert {name: seen.get(name) for name in wanted} == wanted


def test_how_the_queues_stand(as_, web):
    with Redis.from_url(web.extensions[KEY].settings.queue_url) as connection:
        queue = Queue("of this test", connection=connection)
        queue.enqueue("nothing.at_all")
        seen = figures(as_())
        queue.delete(delete_jobs=True)
    wanted = {"depth": 1, "under_way": 0, "retrying": 0, "failed": 0, "workers": 0}
    assert {name: seen.get(f'haigio_queue_{name}{{queue="of this test"}}') for name in wanted} == wanted


def test_without_the_queues_the_rest_is_told(as_, web, monkeypatch, tmp_path):
    container = web.extensions[KEY]
    nowhere = replace(container.settings, queue_url=f"unix://{tmp_path}/none")
    monkeypatch.setattr(container, "settings", nowhere)
    seen = figures(as_())
    assert "haigio_outbox_depth" in seen
    assert not any(name.startswith("haigio_queue_") for name in seen)


def test_with_a_wrong_clock_the_queues_are_told_and_nothing_that_goes_by_the_time(as_, web, monkeypatch):
    def wrong(_theirs):
        raise ClockWrong

    monkeypatch.setattr(clock, "compare", wrong)
    monkeypatch.setattr(web.extensions[KEY].database, "_compare_at", 0.0)
    with Redis.from_url(web.extensions[KEY].settings.queue_url) as connection:
        queue = Queue("of this test", connection=connection)
        queue.enqueue("nothing.at_all")
        seen = figures(as_())
        queue.delete(delete_jobs=True)
    assert "haigio_outbox_depth" not in seen
    assert seen['haigio_queue_depth{queue="of this test"}'] == 1


def test_a_look_costs_the_database_two_seconds_at_most(as_, monkeypatch):
    asked = []

    def count_open(session):
        asked.append(session.execute(text("show statement_timeout")).scalar())
        return {}

    monkeypatch.setattr(queries, "count_open", count_open)
    figures(as_())
    assert asked == ["2s"]
