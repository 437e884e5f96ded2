"""How long a case may take, as dated rows."""

from datetime import datetime

from sqlalchemy import Boolean, CheckConstraint, DateTime, ForeignKey, Identity, Integer, SmallInteger, Text
from sqlalchemy.orm import Mapped, mapped_column

from app.core.db import Base


class TargetPolicy(Base):
    """Minutes for the cases that a row describes; empty members describe every case."""

    __tablename__ = "target_policies"
    __table_args__ = (
        CheckConstraint("minutes between 1 and 525600", name="minutes"),
        CheckConstraint("valid_from < valid_to", name="times"),
    )

    id: Mapped[int] = mapped_column(Integer, Identity(always=True), primary_key=True)
    city_id: Mapped[int] = mapped_column(SmallInteger, ForeignKey("cities.id"))
    field: Mapped[str | None] = mapped_column(Text)
    kind_code: Mapped[str | None] = mapped_column(Text)
    unit_id: Mapped[int | None] = mapped_column(ForeignKey("units.id"))
    urgent: Mapped[bool | None] = mapped_column(Boolean)
    minutes: Mapped[int] = mapped_column(Integer)
    valid_from: Mapped[datetime] = mapped_column(DateTime(timezone=True))
    valid_to: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
