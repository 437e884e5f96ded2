"""What happened to a case, told to whom it matters."""

from typing import Any
from uuid import UUID

from app.core import clock, outbox
from app.notifications import actions
from app.reports import recurrence
from workers.context import context


def take_in(message_id: int, payload: dict[str, Any]) -> None:
    """Link the new report `report_id` to the conclusion that it repeats, if there is one, and tell of it."""
    now, report_id = clock.now(), UUID(payload["report_id"])
    with context().database.unit_of_work() as session:
        if outbox.done(session, message_id, at=now):
            recurrence.mark(session, report_id)
            actions.tell_news(session, report_id, None, now)


def tell(message_id: int, payload: dict[str, Any]) -> None:
    """Tell of the entry `entry_id` of the report `report_id`: a move, or what changed no state."""
    now = clock.now()
    with context().database.unit_of_work() as session:
        if outbox.done(session, message_id, at=now):
            actions.tell_news(session, UUID(payload["report_id"]), UUID(payload["entry_id"]), now)


def warn(message_id: int, payload: dict[str, Any]) -> None:
    """Warn of a rung of the ladder that a case reached with the unit `unit_id`."""
    now = clock.now()
    with context().database.unit_of_work() as session:
        if outbox.done(session, message_id, at=now):
            actions.warn(session, UUID(payload["report_id"]), payload["unit_id"], payload["rung"], now)
