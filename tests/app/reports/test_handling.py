"""What each move asks for and changes, by facts; no database."""

from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest

from app.reports import handling
from app.reports.handling import Facts
from app.reports.models import Report
from app.reports.workflow import State, find
from app.routing.rules import Acting

NOW = datetime(2026, 11, 23, 3, 0, tzinfo=UTC)
OFFICER, CHAIR = UUID(int=1), UUID(int=2)
ORIGINAL = UUID(int=9)
PHOTO = "a" * 64
DESK, HERE, THERE = (
    Acting(1, "desk", "desk", "Tổ"),
    Acting(2, "ward", "A", "Phường A"),
    Acting(3, "ward", "B", "Phường B"),
)


def report(**columns) -> Report:
    """A report received an hour ago that is due in an hour."""
    usual = {
        "id": UUID(int=5),
        "state": "accepted",
        "unit_id": HERE.id,
        "due_at": NOW + timedelta(hours=1),
        "target_s": 7200,
        "stopped_at": None,
        "stopped_s": 0,
        "ended_at": None,
        "concluded_at": None,
        "first_response_at": None,
        "on_site_at": None,
        "assignee_id": None,
        "left_state": None,
        "stopped_units": [],
        "refusals": 0,
        "contests": 0,
        "about_unit": False,
        "overdue_unit_id": None,
        "outcome": None,
    }
    return Report(**{**usual, **columns})


def made(case: Report, to: str, given: dict | None = None, facts: Facts | None = None, now: datetime = NOW):
    return handling.decide(find(State(case.state), State(to)), case, given or {}, facts or Facts(actor_id=OFFICER), now)


def test_the_first_acceptance_ever_is_the_first_response():
    fresh = made(report(state="received"), "accepted").columns
    again = made(report(state="received", first_response_at=NOW - timedelta(minutes=50)), "accepted").columns

    assert (fresh["state"], fresh["first_response_at"], fresh["assignee_id"]) == ("accepted", NOW, OFFICER)
    assert again["first_response_at"] == NOW - timedelta(minutes=50)


@pytest.mark.parametrize(
    ("holder", "refusals", "asked", "goes_to", "counted"),
    [
        (HERE, 0, THERE, THERE, 1),  # the first refusal goes where the unit says
        (HERE, 1, THERE, DESK, 2),  # the second goes to the city's desk, whatever the unit says
        (DESK, 2, THERE, THERE, 2),  # the desk itself decides, and refuses nothing
    ],
)
def test_a_case_is_refused_once_only_before_the_desk_has_it(holder, refusals, asked, goes_to, counted):
    case = report(unit_id=holder.id, refusals=refusals, assignee_id=OFFICER)
    facts = Facts(unit=asked, desk=DESK, holder=holder)

    change = made(case, "received", {"reason": "ngoài địa bàn"}, facts)

    assert change.columns["unit_id"] == goes_to.id
    assert change.columns["refusals"] == counted
    assert change.columns["assignee_id"] is None
    assert "due_at" not in change.columns  # a hand-over restarts nothing
    assert change.columns["overdue_unit_id"] is None


def test_an_overdue_case_stays_with_who_held_it_when_the_time_was_up():
    facts = Facts(unit=THERE, desk=DESK, holder=HERE)
    given = {"reason": "r"}

    first = made(report(), "received", given, facts, now=NOW + timedelta(hours=2)).columns
    second = made(report(overdue_unit_id=77), "received", given, facts, now=NOW + timedelta(hours=2)).columns

    assert first["overdue_unit_id"] == HERE.id
    assert second["overdue_unit_id"] == 77


@pytest.mark.parametrize(
    ("case", "facts"),
    [
        (report(), Facts(unit=HERE, desk=DESK, holder=HERE)),  # it has it already
        (report(), Facts(unit=THERE, desk=DESK, holder=HERE, unit_acts=False)),  # its ward is no more
        (report(about_unit=True, unit_id=1), Facts(unit=THERE, desk=DESK, holder=DESK, ward_unit_id=THERE.id)),
    ],
)
def test_units_that_cannot_take_a_case(case, facts):
    with pytest.raises(handling.UnitNotSuitable):
        made(case, "received", {"reason": "r"}, facts)


def test_a_question_stops_the_clock_once_a_unit_and_never_after_due():
    asked = made(report(), "awaiting_resident", {"question": "Số nhà?"}).columns

    assert (asked["state"], asked["stopped_at"], asked["left_state"]) == ("awaiting_resident", NOW, "accepted")
    assert asked["stopped_units"] == [HERE.id]
    with pytest.raises(handling.StopUsed):
        made(report(stopped_units=[HERE.id]), "awaiting_resident", {"question": "?"})
    with pytest.raises(handling.StopAfterDue):
        made(report(due_at=NOW - timedelta(seconds=1)), "awaiting_resident", {"question": "?"})


def test_an_answer_leads_back_to_where_the_case_was():
    waiting = report(
        state="awaiting_resident", left_state="on_site", stopped_at=NOW - timedelta(minutes=20), stopped_units=[2]
    )

    answered = made(waiting, "accepted", {"answer": "Số 12"}).columns

    assert answered["state"] == "on_site"
    assert answered["due_at"] == NOW + timedelta(hours=1, minutes=20)
    assert (answered["stopped_at"], answered["stopped_s"], answered["left_state"]) == (None, 1200, None)


CONCLUSIONS = [
    # outcome, given besides the note, facts, what is missing
    ("recorded", {}, Facts(), handling.PhotoMissing),
    ("recorded", {"photos": [PHOTO]}, Facts(), handling.PhotoMissing),  # named, never sent
    ("recorded", {"photos": [PHOTO]}, Facts(after_photos=frozenset({PHOTO})), None),
    ("gone", {}, Facts(), handling.PhotoMissing),
    ("unfounded", {}, Facts(), handling.PhotoMissing),
    ("remedied", {}, Facts(photo_required=False), None),  # noise cannot be photographed
    ("duplicate", {}, Facts(), handling.NeededMissing),
    ("duplicate", {"original": "BT-2611-0001"}, Facts(original_id=ORIGINAL), None),
    ("referred", {}, Facts(), handling.NeededMissing),
    ("referred", {"body": "nobody"}, Facts(), handling.Invalid),
    ("referred", {"body": "police"}, Facts(body_known=True), None),
    ("out_of_scope", {}, Facts(), handling.NeededMissing),
    ("out_of_scope", {"reason": "Tranh chấp dân sự"}, Facts(), None),
    ("out_of_scope", {"reason": "r", "photos": [PHOTO]}, Facts(), handling.PhotoMissing),  # named, so it must be here
]


@pytest.mark.parametrize(("outcome", "given", "facts", "missing"), CONCLUSIONS)
def test_what_a_conclusion_needs(outcome, given, facts, missing):
    said = {"outcome": outcome, "note": "Đã xử lý", **given}
    if missing is not None:
        with pytest.raises(missing):
            made(report(state="on_site"), "concluded", said, facts)
        return
    columns = made(report(state="on_site"), "concluded", said, facts).columns
    assert (columns["state"], columns["outcome"], columns["concluded_at"]) == ("concluded", outcome, NOW)
    assert columns["original_id"] == (ORIGINAL if outcome == "duplicate" else None)


def test_a_conclusion_says_what_was_found():
    with pytest.raises(handling.NeededMissing) as refused:
        made(report(), "concluded", {"outcome": "remedied", "photos": []}, Facts(photo_required=False))

    assert refused.value.at == "note"


def test_after_due_a_conclusion_gives_the_reason_and_in_time_none_is_kept():
    said = {"outcome": "remedied", "note": "n", "late_reason": "Kẹt xe"}
    facts, late = Facts(photo_required=False, actor_id=OFFICER), NOW + timedelta(hours=1, microseconds=1)

    with pytest.raises(handling.LateReasonMissing):
        made(report(), "concluded", {**said, "late_reason": None}, facts, now=late)

    assert made(report(), "concluded", said, facts, now=late).columns["late_reason"] == "Kẹt xe"
    assert made(report(), "concluded", said, facts).columns["late_reason"] is None


def concluded(**columns) -> Report:
    ended = NOW - timedelta(days=1)
    usual = {"state": "concluded", "concluded_at": ended, "ended_at": ended, "outcome": "gone", "concluded_by": CHAIR}
    return report(**{**usual, "due_at": ended + timedelta(minutes=30), **columns})


def test_a_contested_case_is_open_again_with_what_was_left():
    columns = made(concluded(), "contested", {"reason": "Vẫn còn"}, Facts(concluder_is_chair=True)).columns

    assert (columns["state"], columns["concluded_at"], columns["outcome"]) == ("contested", None, None)
    assert columns["due_at"] == NOW + timedelta(minutes=30)
    assert columns["contests"] == 1
    assert columns["review_by_desk"] is True  # nobody reviews what they concluded themselves


@pytest.mark.parametrize(
    ("facts", "by_desk"),
    [(Facts(), False), (Facts(unit_reviews=False), True), (Facts(concluder_is_chair=True, unit_reviews=True), True)],
)
def test_the_desk_reviews_where_nobody_else_may(facts, by_desk):
    assert made(concluded(), "contested", {"reason": "Vẫn còn"}, facts).columns["review_by_desk"] is by_desk


def test_a_conclusion_can_be_contested_once_within_seven_days():
    week_old = NOW - timedelta(days=7)
    with pytest.raises(handling.ContestTooLate):
        made(concluded(concluded_at=week_old, ended_at=week_old), "contested", {"reason": "r"})
    just = week_old + timedelta(microseconds=1)
    assert made(concluded(concluded_at=just, ended_at=just), "contested", {"reason": "r"}).columns["contests"] == 1
    with pytest.raises(handling.ContestedAlready):
        made(concluded(contests=1), "contested", {"reason": "r"})


def test_withdrawing_after_due_is_told():
    assert made(report(), "withdrawn").data == {"late": False}
    assert made(report(due_at=NOW - timedelta(seconds=1)), "withdrawn").data == {"late": True}
