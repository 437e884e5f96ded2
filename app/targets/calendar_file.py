"""What a file of calendars must say. Pure: bytes in, an edition or the reason for its refusal out.

TOML. `[calendars.CODE]` has a name in two languages and for each weekday the spans in which time counts; `[years.YEAR]`
the days `off`, the make-up days `working` (each `like` a weekday), and in `source` how sure they are.
"""

import hashlib
import re
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, NamedTuple

from app.core.errors import Invalid
from app.targets.calendar import spans

WEEKDAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")

_CODE = re.compile(r"[a-z][a-z0-9-]{0,39}", re.ASCII)


class CalendarFileRefused(Invalid):
    """The file is no edition that can be reckoned with."""

    code = "calendar_file_refused"
    vi = "Tệp lịch làm việc không dùng được: {why}."
    en = "The file of calendars cannot be used: {why}."


class Named(NamedTuple):
    """Opening hours under a code: spans as they are written, by ISO weekday as text, as JSON has it."""

    name_vi: str
    name_en: str
    hours: Mapping[str, list[str]]


class Day(NamedTuple):
    """A day off (`like_weekday` is None), or a make-up day with the hours of an ISO weekday."""

    like_weekday: int | None
    name_vi: str
    name_en: str


class Year(NamedTuple):
    """A year's days that are not as their weekday says, and how sure they are."""

    source: str
    days: Mapping[date, Day]


@dataclass(frozen=True)
class Edition:
    """One file: the SHA-256 of its bytes, calendars by code, years by number."""

    sha256: str
    calendars: Mapping[str, Named]
    years: Mapping[int, Year]


def read(content: bytes) -> Edition:
    """The edition in a file's bytes.

    Raises:
        CalendarFileRefused: it is no TOML, lacks a member or has one that nobody knows, has hours that are none, a day
            of another year, or a day twice.
    """
    try:
        members = tomllib.loads(content.decode())
        _only(members, {"calendars", "years"}, "the file")
        calendars = {code: _named(code, given) for code, given in members.get("calendars", {}).items()}
        years = {int(year): _year(int(year), given) for year, given in members.get("years", {}).items()}
    except (ValueError, TypeError, AttributeError) as wrong:
        raise CalendarFileRefused(why=str(wrong)) from wrong
    if not calendars and not years:
        raise CalendarFileRefused(why="it has neither calendars nor years")
    return Edition(hashlib.sha256(content).hexdigest(), calendars, years)


def _named(code: str, given: Mapping[str, Any]) -> Named:
    if _CODE.fullmatch(code) is None:
        raise ValueError(f"the code {code!r} is not small letters, digits and hyphens")
    _only(given, {"name_vi", "name_en", *WEEKDAYS}, code)
    hours = {str(place): list(given[name]) for place, name in enumerate(WEEKDAYS, start=1) if given.get(name)}
    if not hours:
        raise ValueError(f"{code} has no hours")
    for texts in hours.values():
        spans(texts)
    return Named(_text(given, "name_vi", code), _text(given, "name_en", code), hours)


def _year(year: int, given: Mapping[str, Any]) -> Year:
    if not 2020 <= year <= 2100:
        raise ValueError(f"{year} is no year of this service")
    _only(given, {"source", "off", "working"}, str(year))
    days: dict[date, Day] = {}
    for day, said in _days(year, given):
        if day in days:
            raise ValueError(f"{day} is given twice")
        days[day] = said
    if not any(day.like_weekday is None for day in days.values()):
        raise ValueError(f"{year} has no day off, which no year is like")
    return Year(" ".join(_text(given, "source", str(year)).split()), days)


def _days(year: int, given: Mapping[str, Any]) -> Iterator[tuple[date, Day]]:
    for item in given.get("off", []):
        yield _day(year, item, {"day", "vi", "en"}), Day(None, _text(item, "vi", "a day"), _text(item, "en", "a day"))
    for item in given.get("working", []):
        day = _day(year, item, {"day", "like", "vi", "en"})
        if item.get("like") not in WEEKDAYS:
            raise ValueError(f"{day} is like no weekday: {item.get('like')!r}")
        like = WEEKDAYS.index(item["like"]) + 1
        yield day, Day(like, _text(item, "vi", str(day)), _text(item, "en", str(day)))


def _day(year: int, item: Mapping[str, Any], members: set[str]) -> date:
    _only(item, members, f"a day of {year}")
    day = item.get("day")
    if not isinstance(day, date) or isinstance(day, datetime):
        raise ValueError(f"{day!r} is no day")  # noqa: TRY004 -- whoever reads the file is told in one way
    if day.year != year:
        raise ValueError(f"{day} is no day of {year}")
    return day


def _text(given: Mapping[str, Any], member: str, of: str) -> str:
    text = given.get(member)
    if not isinstance(text, str) or not text.strip():
        raise ValueError(f"{of} has no {member}")
    return text


def _only(given: Mapping[str, Any], known: set[str], of: str) -> None:
    unknown = sorted(given.keys() - known)
    if unknown:
        raise ValueError(f"nobody knows {', '.join(unknown)} of {of}")
