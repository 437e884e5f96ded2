"""Promises to the outside, written in the transaction of the change that made them.

`workers/relay.py` hands each row to the queue at least once; the job marks it done in the transaction of its effect.
What came to nothing for good is given up, and waits for a person (`dead_letters.py`). Rows that are done keep nothing
pointing at them, so that old ones can be dropped by the day.
"""

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy import (
    BigInteger,
    ColumnElement,
    DateTime,
    Identity,
    Index,
    Integer,
    Text,
    and_,
    column,
    delete,
    func,
    insert,
    nulls_first,
    or_,
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
        # What relays of the release before this one look at. It goes with the next release.
        Index("outbox_waiting_idx", nulls_first(column("sent_at")), "id", postgresql_where=text("done_at is null")),
        # What the relay looks at now, however much is to come or was given up.
        Index(
            "outbox_due_idx",
            nulls_first(column("sent_at")),
            "id",
            postgresql_where=text(
                "done_at is null and given_up_at is null and (not_before is null or sent_at is not null)"
            ),
        ),
        Index(
            "outbox_later_idx",
            "not_before",
            "id",
            postgresql_where=text(
                "done_at is null and given_up_at is null and sent_at is null and not_before is not null"
            ),
        ),
        Index(
            "outbox_given_up_idx",
            "given_up_at",
            "id",
            postgresql_where=text("done_at is null and given_up_at is not null"),
        ),
        # What is old enough to be forgotten.
        Index("outbox_done_idx", "done_at", postgresql_where=text("done_at is not null")),
    )

    id: Mapped[int] = mapped_column(BigInteger, Identity(always=True), primary_key=True)
    topic: Mapped[str] = mapped_column(Text)
    payload: Mapped[dict[str, Any]] = mapped_column(JSONB)
    at: Mapped[datetime] = mapped_column(DateTime(timezone=True))
    sent_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
    sends: Mapped[int] = mapped_column(Integer, server_default="0")
    done_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
    failed: Mapped[str | None] = mapped_column(Text)
    not_before: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
    given_up_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))


def emit(
    session: Session, topic: str, payload: dict[str, Any], *, at: datetime, not_before: datetime | None = None
) -> None:
    """Promise that whoever handles `topic` will be told, once this transaction is committed and not before `not_before`."""
    session.execute(insert(OutboxMessage).values(topic=topic, payload=payload, at=at, not_before=not_before))


def done(session: Session, message_id: int, *, at: datetime, failed: str | None = None) -> bool:
    """Mark a promise as kept. False when it was kept already: then the effect must not be repeated.

    Called first in a job's transaction, it locks the row, so that two runs of one job follow each other. `failed` says
    why nothing came of a promise that nobody needs to look after.
    """
    marked = session.execute(
        update(OutboxMessage)
        .where(OutboxMessage.id == message_id, OutboxMessage.done_at.is_(None))
        .values(done_at=at, failed=failed, given_up_at=None)
        .returning(OutboxMessage.id)
    )
    return marked.first() is not None


def give_up(session: Session, message_id: int, why: str, *, at: datetime) -> bool:
    """Stop trying to keep a promise: it waits for a person. False when it was kept or given up already.

    A job calls it in the place of `done` when it will never succeed. `why` is read by people and names nobody.
    """
    given_up = session.execute(
        update(OutboxMessage)
        .where(OutboxMessage.id == message_id, OutboxMessage.done_at.is_(None), OutboxMessage.given_up_at.is_(None))
        .values(given_up_at=at, failed=why)
        .returning(OutboxMessage.id)
    )
    return given_up.first() is not None


def put_off(session: Session, message_id: int, *, until: datetime) -> None:
    """Keep a promise later, not before `until`, as if it had not been handed over yet."""
    session.execute(
        update(OutboxMessage)
        .where(OutboxMessage.id == message_id, OutboxMessage.done_at.is_(None), OutboxMessage.given_up_at.is_(None))
        .values(sent_at=None, not_before=until, failed=None)
    )


# Each reads as the condition of one of the indexes above, or PostgreSQL would not use it.
_OPEN = and_(OutboxMessage.done_at.is_(None), OutboxMessage.given_up_at.is_(None))
_UNSENT = and_(_OPEN, OutboxMessage.sent_at.is_(None), OutboxMessage.not_before.is_(None))
_LATER = and_(_OPEN, OutboxMessage.sent_at.is_(None), OutboxMessage.not_before.is_not(None))
GIVEN_UP = and_(OutboxMessage.done_at.is_(None), OutboxMessage.given_up_at.is_not(None))
_DUE = and_(_OPEN, or_(OutboxMessage.not_before.is_(None), OutboxMessage.sent_at.is_not(None)))


def unsent(session: Session, topics: Collection[str], limit: int, *, now: datetime) -> Sequence[OutboxMessage]:
    """The oldest promises on `topics` that nobody was told of yet, locked; what another relay has locked is left to it.

    Those that had to wait for their time come after those that never had to.
    """
    due = (_UNSENT, OutboxMessage.id), (and_(_LATER, OutboxMessage.not_before <= now), OutboxMessage.not_before)
    found: list[OutboxMessage] = []
    for condition, order in due:
        if len(found) < limit:
            found += session.scalars(
                select(OutboxMessage)
                .where(condition, OutboxMessage.topic.in_(topics))
                .order_by(order, OutboxMessage.id)
                .limit(limit - len(found))
                .with_for_update(skip_locked=True)
            )
    return found


def outstanding(
    session: Session, *, before: datetime, after: tuple[datetime, int], limit: int
) -> Sequence[OutboxMessage]:
    """Promises sent until `before`, not kept and not given up, locked, in the order (sent_at, id) from `after` on."""
    place = tuple_(OutboxMessage.sent_at, OutboxMessage.id)
    return session.scalars(
        select(OutboxMessage)
        .where(_OPEN, OutboxMessage.sent_at <= before, place > after)
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


def mark_unneeded(session: Session, message_ids: Collection[int], *, at: datetime) -> None:
    """Mark promises as done that nobody wants kept."""
    session.execute(
        update(OutboxMessage)
        .where(OutboxMessage.id.in_(message_ids))
        .values(done_at=at)
        .execution_options(synchronize_session=False)
    )


def strangers(session: Session, topics: Collection[str]) -> dict[str, int]:
    """How many promises wait on topics other than `topics`, by topic, those to come included."""
    rows = session.execute(
        select(OutboxMessage.topic, func.count().label("number"))
        .where(or_(_UNSENT, _LATER), OutboxMessage.topic.not_in(topics))
        .group_by(OutboxMessage.topic)
    )
    return {row.topic: row.number for row in rows}


@dataclass(frozen=True, slots=True)
class Backlog:
    """How the outbox stands. Ages are in seconds, counted from when a promise was made, or from when it may be kept."""

    waiting: int  # to be kept by now, and not kept yet; what was given up is not among them
    oldest_s: float
    unsent: int  # of these: not handed to the queue yet
    oldest_unsent_s: float
    again: int  # of these: handed over more than once
    failed: int  # of these: the last attempt came to nothing
    later: int  # may not be kept yet
    given_up: int  # wait for a person
    by_topic: Mapping[str, int] = field(default_factory=dict)  # what waits


def backlog(session: Session, now: datetime) -> Backlog:
    """How the outbox stands at `now`."""
    since = func.greatest(OutboxMessage.at, OutboxMessage.not_before)
    unsent_too = OutboxMessage.sent_at.is_(None)
    columns = (
        OutboxMessage.topic,
        func.count(),
        func.min(since),
        func.count().filter(unsent_too),
        func.min(since).filter(unsent_too),
        func.count().filter(OutboxMessage.sends > 1),
        func.count(OutboxMessage.failed),
    )
    rows = [
        row
        for condition in (_DUE, and_(_LATER, OutboxMessage.not_before <= now))
        for row in session.execute(select(*columns).where(condition).group_by(OutboxMessage.topic))
    ]
    by_topic: Counter[str] = Counter()
    for row in rows:
        by_topic[row[0]] += row[1]
    later = _count(session, and_(_LATER, OutboxMessage.not_before > now))
    given_up = _count(session, GIVEN_UP)

    def total(place: int) -> int:
        return sum(row[place] for row in rows)

    def age(place: int) -> float:
        return max(((now - row[place]).total_seconds() for row in rows if row[place]), default=0.0)

    return Backlog(
        waiting=total(1),
        oldest_s=age(2),
        unsent=total(3),
        oldest_unsent_s=age(4),
        again=total(5),
        failed=total(6),
        later=later,
        given_up=given_up,
        by_topic=by_topic,
    )


def late(session: Session, topic: str, *, before: datetime) -> int:
    """How many promises on `topic` could have been kept since `before`, and are neither kept nor given up."""
    since = func.greatest(OutboxMessage.at, OutboxMessage.not_before)
    return sum(_count(session, and_(part, OutboxMessage.topic == topic, since < before)) for part in (_DUE, _LATER))


def _count(session: Session, condition: ColumnElement[bool]) -> int:
    return session.execute(select(func.count()).select_from(OutboxMessage).where(condition)).scalar_one()


def forget_done(session: Session, *, before: datetime, limit: int) -> int:
    """Delete the promises that were kept first, before `before`, at most `limit`; return how many."""
    old = select(OutboxMessage.id).where(OutboxMessage.done_at < before).order_by(OutboxMessage.done_at).limit(limit)
    gone = session.execute(
        delete(OutboxMessage)
        .where(OutboxMessage.id.in_(old.scalar_subquery()))
        .returning(OutboxMessage.id)
        .execution_options(synchronize_session=False)
    )
    return len(gone.all())
