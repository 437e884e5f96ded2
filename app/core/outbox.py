"""Promises to the outside, written in the transaction of the change that made them.

`workers/relay.py` hands each row to the queue at least once; the job marks it done in the transaction of its effect.
Rows that are done keep nothing pointing at them, so that old ones can be dropped by the day.
"""

from datetime import datetime
from typing import Any

from sqlalchemy import (
    BigInteger,
    DateTime,
    Identity,
    Index,
    Integer,
    Text,
    column,
    func,
    insert,
    nulls_first,
    text,
    update,
)
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, Session, mapped_column

from app.core.db import Base


class OutboxMessage(Base):
    """One promise: what happened (`topic`), about what (`payload`, ids only, never personal data or secrets)."""

    __tablename__ = "outbox"
    __table_args__ = (
        Index("outbox_waiting_idx", nulls_first(column("sent_at")), "id", postgresql_where=text("done_at is null")),
    )

    id: Mapped[int] = mapped_column(BigInteger, Identity(always=True), primary_key=True)
    topic: Mapped[str] = mapped_column(Text)
    payload: Mapped[dict[str, Any]] = mapped_column(JSONB)
    at: Mapped[datetime] = mapped_column(DateTime(timezone=True))
    sent_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
    sends: Mapped[int] = mapped_column(Integer, server_default="0")
    done_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
    failed: Mapped[str | None] = mapped_column(Text)


def emit(session: Session, topic: str, payload: dict[str, Any], *, at: datetime) -> None:
    """Promise that whoever handles `topic` will be told, once this transaction is committed."""
    session.execute(insert(OutboxMessage).values(topic=topic, payload=payload, at=at))


def done(session: Session, message_id: int, *, at: datetime) -> bool:
    """Mark a promise as kept. False when it was kept already: then the effect must not be repeated.

    Called first in a job's transaction, it locks the row, so that two runs of one job follow each other.
    """
    marked = session.execute(
        update(OutboxMessage)
        .where(OutboxMessage.id == message_id, OutboxMessage.done_at.is_(None))
        .values(done_at=func.coalesce(OutboxMessage.done_at, at), failed=None)
        .returning(OutboxMessage.id)
    )
    return marked.first() is not None
