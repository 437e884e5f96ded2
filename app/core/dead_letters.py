"""Promises that were given up. A person reads them, and has each tried again or dropped; who did so is written down."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import select, tuple_
from sqlalchemy.orm import Session

from app.core import audit
from app.core.errors import NotFound
from app.core.outbox import GIVEN_UP, OutboxMessage


class DeadLetterNotFound(NotFound):
    """No promise with this number waits for a person: kept, dropped, tried again, or never made."""

    code = "dead_letter_not_found"
    vi = "Không có việc tồn đọng nào mang số {id}; có thể đã được gửi lại hoặc đã bỏ."
    en = "No dead letter has the number {id}; it may have been tried again or dropped."


def dead_letters(
    session: Session, limit: int, before: tuple[datetime, int] | None = None, *, topic: str | None = None
) -> Sequence[OutboxMessage]:
    """What waits for a person, given up last first; `before` is the (given_up_at, id) that a page before ended with."""
    found = select(OutboxMessage).where(GIVEN_UP)
    if before is not None:
        found = found.where(tuple_(OutboxMessage.given_up_at, OutboxMessage.id) < before)
    if topic is not None:
        found = found.where(OutboxMessage.topic == topic)
    return session.scalars(found.order_by(OutboxMessage.given_up_at.desc(), OutboxMessage.id.desc()).limit(limit)).all()


def retry(session: Session, message_id: int, *, at: datetime, by: UUID | None, terminal: str | None = None) -> None:
    """Have a promise that was given up tried again at once, as often as a new one.

    `by` is who wanted it; at a terminal nobody is signed in, and `terminal` is the account there.
    Raises DeadLetterNotFound.
    """
    message = _given_up(session, message_id)
    _record(session, "dead_letter:retry", message, at=at, by=by, terminal=terminal)
    message.sent_at = message.not_before = message.given_up_at = None
    message.sends = 0


def drop(session: Session, message_id: int, *, at: datetime, by: UUID | None, terminal: str | None = None) -> None:
    """Let a promise that was given up be: it counts as done, and still says why it failed. Raises DeadLetterNotFound."""
    message = _given_up(session, message_id)
    _record(session, "dead_letter:drop", message, at=at, by=by, terminal=terminal)
    message.done_at = at


def _given_up(session: Session, message_id: int) -> OutboxMessage:
    message = session.scalar(select(OutboxMessage).where(GIVEN_UP, OutboxMessage.id == message_id).with_for_update())
    if message is None:
        raise DeadLetterNotFound(id=message_id)
    return message


def _record(
    session: Session, action: str, message: OutboxMessage, *, at: datetime, by: UUID | None, terminal: str | None
) -> None:
    data: dict[str, Any] = {"topic": message.topic, "sends": message.sends, "failed": message.failed}
    if terminal is not None:
        data["terminal"] = terminal
    audit.record(session, by=by, action=action, subject=f"outbox/{message.id}", at=at, data=data)
