"""The decisions of reports."""

from collections.abc import Iterable, Mapping, Sequence
from uuid import UUID

from sqlalchemy import ColumnElement, and_, exists, select
from sqlalchemy.orm import Session

from app.enforcement.models import Decision
from app.reports.models import Report
from app.reports.workflow import Outcome

# Of a report: that the violation was recorded and no decision is entered yet.
UNDECIDED: ColumnElement[bool] = and_(
    Report.outcome == Outcome.RECORDED.value, ~exists().where(Decision.report_id == Report.id)
)


def of_reports(session: Session, report_ids: Iterable[UUID]) -> Mapping[UUID, Sequence[Decision]]:
    """The decisions of each report that has any, oldest first."""
    found: dict[UUID, list[Decision]] = {}
    wanted = select(Decision).where(Decision.report_id.in_(list(report_ids))).order_by(Decision.entered_at, Decision.id)
    for decision in session.scalars(wanted):
        found.setdefault(decision.report_id, []).append(decision)
    return found
