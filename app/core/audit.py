"""Who did what to anything that is not a report's own course (that is the timeline). Insert-only by privilege."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import BigInteger, DateTime, Identity, Index, Text, Uuid, insert
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, Session, mapped_column

from app.core.db import Base


class AuditEntry(Base):
    """One act. `action` reads subject:verb, as in `session:open`; `data` holds facts, never secrets or free text."""

    __tablename__ = "audit"
    __table_args__ = (Index("audit_subject_idx", "subject", "id"),)

    id: Mapped[int] = mapped_column(BigInteger, Identity(always=True), primary_key=True)
    at: Mapped[datetime] = mapped_column(DateTime(timezone=True))
    actor_id: Mapped[UUID | None] = mapped_column(Uuid)
    action: Mapped[str] = mapped_column(Text)
    subject: Mapped[str] = mapped_column(Text)
    data: Mapped[dict[str, Any]] = mapped_column(JSONB)


def record(
    session: Session, *, by: UUID | None, action: str, subject: str, at: datetime, data: dict[str, Any] | None = None
) -> None:
    """Leave a trace of `action` on `subject` by a person, or by the system when `by` is None."""
    session.execute(insert(AuditEntry).values(actor_id=by, action=action, subject=subject, at=at, data=data or {}))
