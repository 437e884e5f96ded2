"""Figures as CSV that any spreadsheet opens: one header row, one row an item, nothing else (RFC 4180)."""

import csv
import io
from collections.abc import Iterable

from app.statistics.queries import ResponseTimes, Seconds

# A cell that begins like this is a formula to a spreadsheet. Names of wards come from files that somebody sent.
_FORMULA = ("=", "+", "-", "@", "\t", "\r")

_TIMES = ("first_response", "arrival", "conclusion")

HEADER = (
    "ward_code",
    "ward_name",
    "ward_valid_from",
    "field",
    "reports",
    "concluded",
    "open",
    "overdue",
    "on_time_share",
    *(f"{name}_{figure}" for name in _TIMES for figure in ("p50_s", "p90_s", "mean_s", "paused_share")),
    # What came later stands at the end: a spreadsheet may count columns.
    "on_time",
    "late",
    "period_from",
    "period_to",
)


def response_times_csv(items: Iterable[ResponseTimes]) -> str:
    """The response times as CSV. A figure that does not exist is an empty cell; times are seconds, shares 0 to 1."""
    lines = io.StringIO()
    writer = csv.writer(lines)
    writer.writerow(HEADER)
    for item in items:
        ward = (item.ward.code, item.ward.name, item.ward.valid_from) if item.ward else (None, None, None)
        times = (figure for name in _TIMES for figure in _figures(getattr(item, name)))
        days = item.period or (None, None)
        counts = (item.reports, item.concluded, item.open, item.overdue, item.on_time_share)
        later = (item.on_time, item.late, *days)
        writer.writerow([_cell(value) for value in (*ward, item.field, *counts, *times, *later)])
    return lines.getvalue()


def _figures(seconds: Seconds) -> tuple[float | None, ...]:
    return seconds.p50_s, seconds.p90_s, seconds.mean_s, seconds.paused_share


def _cell(value: object) -> object:
    """Text that a spreadsheet would run is shown as text, by the apostrophe that spreadsheets have for it."""
    return f"'{value}" if isinstance(value, str) and value.startswith(_FORMULA) else value
