"""The words of a notice, in the language of whoever reads it. Pure, but for reading `templates/` once.

Words are made when somebody reads or is sent a notice, from ids and facts: a name that was corrected since is the right
one, and whoever changes their language finds their inbox in it.
"""

import string
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from pathlib import Path
from typing import Any, Final
from uuid import UUID

from app.core.errors import Language
from app.notifications.delivery import MANNERS
from app.notifications.news import Notice
from app.reports.words import OUTCOMES
from geo.validity import LOCAL_ZONE

TEMPLATES: Final = Path(__file__).parent / "templates"
LANGUAGES: Final[tuple[Language, ...]] = ("vi", "en")

# A gateway that counts letters takes so many for one message.
LONGEST_SHORT: Final = 160

# A name or number in a `short` with its likely length, a link included.
_LENGTHS: Final = {"number": 12, "link": 50}


class TemplatesInvalid(Exception):
    """The templates lack something, so that the service must not start: one sentence for each fault."""


class TemplateFailed(Exception):
    """The words of one notice cannot be made; names notice and language, nothing about a person."""


@dataclass(frozen=True)
class Words:
    """A notice in one language, ready or still with its placeholders."""

    title: str
    body: str
    short: str | None = None


@dataclass(frozen=True)
class Told:
    """One notice of one reader, with the names of what it is about as they are now."""

    id: UUID
    notice: Notice
    at: datetime
    data: Mapping[str, Any]
    is_staff: bool = False
    report_id: UUID | None = None
    number: str | None = None
    kind_vi: str | None = None
    kind_en: str | None = None
    unit: str | None = None
    read_at: datetime | None = None


@cache
def templates() -> Mapping[Language, Mapping[Notice, Words]]:
    """Every template, read once. Raises TemplatesInvalid."""
    return read(TEMPLATES)


def read(folder: Path) -> Mapping[Language, Mapping[Notice, Words]]:
    """The templates of a folder: the same notices and placeholders in both languages. Raises TemplatesInvalid."""
    found = {language: tomllib.loads((folder / f"{language}.toml").read_text("utf-8")) for language in LANGUAGES}
    faults = [fault for language in LANGUAGES for fault in _faults(found[language], language)]
    if not faults:
        faults = [
            f"{notice}.{part}: other placeholders in vi than in en"
            for notice in Notice
            for part in found["vi"][notice]
            if _placeholders(found["vi"][notice][part]) != _placeholders(found["en"][notice][part])
        ]
    if faults:
        raise TemplatesInvalid("; ".join(faults))
    return {language: {notice: Words(**found[language][notice]) for notice in Notice} for language in LANGUAGES}


def _faults(entries: Mapping[str, Any], language: Language) -> list[str]:
    faults = [f"{language}: unknown notice {name}" for name in entries.keys() - set(Notice)]
    for notice in Notice:
        entry = entries.get(notice, {})
        parts = {"title", "body"} | ({"short"} if MANNERS[notice].text else set())
        if set(entry) != parts or not all(isinstance(text, str) and text.strip() for text in entry.values()):
            faults.append(f"{language}: {notice} needs {', '.join(sorted(parts))}, and nothing else")
            continue
        faults += [f"{language}: {notice}.{part} is malformed" for part in parts if _placeholders(entry[part]) is None]
        if "short" in parts and not _fits_one_message(entry["short"]):
            faults.append(f"{language}: {notice}.short is not one text message ({LONGEST_SHORT} plain letters)")
    return faults


def _placeholders(template: str) -> frozenset[str] | None:
    """The names in a template; None when it is none: only plain {names} are."""
    try:
        parsed = [(name, spec, conversion) for _, name, spec, conversion in string.Formatter().parse(template)]
    except ValueError:
        return None
    names = [part for part in parsed if part[0] is not None]
    if any(spec or conversion or not str(name).isidentifier() for name, spec, conversion in names):
        return None
    return frozenset(str(name) for name, _, _ in names)


def _fits_one_message(short: str) -> bool:
    names = _placeholders(short) or frozenset()
    length = len(short) + sum(_LENGTHS.get(name, 20) - len(name) - 2 for name in names)
    return short.isascii() and length <= LONGEST_SHORT


def write(told: Told, language: Language, public_url: str = "") -> Words:
    """The words of a notice. Raises TemplateFailed when a name that they need is not known."""
    known = facts(told, language, public_url)
    try:
        template = templates()[language][told.notice]
        short = None if template.short is None else template.short.format_map(known)
        return Words(template.title.format_map(known), template.body.format_map(known), short)
    except (LookupError, ValueError, AttributeError) as fault:
        raise TemplateFailed(f"{told.notice}.{language}: {type(fault).__name__} {fault}") from fault


def facts(told: Told, language: Language, public_url: str = "") -> dict[str, str]:
    """What placeholders stand for, of those that are known: also the parameters of a gateway that has the words itself."""
    data, kind = told.data, told.kind_vi if language == "vi" else told.kind_en
    known = {
        "number": told.number,
        "kind": kind,
        "unit": told.unit,
        "outcome": OUTCOMES[data["outcome"]].in_language(language) if data.get("outcome") else None,
        "left": duration(data["minutes"], language) if "minutes" in data else None,
        "due": moment(datetime.fromisoformat(data["due_at"]), told.at) if "due_at" in data else None,
        "new": data.get("new"),
        "overdue": data.get("overdue"),
        "link": link(told, public_url),
    }
    return {name: str(value) for name, value in known.items() if value is not None}


def duration(minutes: int, language: Language) -> str:
    """So many minutes as people say it: hours from the second one on, days from the third."""
    hours, rest = divmod(max(minutes, 0), 60)
    days = hours // 24
    if days >= 2:
        return f"{days} ngày" if language == "vi" else f"{days} days"
    if hours >= 2:
        tail = "" if not rest else f" {rest} phút" if language == "vi" else f" {rest} min"
        return (f"{hours} giờ" if language == "vi" else f"{hours} h") + tail
    return f"{max(minutes, 0)} phút" if language == "vi" else f"{max(minutes, 0)} min"


def moment(instant: datetime, now: datetime) -> str:
    """A local time of the day, with its date when that is not today's."""
    local = instant.astimezone(LOCAL_ZONE)
    is_today = local.date() == now.astimezone(LOCAL_ZONE).date()
    return f"{local:%H:%M}" if is_today else f"{local:%H:%M} {local.day}/{local.month}"


def link(told: Told, public_url: str = "") -> str | None:
    """Where a notice leads: into the desk, to one's own report, to the figures. A follower may open no case."""
    if told.notice is Notice.DIGEST:
        return f"{public_url}/board"
    if told.report_id is None or told.notice is Notice.FOLLOWED_CONCLUDED:
        return None
    return f"{public_url}/desk#case/{told.report_id}" if told.is_staff else f"{public_url}/#report/{told.report_id}"
