"""The same figures a second time, in plain Python over random reports, written from the design and not from the SQL."""

import random
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from statistics import mean, quantiles

import pytest
from cases import Town

from app.statistics.queries import By, Period, response_times, summary
from geo.validity import local_day

CITY = 1
AS_OF = datetime(2026, 3, 20, 5, tzinfo=UTC)
PERIOD = Period(date(2026, 3, 3), date(2026, 3, 18))
OUTCOMES = (
    "recorded", "remedied", "gone", "no_violation", "unfounded", "duplicate", "referred", "out_of_scope",
)  # fmt: skip


@pytest.fixture
def town(session):
    return Town(session)


@dataclass
class Case:
    """One report as the test remembers it."""

    received: datetime
    kind: str
    state: str
    due: datetime
    stopped: datetime | None
    stopped_s: int
    first: datetime | None
    concluded: datetime | None
    outcome: str | None
    ended: datetime | None
    fines: list[int]

    @property
    def overdue_now(self):
        open_states = {"received", "accepted", "on_site", "awaiting_resident", "contested"}
        return self.state in open_states and self.stopped is None and self.due < AS_OF

    @property
    def verdict(self):
        """True for on time, False for late, None for a case that no clock judges (yet)."""
        if self.state in {"concluded", "closed"}:
            return None if self.outcome in {"duplicate", "referred", "out_of_scope"} else self.concluded <= self.due
        if self.state == "withdrawn":
            return False if self.ended > self.due else None
        return False if self.overdue_now else None


def some_case(rng):
    received = datetime(2026, 3, 1, 12, tzinfo=UTC) + timedelta(seconds=rng.randrange(20 * 86400))
    state = rng.choice(
        ["received", "accepted", "on_site", "awaiting_resident", "contested", "withdrawn", "concluded", "closed"]
    )
    stopped_s = rng.choice([0, 0, 0, 60, 3600])
    due = received + timedelta(seconds=7200 + stopped_s)
    done = received + timedelta(seconds=rng.randrange(4 * 7200))
    first = received + (done - received) * rng.random() if rng.random() < 0.8 else None
    is_concluded = state in {"concluded", "closed"}
    outcome = rng.choice(OUTCOMES) if is_concluded else None
    return Case(
        received=received,
        kind=rng.choice(["SW01", "EN02", "CO03"]),
        state=state,
        due=due,
        stopped=received + timedelta(hours=1) if state == "awaiting_resident" else None,
        stopped_s=stopped_s,
        first=first,
        concluded=done if is_concluded else None,
        outcome=outcome,
        ended=done if is_concluded or state == "withdrawn" else None,
        fines=[rng.randrange(10**7) for _ in range(rng.randrange(3))] if outcome == "recorded" else [],
    )


def put(town, case):
    return town.report(
        case.received,
        kind=case.kind,
        state=case.state,
        due_at=case.due,
        stopped_at=case.stopped,
        stopped_s=case.stopped_s,
        first_response_at=case.first,
        concluded_at=case.concluded,
        outcome=case.outcome,
        ended_at=case.ended,
        fines=case.fines,
    )


def share(cases, condition):
    return pytest.approx(sum(map(condition, cases)) / len(cases), abs=1e-6)


def check_seconds(found, seconds, paused_s):
    ninth = quantiles(seconds, n=10, method="inclusive")
    assert found.p50_s == pytest.approx(ninth[4], abs=0.06)
    assert found.p90_s == pytest.approx(ninth[8], abs=0.06)
    assert found.mean_s == pytest.approx(mean(seconds), abs=0.06)
    assert found.paused_share == pytest.approx(paused_s / sum(seconds), abs=1e-6)


def check_times(found, cases):
    """What a summary and an item of the response times have in common."""
    standing = [case for case in cases if case.state != "withdrawn"]
    done = [case for case in standing if case.concluded]
    judged = [case for case in cases if case.verdict is not None]
    assert (found.reports, found.concluded) == (len(standing), len(done))
    assert found.overdue == sum(case.overdue_now for case in standing)
    assert found.open == len(standing) - len(done)
    assert found.on_time == sum(case.verdict is True for case in cases)
    assert found.late == sum(case.verdict is False for case in cases)
    assert found.on_time_share == share(judged, lambda case: case.verdict)
    firsts = [(case.first - case.received).total_seconds() for case in standing if case.first]
    check_seconds(found.first_response, firsts, 0)
    ends = [(case.concluded - case.received).total_seconds() for case in done]
    check_seconds(found.conclusion, ends, sum(case.stopped_s for case in done))


@pytest.mark.parametrize("seed", range(3))
def test_figures_of_random_reports(session, town, seed):
    rng = random.Random(seed)
    made = [some_case(rng) for _ in range(300)]
    for case in made:
        put(town, case)
    cases = [case for case in made if PERIOD.first <= local_day(case.received) < PERIOD.until]
    assert len(cases) > 100

    found = summary(session, CITY, PERIOD, AS_OF)
    check_times(found, cases)
    standing = [case for case in cases if case.state != "withdrawn"]
    known = [case for case in standing if case.outcome in {"recorded", "remedied", "gone", "no_violation", "unfounded"}]
    assert found.true_share == share(known, lambda case: case.outcome in {"recorded", "remedied", "gone"})
    assert found.concluded_share == share(standing, lambda case: case.concluded is not None)
    assert found.sanctioned == sum(bool(case.fines) for case in standing)
    assert found.fines_vnd == sum(sum(case.fines) for case in standing)

    items = {item.field: item for item in response_times(session, CITY, PERIOD, [By.FIELD], AS_OF)}
    for field, kind in (("sidewalk", "SW01"), ("environment", "EN02"), ("construction", "CO03")):
        ours = [case for case in cases if case.kind == kind]
        check_times(items[field], ours)
        assert found.by_field[field] == sum(case.state != "withdrawn" for case in ours)
