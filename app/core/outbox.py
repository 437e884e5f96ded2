"""Promises to the outside, written in the transaction of the change that made them.

`workers/relay.py` hands each row to the queue at least once; the job marks it done in the transaction of its effect.
Rows that are done keep nothing pointing at them, so that old ones can be dropped by the day.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
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
    delete,
    func,
    insert,
    nulls_first,
    select,
    text,
    tuple_,
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


def unsent(session: Session, topics: Collection[str], limit: int) -> Sequence[OutboxMessage]:
    """The oldest promises on `topics` that nobody was told of yet, locked; what another relay has locked is left to it."""
    return session.scalars(
        select(OutboxMessage)
        .where(OutboxMessage.done_at.is_(None), OutboxMessage.sent_at.is_(None), OutboxMessage.topic.in_(topics))
        .order_by(OutboxMessage.id)
        .limit(limit)
        .with_for_update(skip_locked=True)
    ).all()


def outstanding(
    session: Session, *, before: datetime, after: tuple[datetime, int], limit: int
) -> Sequence[OutboxMessage]:
    """Promises sent until `before` and not kept, locked, in the order (sent_at, id) from `after` on."""
    place = tuple_(OutboxMessage.sent_at, OutboxMessage.id)
    return session.scalars(
        select(OutboxMessage)
        .where(OutboxMessage.done_at.is_(None), OutboxMessage.sent_at <= before, place > after)
        .order_by(OutboxMessage.sent_at, OutboxMessage.id)
        .limit(limit)
        .with_for_update(skip_locked=True)
    ).all()


def mark_sent(session: Session, message_ids: Collection[int], *, at: datetime) -> None:
    """Note that these promises were handed to the queue once more."""
    session.execute(
        update(OutboxMessage)
        .where(OutboxMessage.id.in_(message_ids))
        .values(sent_at=at, sends=OutboxMessage.sends + 1)
        .execution_options(synchronize_session=False)
    )


def drop_topics(session: Session, topics: Collection[str], *, at: datetime, limit: int) -> int:
    """Mark as done the promises on `topics`, which nobody needs; return how many there were, at most `limit`."""
    if not topics:
        return 0
    waiting = (
        select(OutboxMessage.id)
        .where(OutboxMessage.done_at.is_(None), OutboxMessage.sent_at.is_(None), OutboxMessage.topic.in_(topics))
        .order_by(OutboxMessage.id)
        .limit(limit)
        .with_for_update(skip_locked=True)
    )
    dropped = session.execute(
        update(OutboxMessage)
        .where(OutboxMessage.id.in_(waiting.scalar_subquery()))
        .values(done_at=at)
        .returning(OutboxMessage.id)
        .execution_options(synchronize_session=False)
    )
    return len(dropped.all())


def strangers(session: Session, topics: Collection[str]) -> dict[str, int]:
    """How many promises wait on topics other than `topics`, by topic."""
    rows = session.execute(
        select(OutboxMessage.topic, func.count().label("number"))
        .where(OutboxMessage.done_at.is_(None), OutboxMessage.sent_at.is_(None), OutboxMessage.topic.not_in(topics))
        .group_by(OutboxMessage.topic)
    )
    return {row.topic: row.number for row in rows}


@dataclass(frozen=True, slots=True)
class Backlog:
    """How the outbox stands: promises not kept yet, the age in seconds of the oldest, and how many of them failed."""

    waiting: int
    oldest_s: float
    failed: int


def backlog(session: Session, now: datetime) -> Backlog:
    """How the outbox stands at `now`."""
    waiting, oldest, failed = session.execute(
        select(func.count(), func.min(OutboxMessage.at), func.count(OutboxMessage.failed)).where(
            OutboxMessage.done_at.is_(None)
        )
    ).one()
    return Backlog(waiting, (now - oldest).total_seconds() if oldest else 0.0, failed)


def forget_done(session: Session, *, before: datetime, limit: int) -> int:
    """Delete the oldest promises that were kept before `before`, at most `limit`; return how many."""
    old = select(OutboxMessage.id).where(OutboxMessage.done_at < before).order_by(OutboxMessage.id).limit(limit)
    gone = session.execute(
        delete(OutboxMessage)
        .where(OutboxMessage.id.in_(old.scalar_subquery()))
        .returning(OutboxMessage.id)
        .execution_options(synchronize_session=False)
    )
    return len(gone.all())
