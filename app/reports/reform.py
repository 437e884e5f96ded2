"""When wards are redrawn: open cases of a unit that is no more go to the unit of the ward at their point (design 3.7).

The clock is untouched, and a report keeps the ward version it was received in. Until this has run the old unit keeps
its rights, so that no case is nobody's.
"""

from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from app.core import outbox
from app.reports import timeline
from app.reports.handling import moved_to
from app.reports.models import Report
from app.reports.rulebook import Rulebook
from app.reports.timeline import SYSTEM, Step
from app.reports.workflow import OPEN, State
from geo.errors import GeoError
from geo.validity import local_day

# What the old unit had begun, the new one has to accept; a question or a contest stays what it is.
BEGUN = frozenset({State.ACCEPTED, State.ON_SITE})


def rehome(session: Session, book: Rulebook, now: datetime, limit: int = 1000) -> int:
    """Give open cases of ended units to who acts at their point today, the desk where nobody does; return how many.

    Repeated with no effect: a case that was moved is held by a unit that acts.
    """
    day = local_day(now)
    ended = [unit_id for unit_id in book.units if not book.acts_on(unit_id, day)]
    if not ended:
        return 0
    stranded = session.scalars(
        select(Report)
        .where(Report.state.in_(sorted(OPEN)), Report.unit_id.in_(ended))
        .order_by(Report.due_at, Report.id)
        .limit(limit)
        .with_for_update(skip_locked=True)
    ).all()
    for report in stranded:
        _move(session, report, book, now)
    return len(stranded)


def _move(session: Session, report: Report, book: Rulebook, now: datetime) -> None:
    from_unit, from_state = report.unit_id, report.state
    columns = moved_to(report, _unit_at(report, book, now), now)
    if State(from_state) in BEGUN:
        columns["state"] = State.RECEIVED.value
    report.change(columns, now)
    data = {"from_unit": from_unit, "to_unit": report.unit_id}
    changed = from_state if report.state != from_state else None
    entry_id = timeline.record(
        session, report, Step("reform", data), by=SYSTEM, now=now, from_state=changed, unit_id=from_unit
    )
    units = sorted({from_unit, report.unit_id})
    payload = {"report_id": str(report.id), "entry_id": str(entry_id), "move": "reform", "units": units}
    outbox.emit(session, "report.moved", payload, at=now)


def _unit_at(report: Report, book: Rulebook, now: datetime) -> int:
    try:
        route = book.route(report.lat, report.lon, local_day(now), report.accuracy_m, about_unit=report.about_unit)
    except GeoError:  # no ward covers the point any more
        return book.desk.id
    return route.unit.id
