"""One incident, one job: joining, what a withdrawn root leaves, a contest by who reported it too. Real PostGIS, no HTTP."""

import pytest
from sqlalchemy import text

from app.core.db import new_id
from app.core.errors import NotPermitted
from app.identity.permissions import Role
from app.reports import alike, handling, joining, sweep, timeline
from app.reports.queries import ReportNotFound
from app.reports.workflow import MoveNotAllowed
from app.statistics import queries as statistics
from app.statistics.queries import Period
from district import IN_AN, IN_BINH, NEAR_AN
from incident import MINUTE
from story import HOUR, NOW


def test_one_call_accepts_and_concludes_and_both_are_on_its_course(story, incident):
    root, again = incident.reported(), incident.reported(5)

    incident.join(again, root)

    report = story.report(again)
    assert (report.state, report.outcome, report.original_id) == ("concluded", "duplicate", root)
    assert report.first_response_at == report.concluded_at == NOW + 10 * MINUTE
    assert report.concluded_by == story.officer.person_id
    assert story.steps(again)[-2:] == [("accept", "officer"), ("conclude", "officer")]
    assert incident.entry(again, "conclude").texts == {"note": joining.NOTE}
    assert story.promises("report.moved") == 1, "one act is told once"


def test_what_the_officer_says_is_what_its_resident_reads(incident):
    root, again = incident.reported(), incident.reported(5)

    incident.join(again, root, note="Cùng một dàn loa")

    assert incident.entry(again, "conclude").texts == {"note": "Cùng một dàn loa"}


@pytest.mark.parametrize("state", ["accepted", "on_site"])
def test_what_somebody_works_on_is_joined_from_there(story, incident, state):
    root, again = incident.reported(), incident.reported(5)
    incident.move(again, "accepted", minute=6)
    if state == "on_site":
        incident.move(again, "on_site", minute=7)

    incident.join(again, root)

    assert story.report(again).first_response_at == NOW + 6 * MINUTE
    assert [type_ for type_, _ in story.steps(again)].count("accept") == 1


def test_what_waits_for_its_resident_or_is_over_is_not_joined(story, incident):
    root, waiting, over = incident.reported(), incident.reported(1), incident.reported(2)
    incident.move(waiting, "accepted", minute=3)
    incident.move(waiting, "awaiting_resident", minute=4, question="Ở đâu?")
    incident.concluded(over, minute=5)

    for report_id in (waiting, over):
        with pytest.raises(MoveNotAllowed):
            incident.join(report_id, root)


def test_a_contested_case_is_not_ended_by_a_join(story, incident):
    """Else whoever concluded it could end the contest themselves."""
    root, contested = incident.reported(), incident.reported(1)
    incident.concluded(contested, minute=5)
    incident.contests(contested, minute=6)

    with pytest.raises(MoveNotAllowed):
        incident.join(contested, root)
    assert story.report(contested).state == "contested"


def test_the_same_join_again_is_the_same(story, incident):
    root, again, request = incident.reported(), incident.reported(5), new_id()

    for minute in (10, 11):
        incident.join(again, root, entry_id=request, minute=minute)

    assert story.report(again).concluded_at == NOW + 10 * MINUTE
    assert story.promises("report.moved") == 1
    with pytest.raises(timeline.EntryIdTaken):
        incident.join(again, root, entry_id=request, note="Khác")


def test_a_late_duplicate_needs_no_reason_for_it_is_judged_by_no_clock(story, incident):
    root, again = incident.reported(), incident.reported(5)

    incident.join(again, root, minute=300)

    assert (story.report(again).state, story.report(again).late_reason) == ("concluded", None)
    assert incident.entry(again, "conclude").data["late"] is True, "that it was late is not hidden"
    with pytest.raises(handling.LateReasonMissing):
        incident.concluded(root, minute=300, on_record=False)


def test_only_who_handles_the_report_joins_it(story, incident, district):
    root, again = incident.reported(), incident.reported(5)

    with pytest.raises(ReportNotFound):
        incident.join(again, root, by=district.staff(Role.OFFICER, "90002"))
    for actor in (incident.residents[again], district.staff(Role.LEADER)):
        with pytest.raises(NotPermitted):
            incident.join(again, root, by=actor)


def test_whatever_is_named_it_points_at_the_root(story, incident):
    root, second, third, fourth = (incident.reported(minute) for minute in range(4))

    incident.join(third, second)
    incident.join(second, root)  # the root of `third` turns out to be a duplicate itself
    incident.join(fourth, story.report(third).number)  # a duplicate is named

    assert incident.pointing(root, second, third, fourth) == [None, root, root, root]
    assert story.steps(third)[-1] == ("original_moved", "system")


def test_the_earlier_one_never_counts_with_the_later(incident):
    first, second = incident.reported(), incident.reported(1)

    with pytest.raises(joining.OriginalUnknown):
        incident.join(first, second)
    incident.join(second, first)
    with pytest.raises(joining.OriginalUnknown):
        incident.join(first, second)


def test_what_is_about_a_unit_is_joined_to_nothing_that_the_unit_would_see(story, incident, district):
    """The officers of a root see what counts with it; who complains of them must not land there."""
    desk = district.staff(Role.OFFICER, "desk")
    ordinary, about, about_too = (
        incident.reported(),
        incident.reported(1, about_unit=True),
        incident.reported(2, about_unit=True),
    )

    with pytest.raises(joining.OriginalUnknown):
        incident.join(about, ordinary, by=desk)
    incident.join(about_too, about, by=desk)
    later = incident.reported(3)
    with pytest.raises(joining.OriginalUnknown):
        incident.join(later, about)


def test_a_root_that_lies_too_far_from_a_report_is_not_its_root_by_way_of_another(incident):
    """150 m from one to the next: the first and the third are 300 m apart."""
    step = 150 / 110_610
    first, second, third = (
        incident.reported(place, lat=IN_AN["lat"] - 0.002 + place * step, lon=IN_AN["lon"]) for place in range(3)
    )
    incident.join(second, first)

    with pytest.raises(joining.OriginalUnknown):
        incident.join(third, second)


# A withdrawn root.


def test_a_withdrawn_root_hands_over_to_its_oldest_duplicate(story, incident):
    root, older, younger = (incident.reported(minute) for minute in range(3))
    incident.join(younger, root)
    incident.join(older, root)

    incident.withdraws(root, minute=30)

    heir = story.report(older)
    assert (heir.state, heir.outcome, heir.original_id, heir.concluded_at) == ("received", None, None, None)
    assert heir.due_at == NOW + (1 + 120 + 20) * MINUTE, "it stood still from minute 10 to minute 30"
    assert heir.first_response_at == NOW + 10 * MINUTE, "the first response is the first acceptance ever"
    assert incident.pointing(younger, root) == [older, older]
    took = incident.entry(older, "took_over")
    assert (took.from_state, took.to_state, took.by_role, took.shown_to) == ("concluded", "received", "system", "all")
    assert story.steps(younger)[-1] == ("original_moved", "system")
    assert story.concerned() == [story.district.units["90001"]]
    assert incident.entry(root, "withdraw").data == {"late": False, "taken_over": True}


def test_the_heir_is_in_the_queue_and_can_be_concluded_and_inherited_in_its_turn(story, incident):
    root, older, younger = (incident.reported(minute) for minute in range(3))
    for one in (older, younger):
        incident.join(one, root)
    incident.withdraws(root)

    incident.withdraws(older, minute=40)

    assert incident.pointing(root, older, younger) == [younger, younger, None]
    incident.concluded(younger, minute=50)
    assert story.report(younger).outcome == "remedied"


@pytest.mark.parametrize("asked", [False, True])
def test_whoever_worked_on_it_works_on_it_still(story, incident, asked):
    root, again = incident.reported(), incident.reported(1)
    incident.move(root, "accepted", minute=2)
    incident.join(again, root, by=story.chair)
    if asked:
        incident.move(root, "awaiting_resident", minute=12, question="Ở đâu?")

    incident.withdraws(root)

    heir = story.report(again)
    assert (heir.state, heir.assignee_id) == ("accepted", story.officer.person_id)


def test_across_a_border_the_unit_that_has_the_job_in_hand_keeps_it(story, incident, district):
    """The root lies in Bình, 22 m from the border; the later one in An. Its officer joined it."""
    there = district.staff(Role.OFFICER, "90002")
    root = incident.reported(**NEAR_AN)
    again = incident.reported(1, lat=NEAR_AN["lat"], lon=NEAR_AN["lon"] - 0.0004)
    assert story.report(again).unit_id == district.units["90001"]
    incident.move(root, "accepted", minute=2, by=there)
    incident.join(again, root)

    incident.withdraws(root)

    heir = story.report(again)
    assert (heir.unit_id, heir.state, heir.assignee_id) == (district.units["90002"], "accepted", there.person_id)
    assert heir.warned == 0
    assert incident.promised() == sorted([district.units["90001"], district.units["90002"]]), "both queues change"


def test_a_duplicate_that_was_closed_is_taken_up_all_the_same(story, incident):
    root, again = incident.reported(), incident.reported(1)
    incident.join(again, root)
    incident.session.execute(text("update reports set state = 'closed' where id = :id"), {"id": again})
    incident.session.expire_all()

    incident.withdraws(root, minute=60 * 24 * 8)

    assert story.report(again).state == "received"
    assert incident.entry(again, "took_over").from_state == "closed"


def test_without_a_duplicate_nothing_is_handed_on(story, incident):
    root = incident.reported()

    incident.withdraws(root)

    assert incident.entry(root, "withdraw").data == {"late": False}
    assert story.promises("report.moved") == 1


def test_what_was_late_when_it_was_joined_is_late_when_it_goes_on(story, incident):
    root, again = incident.reported(), incident.reported(1)
    incident.join(again, root, minute=241)  # two hours after it was due

    incident.withdraws(root, minute=250)

    heir = story.report(again)
    assert heir.due_at == NOW + (121 + 9) * MINUTE
    assert heir.late_reason is None
    sweep.warn_due(incident.session, NOW + 250 * MINUTE)
    assert story.report(again).warned == 3


@pytest.mark.parametrize("closed", [False, True])
def test_the_figures_count_a_taken_over_case_as_the_original_that_it_is(incident, closed):
    """Joined at minute 10, taken over at 30, on site at 40, remedied at 50: three fifths of its wall time were its own."""
    root, again = incident.reported(), incident.reported()
    if root > again:  # received in the same instant, the lower id is the earlier one
        root, again = again, root
    incident.join(again, root)
    if closed:
        incident.session.execute(text("update reports set state = 'closed' where id = :id"), {"id": again})
        incident.session.execute(
            text("""
                insert into timeline (report_id, entry_id, at, type, by_role, from_state, to_state, shown_to, data)
                values (:id, gen_random_uuid(), :at, 'close', 'system', 'concluded', 'closed', 'all', '{}')
            """),
            {"id": again, "at": NOW + 20 * MINUTE},
        )
        incident.session.expire_all()
    incident.withdraws(root)
    incident.move(again, "accepted", minute=35)
    incident.move(again, "on_site", minute=40)
    incident.concluded(again, minute=50)

    figures = statistics.summary(incident.session, 1, Period(), NOW + HOUR)

    assert (figures.reports, figures.concluded, figures.on_time, figures.late) == (1, 1, 1, 0)
    assert figures.true_share == 1.0
    assert figures.first_response.p50_s == 600
    assert (figures.arrival.p50_s, figures.arrival.paused_share) == (2400, 0.5)
    assert (figures.conclusion.p50_s, figures.conclusion.paused_share) == (3000, 0.4)


# A duplicate and its root end together.


def test_a_duplicate_is_closed_once_its_root_is(story, incident):
    root, again = incident.reported(), incident.reported(1)
    incident.join(again, root)
    incident.concluded(root, minute=60 * 24 * 5)

    assert sweep.close_due(incident.session, NOW + 11 * 24 * HOUR) == 0
    assert sweep.close_due(incident.session, NOW + 12 * 24 * HOUR) == 1
    assert sweep.close_due(incident.session, NOW + 12 * 24 * HOUR) == 1
    assert [story.report(one).state for one in (root, again)] == ["closed", "closed"]


# A contest by who reported it too.


def test_a_contest_of_a_duplicate_contests_how_the_root_ended(story, incident):
    root, again = incident.reported(), incident.reported(1)
    incident.join(again, root)
    incident.concluded(root)

    incident.contests(again, minute=60)

    report = story.report(root)
    assert (report.state, report.contests, report.outcome, report.review_by_desk) == ("contested", 1, None, False)
    assert report.due_at == NOW + (120 + 40) * MINUTE, "it stood still from minute 20 to minute 60"
    own = story.report(again)
    assert (own.state, own.outcome, own.original_id, own.contests) == ("concluded", "duplicate", root, 1)


def test_the_words_of_one_resident_stay_with_their_own_report(incident):
    root, again = incident.reported(), incident.reported(1)
    incident.join(again, root)
    incident.concluded(root)
    incident.contests(again)

    on_root, own = incident.entry(root, "contest"), incident.entry(again, "contest_original")
    assert (on_root.texts, on_root.data) == (None, {"outcome": "remedied", "by_duplicate": True})
    assert (on_root.by_role, on_root.by_id) == ("resident", None)
    assert (own.texts, own.by_id, own.from_state) == ({"reason": "Vẫn ồn"}, None, None)
    (row,) = alike.joined(incident.session, root)
    assert row["contest_texts"] == {"reason": "Vẫn ồn"}, "its unit reads them"


def test_what_the_chair_concluded_the_desk_reviews_also_when_a_duplicate_contests(story, incident, district):
    root, again = incident.reported(), incident.reported(1)
    incident.join(again, root)
    incident.concluded(root, by=story.chair)

    incident.contests(again)

    assert story.report(root).review_by_desk
    dispatcher = district.staff(Role.DISPATCHER, "desk")
    incident.move(root, "accepted", by=dispatcher, minute=70, reason="Xem lại")
    assert story.report(root).state == "accepted"


def test_while_the_root_is_open_it_is_about_being_a_duplicate_at_all(story, incident):
    root, again = incident.reported(), incident.reported(1)
    incident.join(again, root)

    incident.contests(again)

    assert (story.report(again).state, story.report(again).original_id) == ("contested", None)
    assert story.report(root).state == "received"


def test_the_root_is_contested_within_seven_days_of_its_own_conclusion(story, incident):
    day = 60 * 24
    root, again, third = incident.reported(), incident.reported(1), incident.reported(2)
    for one in (again, third):
        incident.join(one, root)
    incident.concluded(root, minute=6 * day)

    with pytest.raises(handling.ContestTooLate):
        incident.contests(again, minute=13 * day)
    incident.contests(again, minute=13 * day - 1)
    assert story.report(root).state == "contested"


def test_once_for_a_root_and_once_for_a_report(story, incident):
    root, again, third = incident.reported(), incident.reported(1), incident.reported(2)
    for one in (again, third):
        incident.join(one, root)
    incident.concluded(root)
    incident.contests(again)
    incident.move(root, "concluded", by=story.chair, minute=70, outcome="gone", note="Đã hết ồn")

    for one in (again, third):
        with pytest.raises(handling.ContestedAlready):
            incident.contests(one, minute=80)


def test_the_same_contest_again_is_the_same(story, incident):
    root, again, request = incident.reported(), incident.reported(1), new_id()
    incident.join(again, root)
    incident.concluded(root)

    for _ in range(2):
        incident.contests(again, entry_id=request)

    assert story.report(root).contests == story.report(again).contests == 1


def test_a_root_that_was_handed_over_takes_its_duplicates_with_it(story, incident, district):
    root, again = incident.reported(), incident.reported(1)
    incident.join(again, root)

    incident.move(root, "received", minute=12, unit=district.units["90002"], reason="Bên kia đường")

    assert incident.pointing(again) == [root]
    assert [row["id"] for row in alike.joined(incident.session, root)] == [again]


def test_a_root_of_whose_kind_and_place_something_else_is_true_keeps_what_counts_with_it(story, incident):
    root, again = incident.reported(), incident.reported(1)
    incident.join(again, root)

    incident.story.enter(
        root, "correct", kind="EN01", location={**IN_BINH, "accuracy_m": 5.0}, reason="Nhầm", now=NOW + 12 * MINUTE
    )

    assert incident.pointing(again) == [root]
    incident.withdraws(root)
    assert story.report(again).unit_id == story.district.units["90002"], "where the job is by now"
