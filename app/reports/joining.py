"""What one act on a report does to the others of its incident. The acts are in `actions.py`, the rule in `duplicates.py`.

Whoever changes more than one report of an incident goes first through `one_at_a_time`. So two officers who join in opposite
directions, or a resident who withdraws what somebody is just joining to, wait for each other before they hold anything, and
whoever is second sees what the first one did.
"""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final
from uuid import UUID

import structlog
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from app.core import outbox
from app.core.errors import Invalid
from app.reports import alike, duplicates, timeline
from app.reports.duplicates import Left
from app.reports.models import Report
from app.reports.rulebook import Rulebook
from app.reports.timeline import Step
from app.reports.workflow import Outcome, State

log = structlog.get_logger("reports")

# What the resident of a duplicate reads where the officer who joined it said nothing else.
NOTE: Final = "Việc này đã có người báo trước. Tin của bạn được gộp vào tin đó; bạn sẽ được thông báo kết quả xử lý."


class OriginalUnknown(Invalid):
    """A duplicate names the report that it repeats."""

    code = "original_unknown"
    vi = "Không có tin gốc nào như vậy: phải cùng lĩnh vực, gửi trước, ở gần và chưa xử lý xong từ hôm trước."
    en = "There is no such original: it must be of the same field, earlier, near, and not over since the day before."


def may_concern_others(given: Mapping[str, Any]) -> bool:
    """Whether a move may change other reports of the incident too."""
    is_joined = given["to"] == State.CONCLUDED and given.get("outcome") == Outcome.DUPLICATE
    return is_joined or given["to"] in {State.CONTESTED, State.WITHDRAWN}


def one_at_a_time(session: Session) -> None:
    """Wait until nobody else changes several reports of an incident. To be called before any of them is locked."""
    session.execute(select(func.pg_advisory_xact_lock(func.hashtext("duplicates"))))


def original(session: Session, report: Report, given: Mapping[str, Any]) -> UUID | None:
    """The root that a conclusion as a duplicate names; None of any other conclusion. Raises OriginalUnknown."""
    if given.get("outcome") != Outcome.DUPLICATE or not given.get("original"):
        return None
    found = alike.original_of(session, report, given["original"])
    if found is None:
        raise OriginalUnknown(at="original")
    return found


def point_at_the_root(session: Session, report: Report, now: datetime) -> None:
    """Let the duplicates of a report that turned out to be one itself point at its root, each with its trace."""
    for duplicate in alike.duplicates_of(session, report.id):
        _point(session, duplicate, report.original_id, now)


def heir_of(session: Session, root: Report) -> Report | None:
    """The oldest duplicate of a report, locked; None when it has none."""
    family = alike.duplicates_of(session, root.id)
    return next((one for one in family if one.state != State.WITHDRAWN.value), None)


def hand_on(session: Session, root: Report, heir: Report, left: Left, *, book: Rulebook, now: datetime) -> None:
    """Let the heir of a report that was just withdrawn stand in for it, and all others point at that one.

    The withdrawn report points at it too: who follows it hears how it ends.
    """
    family = alike.duplicates_of(session, root.id)
    from_state, from_unit = heir.state, heir.unit_id
    change = duplicates.take_over(heir, left, book.calendar(heir.calendar_code), now)
    if change.lack is not None:
        log.error(
            "calendar lacks a year", calendar=change.lack.calendar_code, year=change.lack.year, report=str(heir.id)
        )
    heir.change(change.columns, now)
    step = change.step("took_over")
    entry_id = timeline.record(
        session, heir, step, by=timeline.SYSTEM, now=now, from_state=from_state, unit_id=from_unit
    )
    payload = {
        "report_id": str(heir.id),
        "entry_id": str(entry_id),
        "move": "took_over",
        "units": sorted({from_unit, heir.unit_id}),
    }
    outbox.emit(session, "report.moved", payload, at=now)
    for one in family:
        if one is not heir:
            _point(session, one, heir.id, now)
    root.original_id = heir.id


def _point(session: Session, duplicate: Report, root_id: UUID | None, now: datetime) -> None:
    duplicate.change({"original_id": root_id}, now)
    step = Step("original_moved", {"original": str(root_id)})
    timeline.record(session, duplicate, step, by=timeline.SYSTEM, now=now)
