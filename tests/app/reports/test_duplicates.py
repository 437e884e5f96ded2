"""When two photos are the same, as far as 64 bits can say, and what the oldest duplicate of a withdrawn report becomes."""

from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pytest

from app.reports import duplicates
from app.reports.duplicates import Left, Pictures
from app.reports.handling import ContestedAlready, ContestTooLate
from app.reports.models import Report
from app.reports.workflow import State
from app.targets.calendar import ROUND_THE_CLOCK

# Every second bit: as far from a blank page as can be.
STRIPES = 0x5555555555555555
NOW = datetime(2026, 11, 23, 3, 0, tzinfo=UTC)
MINUTE, HOUR = timedelta(minutes=1), timedelta(hours=1)
AN, BINH, DESK = 1, 2, 3
OFFICER = uuid4()


def with_bits_turned(dhash: int, bits: int) -> int:
    """The hash with its lowest `bits` bits turned."""
    return dhash ^ (2**bits - 1)


@pytest.mark.parametrize(
    ("digits", "stored"),
    [
        ("0000000000000000", 0),
        ("0000000000000001", 1),
        ("7fffffffffffffff", 2**63 - 1),
        ("8000000000000000", -(2**63)),
        ("ffffffffffffffff", -1),
        ("5555555555555555", STRIPES),
    ],
)
def test_a_hash_is_stored_as_a_signed_number(digits, stored):
    assert duplicates.dhash_of(digits) == stored


def test_the_distance_is_the_number_of_bits_that_differ_whatever_the_sign():
    assert duplicates.distance(0, -1) == 64
    assert duplicates.distance(-(2**63), 0) == 1
    assert duplicates.distance(STRIPES, with_bits_turned(STRIPES, 10)) == 10
    assert duplicates.distance(-1, -1) == 0


@pytest.mark.parametrize(("bits", "same"), [(0, True), (5, True), (10, True), (11, False), (32, False)])
def test_ten_bits_apart_is_the_same_picture_and_eleven_is_not(bits, same):
    assert duplicates.near_same(STRIPES, with_bits_turned(STRIPES, bits)) is same


@pytest.mark.parametrize("blank", [0, -1, 2**10 - 1, ~(2**10 - 1), 0x0101010101])
def test_a_blank_page_is_like_nothing_not_even_another_blank_page(blank):
    assert not duplicates.says_something(blank)
    assert not duplicates.near_same(blank, blank)


@pytest.mark.parametrize("picture", [2**11 - 1, ~(2**11 - 1), STRIPES])
def test_eleven_bits_besides_a_blank_page_are_a_picture(picture):
    assert duplicates.near_same(picture, picture)


def test_two_reports_show_the_same_by_one_photo_of_each():
    many = Pictures(frozenset("ab"), [0, STRIPES])

    assert duplicates.show_the_same(many, Pictures(frozenset("bc")))
    assert duplicates.show_the_same(many, Pictures(hashes=[-1, with_bits_turned(STRIPES, 10)]))
    assert not duplicates.show_the_same(many, Pictures(frozenset("cd"), [0, with_bits_turned(STRIPES, 11)]))
    assert not duplicates.show_the_same(Pictures(), Pictures())


@pytest.mark.parametrize("state", list(State))
def test_a_contest_means_the_root_once_the_root_has_a_result(state):
    assert duplicates.contests_the_root(state) is (state in {State.CONCLUDED, State.CONTESTED, State.CLOSED})


def report(**columns):
    """A case of An, received at NOW, due in two hours, joined to another ten minutes later."""
    known = {
        "id": uuid4(), "state": "concluded", "unit_id": AN, "due_at": NOW + 2 * HOUR, "stopped_s": 0, "target_s": 7200,
        "ended_at": NOW + 10 * MINUTE, "concluded_at": NOW + 10 * MINUTE, "outcome": "duplicate", "original_id": uuid4(),
        "concluded_by": OFFICER, "first_response_at": NOW + 10 * MINUTE, "contests": 0, "warned": 0, "about_unit": False,
        "assignee_id": OFFICER,
    }  # fmt: skip
    return Report(**(known | columns))


@pytest.mark.parametrize(
    ("left", "state", "assignee"),
    [
        (State.RECEIVED, "received", None),
        (State.ACCEPTED, "accepted", OFFICER),
        (State.AWAITING_RESIDENT, "accepted", OFFICER),
    ],
)
def test_it_goes_on_in_the_state_that_the_root_had(left, state, assignee):
    assignee_of_root = None if left is State.RECEIVED else OFFICER
    columns = duplicates.take_over(report(), Left(left, AN, assignee_of_root), ROUND_THE_CLOCK, NOW + HOUR).columns

    assert (columns["state"], columns["assignee_id"]) == (state, assignee)
    assert columns["original_id"] is columns["outcome"] is columns["concluded_at"] is columns["concluded_by"] is None


def test_its_clock_stood_still_since_its_conclusion():
    columns = duplicates.take_over(report(), Left(State.RECEIVED, AN, None), ROUND_THE_CLOCK, NOW + HOUR).columns

    # Joined after 10 minutes, taken up after 60: 50 minutes stood still, and 110 of its two hours are left.
    assert (columns["due_at"], columns["stopped_s"], columns["ended_at"]) == (NOW + HOUR + 110 * MINUTE, 3000, None)
    assert columns["rungs"] == [
        NOW + HOUR + 50 * MINUTE,  # half of 120 minutes before it is due
        NOW + HOUR + 86 * MINUTE,  # a fifth, 24 minutes
        NOW + HOUR + 110 * MINUTE,
    ]


def test_what_was_closed_goes_on_just_so():
    closed = report(state="closed")
    columns = duplicates.take_over(closed, Left(State.ACCEPTED, AN, OFFICER), ROUND_THE_CLOCK, NOW + 200 * HOUR).columns

    assert (columns["state"], columns["due_at"]) == ("accepted", NOW + 200 * HOUR + 110 * MINUTE)


def test_the_unit_that_has_the_job_in_hand_keeps_it_and_has_been_warned_of_nothing():
    heir = report(unit_id=BINH, warned=2)
    change = duplicates.take_over(heir, Left(State.ACCEPTED, AN, OFFICER), ROUND_THE_CLOCK, NOW + HOUR)

    assert (change.columns["unit_id"], change.columns["assignee_id"], change.columns["warned"]) == (AN, OFFICER, 0)
    assert change.data == {"from_unit": BINH, "to_unit": AN}


def test_in_the_same_unit_what_was_warned_of_stays_so():
    columns = duplicates.take_over(
        report(warned=1), Left(State.ACCEPTED, AN, None), ROUND_THE_CLOCK, NOW + HOUR
    ).columns

    assert "warned" not in columns
    assert "unit_id" not in columns


def test_what_is_about_a_unit_goes_to_no_other():
    heir = report(unit_id=DESK, about_unit=True)
    change = duplicates.take_over(heir, Left(State.ACCEPTED, AN, OFFICER), ROUND_THE_CLOCK, NOW + HOUR)

    assert "unit_id" not in change.columns
    assert change.columns["assignee_id"] is None


def test_who_has_contested_once_contests_no_more():
    with pytest.raises(ContestedAlready):
        duplicates.require_contestable(report(contests=1), report())


def test_what_is_being_reviewed_is_not_contested_once_more():
    with pytest.raises(ContestedAlready):
        duplicates.require_contestable(report(), report(state="contested"))


def test_a_root_that_is_closed_is_contested_no_more():
    with pytest.raises(ContestTooLate):
        duplicates.require_contestable(report(), report(state="closed"))
    duplicates.require_contestable(report(), report())
