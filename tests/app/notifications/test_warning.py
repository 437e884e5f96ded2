"""A warning is told to those whom the ladder names, once, and only while the case is still their worry."""

from datetime import time, timedelta

import pytest
from sqlalchemy import select, text

from app.identity.permissions import Role
from app.notifications import actions
from app.notifications.models import Notification
from app.reports.models import TimelineEntry
from app.targets.models import DutyShift
from story import NOW

MINUTE = timedelta(minutes=1)
HALF, MOST, DUE = 1, 2, 3


@pytest.fixture
def an(story):
    return story.district.units["90001"]


def warn(story, report, rung, *, unit=None, now=NOW + 60 * MINUTE):
    return actions.warn(story.session, report, unit or story.district.units["90001"], rung, now)


def test_half_of_the_time_is_told_to_who_works_on_it(story, village):
    report = story.received()
    story.move(report, "accepted")
    assert warn(story, report, HALF) == 1

    assert village.told() == {("officer", "half_gone")}
    kept = story.session.scalars(select(Notification)).one()
    assert kept.key == f"warned:{report}:{story.district.units['90001']}:1"
    assert kept.data == {"unit_id": story.district.units["90001"], "rung": 1}, (
        "what is left is reckoned when it is read"
    )


def test_all_of_it_is_told_to_the_chair_and_twice_is_once(story, village):
    phone = village.device(story.chair)
    report = story.received()
    assert warn(story, report, DUE) == 1
    assert warn(story, report, DUE) == 0

    assert village.told() == {("chair", "overdue")}
    assert [promise["device_id"] for promise in village.promised("notice.push")] == [str(phone)]


def test_a_case_that_is_over_stopped_or_elsewhere_is_nobodys_worry(story, village):
    withdrawn, stopped, elsewhere = story.received(), story.received(), story.received()
    story.move(withdrawn, "withdrawn", by=story.resident)
    story.move(stopped, "accepted")
    story.move(stopped, "awaiting_resident", question="Quán nào?")
    story.move(elsewhere, "received", unit=story.district.units["90002"], reason="Bên kia đường")

    assert [warn(story, report, MOST) for report in (withdrawn, stopped, elsewhere)] == [0, 0, 0]
    assert village.count() == 0


def test_what_was_warned_of_more_urgently_since_is_not_told_late(story, village):
    report = story.received()
    story.session.execute(text("update reports set warned = 3 where id = :id"), {"id": report})

    assert warn(story, report, HALF) == warn(story, report, MOST) == 0
    assert warn(story, report, DUE) == 1
    assert village.told() == {("chair", "overdue")}


def test_where_nobody_is_on_duty_the_chair_is_told_and_the_course_says_so_once(story, village, an):
    # It is eleven; the only shift of this Monday ended at ten.
    story.session.add(
        DutyShift(
            unit_id=an, person_id=story.officer.person_id, weekdays=[1], starts=time(8), ends=time(10), valid_from=NOW
        )
    )
    story.session.flush()
    report = story.received()
    assert warn(story, report, MOST) == 1
    assert warn(story, report, MOST) == 0

    assert village.told() == {("chair", "nearly_due")}
    entries = story.session.scalars(select(TimelineEntry).where(TimelineEntry.type == "nobody_on_duty")).all()
    assert [(one.by_role, one.shown_to, one.data) for one in entries] == [("system", "unit", {"rung": 2, "unit": an})]


def test_duty_overrides_quiet_hours_and_a_choice_without_push(story, village):
    phone = village.device(story.chair)
    story.session.execute(
        text("update people set channels = '[\"inbox\"]', quiet_from = '08:00', quiet_to = '20:00' where id = :id"),
        {"id": story.chair.person_id},
    )
    warn(story, story.received(), DUE)

    assert [promise["device_id"] for promise in village.promised("notice.push")] == [str(phone)]
    assert story.session.execute(text("select not_before from outbox where topic = 'notice.push'")).scalars().all() == [
        None
    ]


def test_a_case_at_the_desk_is_the_dispatchers(story, village):
    village.joined("dispatcher", Role.DISPATCHER, "desk")
    report = story.received(about_unit=True)
    assert warn(story, report, DUE, unit=story.district.units["desk"]) == 1
    assert village.told() == {("dispatcher", "overdue")}


def rung_at(story):
    """From when on phones may ring that were promised to."""
    return story.session.execute(text("select not_before from outbox where topic = 'notice.push'")).scalars().all()


def test_who_is_told_in_the_place_of_somebody_on_duty_is_rung_as_they_would_be(story, village, an):
    """The chair wants to be left in peace from eight to eight; the only shift of this Monday ended at ten."""
    village.device(story.chair)
    story.session.execute(
        text("update people set quiet_from = '08:00', quiet_to = '20:00' where id = :id"), {"id": story.chair.person_id}
    )
    story.session.add(
        DutyShift(
            unit_id=an, person_id=story.officer.person_id, weekdays=[1], starts=time(8), ends=time(10), valid_from=NOW
        )
    )
    story.session.flush()
    warn(story, story.received(), HALF, now=NOW + 60 * MINUTE)
    assert village.told() == {("chair", "half_gone")}
    assert rung_at(story) == [None]


def test_the_desk_is_rung_for_a_unit_without_chairs(story, village):
    dispatcher = village.joined("dispatcher", Role.DISPATCHER, "desk")
    village.device(dispatcher)
    story.session.execute(
        text("update people set quiet_from = '08:00', quiet_to = '20:00' where id = :id"), {"id": dispatcher.person_id}
    )
    story.session.execute(
        text("update memberships set valid_to = :now where person_id = :id"), {"id": story.chair.person_id, "now": NOW}
    )
    warn(story, story.received(), DUE)
    assert village.told() == {("dispatcher", "overdue")}
    assert rung_at(story) == [None]
