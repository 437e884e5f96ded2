"""A warning is told to those whom the ladder names, once, and only while the case is still their worry."""

from datetime import time, timedelta

import pytest
from sqlalchemy import insert, select, text, update

from app.core.outbox import OutboxMessage
from app.identity.models import Person
from app.identity.permissions import Role
from app.notifications import actions
from app.notifications.models import Notification
from app.reports import sweep
from app.reports.models import Report, TimelineEntry
from app.targets.models import DutyShift, TargetPolicy
from district import LONG_AGO
from story import HOUR, NOW

MINUTE = timedelta(minutes=1)
HALF, MOST, DUE = 1, 2, 3


@pytest.fixture
def an(story):
    return story.district.units["90001"]


def warn(story, report, rung, *, unit=None, now=NOW + 60 * MINUTE):
    """Keep the promise of a rung that the sweep has just made to the unit that holds the case."""
    session = story.session
    session.execute(update(Report).where(Report.id == report).values(warned=rung))
    return actions.warn(session, report, unit or story.district.units["90001"], rung, now)


def swept(story, minutes):
    """Sweep, so many minutes after the case came; tell what was promised, to be kept by `keep`."""
    latest = select(OutboxMessage.id).order_by(OutboxMessage.id.desc()).limit(1)
    before = story.session.scalars(latest).one()
    sweep.warn_due(story.session, NOW + minutes * MINUTE)
    found = select(OutboxMessage.payload).where(OutboxMessage.topic == "report.warned", OutboxMessage.id > before)
    return [(payload["unit_id"], payload["rung"]) for payload in story.session.scalars(found)]


def keep(story, report, promised, minutes):
    """Keep what was promised of one case; tell how many were told."""
    return sum(actions.warn(story.session, report, unit, rung, NOW + minutes * MINUTE) for unit, rung in promised)


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
    promised = [*swept(story, 60), *swept(story, 96), *swept(story, 120)]

    assert [rung for _, rung in promised] == [HALF, MOST, DUE]
    assert keep(story, report, promised, 121) == 1
    assert village.told() == {("chair", "overdue")}


def test_a_question_before_it_was_told_only_delays_a_warning(story, village, an):
    report = story.received()
    story.move(report, "accepted", now=NOW + MINUTE)
    swept(story, 60)
    promised = swept(story, 96)
    story.move(report, "awaiting_resident", now=NOW + 97 * MINUTE, question="Quán nào?")
    assert promised == [(an, MOST)]
    assert keep(story, report, promised, 98) == 0

    story.move(report, "accepted", by=story.resident, now=NOW + 107 * MINUTE, answer="Quán đầu hẻm")
    again = swept(story, 107)  # 97 of its 120 minutes
    assert again == [(an, MOST)]
    assert keep(story, report, again, 107) == 2
    assert keep(story, report, [*promised, *again], 108) == 0
    assert village.told() == {("officer", "nearly_due"), ("chair", "nearly_due")}


def test_a_case_that_went_away_before_it_was_told_and_came_back_is_told(story, village, an):
    there = village.joined("there", Role.OFFICER, "90002")
    dispatcher = village.joined("dispatcher", Role.DISPATCHER, "desk")
    report = story.received()
    promised = swept(story, 120)
    story.move(report, "received", unit=story.district.units["90002"], reason="Bên kia đường", now=NOW + 121 * MINUTE)
    assert keep(story, report, promised, 121) == 0

    # Whoever is second to refuse it sends it to the desk, which gives it back.
    story.move(report, "received", by=there, unit=an, reason="Không phải", now=NOW + 122 * MINUTE)
    story.move(report, "received", by=dispatcher, unit=an, reason="Của An", now=NOW + 123 * MINUTE)
    again = swept(story, 123)
    assert again == [(an, DUE)]
    assert keep(story, report, again, 123) == 1
    assert keep(story, report, [*promised, *again], 124) == 0
    assert village.told() == {("chair", "overdue")}


def test_a_case_that_was_over_before_it_was_told_is_told_when_it_is_contested(story, village, an):
    village.joined("second", Role.CHAIR, "90001")
    report = story.received(kind="EN08")
    story.move(report, "accepted", now=NOW + MINUTE)
    promised = swept(story, 96)
    story.move(report, "concluded", now=NOW + 97 * MINUTE, outcome="gone", note="Hết ồn")
    assert keep(story, report, promised, 98) == 0

    story.move(report, "contested", by=story.resident, now=NOW + 30 * HOUR, reason="Vẫn ồn")
    again = swept(story, 30 * 60)
    assert again == [(an, MOST)]
    assert keep(story, report, again, 30 * 60) == 3
    assert keep(story, report, [*promised, *again], 30 * 60) == 0
    assert {topic for _, topic in village.told()} == {"nearly_due"}


def test_what_was_told_is_not_told_again_after_a_stop(story, village, an):
    report = story.received()
    story.move(report, "accepted", now=NOW + MINUTE)
    promised = swept(story, 60)
    assert keep(story, report, promised, 60) == 1
    story.move(report, "awaiting_resident", now=NOW + 61 * MINUTE, question="Quán nào?")
    assert keep(story, report, promised, 62) == 0  # a second promise of it; the case stands still
    story.move(report, "accepted", by=story.resident, now=NOW + 65 * MINUTE, answer="Quán đầu hẻm")

    assert keep(story, report, swept(story, 65), 65) == 0
    assert village.count() == 1


def test_a_correction_is_another_promise_and_told_as_one(story, village, an):
    story.session.execute(insert(TargetPolicy).values(city_id=1, minutes=480, kind_code="EN01", valid_from=LONG_AGO))
    report = story.received()
    promised = swept(story, 120)
    assert keep(story, report, promised, 120) == 1
    story.enter(report, "correct", by=story.chair, kind="EN01", reason="Là rác", now=NOW + 130 * MINUTE)
    assert keep(story, report, promised, 131) == 0  # it is not overdue any more

    again = swept(story, 480)
    assert again == [(an, DUE)]
    assert keep(story, report, again, 480) == 1
    assert keep(story, report, again, 481) == 0
    keys = story.session.scalars(select(Notification.key).order_by(Notification.id)).all()
    assert keys == [f"warned:{report}:{an}:3", f"warned:{report}:{an}:3:1"]


def test_what_the_desk_reviews_is_its_dispatchers_worry_and_not_that_of_who_concluded(story, village, an):
    village.joined("dispatcher", Role.DISPATCHER, "desk")
    report = story.received(kind="EN08")
    story.move(report, "accepted", by=story.chair, now=NOW + MINUTE)
    story.move(report, "concluded", by=story.chair, now=NOW + 2 * MINUTE, outcome="gone", note="Hết ồn")
    story.move(report, "contested", by=story.resident, now=NOW + 3 * MINUTE, reason="Vẫn ồn")

    for minutes in (70, 100, 130):
        assert keep(story, report, swept(story, minutes), minutes) == 1
    assert village.told() == {("dispatcher", topic) for topic in ("half_gone", "nearly_due", "overdue")}


def test_where_nobody_is_on_duty_at_the_desk_that_reviews_the_course_says_so_of_the_desk(story, village, an):
    desk = story.district.units["desk"]
    dispatcher = village.joined("dispatcher", Role.DISPATCHER, "desk")
    story.session.add(
        DutyShift(
            unit_id=desk, person_id=dispatcher.person_id, weekdays=[1], starts=time(8), ends=time(10), valid_from=NOW
        )
    )
    report = story.received(kind="EN08")
    story.move(report, "accepted", by=story.chair, now=NOW + MINUTE)
    story.move(report, "concluded", by=story.chair, now=NOW + 2 * MINUTE, outcome="gone", note="Hết ồn")
    story.move(report, "contested", by=story.resident, now=NOW + 3 * MINUTE, reason="Vẫn ồn")
    assert keep(story, report, swept(story, 100), 100) == 1

    assert village.told() == {("dispatcher", "nearly_due")}
    entry = story.session.scalars(select(TimelineEntry).where(TimelineEntry.type == "nobody_on_duty")).one()
    assert entry.data == {"rung": 2, "unit": desk}


def test_where_a_unit_has_no_chair_all_who_work_there_are_told_and_not_the_desk(story, village, an):
    village.joined("dispatcher", Role.DISPATCHER, "desk")
    second = village.joined("second", Role.OFFICER, "90001")
    story.session.execute(update(Person).where(Person.id == story.chair.person_id).values(disabled_at=NOW))
    report = story.received(kind="EN08")
    story.move(report, "accepted", by=second, now=NOW + MINUTE)
    assert keep(story, report, swept(story, 120), 120) == 2
    assert village.told() == {("officer", "overdue"), ("second", "overdue")}

    # Nobody there may review: the desk does, and can open it.
    story.move(report, "concluded", now=NOW + 121 * MINUTE, outcome="gone", note="Hết ồn", late_reason="Mưa")
    story.move(report, "contested", by=story.resident, now=NOW + 122 * MINUTE, reason="Vẫn ồn")
    assert story.report(report).review_by_desk
    village.tell_all(report)
    assert village.told("contested") == {("dispatcher", "contested")}


def test_where_nobody_works_at_all_the_desk_is_told(story, village, an):
    village.joined("dispatcher", Role.DISPATCHER, "desk")
    gone = (story.chair.person_id, story.officer.person_id)
    story.session.execute(update(Person).where(Person.id.in_(gone)).values(disabled_at=NOW))
    report = story.received()
    assert keep(story, report, swept(story, 120), 120) == 1
    assert village.told() == {("dispatcher", "overdue")}


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
    assert entries[0].entry_id.version == 5  # no request may carry one: nobody can be there first


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


def test_the_desk_is_rung_for_a_unit_in_which_nobody_works(story, village):
    dispatcher = village.joined("dispatcher", Role.DISPATCHER, "desk")
    village.device(dispatcher)
    story.session.execute(
        text("update people set quiet_from = '08:00', quiet_to = '20:00' where id = :id"), {"id": dispatcher.person_id}
    )
    story.session.execute(
        text("update memberships set valid_to = :now where person_id = any(:ids)"),
        {"ids": [story.chair.person_id, story.officer.person_id], "now": NOW},
    )
    warn(story, story.received(), DUE)
    assert village.told() == {("dispatcher", "overdue")}
    assert rung_at(story) == [None]
