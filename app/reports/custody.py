"""What becomes of the originals of a case that is over: they leave as evidence, or they go when their time is over.

Both are on the course of the case before anything happens to a byte.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from sqlalchemy import select, text
from sqlalchemy.orm import Session

from app.core import audit
from app.core.errors import Stale
from app.identity import permissions
from app.identity import queries as people
from app.identity.permissions import Do, Role
from app.photos import erasing, retention
from app.photos import queries as photo_queries
from app.photos.models import Photo
from app.photos.retention import Window
from app.reports import evidence, timeline
from app.reports.actions import Person, open_for, subject_of, writer
from app.reports.evidence import EvidenceNeedsRecord, Made, Piece
from app.reports.models import Kind, Report
from app.reports.rulebook import Rulebook
from app.reports.timeline import Step
from app.reports.workflow import CLOSE_AFTER
from geo.validity import local_day

# Cases whose photos are erased in one transaction.
BATCH: Final = 100


def evidence_of(session: Session, report_id: UUID, by: Person, now: datetime) -> Sequence[Piece]:
    """The photos and videos of a case of which the asker may make an evidence bundle, as they came.

    Raises ReportNotFound, NotPermitted, EvidenceNeedsRecord.
    """
    _recorded_case(session, report_id, by, now)
    return _pieces(session, report_id)


def record_evidence(
    session: Session,
    report_id: UUID,
    pieces: Sequence[Piece],
    reason: str,
    *,
    by: Person,
    book: Rulebook,
    now: datetime,
) -> dict[str, Any]:
    """Put on record, before any of it leaves, that a bundle of these pieces was made; return its manifest.

    Raises as `evidence_of`, and Stale when the case has other photos by now.
    """
    report, is_author = _recorded_case(session, report_id, by, now)
    if _pieces(session, report_id) != pieces:
        raise Stale
    data = {"photos": [piece.sha256 for piece in pieces if piece.is_here], "format": evidence.FORMAT}
    who = writer(by.actor, subject_of(report, is_author=is_author))
    step = Step("evidence_made", data, {"reason": reason}, shown_to="unit")
    timeline.record(session, report, step, by=who, now=now)
    audit.record(
        session, by=by.actor.person_id, action="evidence:make", subject=f"report/{report_id}", at=now, data=data
    )
    made = Made(
        by=people.name_of(session, by.actor.person_id) or "",
        role=Role.CHAIR.value,
        unit=book.units[report.unit_id].name,
        at=now,
        reason=reason,
    )
    return evidence.manifest(_case(session, report, book), pieces, made)


def _recorded_case(session: Session, report_id: UUID, by: Person, now: datetime) -> tuple[Report, bool]:
    """The locked case, and whether the asker is its author."""
    report, is_author, _ = open_for(session, report_id, by, now=now)
    permissions.require(by.actor, Do.MAKE_EVIDENCE, subject_of(report, is_author=is_author))
    root = None if report.original_id is None else session.get_one(Report, report.original_id, populate_existing=True)
    repeats = None if root is None else (root.state, root.outcome)
    if not evidence.has_record(report.state, report.outcome, repeats):
        raise EvidenceNeedsRecord
    return report, is_author


def _pieces(session: Session, report_id: UUID) -> list[Piece]:
    columns = (getattr(Photo, name) for name in Piece.__dataclass_fields__)
    found = select(*columns).where(Photo.report_id == report_id).order_by(Photo.added_at, Photo.sha256)
    return [Piece(*row) for row in session.execute(found)]


def _case(session: Session, report: Report, book: Rulebook) -> dict[str, Any]:
    """What the manifest says of the case. `stated` is what its resident said first, before anything was corrected."""
    day = local_day(report.received_at)
    kind = session.scalars(
        select(Kind)
        .where(Kind.city_id == report.city_id, Kind.code == report.kind_code, Kind.valid_from <= day)
        .order_by(Kind.valid_from.desc())
        .limit(1)
    ).one()
    place = {"lat": report.lat, "lon": report.lon, "accuracy_m": report.accuracy_m, "address": report.address}
    sent = report.as_sent or {}
    original = None if report.original_id is None else session.get_one(Report, report.original_id).number
    return {
        "number": report.number,
        "kind": {"code": kind.code, "name_vi": kind.name_vi, "name_en": kind.name_en},
        "field": report.field,
        "place": place,
        "stated": {member: sent.get(member, said) for member, said in {"kind": kind.code, **place}.items()},
        "ward": book.refs[report.ward_version_id].name,
        "unit": book.units[report.unit_id].name,
        "received_at": report.received_at.isoformat(),
        "state": report.state,
        "outcome": report.outcome,
        "concluded_at": report.concluded_at and report.concluded_at.isoformat(),
        "original": original,
    }


# A case ends when nothing can come of it any more: seven days after its conclusion, however late the sweep comes that
# closes it, or when it was withdrawn. A duplicate is judged by the case that it repeats, and goes no earlier than that.
_DUE = """
    select r.id, r.number
    from reports r
    left join reports root on root.id = r.original_id and r.outcome = 'duplicate'
    cross join lateral (select
        greatest(r.ended_at + case r.state when 'closed' then :settles else interval '0' end,
                 root.ended_at + case root.state when 'closed' then :settles else interval '0' end) as ended_at,
        coalesce(root.outcome, r.outcome) is not distinct from 'recorded' as recorded
    ) whole
    join unnest(cast(:recorded as boolean[]), cast(:since as timestamptz[]), cast(:before as timestamptz[]))
        as due (recorded, since, before)
        on due.recorded = whole.recorded and due.since <= whole.ended_at and whole.ended_at < due.before
    where r.city_id = :city_id and r.state in ('closed', 'withdrawn') and {own}
        and (root.id is null or root.state in ('closed', 'withdrawn'))
        and exists (select from photos p where p.report_id = r.id and p.state = any(:living))
    order by r.ended_at, r.id
"""
# Each sort is found by an index of its own; of recorded cases a city has most, and most often keeps them all.
_OTHERS: Final = _DUE.format(own="r.outcome is distinct from 'recorded' and r.ended_at < :latest")
_RECORDED: Final = _DUE.format(own="r.outcome = 'recorded' and r.received_at < :latest")
_COUNTED: Final = """
    select due.number, count(*) as photos, coalesce(sum(p.bytes), 0) as bytes
    from ({due}) due join photos p on p.report_id = due.id and p.state = any(:living)
    group by due.number order by due.number
"""


@dataclass(frozen=True)
class Due:
    """A case whose photos go by now: how many, and how many bytes their originals have."""

    number: str
    photos: int
    bytes: int


def due(session: Session, city_id: int, now: datetime) -> Sequence[Due]:
    """The cases whose photos would be erased now. Changes nothing."""
    found: list[Due] = []
    for sql, asked in _asked(session, city_id, now):
        found += [Due(*row) for row in session.execute(text(_COUNTED.format(due=sql)), asked)]
    return found


def expire(session: Session, city_id: int, now: datetime, limit: int = BATCH) -> int:
    """Erase the photos of cases whose time is over, each with its trace; return how many cases that were.

    The files are still there then: `photos.erasing.delete_files` takes them away once this is committed.
    """
    ids: list[UUID] = []
    for sql, asked in _asked(session, city_id, now):
        locked = text(f"{sql} limit :limit for update of r skip locked")
        ids += session.scalars(locked, {**asked, "limit": limit - len(ids)})
    for report in session.scalars(select(Report).where(Report.id.in_(ids)).order_by(Report.id)).all():
        erased = erasing.erase(session, report.id, now)
        report.change({}, now)
        timeline.record(session, report, Step("photos_erased", {"photos": erased}), by=timeline.SYSTEM, now=now)
    return len(ids)


def _asked(session: Session, city_id: int, now: datetime) -> Sequence[tuple[str, dict[str, Any]]]:
    """The questions by which due cases are found; none when no policy makes any due."""
    windows = retention.due(photo_queries.retention_policies(session, city_id), now)
    recorded = [window for window in windows if window.recorded]
    # Also the duplicate of a recorded case is found among the others.
    asked = ((_OTHERS, windows), (_RECORDED, recorded))
    return [(sql, _parameters(city_id, some)) for sql, some in asked if some]


def _parameters(city_id: int, windows: Sequence[Window]) -> dict[str, Any]:
    return {
        "city_id": city_id,
        "recorded": [window.recorded for window in windows],
        "since": [window.since for window in windows],
        "before": [window.before for window in windows],
        "latest": max(window.before for window in windows),
        "living": list(retention.LIVING),
        "settles": CLOSE_AFTER,
    }
