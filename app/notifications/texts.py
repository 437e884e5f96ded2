"""The words of a notice, in the language of whoever reads it. Pure, but for reading `templates/` once.

Words are made when somebody reads or is sent a notice, from ids and facts: a name that was corrected since is the right
one, and whoever changes their language finds their inbox in it.
"""

import string
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from pathlib import Path
from typing import Any, Final
from uuid import UUID

from app.core.errors import Language
from app.notifications.channels.gateway import without_marks
from app.notifications.delivery import MANNERS
from app.notifications.news import OF_ONES_OWN, OF_OTHERS, WITH_PHOTOS, Notice
from app.reports.words import OUTCOMES
from app.targets.stopwatch import LONGEST_STOP, Stopwatch
from geo.validity import LOCAL_ZONE

TEMPLATES: Final = Path(__file__).parent / "templates"
LANGUAGES: Final[tuple[Language, ...]] = ("vi", "en")

# A gateway that counts letters takes so many for one message.
LONGEST_SHORT: Final = 160

# The longest that may stand in a `short`: a number of the 10,000th report of a month, an instant as English says it.
_LENGTHS: Final = {"number": len("BT-2611-10000"), "until": len("00:00 on 30 September")}

_MONTHS: Final = (
    "January", "February", "March", "April", "May", "June", "July", "August", "September", "October", "November",
    "December",
)  # fmt: skip


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
    with_photos: str | None = None  # the body where there are photos from afterwards


@dataclass(frozen=True)
class Told:
    """One notice of one reader, with the names of what it is about as they are now."""

    id: UUID
    notice: Notice
    at: datetime
    data: Mapping[str, Any]
    report_id: UUID | None = None
    number: str | None = None
    kind_vi: str | None = None
    kind_en: str | None = None
    unit: str | None = None
    clock: Stopwatch | None = None  # of the case that a warning is about, as it stands now
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
        parts |= {"with_photos"} if notice in WITH_PHOTOS else set()
        if set(entry) != parts or not all(isinstance(text, str) and text.strip() for text in entry.values()):
            faults.append(f"{language}: {notice} needs {', '.join(sorted(parts))}, and nothing else")
            continue
        faults += [f"{language}: {notice}.{part} is malformed" for part in parts if _placeholders(entry[part]) is None]
        if "short" in parts and not entry["short"].isascii():
            faults.append(f"{language}: {notice}.short has letters with marks: it would cost two text messages")
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


def require_one_message(public_url: str) -> None:
    """See to it that each text message is one, with the link that follows it. Raises TemplatesInvalid."""
    link = f" {public_url}/#report/{UUID(int=0)}"
    faults = [
        f"{language}: {notice}.short and a link to {public_url} are not one text message ({LONGEST_SHORT} letters)"
        for language in LANGUAGES
        for notice, words in templates()[language].items()
        if words.short is not None and _length(words.short) + len(link) > LONGEST_SHORT
    ]
    if faults:
        raise TemplatesInvalid("; ".join(faults))


def _length(short: str) -> int:
    names = [name for _, name, _, _ in string.Formatter().parse(short) if name is not None]
    return len(short) + sum(_LENGTHS.get(name, 20) - len(name) - 2 for name in names)


def write(told: Told, language: Language, now: datetime, public_url: str = "") -> Words:
    """The words of a notice as they are true at `now`. Raises TemplateFailed when a name that they need is not known."""
    known = facts(told, language, now, public_url)
    try:
        template = templates()[language][told.notice]
        body = template.with_photos if told.data.get("photos") and template.with_photos else template.body
        short = None if template.short is None else without_marks(template.short.format_map(known))
        return Words(template.title.format_map(known), body.format_map(known), short)
    except (LookupError, ValueError, AttributeError) as fault:
        raise TemplateFailed(f"{told.notice}.{language}: {type(fault).__name__} {fault}") from fault


def facts(told: Told, language: Language, now: datetime, public_url: str = "") -> dict[str, str]:
    """What placeholders stand for, of those that are known: also the parameters of a gateway that has the words itself."""
    data, kind, clock = told.data, told.kind_vi if language == "vi" else told.kind_en, told.clock
    until = told.at + LONGEST_STOP if told.notice is Notice.QUESTION else None
    known = {
        "number": told.number,
        "kind": kind,
        "unit": told.unit,
        "outcome": OUTCOMES[data["outcome"]].in_language(language) if data.get("outcome") else None,
        "left": duration(clock.seconds_left(now) // 60, language) if clock is not None else None,
        "due": moment(clock.due_at, now, language) if clock is not None else None,
        "until": moment(until, now, language) if until is not None else None,
        "new": data.get("new"),
        "overdue": data.get("overdue"),
        "link": link(told, public_url),
    }
    return {name: str(value) for name, value in known.items() if value is not None}


def listed(numbers: Sequence[str], in_all: int, language: Language) -> str:
    """The numbers of the cases that a digest lists, one a line, and how many more there are."""
    more = in_all - len(numbers)
    rest = f"và {more} tin khác" if language == "vi" else f"and {more} more"
    return "\n".join([*numbers, *([rest] if more > 0 else [])])


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


def moment(instant: datetime, now: datetime, language: Language) -> str:
    """A local time of the day, with its date when that is not today's."""
    local = instant.astimezone(LOCAL_ZONE)
    if local.date() == now.astimezone(LOCAL_ZONE).date():
        return f"{local:%H:%M}"
    day = f"ngày {local.day}/{local.month}" if language == "vi" else f"on {local.day} {_MONTHS[local.month - 1]}"
    return f"{local:%H:%M} {day}"


def link(told: Told, public_url: str = "") -> str | None:
    """Where a notice leads: to one's own report, into the desk, to the figures. A follower may open no case.

    Also somebody of the staff has a report of their own, as its author or as who filed it.
    """
    if told.notice is Notice.DIGEST:
        return f"{public_url}/board"
    if told.report_id is None or told.notice in OF_OTHERS:
        return None
    is_own = told.notice in OF_ONES_OWN
    return f"{public_url}/#report/{told.report_id}" if is_own else f"{public_url}/desk#case/{told.report_id}"
