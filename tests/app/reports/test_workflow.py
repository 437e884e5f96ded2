"""The table of moves, restated by hand from the design (3.5): it is not read from the code under test."""

import pytest

from app.reports.workflow import By, Clock, MoveNotAllowed, State, find

RECEIVED, ACCEPTED, ON_SITE, AWAITING = "received", "accepted", "on_site", "awaiting_resident"
CONCLUDED, CONTESTED, CLOSED, WITHDRAWN = "concluded", "contested", "closed", "withdrawn"

ALLOWED = [
    (RECEIVED, ACCEPTED, "accept", By.OFFICER, Clock.RUNS),
    (RECEIVED, RECEIVED, "hand_over", By.OFFICER, Clock.RUNS),
    (ACCEPTED, RECEIVED, "hand_over", By.OFFICER, Clock.RUNS),
    (ON_SITE, RECEIVED, "hand_over", By.OFFICER, Clock.RUNS),
    (ACCEPTED, ON_SITE, "arrive", By.OFFICER, Clock.RUNS),
    (ACCEPTED, AWAITING, "ask", By.OFFICER, Clock.STOPS),
    (ON_SITE, AWAITING, "ask", By.OFFICER, Clock.STOPS),
    (AWAITING, ACCEPTED, "answer", By.AUTHOR, Clock.RESUMES),
    (AWAITING, ON_SITE, "answer", By.AUTHOR, Clock.RESUMES),
    (ACCEPTED, CONCLUDED, "conclude", By.OFFICER, Clock.ENDS),
    (ON_SITE, CONCLUDED, "conclude", By.OFFICER, Clock.ENDS),
    (CONCLUDED, CONTESTED, "contest", By.AUTHOR, Clock.GOES_ON),
    (CONTESTED, ACCEPTED, "reopen", By.REVIEWER, Clock.RUNS),
    (CONTESTED, CONCLUDED, "uphold", By.REVIEWER, Clock.ENDS),
    (RECEIVED, WITHDRAWN, "withdraw", By.AUTHOR, Clock.ENDS),
    (ACCEPTED, WITHDRAWN, "withdraw", By.AUTHOR, Clock.ENDS),
    (AWAITING, WITHDRAWN, "withdraw", By.AUTHOR, Clock.ENDS),
]
ALL = [RECEIVED, ACCEPTED, ON_SITE, AWAITING, CONCLUDED, CONTESTED, CLOSED, WITHDRAWN]
FORBIDDEN = [
    (state, to) for state in ALL for to in ALL if (state, to) not in {(state, to) for state, to, *_ in ALLOWED}
]


@pytest.mark.parametrize(("state", "to", "name", "by", "clock"), ALLOWED)
def test_what_the_design_allows(state, to, name, by, clock):
    move = find(State(state), State(to))

    assert (move.name, move.by, move.clock) == (name, by, clock)


@pytest.mark.parametrize(("state", "to"), FORBIDDEN)
def test_what_the_design_does_not_name_is_refused(state, to):
    with pytest.raises(MoveNotAllowed) as refused:
        find(State(state), State(to))

    assert refused.value.facts == {"state": state, "to": to}


def test_the_design_allows_17_of_64_moves_to_people():
    assert (len(ALLOWED), len(FORBIDDEN)) == (17, 47)


def test_the_system_closes_and_resumes_by_itself_only():
    with pytest.raises(MoveNotAllowed):
        find(State.CONCLUDED, State.CLOSED)
