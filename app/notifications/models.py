"""What people are told, where it can reach them, and who else listens."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import (
    ARRAY,
    CheckConstraint,
    DateTime,
    ForeignKey,
    Index,
    LargeBinary,
    SmallInteger,
    Text,
    text,
)
from sqlalchemy import Uuid as UuidType
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from app.core.db import Base

_OF_A_PERSON = text("person_id is not null")
_OF_A_TAG = text("tag is not null")


class Notification(Base):
    """One thing that somebody was told: an entry of their inbox. Its words are made when it is read.

    `topic` is a name of `news.py`; `key` tells a repetition; `data` holds ids and facts, never what somebody wrote.
    """

    __tablename__ = "notifications"
    __table_args__ = (
        CheckConstraint("num_nonnulls(person_id, tag) = 1", name="one"),
        Index("notifications_person_key", "person_id", "key", unique=True, postgresql_where=_OF_A_PERSON),
        Index("notifications_tag_key", "tag", "key", unique=True, postgresql_where=_OF_A_TAG),
        Index("notifications_person_idx", "person_id", "at", "id", postgresql_where=_OF_A_PERSON),
        Index("notifications_tag_idx", "tag", "at", "id", postgresql_where=_OF_A_TAG),
    )

    id: Mapped[UUID] = mapped_column(UuidType, primary_key=True)
    person_id: Mapped[UUID | None] = mapped_column(ForeignKey("people.id"))
    tag: Mapped[bytes | None] = mapped_column(LargeBinary)
    key: Mapped[str] = mapped_column(Text)
    topic: Mapped[str] = mapped_column(Text)
    report_id: Mapped[UUID | None] = mapped_column(ForeignKey("reports.id"))
    entry_id: Mapped[UUID | None] = mapped_column(UuidType)
    data: Mapped[dict[str, Any]] = mapped_column(JSONB)
    at: Mapped[datetime] = mapped_column(DateTime(timezone=True))
    read_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))


class Device(Base):
    """A phone or browser that can be reached, for whoever registered it last, as long as that sign-in lives."""

    __tablename__ = "devices"
    __table_args__ = (CheckConstraint("platform in ('web', 'fcm', 'apns')", name="platform"),)

    id: Mapped[UUID] = mapped_column(UuidType, primary_key=True)
    person_id: Mapped[UUID] = mapped_column(ForeignKey("people.id"), index=True)
    session_id: Mapped[UUID] = mapped_column(ForeignKey("sessions.id"), index=True)
    platform: Mapped[str] = mapped_column(Text)
    token: Mapped[str] = mapped_column(Text)
    token_hash: Mapped[bytes] = mapped_column(LargeBinary, unique=True)
    app_version: Mapped[str | None] = mapped_column(Text)
    added_at: Mapped[datetime] = mapped_column(DateTime(timezone=True))
    seen_at: Mapped[datetime] = mapped_column(DateTime(timezone=True))


class Webhook(Base):
    """A service of somebody else's that is told of cases by number and state: of one unit, or of all."""

    __tablename__ = "webhooks"

    id: Mapped[UUID] = mapped_column(UuidType, primary_key=True)
    url: Mapped[str] = mapped_column(Text)
    topics: Mapped[list[str]] = mapped_column(ARRAY(Text))
    unit_id: Mapped[int | None] = mapped_column(ForeignKey("units.id"))
    created_by: Mapped[UUID | None] = mapped_column(ForeignKey("people.id"))
    created_at: Mapped[datetime] = mapped_column(DateTime(timezone=True))
    disabled_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))


class Digest(Base):
    """That the leaders of a city were told at an instant (`until`) that these cases are overdue; one in an hour."""

    __tablename__ = "digests"

    city_id: Mapped[int] = mapped_column(SmallInteger, ForeignKey("cities.id"), primary_key=True, autoincrement=False)
    hour: Mapped[datetime] = mapped_column(DateTime(timezone=True), primary_key=True)
    until: Mapped[datetime] = mapped_column(DateTime(timezone=True))
    reports: Mapped[list[UUID]] = mapped_column(ARRAY(UuidType), server_default="{}")
