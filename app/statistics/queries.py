"""The figures that leaders read: one statement each, over the reports received in a period."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from enum import StrEnum
from typing import Any

from sqlalchemy import RowMapping, text
from sqlalchemy.orm import Session

from app.core.errors import Invalid
from app.statistics import definitions as d
from geo.validity import LOCAL_ZONE, Days, day_start

# Years outside which nobody asks: a typing error, which must not overflow a calendar.
_FIRST_YEAR, _LAST_YEAR = 2000, 2200

# Local days. By ward and field a day has rows by the hundred: a year, and the month of the year before to compare with.
MOST_DAYS = 400

# Shares are rounded to a millionth: 99.999 % must not read as all.
_DIGITS = 6


class PeriodInvalid(Invalid):
    """The period holds no day, or lies where no calendar of ours reaches."""

    code = "period_invalid"
    vi = "Khoảng thời gian không hợp lệ: “từ” phải trước “đến”, trong các năm 2000–2200."
    en = "The period is not valid: “from” must be before “to”, within the years 2000 to 2200."


class PeriodTooLong(Invalid):
    """Figures by day come for a bounded period only: the answer would be longer than anybody reads or draws."""

    code = "period_too_long"
    vi = "Số liệu theo ngày cần cả “từ” và “đến”, cách nhau nhiều nhất {most_days} ngày."
    en = "Figures by day need both “from” and “to”, at most {most_days} days apart."


class ByNotOffered(Invalid):
    """Figures are told apart by ward, by field, by one kind of calendar period, or by several of these."""

    code = "by_not_offered"
    vi = "“by” chỉ nhận ward, field và nhiều nhất một trong day, week, month, cách nhau bằng dấu phẩy."
    en = "“by” takes ward, field, and at most one of day, week and month, with commas between them."


@dataclass(frozen=True)
class Period:
    """Local days, half-open, on the day of receipt; None is unbounded.

    Raises PeriodInvalid.
    """

    first: date | None = None
    until: date | None = None

    def __post_init__(self) -> None:
        for day in (self.first, self.until):
            if day is not None and not _FIRST_YEAR <= day.year <= _LAST_YEAR:
                raise PeriodInvalid(at="from" if day is self.first else "to")
        if self.first is not None and self.until is not None and self.first >= self.until:
            raise PeriodInvalid(at="to")

    def bounds(self) -> dict[str, datetime]:
        """The instants at which the period begins and is over, by the names they have in the statements."""
        days = {"period_first": self.first, "period_until": self.until}
        return {name: day_start(day) for name, day in days.items() if day is not None}

    def is_longer_than(self, days: int) -> bool:
        """Whether more local days than so many lie in the period; without both ends, more than any number."""
        return self.first is None or self.until is None or (self.until - self.first).days > days

    def cut(self, first: date, until: date) -> Days:
        """Those of the days [first, until) that belong to the period."""
        return Days(max(first, self.first or first), min(until, self.until or until))


class By(StrEnum):
    """What response times can be told apart by. Day, week (from Monday) and month are those of the receipt."""

    WARD = "ward"
    FIELD = "field"
    DAY = "day"
    WEEK = "week"
    MONTH = "month"


@dataclass(frozen=True)
class Seconds:
    """Wall seconds from receipt: the middle one, the one that nine in ten do not exceed, the mean.

    `paused_share` is how much of all those seconds the clock stood still. All None when nothing was measured.
    """

    p50_s: float | None
    p90_s: float | None
    mean_s: float | None
    paused_share: float | None


@dataclass(frozen=True, kw_only=True)
class Figures:
    """What a summary and an item of the response times have in common.

    `on_time` and `late` are the cases behind `on_time_share`: a share of three cases must not read like one of three
    thousand. Late are those concluded late, overdue now, and withdrawn after they were due.
    """

    reports: int
    concluded: int
    open: int
    overdue: int
    on_time: int
    late: int
    on_time_share: float | None
    first_response: Seconds
    arrival: Seconds
    conclusion: Seconds


@dataclass(frozen=True, kw_only=True)
class Summary(Figures):
    """The whole of a period on one page."""

    as_of: datetime
    by_field: Mapping[str, int]
    concluded_share: float | None
    true_share: float | None
    sanctioned: int
    fines_vnd: int
    nobody_on_duty: int


@dataclass(frozen=True)
class Ward:
    """A ward version: its code alone would not say which ward is meant."""

    code: str
    name: str
    valid_from: date | None


@dataclass(frozen=True, kw_only=True)
class ResponseTimes(Figures):
    """One ward version, one field, one day, week or month, or one of several. What was not told apart is None.

    `period` is the local days whose reports are counted here: a week or month of which only a part was asked for is
    that part.
    """

    ward: Ward | None
    field: str | None
    period: Days | None


_AGGREGATES = """
    count(*) filter (where counted) as reports,
    count(*) filter (where concluded) as concluded,
    count(*) filter (where open) as open,
    count(*) filter (where overdue) as overdue,
    count(*) filter (where on_time) as on_time,
    count(*) filter (where to_be_on_time) as to_be_on_time,
    percentile_cont(array[0.5, 0.9]) within group (order by first_response_s) as first_response,
    avg(first_response_s) as first_response_mean,
    percentile_cont(array[0.5, 0.9]) within group (order by arrival_s) as arrival,
    avg(arrival_s) as arrival_mean,
    sum(arrival_paused_s) / nullif(sum(arrival_s), 0) as arrival_paused,
    percentile_cont(array[0.5, 0.9]) within group (order by conclusion_s) as conclusion,
    avg(conclusion_s) as conclusion_mean,
    sum(conclusion_paused_s) / nullif(sum(conclusion_s), 0) as conclusion_paused"""


def _cases(period: Period, calendar: By | None = None) -> str:
    """The reports of a period, each with what it counts for. Withdrawn in time, a report counts for nothing.

    With `calendar`, each has the local day on which its day, week or month begins (`:calendar`, `:zone`).
    """
    begins = "date_trunc(:calendar, received_at at time zone :zone)::date as begins," if calendar else ""
    begun = "and received_at >= :period_first" if period.first else ""
    ended = "and received_at < :period_until" if period.until else ""
    return f"""
    with cases as materialized (
        select id, field, ward_version_id, {begins}
            {d.COUNTED} as counted,
            {d.CONCLUDED} as concluded,
            {d.OPEN} as open,
            ({d.OVERDUE}) as overdue,
            ({d.ON_TIME}) as on_time,
            {d.TO_BE_ON_TIME} as to_be_on_time,
            ({d.TRUE}) as is_true,
            ({d.TRUE_OR_FALSE}) as true_or_false,
            {d.FIRST_RESPONSE_S} as first_response_s,
            {d.ARRIVAL_S} as arrival_s,
            {d.ARRIVAL_PAUSED_S} as arrival_paused_s,
            {d.CONCLUSION_S} as conclusion_s,
            case when {d.CONCLUDED} then {d.CONCLUSION_PAUSED_S} end as conclusion_paused_s
        from reports
        where city_id = :city_id {begun} {ended} and ({d.COUNTED} or {d.WITHDRAWN_LATE})
    )"""


def summary(session: Session, city_id: int, period: Period, as_of: datetime) -> Summary:
    """The figures of a city for the reports received in a period, as they stand at `as_of`."""
    statement = f"""{_cases(period)},
    fines as (
        select count(distinct decisions.report_id) as sanctioned, coalesce(sum(decisions.fine_vnd), 0) as fines_vnd
        from decisions join cases on cases.id = decisions.report_id and cases.counted
    )
    select {_AGGREGATES},
        count(*) filter (where counted and field = 'sidewalk') as sidewalk,
        count(*) filter (where counted and field = 'environment') as environment,
        count(*) filter (where counted and field = 'construction') as construction,
        count(*) filter (where is_true) as is_true,
        count(*) filter (where true_or_false) as true_or_false,
        (select sanctioned from fines) as sanctioned,
        (select fines_vnd from fines) as fines_vnd,
        (select count(*) from cases where counted and {d.NOBODY_ON_DUTY}) as nobody_on_duty
    from cases"""
    row = session.execute(text(statement), {"city_id": city_id, "as_of": as_of, **period.bounds()}).mappings().one()
    return Summary(
        **_figures(row),
        as_of=as_of,
        by_field={field: row[field] for field in ("sidewalk", "environment", "construction")},
        concluded_share=_share(row["concluded"], row["reports"]),
        true_share=_share(row["is_true"], row["true_or_false"]),
        sanctioned=row["sanctioned"],
        fines_vnd=int(row["fines_vnd"]),
        nobody_on_duty=row["nobody_on_duty"],
    )


def response_times(
    session: Session, city_id: int, period: Period, by: Sequence[By], as_of: datetime
) -> list[ResponseTimes]:
    """How fast the reports of a period were dealt with, told apart by ward version, field, day, week or month.

    In the order of days, then ward codes and their days, then fields. What no report of the period belongs to is not
    listed, be it a ward or a day. Raises ByNotOffered, PeriodTooLong.
    """
    calendar = _calendar(by, period)
    columns = [
        *(("begins",) if calendar else ()),
        *(("ward.code", "ward.name", "ward.valid_from", "ward.id") if By.WARD in by else ()),
        *(("field",) if By.FIELD in by else ()),
    ]
    named = "".join(f"{column} as {column.replace('.', '_')}, " for column in columns)
    order = ["begins"] if calendar else []
    order += ["ward.code", "ward.valid_from nulls first"] if By.WARD in by else []
    order += ["array_position(array['sidewalk', 'environment', 'construction'], field)"] if By.FIELD in by else []
    joined = "join ward_versions ward on ward.id = cases.ward_version_id" if By.WARD in by else ""
    grouped = f"group by {', '.join(columns)} order by {', '.join(order)}" if columns else "having count(*) > 0"
    statement = f"{_cases(period, calendar)} select {named} {_AGGREGATES} from cases {joined} {grouped}"
    given = {"city_id": city_id, "as_of": as_of, "calendar": calendar, "zone": LOCAL_ZONE.key, **period.bounds()}
    return [
        ResponseTimes(
            **_figures(row),
            ward=Ward(row["ward_code"], row["ward_name"], row["ward_valid_from"]) if By.WARD in by else None,
            field=row["field"] if By.FIELD in by else None,
            period=period.cut(row["begins"], _end(row["begins"], calendar)) if calendar else None,
        )
        for row in session.execute(text(statement), given).mappings()
    ]


def _calendar(by: Sequence[By], period: Period) -> By | None:
    """By day, week, month, or none of them. Raises ByNotOffered, PeriodTooLong."""
    asked = {By.DAY, By.WEEK, By.MONTH} & set(by)
    if len(asked) > 1:
        raise ByNotOffered(at="by")
    if By.DAY in asked and period.is_longer_than(MOST_DAYS):
        raise PeriodTooLong(at="from", most_days=MOST_DAYS)
    return asked.pop() if asked else None


def _end(begins: date, calendar: By) -> date:
    """The day on which the day, week or month that begins on `begins` is over."""
    if calendar is By.MONTH:
        return (begins + timedelta(days=31)).replace(day=1)
    return begins + timedelta(days=7 if calendar is By.WEEK else 1)


def _figures(row: RowMapping) -> dict[str, Any]:
    """The members of `Figures`, read off a row of `_AGGREGATES`."""
    return {
        **{count: row[count] for count in ("reports", "concluded", "open", "overdue", "on_time")},
        "late": row["to_be_on_time"] - row["on_time"],
        "on_time_share": _share(row["on_time"], row["to_be_on_time"]),
        **{times: _seconds(row, times) for times in ("first_response", "arrival", "conclusion")},
    }


def _share(part: int, whole: int) -> float | None:
    """A part of a whole, None when there is no whole to be part of."""
    return round(part / whole, _DIGITS) if whole else None


def _seconds(row: RowMapping, name: str) -> Seconds:
    if row[name] is None:
        return Seconds(None, None, None, None)
    p50, p90 = row[name]
    # A first response is never paused: see definitions.py.
    paused = 0.0 if name == "first_response" else float(row[f"{name}_paused"] or 0)
    return Seconds(round(p50, 1), round(p90, 1), round(row[f"{name}_mean"], 1), round(paused, _DIGITS))
