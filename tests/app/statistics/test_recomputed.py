"""The same figures a second time, in plain Python over random reports, written from the design and not from the SQL."""

import random
from dataclasses import dataclass, fields
from datetime import UTC, date, datetime, timedelta
from statistics import mean, quantiles

import pytest
from cases import Town

from app.statistics.queries import By, Figures, Period, response_times, summary
from geo.validity import Days, local_day

CITY = 1
AS_OF = datetime(2026, 3, 20, 5, tzinfo=UTC)
PERIOD = Period(date(2026, 3, 3), date(2026, 3, 18))
# From a Thursday to a Friday, across the end of a month: weeks and months are cut at both ends.
FEBRUARY = datetime(2026, 2, 17, 12, tzinfo=UTC)
FEBRUARY_TO_MARCH = Period(date(2026, 2, 19), date(2026, 3, 6))
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


def some_case(rng, earliest=datetime(2026, 3, 1, 12, tzinfo=UTC)):
    received = earliest + timedelta(seconds=rng.randrange(20 * 86400))
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


def days_of(case, by):
    """The day, week or month of a case, as the days that the calendar has in it."""
    day = local_day(case.received)
    alike = {
        By.DAY: lambda other: other == day,
        By.WEEK: lambda other: other.isocalendar()[:2] == day.isocalendar()[:2],
        By.MONTH: lambda other: (other.year, other.month) == (day.year, day.month),
    }
    return {other for other in (day + timedelta(days=away) for away in range(-31, 32)) if alike[by](other)}


@pytest.mark.parametrize("by", [By.DAY, By.WEEK, By.MONTH])
def test_figures_by_time_are_those_of_their_days_alone(session, town, by):
    rng = random.Random(0)
    made = [some_case(rng, FEBRUARY) for _ in range(300)]
    for case in made:
        put(town, case)
    asked = {FEBRUARY_TO_MARCH.first + timedelta(days=count) for count in range(15)}
    cases = [case for case in made if local_day(case.received) in asked]
    expected = {frozenset(days_of(case, by) & asked) for case in cases}

    items = response_times(session, CITY, FEBRUARY_TO_MARCH, [by], AS_OF)
    assert [item.period for item in items] == sorted(
        Days(min(days), max(days) + timedelta(days=1)) for days in expected
    )
    for item in items:
        ours = [case for case in cases if item.period.contains(local_day(case.received))]
        assert item.on_time == sum(case.verdict is True for case in ours)
        assert item.late == sum(case.verdict is False for case in ours)
        assert item.reports == sum(case.state != "withdrawn" for case in ours)
        alone = summary(session, CITY, Period(*item.period), AS_OF)
        assert all(getattr(item, figure.name) == getattr(alone, figure.name) for figure in fields(Figures))


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
