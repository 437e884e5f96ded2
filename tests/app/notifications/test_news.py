"""Who hears of what, restated by hand from the promise of the service: never read from the table that is tested."""

import re
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import uuid4

import pytest

from app.notifications.news import Happened, tellings, wants, webhook_type
from app.reports.entries import RULES
from app.reports.workflow import MOVES

NOW = datetime(2026, 11, 23, 3, 0, tzinfo=UTC)
SOMEBODY, OTHER = uuid4(), uuid4()
ROOT = Path(__file__).parents[3]

# A resident hears of receipt, acceptance, question, message, conclusion and what became of a contest. Nothing more.
TOLD = {
    "received": {("author", "received"), ("on_duty", "new_case")},
    "accept": set(),  # of the first one only, below
    "hand_over": {("on_duty", "handed_over")},
    "arrive": set(),
    "ask": {("author", "question"), ("filer", "question")},
    "answer": {("worker", "answered")},
    "conclude": {  # with a result; as a duplicate, below
        ("author", "concluded"),
        ("filer", "concluded"),
        ("joined", "concluded"),
        ("followers", "followed_concluded"),
    },
    "contest": {("reviewers", "contested")},
    "reopen": {("author", "reopened"), ("filer", "reopened"), ("joined", "reopened"), ("worker", "take_up_again")},
    "uphold": {("author", "upheld"), ("filer", "upheld"), ("joined", "upheld")},
    "withdraw": {("followers", "followed_withdrawn")},
    "took_over": {("author", "goes_on"), ("filer", "goes_on"), ("on_duty", "stands_in")},
    "assign": {("assignee", "assigned")},
    "correct": set(),  # unless it goes elsewhere by it, below
    "note": set(),
    "message": {("author", "message")},
    "add": set(),
    "instruct": {("chairs", "instructed")},
    "rate": set(),
    "withhold": set(),
    "publish": set(),
    # What time and the service itself bring about. A warning is not news of an entry: see the ladder.
    "resume": {("worker", "unanswered")},
    "close": set(),
    "reform": {("on_duty", "handed_over")},
    "warned": set(),
    "nobody_on_duty": set(),
    "photo_refused": set(),
    "photos_erased": set(),
    "original_moved": set(),
    "contest_original": set(),  # the contest of the root is told
    # What else people put on the course of a case.
    "decision": set(),
    "payment": set(),
    "author_seen": set(),
    "evidence_made": set(),
    "blur_added": set(),
    "blur_released": set(),
}

# Where and how the case stands while it is news.
AN, BINH = 1, 2
STANDS = {
    "received": {"unit_to": AN, "state_now": "received"},
    "hand_over": {"unit_to": AN, "state_now": "received"},
    "reform": {"unit_to": AN, "state_now": "received"},
    "took_over": {"unit_to": AN, "state_now": "received"},
    "ask": {"stopped_at": NOW, "state_now": "awaiting_resident"},
    "assign": {"assignee_to": OTHER, "assignee_now": OTHER, "state_now": "accepted"},
}


def told(type_, **known) -> set[tuple[str, str]]:
    happened = Happened(type_, NOW, **{"by_id": SOMEBODY, "unit_now": AN, **STANDS.get(type_, {}), **known})
    return {(row.hearer.value, row.notice.value) for row in tellings(happened)}


@pytest.mark.parametrize(("type_", "who"), TOLD.items(), ids=list(TOLD))
def test_who_hears_of_what(type_, who):
    assert told(type_) == who


def entries_that_are_written() -> set[str]:
    """Every type of entry that the service's own code names: in a step, in a statement, in the tables of moves and entries."""
    code = "".join(path.read_text("utf-8") for path in (ROOT / "app").rglob("*.py"))
    steps = set(re.findall(r'\b(?:Step\(|_trace\(.*?, )\s*"(\w+)"', code))
    statements = set(re.findall(r"'(\w+)', '(?:system|staff)'", code)) | set(re.findall(r'"move": "(\w+)"', code))
    return {"received"} | steps | statements | {move.name for move in MOVES} | set(RULES)


def test_every_move_and_entry_is_restated_here():
    written = entries_that_are_written()
    assert {"reform", "resume", "close", "nobody_on_duty", "warned"} <= written, "the search still finds them"
    assert set(TOLD) == written


def test_the_resident_hears_of_the_first_acceptance_only():
    assert told("accept", first_response_at=NOW) == {("author", "accepted")}
    assert told("accept", first_response_at=NOW - timedelta(minutes=1)) == set()


def test_a_duplicate_has_no_result_of_its_own():
    residents = {("author", "joined"), ("filer", "joined")}
    joined = {"original_to": uuid4(), "original_now": uuid4()}
    assert told("conclude", **joined) == {*residents, ("followers", "followed_joined")}
    assert told("conclude", **{**joined, "original_now": None}) == residents, "it stands in for its root by now"


def test_who_follows_a_withdrawn_report_that_goes_on_as_another_hears_how_that_ends():
    assert told("withdraw", is_taken_over=True) == set()


def test_whoever_has_a_case_in_hand_that_goes_on_as_another_is_told_so():
    residents = {("author", "goes_on"), ("filer", "goes_on")}
    assert told("took_over", state_now="accepted") == {*residents, ("worker", "stands_in")}
    assert told("took_over", state_now="concluded") == residents
    assert told("took_over", unit_now=BINH) == residents


def test_nobody_is_told_what_they_took_upon_themselves():
    assert told("assign", by_id=OTHER) == set()


@pytest.mark.parametrize(
    ("type_", "since"),
    [
        ("assign", {"assignee_now": SOMEBODY}),  # somebody else's by now
        ("assign", {"assignee_now": None}),  # with another unit
        ("assign", {"state_now": "concluded"}),
        ("hand_over", {"unit_now": BINH}),
        ("hand_over", {"state_now": "accepted"}),
        ("hand_over", {"state_now": "withdrawn"}),
        ("reform", {"unit_now": BINH}),
        ("reform", {"state_now": "concluded"}),
        ("ask", {"state_now": "accepted", "stopped_at": None}),  # answered
        ("ask", {"stopped_at": NOW + timedelta(minutes=5)}),  # another unit asked since
    ],
)
def test_what_has_moved_on_since_is_no_news(type_, since):
    assert told(type_, **since) == set()


def test_a_new_case_that_was_taken_is_told_to_its_resident_alone():
    for since in ({"state_now": "accepted"}, {"unit_now": BINH}):
        assert told("received", **since) == {("author", "received")}


def test_a_reform_moves_what_waits_for_an_answer_or_a_review_as_well():
    for state in ("awaiting_resident", "contested"):
        assert told("reform", state_now=state) == {("on_duty", "handed_over")}


def test_a_correction_that_moves_the_case_is_told_where_it_goes():
    assert told("correct", unit_to=BINH, unit_now=BINH, state_now="received") == {("on_duty", "handed_over")}
    assert told("correct", unit_to=None, unit_now=BINH) == set(), "it was handed over afterwards: that is told already"


@pytest.mark.parametrize(
    ("type_", "name"),
    [
        ("received", "report.received"),
        ("accept", "report.accepted"),
        ("arrive", "report.on_site"),
        ("conclude", "report.concluded"),
        ("uphold", "report.upheld"),
        ("close", "report.closed"),
        ("hand_over", "report.handed_over"),
        ("reform", "report.handed_over"),
        ("answer", "report.resumed"),
        ("resume", "report.resumed"),
        ("withdraw", "report.withdrawn"),
        ("took_over", "report.reopened"),
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
