"""Days of 2026 and 2027 to reckon with by hand: office hours, Tết, and one pair of swapped days."""

from datetime import date, datetime, timedelta, timezone

from app.targets.calendar import Calendar, spans

VIET_NAM = timezone(timedelta(hours=7))

# Eight hours from Monday to Friday.
OFFICE_HOURS = {weekday: spans(["07:30-11:30", "13:00-17:00"]) for weekday in range(1, 6)}


def days(first: date, last: date) -> frozenset[date]:
    return frozenset(first + timedelta(days=step) for step in range((last - first).days + 1))


OFFICE = Calendar(
    code="office",
    hours=OFFICE_HOURS,
    off=frozenset({date(2026, 1, 1), date(2026, 8, 31), date(2026, 9, 1), date(2026, 9, 2), date(2027, 1, 1)})
    | days(date(2026, 2, 16), date(2026, 2, 20))  # Monday to Friday
    | days(date(2027, 2, 5), date(2027, 2, 10)),  # Friday to Wednesday
    instead={date(2026, 8, 22): 1},  # a Saturday like a Monday
    years=frozenset({2026, 2027}),
)


def here(said: str) -> datetime:
    """An instant as a clock in Viet Nam shows it: `2026-02-13 16:30`."""
    return datetime.fromisoformat(said).replace(tzinfo=VIET_NAM)


def shown(instant: datetime) -> str:
    """An instant of the code under test, in UTC, as a clock in Viet Nam shows it."""
    assert instant.utcoffset() == timedelta(0) or instant.tzinfo is VIET_NAM
    return instant.astimezone(VIET_NAM).strftime("%Y-%m-%d %H:%M:%S").removesuffix(":00")
