"""How long a case may take, when time counts, and who is on duty: all as dated rows."""

from datetime import date, datetime, time
from typing import Any
from uuid import UUID

from sqlalchemy import (
    ARRAY,
    Boolean,
    CheckConstraint,
    Date,
    DateTime,
    ForeignKey,
    ForeignKeyConstraint,
    Identity,
    Index,
    Integer,
    SmallInteger,
    Text,
    Time,
)
from sqlalchemy import Uuid as UuidType
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from app.core.db import Base


class WorkCalendar(Base):
    """Opening hours by weekday (`{"1": ["07:30-11:30"]}`). They never change: new hours are another calendar."""

    __tablename__ = "calendars"

    city_id: Mapped[int] = mapped_column(SmallInteger, ForeignKey("cities.id"), primary_key=True)
    code: Mapped[str] = mapped_column(Text, primary_key=True)
    name_vi: Mapped[str] = mapped_column(Text)
    name_en: Mapped[str] = mapped_column(Text)
    hours: Mapped[dict[str, Any]] = mapped_column(JSONB)


class CalendarYear(Base):
    """A year whose holidays were brought in, and how sure they are."""

    __tablename__ = "calendar_years"
    __table_args__ = (CheckConstraint("year between 2020 and 2100", name="year"),)

    city_id: Mapped[int] = mapped_column(SmallInteger, ForeignKey("cities.id"), primary_key=True)
    year: Mapped[int] = mapped_column(SmallInteger, primary_key=True)
    source: Mapped[str] = mapped_column(Text)
    loaded_at: Mapped[datetime] = mapped_column(DateTime(timezone=True))


class Holiday(Base):
    """A day without work, or a make-up day with the hours of another weekday."""

    __tablename__ = "holidays"
    __table_args__ = (
        CheckConstraint("kind in ('off', 'working')", name="kind"),
        CheckConstraint("like_weekday between 1 and 7", name="like_weekday"),
        CheckConstraint("(kind = 'working') = (like_weekday is not null)", name="hours"),
    )

    city_id: Mapped[int] = mapped_column(SmallInteger, ForeignKey("cities.id"), primary_key=True)
    day: Mapped[date] = mapped_column(Date, primary_key=True)
    kind: Mapped[str] = mapped_column(Text)
    like_weekday: Mapped[int | None] = mapped_column(SmallInteger)
    name_vi: Mapped[str] = mapped_column(Text)
    name_en: Mapped[str] = mapped_column(Text)


class TargetPolicy(Base):
    """Minutes for the cases that a row describes; empty members describe every case. Without a calendar, of any time."""

    __tablename__ = "target_policies"
    __table_args__ = (
        CheckConstraint("minutes between 1 and 525600", name="minutes"),
        CheckConstraint("valid_from < valid_to", name="times"),
        ForeignKeyConstraint(
            ["city_id", "calendar_code"],
            ["calendars.city_id", "calendars.code"],
            name="target_policies_calendar_fkey",
        ),
    )

    id: Mapped[int] = mapped_column(Integer, Identity(always=True), primary_key=True)
    city_id: Mapped[int] = mapped_column(SmallInteger, ForeignKey("cities.id"))
    field: Mapped[str | None] = mapped_column(Text)
    kind_code: Mapped[str | None] = mapped_column(Text)
    unit_id: Mapped[int | None] = mapped_column(ForeignKey("units.id"))
    urgent: Mapped[bool | None] = mapped_column(Boolean)
    minutes: Mapped[int] = mapped_column(Integer)
    calendar_code: Mapped[str | None] = mapped_column(Text)
    valid_from: Mapped[datetime] = mapped_column(DateTime(timezone=True))
    valid_to: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))


class DutyShift(Base):
    """A person is on duty in a unit on weekdays of a period of days; over midnight when it ends no later than it starts."""

    __tablename__ = "duty_shifts"
    __table_args__ = (
        CheckConstraint("cardinality(weekdays) between 1 and 7 and weekdays <@ '{1,2,3,4,5,6,7}'", name="weekdays"),
        CheckConstraint("valid_from < valid_to", name="days"),
        Index("duty_shifts_unit_id_idx", "unit_id", "valid_from"),
    )

    id: Mapped[int] = mapped_column(Integer, Identity(always=True), primary_key=True)
    unit_id: Mapped[int] = mapped_column(ForeignKey("units.id"))
    person_id: Mapped[UUID] = mapped_column(UuidType, ForeignKey("people.id"), index=True)
    weekdays: Mapped[list[int]] = mapped_column(ARRAY(SmallInteger))
    starts: Mapped[time] = mapped_column(Time)
    ends: Mapped[time] = mapped_column(Time)
    valid_from: Mapped[date] = mapped_column(Date)
    valid_to: Mapped[date | None] = mapped_column(Date)
