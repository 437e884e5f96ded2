"""Whoever reported one incident hears of it together: each once, under the number of their own report."""

from uuid import UUID

import pytest
from sqlalchemy import select, text

from app.core.db import new_id
from app.core.outbox import OutboxMessage
from app.identity.permissions import Role
from app.notifications import actions, queries
from app.notifications.models import Notification
from app.reports import actions as reports
from app.reports.intake import Author, Submission
from app.reports.queries import Asker
from district import IN_AN
from incident import MINUTE
from story import NOW


@pytest.fixture
def hears(session, incident):
    """Keep the promises that were made since, each twice, then all there ever were once more.

    Answers how to ask what somebody was told: which notice of which report.
    """
    kept = 0

    def tell():
        nonlocal kept
        found = select(OutboxMessage).where(OutboxMessage.topic.like("report.%")).order_by(OutboxMessage.id)
        promised = session.scalars(found).all()
        new = [message for message in promised if message.id > kept]
        kept = promised[-1].id
        for message in [*new, *new, *promised]:
            report_id, entry_id = (message.payload.get(member) for member in ("report_id", "entry_id"))
            actions.tell_news(session, UUID(report_id), entry_id and UUID(entry_id), NOW + 100 * MINUTE)

        def by(who):
            asker = incident.story.person(who)
            owner = (Notification.person_id == who.person_id) | (Notification.tag == asker.tag)
            found = (
                select(Notification.topic, Notification.report_id)
                .where(owner)
                .order_by(Notification.at, Notification.id)
            )
            return [(row.topic, row.report_id) for row in session.execute(found)]

        return by

    return tell


def without_receipt(told):
    return [(topic, report_id) for topic, report_id in told if topic != "received"]


@pytest.mark.parametrize("anonymous", [False, True])
def test_the_resident_of_a_duplicate_hears_that_it_was_joined_and_how_the_root_ends(incident, hears, anonymous):
    root, again = incident.reported(), incident.reported(1, anonymous=anonymous)
    incident.join(again, root)
    by = hears()
    assert without_receipt(by(incident.residents[again])) == [("joined", again)]

    incident.concluded(root)
    by = hears()

    assert without_receipt(by(incident.residents[again])) == [("joined", again), ("concluded", again)]
    assert without_receipt(by(incident.residents[root])) == [("accepted", root), ("concluded", root)]


def test_what_is_joined_to_one_that_is_over_brings_its_result_along(incident, hears):
    root, again = incident.reported(), incident.reported(1)
    incident.concluded(root, minute=5)
    hears()
    incident.join(again, root, minute=10)

    by = hears()

    assert without_receipt(by(incident.residents[again])) == [("joined", again), ("concluded", again)]


def test_who_was_joined_to_what_is_joined_to_one_that_is_over_hears_its_result_too(incident, hears):
    root, again, third = (incident.reported(minute) for minute in range(3))
    incident.join(third, again, minute=4)
    incident.concluded(root, minute=5)
    hears()
    incident.join(again, root, minute=10)

    by = hears()

    for report_id in (again, third):
        assert without_receipt(by(incident.residents[report_id])) == [("joined", report_id), ("concluded", report_id)]


def test_they_hear_what_became_of_a_contest_whoever_contested(incident, hears):
    root, again, third = (incident.reported(minute) for minute in range(3))
    for one in (again, third):
        incident.join(one, root)
    incident.concluded(root)
    incident.contests(again, minute=30)
    by = hears()
    assert by(incident.story.chair)[-1] == ("contested", root), "its reviewers hear of the contest"

    incident.move(root, "accepted", by=incident.story.chair, minute=40, reason="Đúng là còn")
    incident.concluded(root, minute=50)
    by = hears()

    for one in (root, again, third):
        heard = [topic for topic, report_id in by(incident.residents[one]) if report_id == one]
        assert heard[-3:] == ["concluded", "reopened", "concluded"], one


def test_they_hear_that_a_result_was_upheld(incident, hears):
    root, again = incident.reported(), incident.reported(1)
    incident.join(again, root)
    incident.concluded(root)
    hears()
    incident.contests(root, minute=30)
    incident.move(root, "concluded", by=incident.story.chair, minute=40, outcome="gone", note="Đã hết")
    by = hears()

    for one in (root, again):
        assert by(incident.residents[one])[-1] == ("upheld", one)


def test_who_reported_twice_or_follows_besides_hears_it_once(session, incident, hears, story):
    root, again = incident.reported(), incident.reported(1)
    somebody = incident.residents[again]
    reports.follow(session, root, story.person(somebody), NOW + MINUTE)
    twice = story.received(by=somebody, kind="EN08", now=NOW + 2 * MINUTE)
    for one in (again, twice):
        incident.join(one, root)
    incident.concluded(root)

    by = hears()

    assert [topic for topic, _ in by(somebody)].count("concluded") == 1
    assert "followed_concluded" not in dict(by(somebody))


def test_who_filed_for_nobody_speaks_for_the_duplicate_too(session, incident, hears, village, story):
    volunteer = village.joined("volunteer", Role.VOLUNTEER)
    root = incident.reported()
    sent = Submission(id=new_id(), kind="EN08", **IN_AN, channel="assisted")
    author = Author(None, None, filed_by=volunteer.person_id)
    reports.submit(session, sent, author, session_id=None, cache=story.cache, spend=lambda: None, now=NOW + MINUTE)
    incident.join(sent.id, root)
    incident.concluded(root)

    by = hears()

    assert by(volunteer) == [("joined", sent.id), ("concluded", sent.id)]


def test_who_follows_a_duplicate_hears_how_the_root_ends(session, incident, hears, story):
    follower = story.district.resident()
    root, again = incident.reported(), incident.reported(1)
    reports.follow(session, again, story.person(follower), NOW + MINUTE)
    incident.join(again, root)
    incident.concluded(root)

    by = hears()

    assert by(follower) == [("followed_joined", again), ("followed_concluded", root)]


def test_when_a_withdrawn_root_is_taken_over_its_unit_its_new_resident_and_its_followers_hear(
    session, incident, hears, story
):
    follower = story.district.resident()
    root, again = incident.reported(), incident.reported(1)
    reports.follow(session, root, story.person(follower), NOW + MINUTE)
    incident.move(root, "accepted", minute=2)
    incident.join(again, root)
    incident.withdraws(root)
    by = hears()

    assert by(incident.residents[again])[-1] == ("goes_on", again)
    assert by(story.officer)[-1] == ("stands_in", again), "who works on it"
    assert by(follower) == [], "it goes on"
    assert [topic for topic, _ in by(incident.residents[root])] == ["received", "accepted"]

    incident.concluded(again, minute=40)
    by = hears()
    assert by(follower) == [("followed_concluded", again)]
    assert by(incident.residents[again])[-1] == ("concluded", again)
    assert "concluded" not in dict(by(incident.residents[root])), "who withdrew wants to hear no more"


def test_who_follows_what_is_withdrawn_for_good_hears_that_nobody_will_come(session, incident, hears, story):
    follower = story.district.resident()
    root = incident.reported()
    reports.follow(session, root, story.person(follower), NOW + MINUTE)
    incident.withdraws(root)

    by = hears()

    assert by(follower) == [("followed_withdrawn", root)]


def test_of_the_root_its_reader_keeps_ids_and_facts_and_nothing_that_was_said(session, incident, hears, story):
    root, again = incident.reported(note="Quán của ông Ba"), incident.reported(1)
    incident.join(again, root)
    incident.concluded(root)
    hears()

    own = select(Notification).where(Notification.report_id == again, Notification.topic == "concluded")
    kept = session.scalars(own).one()
    unit = story.district.units["90001"]
    assert kept.data == {"unit_id": unit, "root": str(root), "outcome": "remedied", "photos": 0}
    assert kept.key.startswith("entry:")
    everything = session.execute(text("select string_agg(data::text, '') from notifications")).scalar_one()
    assert "ông Ba" not in everything


def test_what_is_told_of_the_root_is_sent_on_to_a_phone_as_ones_own(session, incident, hears, village, story):
    root, again = incident.reported(), incident.reported(1)
    somebody = incident.residents[again]
    village.device(somebody)
    incident.join(again, root)
    incident.concluded(root)
    hears()

    told = queries.inbox(session, Asker(somebody.person_id, None), limit=5)
    result = next(one for one in told if one.notice == "concluded")
    addressed = queries.addressed(session, result.id)
    assert addressed is not None
    assert queries.is_news_still(session, addressed)
    assert result.number == story.report(again).number
    assert len(village.promised("notice.push")) == 3, "received, joined, concluded"
