"""People, how they sign in, and for which unit they act."""

from datetime import date, datetime, time
from typing import Any
from uuid import UUID

from sqlalchemy import (
    Boolean,
    CheckConstraint,
    Date,
    DateTime,
    ForeignKey,
    Identity,
    Index,
    Integer,
    LargeBinary,
    Text,
    Time,
)
from sqlalchemy import Uuid as UuidType
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from app.core.db import Base


class Person(Base):
    """Anybody who signs in. What makes them a resident or staff lies in a table of its own.

    `channels` and the quiet hours (local times, of which the second may be of the next day) are how they want to be
    told; empty, it is as usual and at any hour.
    """

    __tablename__ = "people"
    __table_args__ = (
        CheckConstraint("language in ('vi', 'en')", name="language"),
        CheckConstraint("num_nonnulls(quiet_from, quiet_to) <> 1 and quiet_from <> quiet_to", name="quiet"),
    )

    id: Mapped[UUID] = mapped_column(UuidType, primary_key=True)
    is_staff: Mapped[bool] = mapped_column(Boolean)
    language: Mapped[str] = mapped_column(Text, server_default="vi")
    channels: Mapped[list[Any]] = mapped_column(JSONB, server_default="[]")
    quiet_from: Mapped[time | None] = mapped_column(Time)
    quiet_to: Mapped[time | None] = mapped_column(Time)
    created_at: Mapped[datetime] = mapped_column(DateTime(timezone=True))
    disabled_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))


class Resident(Base):
    """The phone number of a resident, in E.164, and nothing else about them."""

    __tablename__ = "residents"

    person_id: Mapped[UUID] = mapped_column(ForeignKey("people.id"), primary_key=True)
    phone: Mapped[str] = mapped_column(Text, unique=True)


class Staff(Base):
    """A member of staff: the name colleagues see, and how they sign in."""

    __tablename__ = "staff"

    person_id: Mapped[UUID] = mapped_column(ForeignKey("people.id"), primary_key=True)
    username: Mapped[str] = mapped_column(Text, unique=True)
    name: Mapped[str] = mapped_column(Text)
    password_hash: Mapped[str] = mapped_column(Text)
    totp_secret: Mapped[str | None] = mapped_column(Text)
    email: Mapped[str | None] = mapped_column(Text)
    failures: Mapped[int] = mapped_column(Integer, server_default="0")
    locked_until: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))


class Consent(Base):
    """One consent, for one purpose, given at a time, withdrawn at another. Never assumed, never overwritten."""

    __tablename__ = "consents"

    person_id: Mapped[UUID] = mapped_column(ForeignKey("people.id"), primary_key=True)
    purpose: Mapped[str] = mapped_column(Text, primary_key=True)
    version: Mapped[str] = mapped_column(Text)
    given_at: Mapped[datetime] = mapped_column(DateTime(timezone=True), primary_key=True)
    withdrawn_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))


class Membership(Base):
    """A staff member acts for a unit, in a role, on days (half-open). City-wide roles name no unit."""

    __tablename__ = "memberships"
    __table_args__ = (
        CheckConstraint(
            "role in ('officer', 'chair', 'dispatcher', 'leader', 'admin', 'volunteer')",
            name="role",
        ),
        CheckConstraint("(role in ('officer', 'chair', 'dispatcher')) = (unit_id is not null)", name="unit"),
        CheckConstraint("valid_from < valid_to", name="days"),
    )

    id: Mapped[int] = mapped_column(Integer, Identity(always=True), primary_key=True)
    person_id: Mapped[UUID] = mapped_column(ForeignKey("people.id"), index=True)
    role: Mapped[str] = mapped_column(Text)
    unit_id: Mapped[int | None] = mapped_column(ForeignKey("units.id"), index=True)
    valid_from: Mapped[date] = mapped_column(Date)
    valid_to: Mapped[date | None] = mapped_column(Date)


class OtpChallenge(Base):
    """A one-time code asked for. The code itself is nowhere: it is derived from the id and a key."""

    __tablename__ = "otp_challenges"
    __table_args__ = (
        Index("otp_challenges_phone_idx", "phone", "created_at"),
        Index("otp_challenges_address_tag_idx", "address_tag", "created_at"),
    )

    id: Mapped[UUID] = mapped_column(UuidType, primary_key=True)
    phone: Mapped[str] = mapped_column(Text)
    address_tag: Mapped[bytes] = mapped_column(LargeBinary)
    created_at: Mapped[datetime] = mapped_column(DateTime(timezone=True))
    expires_at: Mapped[datetime] = mapped_column(DateTime(timezone=True))
    tries: Mapped[int] = mapped_column(Integer, server_default="0")
    used_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))


class SignIn(Base):
    """One signed-in device: what its access and refresh tokens belong to."""

    __tablename__ = "sessions"

    id: Mapped[UUID] = mapped_column(UuidType, primary_key=True)
    person_id: Mapped[UUID] = mapped_column(ForeignKey("people.id"), index=True)
    created_at: Mapped[datetime] = mapped_column(DateTime(timezone=True))
    ended_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
    # It ran out, and nobody ended it: whose phone it was is still told there, for a while.
    lapsed: Mapped[bool] = mapped_column(Boolean, server_default="false")


class RefreshToken(Base):
    """A refresh token, as its hash only. Good once; a second use that is no retry of the first ends the session."""

    __tablename__ = "refresh_tokens"

    token_hash: Mapped[bytes] = mapped_column(LargeBinary, primary_key=True)
    session_id: Mapped[UUID] = mapped_column(ForeignKey("sessions.id"), index=True)
    issued_at: Mapped[datetime] = mapped_column(DateTime(timezone=True))
    expires_at: Mapped[datetime] = mapped_column(DateTime(timezone=True), index=True)
    used_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
    attempt: Mapped[UUID | None] = mapped_column(UuidType)


class SignInFailure(Base):
    """A wrong password or code from one address, which is stored as a keyed tag."""

    __tablename__ = "sign_in_failures"
    __table_args__ = (Index("sign_in_failures_address_tag_idx", "address_tag", "at"),)
    # The table has no key of its own; the mapper needs one to name a row.
    __mapper_args__ = {"primary_key": ["address_tag", "at"]}  # noqa: RUF012 -- SQLAlchemy's own form

    address_tag: Mapped[bytes] = mapped_column(LargeBinary)
    at: Mapped[datetime] = mapped_column(DateTime(timezone=True))
