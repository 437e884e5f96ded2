"""Response times by day, week and month: which local day a report belongs to, and which days an item is of."""

from datetime import UTC, date, datetime, timedelta

import pytest
from cases import Town
from sqlalchemy import text

from app.statistics.queries import By, ByNotOffered, Period, PeriodTooLong, Ward, response_times
from geo.validity import Days

CITY = 1
NOON = datetime(2026, 3, 20, 5, tzinfo=UTC)
EVERYTHING = Period()
TICK = timedelta(microseconds=1)


@pytest.fixture
def town(session):
    return Town(session)


@pytest.fixture
def items(session):
    def read(*by, period=EVERYTHING, as_of=NOON):
        session.flush()
        return response_times(session, CITY, period, by, as_of)

    return read


@pytest.fixture
def counted(items):
    """(first day, day after the last, reports) of each item."""

    def read(*by, period=EVERYTHING):
        return [(f"{item.period.first}", f"{item.period.until}", item.reports) for item in items(*by, period=period)]

    return read


@pytest.fixture
def around_midnight(town):
    """Saturday is over, Sunday 1 March begins; Sunday is over, Monday 2 March begins."""
    for midnight in (datetime(2026, 2, 28, 17, tzinfo=UTC), datetime(2026, 3, 1, 17, tzinfo=UTC)):
        town.report(midnight - TICK)
        town.report(midnight)


BY_TIME = [
    (By.DAY, [("2026-02-28", "2026-03-01", 1), ("2026-03-01", "2026-03-02", 2), ("2026-03-02", "2026-03-03", 1)]),
    (By.WEEK, [("2026-02-23", "2026-03-02", 3), ("2026-03-02", "2026-03-09", 1)]),
    (By.MONTH, [("2026-02-01", "2026-03-01", 1), ("2026-03-01", "2026-04-01", 3)]),
]


@pytest.mark.parametrize(("by", "expected"), BY_TIME)
@pytest.mark.parametrize("zone", ["UTC", "America/New_York", "Asia/Ho_Chi_Minh"])
@pytest.mark.usefixtures("around_midnight")
def test_a_report_belongs_to_the_local_day_of_its_receipt_whatever_zone_the_database_is_in(
    session, counted, zone, by, expected
):
    session.execute(text(f"set local time zone '{zone}'"))
    assert counted(by, period=Period(date(2026, 1, 5), date(2026, 5, 4))) == expected


@pytest.mark.parametrize(
    ("received", "week", "month"),
    [
        ("2025-12-31T16:59:59Z", ("2025-12-29", "2026-01-05"), ("2025-12-01", "2026-01-01")),  # week 1 of 2026
        ("2025-12-31T17:00:00Z", ("2025-12-29", "2026-01-05"), ("2026-01-01", "2026-02-01")),
        ("2026-12-31T17:00:00Z", ("2026-12-28", "2027-01-04"), ("2027-01-01", "2027-02-01")),  # week 53 of 2026
        ("2028-02-28T17:00:00Z", ("2028-02-28", "2028-03-06"), ("2028-02-01", "2028-03-01")),  # 29 February
        ("2025-06-30T17:00:00Z", ("2025-06-30", "2025-07-07"), ("2025-07-01", "2025-08-01")),  # the day of the reform
    ],
)
def test_weeks_begin_on_monday_and_months_have_the_days_they_have(town, counted, received, week, month):
    town.report(datetime.fromisoformat(received))
    assert counted(By.WEEK) == [(*week, 1)]
    assert counted(By.MONTH) == [(*month, 1)]


def test_of_a_week_or_month_that_was_asked_for_in_part_an_item_is_that_part(town, counted):
    for day in (3, 4, 10, 19, 20):
        town.report(datetime(2026, 3, day, 2, tzinfo=UTC))
    wednesday_to_friday = Period(date(2026, 3, 4), date(2026, 3, 20))
    assert counted(By.WEEK, period=wednesday_to_friday) == [
        ("2026-03-04", "2026-03-09", 1),
        ("2026-03-09", "2026-03-16", 1),
        ("2026-03-16", "2026-03-20", 1),
    ]
    assert counted(By.MONTH, period=wednesday_to_friday) == [("2026-03-04", "2026-03-20", 3)]
    assert counted(By.MONTH, period=Period(date(2026, 3, 4))) == [("2026-03-04", "2026-04-01", 4)]
    assert counted(By.MONTH, period=Period(None, date(2026, 3, 4))) == [("2026-03-01", "2026-03-04", 1)]


def test_a_month_without_a_report_is_not_listed(town, counted):
    town.report(datetime(2025, 11, 5, tzinfo=UTC))
    town.report(datetime(2026, 2, 5, tzinfo=UTC))
    town.report(datetime(2026, 1, 5, tzinfo=UTC), state="withdrawn", ended_at=datetime(2026, 1, 5, 1, tzinfo=UTC))
    assert counted(By.MONTH) == [("2025-11-01", "2025-12-01", 1), ("2026-02-01", "2026-03-01", 1)]


def test_a_month_whose_only_report_was_withdrawn_after_due_is_listed_as_late(town, items):
    received = datetime(2026, 2, 5, tzinfo=UTC)
    town.report(received, state="withdrawn", ended_at=received + timedelta(minutes=121))
    (month,) = items(By.MONTH)
    assert (month.period.first, month.reports, month.on_time, month.late) == (date(2026, 2, 1), 0, 0, 1)


def test_figures_stand_in_the_month_of_the_receipt_as_they_are_now(town, items):
    last = datetime(2026, 2, 28, 16, tzinfo=UTC)  # 23:00 on 28 February
    town.concluded(last, 90)  # on time, in March
    town.concluded(last, 180)  # late
    town.report(last)  # overdue for weeks
    town.report(last, state="withdrawn", ended_at=last + timedelta(minutes=121))
    town.report(NOON - timedelta(minutes=5))
    february, march = items(By.MONTH)
    assert (february.reports, february.concluded, february.open, february.overdue) == (3, 2, 1, 1)
    assert (february.on_time, february.late, february.on_time_share) == (1, 3, 0.25)
    assert february.conclusion.p50_s == 8100  # 90, 180 min
    assert (march.reports, march.open, march.overdue, march.on_time_share) == (1, 1, 0, None)


def test_periods_come_first_then_wards_then_fields(town, items):
    june, july = datetime(2025, 6, 30, 16, 59, tzinfo=UTC), datetime(2025, 6, 30, 17, tzinfo=UTC)
    for kind in ("CO01", "SW01"):
        town.report(july, kind=kind)
        town.report(june, kind=kind, ward=town.old)
    town.report(july, kind="EN01", ward=town.old)
    old, new = Ward("26929", "Phường 14", None), Ward("26929", "Phường Bình Thạnh", date(2025, 7, 1))
    in_june, in_july = Days(date(2025, 6, 1), date(2025, 7, 1)), Days(date(2025, 7, 1), date(2025, 8, 1))
    assert [(item.period, item.ward, item.field) for item in items(By.FIELD, By.WARD, By.MONTH)] == [
        (in_june, old, "sidewalk"),
        (in_june, old, "construction"),
        (in_july, old, "environment"),
        (in_july, new, "sidewalk"),
        (in_july, new, "construction"),
    ]
    assert [(item.period, item.ward, item.field) for item in items(By.FIELD, By.MONTH)] == [
        (in_june, None, "sidewalk"),
        (in_june, None, "construction"),
        (in_july, None, "sidewalk"),
        (in_july, None, "environment"),
        (in_july, None, "construction"),
    ]
    assert [(item.period, item.ward) for item in items(By.WARD, By.FIELD)] == [
        (None, old), (None, old), (None, old), (None, new), (None, new),
    ]  # fmt: skip


FIRST = date(2025, 1, 1)
DAY_400 = date(2026, 2, 5)


@pytest.mark.parametrize(
    "period",
    [EVERYTHING, Period(FIRST), Period(None, DAY_400), Period(FIRST, DAY_400 + timedelta(days=1))],
)
def test_by_day_a_period_is_bounded(items, period):
    with pytest.raises(PeriodTooLong) as refused:
        items(By.WARD, By.DAY, period=period)
    assert refused.value.at == "from"
    assert "400" in refused.value.detail("vi")
    assert items(By.WEEK, period=period) == items(By.MONTH, period=period) == []


def test_by_day_400_days_are_not_too_many(town, counted):
    town.report(datetime(2024, 12, 31, 17, tzinfo=UTC))
    town.report(datetime(2026, 2, 4, 17, tzinfo=UTC) - TICK)
    assert counted(By.DAY, period=Period(FIRST, DAY_400)) == [
        ("2025-01-01", "2025-01-02", 1),
        ("2026-02-04", "2026-02-05", 1),
    ]


@pytest.mark.parametrize("by", [(By.DAY, By.WEEK), (By.MONTH, By.WARD, By.DAY), (By.WEEK, By.MONTH)])
def test_two_kinds_of_period_are_one_too_many(items, by):
    with pytest.raises(ByNotOffered):
        items(*by, period=Period(FIRST, DAY_400))
