"""What is public (design 3.6), case by case, by hand."""

from datetime import UTC, datetime, timedelta

import pytest

from app.reports.publicity import Case, PhotoState, is_public, shows_photos

CONCLUDED = datetime(2026, 11, 20, 8, 0, tzinfo=UTC)
A_DAY_LATER = CONCLUDED + timedelta(hours=24)

BLURRED = PhotoState("ready", has_public_copy=True)
TO_BE_BLURRED = PhotoState("ready", has_public_copy=False)
HERE = PhotoState("received", has_public_copy=False)
AWAITED = PhotoState("awaited", has_public_copy=False)
REFUSED = PhotoState("refused", has_public_copy=False)
VIDEO = PhotoState("kept", has_public_copy=False)
ERASED = PhotoState("erased", has_public_copy=True)


def case(state="concluded", outcome="remedied", *, withheld=False, concluded_at=CONCLUDED) -> Case:
    return Case(state, outcome, concluded_at, withheld)


@pytest.mark.parametrize(("state", "outcome", "expected"), [
    # Concluded: only what is true.
    ("concluded", "recorded",     True),
    ("concluded", "remedied",     True),
    ("concluded", "gone",         True),
    ("concluded", "no_violation", False),
    ("concluded", "unfounded",    False),
    ("concluded", "duplicate",    False),
    ("concluded", "referred",     False),
    ("concluded", "out_of_scope", False),
    # Closed: whatever was found. Of a duplicate its root is.
    ("closed", "recorded",     True),
    ("closed", "remedied",     True),
    ("closed", "gone",         True),
    ("closed", "no_violation", True),
    ("closed", "unfounded",    True),
    ("closed", "duplicate",    False),
    ("closed", "referred",     True),
    ("closed", "out_of_scope", True),
    # Open, contested or withdrawn: never, whatever an earlier conclusion said.
    ("received",          None,       False),
    ("accepted",          "recorded", False),
    ("on_site",           "recorded", False),
    ("awaiting_resident", "recorded", False),
    ("contested",         None,       False),
    ("contested",         "recorded", False),
    ("withdrawn",         None,       False),
    ("withdrawn",         "recorded", False),
])  # fmt: skip
def test_a_true_conclusion_is_public_and_what_is_closed(state, outcome, expected):
    assert is_public(case(state, outcome), [BLURRED], A_DAY_LATER + timedelta(days=30)) is expected


@pytest.mark.parametrize(
    ("age", "expected"),
    [
        (timedelta(0), False),
        (timedelta(hours=23, minutes=59, seconds=59), False),
        (timedelta(hours=24), True),
        (timedelta(days=700), True),
    ],
)
def test_it_is_a_day_since_the_conclusion(age, expected):
    assert is_public(case(), [BLURRED], CONCLUDED + age) is expected


@pytest.mark.parametrize("state", ["concluded", "closed"])
def test_what_an_officer_holds_is_not_public(state):
    assert not is_public(case(state, withheld=True), [BLURRED], A_DAY_LATER)


@pytest.mark.parametrize(
    ("photos", "expected"),
    [
        ([BLURRED], True),
        ([BLURRED, BLURRED], True),
        ([TO_BE_BLURRED], False),
        ([HERE], False),
        ([BLURRED, TO_BE_BLURRED, HERE], True),  # and those two are not shown
        ([REFUSED, TO_BE_BLURRED], False),
        # None that could be shown: a kind that asks for none, or photos that never came or are no pictures.
        ([], True),
        ([AWAITED], True),
        ([REFUSED, VIDEO], True),
        ([ERASED], True),
    ],
)
def test_while_a_photo_waits_to_be_blurred_there_is_nothing_but_no_photo_is_no_obstacle(photos, expected):
    assert is_public(case(), photos, A_DAY_LATER) is expected


def test_only_a_photo_with_a_public_copy_is_shown():
    photos = [BLURRED, TO_BE_BLURRED, HERE, AWAITED, REFUSED, VIDEO, ERASED]

    assert [photo.is_shown for photo in photos] == [True, False, False, False, False, False, False]


@pytest.mark.parametrize("outcome", ["recorded", "remedied", "gone"])
def test_a_true_case_shows_its_photos(outcome):
    assert shows_photos(case(outcome=outcome))


@pytest.mark.parametrize("outcome", ["no_violation", "unfounded", "referred", "out_of_scope"])
def test_nobody_is_shown_where_nothing_was_found_to_be_wrong(outcome):
    assert not shows_photos(case("closed", outcome))
