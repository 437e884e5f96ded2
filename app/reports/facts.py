"""What is looked up before a move is decided. Reads only: what follows from it is decided in `handling.py`."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy.orm import Session

from app.identity import queries as people
from app.identity.permissions import Role
from app.reports import handling, joining, queries
from app.reports.models import Report
from app.reports.rulebook import Rulebook
from app.reports.workflow import Move
from geo.validity import local_day


def of_move(
    session: Session,
    row: Move,
    report: Report,
    given: Mapping[str, Any],
    *,
    book: Rulebook,
    actor_id: UUID,
    now: datetime,
) -> handling.Facts:
    """What the decision about a row needs, and no more.

    Raises UnitNotSuitable, OriginalUnknown of a unit or a report that is named and is none.
    """
    looked_up = _of_row(session, row, report, given, book=book, now=now)
    return replace(looked_up, actor_id=actor_id, calendar=book.calendar(report.calendar_code))


def _of_row(
    session: Session, row: Move, report: Report, given: Mapping[str, Any], *, book: Rulebook, now: datetime
) -> handling.Facts:
    if row.name == "hand_over":
        return _of_hand_over(report, given, book, now)
    if row.name in {"conclude", "uphold"}:
        return handling.Facts(
            photo_required=_photo_required(report, book),
            after_photos=queries.after_photos(session, report.id),
            original_id=joining.original(session, report, given),
            body_known=given.get("body") in book.bodies,
        )
    if row.name == "contest":
        return _of_review(session, report, now)
    return handling.Facts()


def _of_review(session: Session, report: Report, now: datetime) -> handling.Facts:
    """Who could review what was concluded."""
    concluder, day = report.concluded_by, local_day(now)
    working = people.members(session, report.unit_id, on=day)
    return handling.Facts(
        concluder_is_chair=concluder is not None
        and people.works_for(session, concluder, report.unit_id, Role.CHAIR, on=day),
        unit_reviews=any(
            roles & {Role.CHAIR, Role.DISPATCHER} for person, roles in working.items() if person != concluder
        ),
    )


def _photo_required(report: Report, book: Rulebook) -> bool:
    """Whether the kind asks for a photo, or did before it was corrected: a correction proves nothing."""
    kinds = {report.kind_code, (report.as_sent or {}).get("kind", report.kind_code)}
    return any(book.kind(kind, local_day(report.received_at)).photo_required for kind in kinds)


def _of_hand_over(report: Report, given: Mapping[str, Any], book: Rulebook, now: datetime) -> handling.Facts:
    day = local_day(now)
    unit = book.units.get(given["unit"]) if given.get("unit") else None
    if unit is None and given.get("ward"):
        unit = book.unit_of_ward(given["ward"], day)
    if unit is None and (given.get("unit") or given.get("ward")):
        raise handling.UnitNotSuitable(at="unit", why_vi="không có đơn vị này", why_en="there is no such unit")
    return handling.Facts(
        unit=unit,
        desk=book.desk,
        holder=book.units[report.unit_id],
        unit_acts=unit is not None and book.acts_on(unit.id, day),
        ward_unit_id=book.unit_of_version.get(report.ward_version_id),
    )
