"""Who hears of what, restated by hand from the promise of the service: never read from the table that is tested."""

from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pytest

from app.notifications.news import Happened, tellings, wants, webhook_type
from app.reports.entries import RULES
from app.reports.workflow import MOVES

NOW = datetime(2026, 11, 23, 3, 0, tzinfo=UTC)
SOMEBODY, OTHER = uuid4(), uuid4()

# A resident hears of receipt, acceptance, question, message, conclusion and what became of a contest. Nothing more.
TOLD = {
    "received": {("author", "received"), ("on_duty", "new_case")},
    "accept": set(),  # of the first one only, below
    "hand_over": {("on_duty", "handed_over")},
    "arrive": set(),
    "ask": {("author", "question"), ("filer", "question")},
    "answer": {("assignee", "answered")},
    "resume": set(),
    "conclude": {("author", "concluded"), ("filer", "concluded"), ("followers", "followed_concluded")},
    "contest": {("reviewers", "contested")},
    "reopen": {("author", "reopened"), ("filer", "reopened")},
    "uphold": {("author", "upheld"), ("filer", "upheld")},
    "close": set(),
    "withdraw": set(),
    "assign": {("assignee", "assigned")},
    "correct": set(),  # unless it goes elsewhere by it, below
    "note": set(),
    "message": {("author", "message")},
    "add": set(),
    "instruct": {("chairs", "instructed")},
    "rate": set(),
}


def told(type_, **known) -> set[tuple[str, str]]:
    happened = Happened(type_, NOW, **{"by_id": SOMEBODY, "assignee_id": OTHER, **known})
    return {(row.hearer.value, row.notice.value) for row in tellings(happened)}


@pytest.mark.parametrize(("type_", "who"), TOLD.items(), ids=list(TOLD))
def test_who_hears_of_what(type_, who):
    assert told(type_) == who


def test_every_move_and_entry_is_restated_here():
    assert set(TOLD) == {"received"} | {move.name for move in MOVES} | set(RULES)


def test_the_resident_hears_of_the_first_acceptance_only():
    assert told("accept", first_response_at=NOW) == {("author", "accepted")}
    assert told("accept", first_response_at=NOW - timedelta(minutes=1)) == set()


def test_nobody_is_told_what_they_took_upon_themselves():
    assert told("assign", assignee_id=SOMEBODY) == set()


def test_a_correction_that_moves_the_case_is_told_where_it_goes():
    assert told("correct", unit_then=1, unit_now=2) == {("on_duty", "handed_over")}
    assert told("correct", unit_then=1, unit_now=1) == set()


def test_what_happened_since_the_timeline_knows_other_entries_is_told_to_nobody():
    for type_ in ("photo_refused", "warned", "nobody_on_duty", "decision", "payment", "author_seen", "original_moved"):
        assert told(type_) == set()


@pytest.mark.parametrize(
    ("type_", "name"),
    [
        ("received", "report.received"),
        ("accept", "report.accepted"),
        ("arrive", "report.on_site"),
        ("conclude", "report.concluded"),
        ("uphold", "report.upheld"),
        ("close", "report.closed"),
        ("withdraw", "report.withdrawn"),
        ("note", None),
        ("message", None),
        ("rate", None),
    ],
)
def test_outsiders_are_told_of_states_and_of_nothing_that_was_said(type_, name):
    assert webhook_type(type_) == name


def test_a_webhook_is_told_what_it_asked_for():
    assert wants(["report.accepted"], "report.accepted")
    assert not wants(["report.accepted"], "report.concluded")
    assert wants(["report.*"], "report.concluded")
