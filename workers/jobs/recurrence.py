"""Whether a new report says that a violation is back."""

from typing import Any
from uuid import UUID

from app.core import clock, outbox
from app.reports import recurrence
from workers.context import context


def mark_recurrence(message_id: int, payload: dict[str, Any]) -> None:
    """Link the report `report_id` to the conclusion that it repeats, if there is one."""
    now = clock.now()
    with context().database.unit_of_work() as session:
        if outbox.done(session, message_id, at=now):
            recurrence.mark(session, UUID(payload["report_id"]))
