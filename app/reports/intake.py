"""Taking a report in: first decided from what is known, then written as one statement.

A phone on a bad network sends the same report again and again, perhaps from two threads: its id makes it one report.
Nothing here decodes a photo or calls anybody.
"""

import hashlib
import hmac
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any
from uuid import UUID

import structlog
from sqlalchemy import text
from sqlalchemy.orm import Session

from app.core.db import new_id
from app.core.errors import Conflict
from app.photos.actions import MOST_PHOTOS
from app.photos.errors import TooManyPhotos
from app.reports import handling
from app.reports.rulebook import Rulebook
from app.targets.policies import Case, due, target
from app.targets.stopwatch import Stopwatch
from geo.validity import LOCAL_ZONE, local_day

log = structlog.get_logger("intake")

# A phone whose clock is this far ahead of ours, or a photo this old, is marked; it decides nothing.
AHEAD = timedelta(minutes=5)
OLD = timedelta(hours=24)


# A clock may say anything; beyond these no calendar of ours goes, and the nearest of them is kept in its place.
EARLIEST, LATEST = datetime(1900, 1, 1, tzinfo=UTC), datetime(9000, 1, 1, tzinfo=UTC)


class ReportIdTaken(Conflict):
    """Somebody else's report, or other content, has this id; which of the two is not told."""

    code = "report_id_taken"
    vi = "Mã tin này đã được dùng cho một tin khác."
    en = "This id is already used for another report."


@dataclass(frozen=True)
class Submission:
    """What the phone sent, checked for form. `lat` and `lon` in degrees (WGS 84), `accuracy_m` in metres."""

    id: UUID
    kind: str
    lat: float
    lon: float
    accuracy_m: float | None = None
    captured_at: datetime | None = None
    note: str | None = None
    address: str | None = None
    anonymous: bool = False
    urgent: bool = False
    about_unit: bool = False
    photos: tuple[str, ...] = ()
    channel: str = "app"


@dataclass(frozen=True)
class Author:
    """Whose report it is. An anonymous one is only `tag`; `filed_by` is the staff member who typed it, if any."""

    person_id: UUID | None
    tag: bytes | None
    filed_by: UUID | None = None


def author_tag(key: bytes, person_id: UUID) -> bytes:
    """The mark of an anonymous author: they can be recognised when they ask, and found out by nobody who reads it."""
    return hmac.digest(key, person_id.bytes, hashlib.sha256)


@dataclass(frozen=True)
class Known:
    """What the database knows before deciding: how new the rules are, and whether sign-in and report are there."""

    revision: int
    session_lives: bool
    is_taken: bool


# These two statements are most of what a report costs. They go to the driver as they stand: of SQLAlchemy's compiling
# and typing they need nothing, and it would take as long as everything else that is done to a report.
_LOOK_UP = """
    select (select revision from rulebook_revision),
           (select s.ended_at is null and p.disabled_at is null
            from sessions s join people p on p.id = s.person_id where s.id = %(session_id)s),
           exists (select from reports where id = %(id)s)
"""


def look_up(session: Session, report_id: UUID, session_id: UUID | None) -> Known:
    """One statement: the revision of the rules, whether the sign-in still lives, and whether the id is taken."""
    found = session.connection().exec_driver_sql(_LOOK_UP, {"id": report_id, "session_id": session_id})
    revision, session_lives, is_taken = found.one()
    return Known(revision, session_id is None or bool(session_lives), is_taken)


_AS_SENT = text("""
    select r.filed_by, a.person_id as author_id, a.tag as author_tag, r.anonymous, r.captured_at, r.note,
           coalesce(r.as_sent->>'kind', r.kind_code) as first_kind,
           coalesce((r.as_sent->>'lat')::float8, r.lat) as first_lat,
           coalesce((r.as_sent->>'lon')::float8, r.lon) as first_lon,
           case when r.as_sent ? 'accuracy_m' then (r.as_sent->>'accuracy_m')::float8 else r.accuracy_m end
               as first_accuracy_m,
           case when r.as_sent ? 'address' then r.as_sent->>'address' else r.address end as first_address
    from reports r
    left join report_authors a on a.report_id = r.id
    where r.id = :id
""")
_COMPARED = ("first_kind", "first_lat", "first_lon", "first_accuracy_m", "captured_at", "note", "first_address")


def is_the_same(session: Session, sent: Submission, author: Author) -> bool:
    """Whether the stored report is of the same person and said the same; photos are a set that may grow."""
    stored = session.execute(_AS_SENT, {"id": sent.id}).mappings().one()
    same_person = (stored["author_id"], stored["author_tag"], stored["filed_by"]) == (
        author.person_id if author.tag is None else None,
        author.tag,
        author.filed_by,
    )
    said = (sent.kind, sent.lat, sent.lon, sent.accuracy_m, sent.captured_at, sent.note, sent.address)
    return (
        same_person and said == tuple(stored[column] for column in _COMPARED) and sent.anonymous == stored["anonymous"]
    )


def decide(sent: Submission, author: Author, book: Rulebook, now: datetime) -> dict[str, Any]:
    """The columns of the new report: ward, unit, due time and all, from the rules in force now.

    Raises KindUnknown, TooManyPhotos, and what `Rulebook.route` raises of places.
    """
    if len(sent.photos) > MOST_PHOTOS:
        raise TooManyPhotos(at="photos", limit=MOST_PHOTOS)
    day = local_day(now)
    kind = book.kind(sent.kind, day)
    route = book.route(sent.lat, sent.lon, day, sent.accuracy_m, about_unit=sent.about_unit)
    wanted = target(Case(kind.field, kind.code, route.unit.id, sent.urgent), book.policies, now)
    judged = due(now, wanted, book.calendars)
    if judged.missing_year is not None:
        log.error("calendar lacks a year", calendar=wanted.calendar_code, year=judged.missing_year, report=str(sent.id))
    clock = Stopwatch(judged.due_at, calendar=book.calendar(judged.calendar_code))
    target_s = int(wanted.allowed.total_seconds())
    return {
        "id": sent.id,
        "city_id": book.city_id,
        "channel": sent.channel,
        "filed_by": author.filed_by,
        "kind_code": kind.code,
        "field": kind.field,
        "lat": sent.lat,
        "lon": sent.lon,
        "accuracy_m": sent.accuracy_m,
        "address": sent.address,
        "note": sent.note,
        "captured_at": sent.captured_at,
        "captured_mark": _captured_mark(sent.captured_at, now),
        "anonymous": sent.anonymous,
        "urgent": sent.urgent,
        "about_unit": sent.about_unit,
        "received_at": now,
        "ward_version_id": route.ward_version_id,
        "routing": route.explanation,
        "unit_id": route.unit.id,
        "state": "received",
        "target_s": target_s,
        "due_at": judged.due_at,
        "calendar_code": judged.calendar_code,
        "rungs": handling.rungs(clock, target_s),
        "updated_at": now,
    }


def storable(captured_at: datetime | None) -> datetime | None:
    """The instant that a phone's clock gave, or the nearest one that can be stored and read again."""
    return None if captured_at is None else min(max(captured_at, EARLIEST), LATEST)


def _captured_mark(captured_at: datetime | None, now: datetime) -> str | None:
    if captured_at is None:
        return None
    if captured_at > now + AHEAD:
        return "ahead"
    return "old" if captured_at < now - OLD else None


_WRITE = """
    with numbered as (
        insert into report_numbers as n (city_id, month, last) values (%(city_id)s, %(month)s, 1)
        on conflict (city_id, month) do update set last = n.last + 1
        returning %(prefix)s || '-' || to_char(month, 'YYMM') || '-'
            || lpad(last::text, greatest(4, length(last::text)), '0') as number
    ), report as (
        insert into reports (id, city_id, number, channel, filed_by, kind_code, field, lat, lon, accuracy_m, address,
            note, captured_at, captured_mark, anonymous, urgent, about_unit, received_at, ward_version_id, routing,
            unit_id, state, target_s, due_at, calendar_code, rungs, updated_at)
        select %(id)s, %(city_id)s, number, %(channel)s, %(filed_by)s, %(kind_code)s, %(field)s, %(lat)s, %(lon)s,
            %(accuracy_m)s, %(address)s, %(note)s, %(captured_at)s, %(captured_mark)s, %(anonymous)s, %(urgent)s,
            %(about_unit)s, %(received_at)s, %(ward_version_id)s, cast(%(routing)s as jsonb), %(unit_id)s, %(state)s,
            %(target_s)s, %(due_at)s, %(calendar_code)s, %(rungs)s, %(updated_at)s
        from numbered
        on conflict (id) do nothing
        returning id, number
    ), author as (
        insert into report_authors (report_id, person_id, tag)
        select id, %(person_id)s, %(tag)s from report where %(has_author)s
    ), photo as (
        insert into photos (report_id, sha256, role, state, added_at)
        select id, sha256, 'before', 'awaited', %(received_at)s
        from report, unnest(cast(%(photos)s as text[])) as sha256
    ), entry as (
        insert into timeline (report_id, entry_id, at, type, by_role, by_id, unit_id, to_state, shown_to, data)
        select id, %(entry_id)s, %(received_at)s, 'received', %(by_role)s, %(filed_by)s, %(unit_id)s, %(state)s, 'all',
            '{}'
        from report
    ), promise as (
        insert into outbox (topic, payload, at)
        select 'report.received', jsonb_build_object('report_id', id, 'units', jsonb_build_array(%(unit_id)s::int)),
            %(received_at)s
        from report
    )
    select number from report
"""


def write(
    session: Session, columns: Mapping[str, Any], author: Author, photos: Sequence[str], prefix: str
) -> str | None:
    """Report, number, author, awaited photos, first entry and promise, in one statement.

    Returns the number, or None when another thread wrote this id meanwhile: then nothing is written. (The month's
    count has gone up all the same: a number may be missing, none is given twice.)
    """
    received_at: datetime = columns["received_at"]
    written = session.connection().exec_driver_sql(
        _WRITE,
        {
            **columns,
            "routing": json.dumps(columns["routing"], ensure_ascii=False),
            "prefix": prefix,
            "month": first_of_month(received_at),
            "person_id": None if author.tag else author.person_id,
            "tag": author.tag,
            "has_author": author.person_id is not None or author.tag is not None,
            "photos": list(dict.fromkeys(photos)),
            "entry_id": new_id(),
            "by_role": "resident" if author.filed_by is None else "filer",
        },
    )
    return written.scalar()


def first_of_month(instant: datetime) -> date:
    """The first local day of the month of an instant: the count of report numbers begins anew with it."""
    return instant.astimezone(LOCAL_ZONE).date().replace(day=1)
