"""Leaders are told once an hour at most which cases became overdue; after an outage once for all of it."""

from datetime import timedelta

import pytest
from sqlalchemy import select, text

from app.identity.permissions import Role
from app.notifications import actions
from app.notifications.models import Notification
from story import NOW

MINUTE = timedelta(minutes=1)
# Received at ten local time, due at twelve.
NOON = NOW + 120 * MINUTE


@pytest.fixture
def leaders(village):
    return [village.joined("leader", Role.LEADER), village.joined("mayor", Role.LEADER)]


def digest(story, now) -> bool:
    return actions.digest(story.session, 1, now)


def told(story, leader) -> list[dict]:
    found = select(Notification.data).where(Notification.person_id == leader.person_id).order_by(Notification.at)
    return list(story.session.scalars(found))


def test_nothing_is_told_while_nothing_is_overdue(story, leaders):
    story.received()
    assert not digest(story, NOON)  # the due instant itself is on time
    assert told(story, leaders[0]) == []


def test_a_case_is_told_when_its_time_is_up_and_once(story, leaders):
    report = story.received()
    assert digest(story, NOON + MINUTE)
    assert not digest(story, NOON + 2 * MINUTE)
    assert not digest(story, NOON + 61 * MINUTE)

    said = [{"reports": [str(report)], "new": 1, "overdue": 1}]
    assert told(story, leaders[0]) == told(story, leaders[1]) == said


def test_what_follows_waits_until_an_hour_is_over(story, leaders):
    first = story.received()
    second = story.received(now=NOW + 10 * MINUTE)
    assert digest(story, NOON + MINUTE)
    assert not digest(story, NOON + 61 * MINUTE - timedelta(seconds=1))  # though 13:00 has struck
    assert digest(story, NOON + 61 * MINUTE)

    assert [said["reports"] for said in told(story, leaders[0])] == [[str(first)], [str(second)]]
    assert [said["overdue"] for said in told(story, leaders[0])] == [1, 2]


def test_after_an_outage_one_digest_has_all_that_came_in_it(story, leaders):
    story.received(now=NOW - 60 * MINUTE)
    assert digest(story, NOON - 59 * MINUTE)
    late = [story.received(now=NOW + minutes * MINUTE) for minutes in (0, 30, 60, 90)]
    assert digest(story, NOON + 180 * MINUTE)
    assert not digest(story, NOON + 181 * MINUTE)

    assert told(story, leaders[0])[1] == {"reports": [str(one) for one in late], "new": 4, "overdue": 5}


def test_what_is_over_or_stands_still_is_not_told(story, leaders):
    withdrawn, stopped = story.received(), story.received()
    story.move(withdrawn, "withdrawn", by=story.resident)
    story.move(stopped, "accepted")
    story.move(stopped, "awaiting_resident", question="Quán nào?")
    assert not digest(story, NOON + MINUTE)


def more(story, report_id, number):
    """So many more cases like this one, each due a second after the one before."""
    story.session.execute(
        text("""
            insert into reports (id, city_id, number, channel, kind_code, field, lat, lon, anonymous, urgent, about_unit,
                received_at, ward_version_id, routing, unit_id, state, target_s, due_at, updated_at)
            select gen_random_uuid(), city_id, 'X-' || n, channel, kind_code, field, lat, lon, anonymous, urgent,
                about_unit, received_at, ward_version_id, routing, unit_id, state, target_s,
                due_at + n * interval '1 s', updated_at
            from reports, generate_series(1, :number) n where id = :id
        """),
        {"id": report_id, "number": number},
    )


def test_fifty_cases_are_listed_and_all_are_told(story, leaders):
    report = story.received()
    more(story, report, 59)
    assert digest(story, NOON + 2 * MINUTE)
    assert not digest(story, NOON + 62 * MINUTE)

    (said,) = told(story, leaders[0])
    assert (len(said["reports"]), said["new"], said["overdue"]) == (50, 60, 60)
    assert said["reports"][0] == str(report)


def test_what_is_beyond_the_bound_comes_in_the_next(story, leaders, monkeypatch):
    monkeypatch.setattr(actions, "MOST_IN_DIGEST", 40)
    more(story, story.received(), 59)
    assert digest(story, NOON + 2 * MINUTE)
    assert digest(story, NOON + 62 * MINUTE)
    assert not digest(story, NOON + 122 * MINUTE)

    first, second = told(story, leaders[0])
    assert (first["new"], first["overdue"], second["new"], second["overdue"]) == (40, 60, 20, 60)
    assert not set(first["reports"]) & set(second["reports"])


def due(story, report, at):
    story.session.execute(text("update reports set due_at = :at where id = :id"), {"at": at, "id": report})


def test_a_due_time_that_was_moved_into_the_past_is_told_with_the_next(story, leaders):
    first, corrected = story.received(), story.received(now=NOW + 60 * MINUTE)  # due at twelve and at one
    assert digest(story, NOON + MINUTE)
    due(story, corrected, NOON - 10 * MINUTE)  # before the last digest was written
    assert digest(story, NOON + 61 * MINUTE)

    assert [said["reports"] for said in told(story, leaders[0])] == [[str(first)], [str(corrected)]]


def test_a_case_that_got_more_time_is_told_once_more_when_that_is_over_too(story, leaders):
    report = story.received()
    assert digest(story, NOON + MINUTE)
    due(story, report, NOON + 90 * MINUTE)
    assert not digest(story, NOON + 90 * MINUTE)
    assert digest(story, NOON + 91 * MINUTE)
    assert not digest(story, NOON + 151 * MINUTE)

    assert [said["reports"] for said in told(story, leaders[0])] == [[str(report)]] * 2


def test_what_was_overdue_long_before_the_first_digest_is_no_news_then_or_later(story, leaders):
    old, fresh, later = story.received(), story.received(now=NOW + 30 * MINUTE), story.received(now=NOW + 90 * MINUTE)
    # The first one there is looks back an hour: from 13:01 to 12:01.
    assert digest(story, NOON + 61 * MINUTE)
    assert digest(story, NOON + 121 * MINUTE)

    assert [said["reports"] for said in told(story, leaders[0])] == [[str(fresh)], [str(later)]]
    assert [said["overdue"] for said in told(story, leaders[0])] == [2, 3], f"{old} is one of all that are overdue"
