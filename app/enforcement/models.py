"""Sanction decisions: they come when they come, on their own legal clock."""

from datetime import date, datetime
from uuid import UUID

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Computed,
    Date,
    DateTime,
    ForeignKey,
    SmallInteger,
    Text,
    UniqueConstraint,
)
from sqlalchemy import Uuid as UuidType
from sqlalchemy.orm import Mapped, mapped_column

from app.core.db import Base


class Decision(Base):
    """One signed decision on a recorded case. Its number is unique in the unit and year that issued it."""

    __tablename__ = "decisions"
    __table_args__ = (
        CheckConstraint("fine_vnd between 0 and 100000000000", name="fine_vnd"),
        UniqueConstraint("unit_id", "decided_year", "number", name="decisions_number_key"),
    )

    id: Mapped[UUID] = mapped_column(UuidType, primary_key=True)
    report_id: Mapped[UUID] = mapped_column(ForeignKey("reports.id"), index=True)
    unit_id: Mapped[int] = mapped_column(ForeignKey("units.id"))
    number: Mapped[str] = mapped_column(Text)
    decided_on: Mapped[date] = mapped_column(Date)
    decided_year: Mapped[int] = mapped_column(SmallInteger, Computed("extract(year from decided_on)", persisted=True))
    fine_vnd: Mapped[int] = mapped_column(BigInteger)
    paid_on: Mapped[date | None] = mapped_column(Date)
    signed_by: Mapped[UUID | None] = mapped_column(ForeignKey("people.id"))
    entered_at: Mapped[datetime] = mapped_column(DateTime(timezone=True))
