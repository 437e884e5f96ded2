"""Figures of reports made by hand; every expected number was worked out on paper."""

from datetime import UTC, date, datetime, timedelta

import pytest
from cases import Town

from app.statistics.queries import By, Period, PeriodInvalid, Seconds, Ward, response_times, summary
from geo.validity import day_start

CITY = 1
DAY = date(2026, 3, 2)
MORNING = datetime(2026, 3, 2, 2, tzinfo=UTC)  # 09:00 in Viet Nam
NOON = MORNING + timedelta(hours=3)
EVERYTHING = Period()
NOTHING = Seconds(None, None, None, None)


@pytest.fixture
def town(session):
    return Town(session)


def minutes(count):
    return timedelta(minutes=count)


@pytest.fixture
def figures(session):
    def read(period=EVERYTHING, as_of=NOON):
        session.flush()
        return summary(session, CITY, period, as_of)

    return read


def test_no_report_gives_no_share_rather_than_a_flattering_one(figures):
    none = figures()
    assert (none.reports, none.sanctioned, none.fines_vnd, none.open, none.overdue) == (0, 0, 0, 0, 0)
    assert none.by_field == {"sidewalk": 0, "environment": 0, "construction": 0}
    assert (none.on_time, none.late) == (0, 0)
    assert (none.concluded_share, none.true_share, none.on_time_share) == (None, None, None)
    assert none.first_response == none.arrival == none.conclusion == NOTHING


def test_open_overdue_cases_are_in_the_on_time_share(town, figures):
    town.concluded(MORNING, 30)  # on time
    town.concluded(MORNING, 121)  # late
    town.report(MORNING)  # due at 11:00, open at noon
    town.report(NOON - minutes(119))  # open, not due yet: judged by nobody so far
    town.report(MORNING, state="awaiting_resident", stopped_at=MORNING + minutes(100))  # stopped before it was due
    result = figures()
    assert result.on_time_share == pytest.approx(1 / 3, abs=1e-6)
    assert (result.reports, result.open, result.overdue, result.concluded) == (5, 3, 1, 2)
    assert result.concluded_share == 0.4


@pytest.mark.parametrize(
    ("took", "on_time"),
    [(timedelta(minutes=120), 1), (timedelta(minutes=120, microseconds=1), 0)],
)
def test_the_due_instant_itself_is_on_time(town, figures, took, on_time):
    end = MORNING + took
    town.report(MORNING, state="closed", outcome="gone", concluded_at=end, ended_at=end)
    assert figures().on_time_share == on_time


def test_a_case_becomes_overdue_after_its_due_instant(town, figures):
    town.report(NOON - minutes(120))
    assert figures(as_of=NOON).overdue == 0
    assert figures(as_of=NOON).on_time_share is None
    assert figures(as_of=NOON + timedelta(microseconds=1)).overdue == 1
    assert figures(as_of=NOON + timedelta(microseconds=1)).on_time_share == 0


def test_a_contested_case_is_open_and_in_no_true_share(town, figures):
    town.concluded(MORNING, 30, "unfounded")
    town.report(MORNING, state="contested", due_at=MORNING + minutes(400), contests=1)
    town.report(MORNING, state="contested", due_at=MORNING + minutes(150), contests=1)
    result = figures()
    assert (result.open, result.overdue, result.concluded) == (2, 1, 1)
    assert result.true_share == 0
    assert result.on_time_share == 0.5


def test_withdrawn_reports_count_only_when_late(town, figures):
    town.concluded(MORNING, 30)
    town.report(MORNING, state="withdrawn", ended_at=MORNING + minutes(119))
    assert (figures().reports, figures().on_time_share) == (1, 1)
    town.report(MORNING, state="withdrawn", ended_at=MORNING + minutes(121), first_response_at=NOON)
    result = figures()
    assert (result.reports, result.on_time_share, result.concluded_share) == (1, 0.5, 1)
    assert result.first_response == NOTHING


def test_behind_the_share_stand_counts(town, figures):
    for took in (30, 119, 120):
        town.concluded(MORNING, took)  # on time
    town.concluded(MORNING, 121)  # late
    town.report(MORNING)  # overdue at noon
    town.report(MORNING, state="contested", due_at=NOON - minutes(1))  # open again, and overdue
    town.report(MORNING, state="withdrawn", ended_at=MORNING + minutes(121))  # late, though no report any more
    # Judged by nobody: in time, stopped, withdrawn in time, passed on.
    town.report(NOON - minutes(120))
    town.report(MORNING, state="awaiting_resident", stopped_at=MORNING + minutes(100))
    town.report(MORNING, state="withdrawn", ended_at=MORNING + minutes(119))
    town.concluded(MORNING, 500, "referred", body_code="drainage")
    result = figures()
    assert (result.on_time, result.late, result.on_time_share) == (3, 4, 0.428571)


def test_duplicates_referred_and_out_of_scope_are_judged_by_no_clock(town, figures):
    original = town.concluded(MORNING, 30)
    town.concluded(MORNING, 500, "duplicate", original_id=original.id)
    town.concluded(MORNING, 500, "referred", body_code="drainage")
    town.concluded(MORNING, 500, "out_of_scope")
    result = figures()
    assert (result.reports, result.concluded, result.on_time_share, result.true_share) == (4, 4, 1, 1)


def test_true_and_false(town, figures):
    for outcome in ("recorded", "remedied", "gone", "no_violation", "unfounded", "duplicate", "referred"):
        town.concluded(MORNING, 10, outcome)
    assert figures().true_share == 0.6


def test_only_originals_are_true_or_false(town, figures):
    original = town.concluded(MORNING, 10)
    for outcome in ("recorded", "unfounded"):
        town.concluded(MORNING, 10, outcome, original_id=original.id)
    assert figures().true_share == 1


def test_fields_sanctions_and_fines(town, figures):
    town.concluded(MORNING, 10, fines=[500_000])
    town.concluded(MORNING, 10, kind="EN01", fines=[1_500_000, 250_000])
    town.concluded(MORNING, 10, kind="CO01")
    town.report(MORNING, kind="SW04", state="contested", fines=[1])
    result = figures()
    assert result.by_field == {"sidewalk": 2, "environment": 1, "construction": 1}
    assert (result.sanctioned, result.fines_vnd) == (3, 2_250_001)


def test_a_case_counts_once_however_often_nobody_was_on_duty(town, figures):
    town.report(MORNING, alone=[96, 120])
    town.concluded(MORNING, 10, alone=[5])
    town.concluded(MORNING, 10)
    town.report(MORNING, state="withdrawn", ended_at=MORNING + minutes(130), alone=[96])
    assert figures().nobody_on_duty == 2


def test_response_times_are_wall_seconds_with_the_paused_share_beside_them(town, figures):
    # Received at 0; asked at 20, answered at 50, arrived at 80: 30 of 80 minutes before arrival stood still.
    town.concluded(
        MORNING,
        100,
        first_response_at=MORNING + minutes(4),
        on_site_at=MORNING + minutes(80),
        due_at=MORNING + minutes(150),
        stopped_s=1800,
        awaited=[(20, 50)],
    )
    town.concluded(MORNING, 40, first_response_at=MORNING + minutes(2), on_site_at=MORNING + minutes(20))
    town.concluded(MORNING, 10, first_response_at=MORNING + minutes(9))
    result = figures()
    assert result.first_response == Seconds(240, 480, 300, 0)  # 2, 4, 9 min; p90 = 4 + 0.8 x 5 min
    assert result.arrival == Seconds(3000, 4440, 3000, 0.3)  # 20, 80 min; 1800 s of 6000 s
    assert result.conclusion == Seconds(2400, 5280, 3000, 0.2)  # 10, 40, 100 min; 1800 s of 9000 s


def test_of_a_pause_only_what_lies_before_the_arrival_and_stood_still_counts_for_it(town, figures):
    # Asked at 10, and nobody answered for 30 hours, of which the clock stood still for 24; arrived at 2400 minutes.
    # Asked again on site, which the arrival cannot have waited for.
    town.concluded(
        MORNING,
        3000,
        on_site_at=MORNING + minutes(2400),
        due_at=MORNING + minutes(120 + 1440 + 60),
        stopped_s=86400 + 3600,
        awaited=[(10, 1810), (2500, 2560)],
    )
    assert figures(as_of=MORNING + timedelta(days=9)).arrival.paused_share == 0.6  # 1440 of 2400 minutes


def test_a_period_is_local_days_half_open_on_receipt(town, figures):
    for received in (
        day_start(DAY) - timedelta(microseconds=1),
        day_start(DAY),
        day_start(DAY + timedelta(days=1)) - timedelta(microseconds=1),
        day_start(DAY + timedelta(days=1)),
    ):
        town.report(received)
    after = DAY + timedelta(days=1)
    assert figures(Period(DAY, after)).reports == 2
    assert figures(Period(DAY)).reports == 3
    assert figures(Period(None, DAY)).reports == 1
    assert figures(Period(None, after)).reports == 3
    assert day_start(DAY) == datetime(2026, 3, 1, 17, tzinfo=UTC)


@pytest.mark.parametrize(("first", "until"), [(DAY, DAY), (DAY, date(2026, 3, 1)), (date.min, None), (None, date.max)])
def test_a_period_without_a_day_or_out_of_reach_is_refused(first, until):
    with pytest.raises(PeriodInvalid):
        Period(first, until)


def test_wards_are_told_apart_by_version_and_fields_by_name(session, town):
    town.concluded(datetime(2025, 6, 30, 16, 59, tzinfo=UTC), 60, ward=town.old)
    town.concluded(datetime(2025, 6, 30, 17, 0, tzinfo=UTC), 60)
    town.concluded(MORNING, 180, kind="EN01")
    town.report(MORNING, kind="CO01", state="withdrawn", ended_at=MORNING + minutes(1))
    items = response_times(session, CITY, EVERYTHING, [By.WARD, By.FIELD], NOON)
    old, new = Ward("26929", "Phường 14", None), Ward("26929", "Phường Bình Thạnh", date(2025, 7, 1))
    assert [(item.ward, item.field, item.reports, item.on_time, item.late, item.on_time_share) for item in items] == [
        (old, "sidewalk", 1, 1, 0, 1),
        (new, "sidewalk", 1, 1, 0, 1),
        (new, "environment", 1, 0, 1, 0),
    ]
    by_ward = response_times(session, CITY, EVERYTHING, [By.WARD], NOON)
    assert [(item.ward, item.field, item.reports) for item in by_ward] == [(old, None, 1), (new, None, 2)]
    by_field = response_times(session, CITY, EVERYTHING, [By.FIELD], NOON)
    assert [(item.ward, item.field, item.concluded) for item in by_field] == [
        (None, "sidewalk", 2),
        (None, "environment", 1),
    ]
    (whole,) = response_times(session, CITY, EVERYTHING, [], NOON)
    assert (whole.ward, whole.field, whole.reports) == (None, None, 3)
    assert whole.conclusion == Seconds(3600, 9360, 6000, 0)  # 60, 60, 180 min


def test_another_city_counts_nowhere(session, town):
    town.report(MORNING)
    assert summary(session, 2, EVERYTHING, NOON).reports == 0
    assert response_times(session, 2, EVERYTHING, [], NOON) == []
