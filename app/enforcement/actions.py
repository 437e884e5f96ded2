"""Entering sanction decisions: apart from the conclusion, by the chair, when they come."""

from dataclasses import dataclass
from datetime import date, datetime
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from app.core import audit, outbox
from app.core.db import new_id
from app.core.errors import Conflict, Invalid
from app.enforcement.models import Decision
from app.identity import permissions
from app.identity.permissions import Do
from app.reports import actions as reports
from app.reports import timeline
from app.reports.models import Report
from app.reports.timeline import Step
from app.reports.workflow import Outcome
from geo.validity import local_day


class CaseNotRecorded(Conflict):
    """A decision rests on a record of the violation."""

    code = "case_not_recorded"
    vi = "Chỉ nhập quyết định xử phạt cho tin đã lập biên bản vi phạm."
    en = "Only a recorded violation can have a sanction decision."


class DecisionNumberTaken(Conflict):
    """The unit has issued a decision with this number in that year already, and it says something else."""

    code = "decision_number_taken"
    vi = "Số quyết định “{number}” của đơn vị đã được dùng."
    en = "The unit has used decision number “{number}” already."


class DayNotPossible(Invalid):
    """A day before the report, after today, or in the wrong order."""

    code = "day_not_possible"
    vi = "Ngày không hợp lệ: phải từ ngày nhận tin đến hôm nay, và ngày nộp phạt không trước ngày quyết định."
    en = "Not a possible day: from receipt of the report to today, and paid on no day before the decision."


@dataclass(frozen=True)
class Entered:
    """What the chair wrote down. `fine_vnd` in đồng; 0 for a warning."""

    number: str
    decided_on: date
    fine_vnd: int
    paid_on: date | None = None


def can_have_decision(outcome: str | None) -> bool:
    """Whether a case with this outcome can: a decision rests on a record of the violation, which a contest undoes."""
    return outcome == Outcome.RECORDED.value


def enter(session: Session, report_id: UUID, entered: Entered, *, by: reports.Person, now: datetime) -> bool:
    """Enter a decision on a recorded case, or that one entered earlier was paid. True when it is new.

    The same again has no effect. A decision is never changed but for the day it was paid on.

    Raises ReportNotFound, NotPermitted, CaseNotRecorded, DecisionNumberTaken, DayNotPossible.
    """
    report, is_author, _ = reports.open_for(session, report_id, by, now=now)
    subject = reports.subject_of(report, is_author=is_author)
    permissions.require(by.actor, Do.DECIDE, subject)
    if not can_have_decision(report.outcome):
        raise CaseNotRecorded
    _check_days(report, entered, now)
    # The number is the unit's and the lock is on one report: of two cases entered at once under it, one gets it.
    written = session.execute(
        insert(Decision)
        .values(
            id=new_id(),
            report_id=report.id,
            unit_id=report.unit_id,
            number=entered.number,
            decided_on=entered.decided_on,
            fine_vnd=entered.fine_vnd,
            paid_on=entered.paid_on,
            signed_by=by.actor.person_id,
            entered_at=now,
        )
        .on_conflict_do_nothing(constraint="decisions_number_key")
        .returning(Decision.id)
    )
    if written.first() is None:
        known = session.execute(
            select(Decision)
            .where(
                Decision.unit_id == report.unit_id,
                Decision.number == entered.number,
                Decision.decided_year == entered.decided_on.year,
            )
            .with_for_update()
        ).scalar_one()
        return _again(session, report, known, entered, by=by, now=now)
    _trace(session, report, entered, "decision", by=by, now=now)
    return True


def _again(
    session: Session, report: Report, known: Decision, entered: Entered, *, by: reports.Person, now: datetime
) -> bool:
    said = (known.report_id, known.decided_on, known.fine_vnd)
    if said != (report.id, entered.decided_on, entered.fine_vnd):
        raise DecisionNumberTaken(at="number", number=entered.number)
    if entered.paid_on is None or entered.paid_on == known.paid_on:
        return False
    if known.paid_on is not None:
        raise DecisionNumberTaken(at="paid_on", number=entered.number)
    known.paid_on = entered.paid_on
    _trace(session, report, entered, "payment", by=by, now=now)
    return False


def _trace(
    session: Session, report: Report, entered: Entered, type_: str, *, by: reports.Person, now: datetime
) -> None:
    said = {
        "number": entered.number,
        "decided_on": entered.decided_on.isoformat(),
        "fine_vnd": entered.fine_vnd,
        "paid_on": entered.paid_on and entered.paid_on.isoformat(),
    }
    report.change({}, now)
    writer = timeline.Writer("chair", by.actor.person_id)
    timeline.record(session, report, Step(type_, said), by=writer, now=now)
    audit.record(
        session, by=by.actor.person_id, action=f"decision:{type_}", subject=f"report/{report.id}", at=now, data=said
    )
    payload = {"report_id": str(report.id), "number": entered.number, "units": [report.unit_id]}
    outbox.emit(session, "decision.entered", payload, at=now)


def _check_days(report: Report, entered: Entered, now: datetime) -> None:
    today = local_day(now)
    if not local_day(report.received_at) <= entered.decided_on <= today:
        raise DayNotPossible(at="decided_on")
    if entered.paid_on is not None and not entered.decided_on <= entered.paid_on <= today:
        raise DayNotPossible(at="paid_on")
