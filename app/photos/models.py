"""Photos: evidence of a report. How they come, what they look like to whom, what they say of themselves, how they go."""

from datetime import date, datetime
from typing import Any, cast
from uuid import UUID

from sqlalchemy import (
    ARRAY,
    REAL,
    BigInteger,
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
    text,
)
from sqlalchemy import Uuid as UuidType
from sqlalchemy.dialects.postgresql import JSONB, ExcludeConstraint
from sqlalchemy.orm import Mapped, mapped_column

from app.core.db import Base
from app.photos.regions import Region, What


def _of_photo() -> ForeignKeyConstraint:
    return ForeignKeyConstraint(["report_id", "sha256"], ["photos.report_id", "photos.sha256"])


class Photo(Base):
    """One photo (or video) of one report, named by the SHA-256 of its original bytes (64 lower-case hex digits).

    `awaited` when a report named it and the bytes are still to come, `received` when the original is durable,
    `ready` when the copies that people see exist, `refused` when no copy could be made (`refusal` says why), `kept`
    when there is nothing to show (a video), `erased` when its time was over and only this row is left of it.
    """

    __tablename__ = "photos"
    __table_args__ = (
        CheckConstraint("sha256 ~ '^[0-9a-f]{64}$'", name="sha256"),
        CheckConstraint("role in ('before', 'after')", name="role"),
        CheckConstraint("state in ('awaited', 'received', 'ready', 'refused', 'kept', 'erased')", name="state"),
        Index("photos_sha256_idx", "sha256"),
        Index(
            "photos_dhash_bands_idx",
            text("dhash_bands(dhash)"),  # four parts of it, of which near-same photos share one
            postgresql_using="gin",
            postgresql_where=text("dhash is not null"),
        ),
        Index("photos_to_erase_idx", "erased_at", postgresql_where=text("state = 'erased' and gone_at is null")),
    )

    report_id: Mapped[UUID] = mapped_column(ForeignKey("reports.id"), primary_key=True)
    sha256: Mapped[str] = mapped_column(Text, primary_key=True)
    role: Mapped[str] = mapped_column(Text)
    state: Mapped[str] = mapped_column(Text)
    media_type: Mapped[str | None] = mapped_column(Text)
    bytes: Mapped[int | None] = mapped_column(Integer)
    width: Mapped[int | None] = mapped_column(Integer)
    height: Mapped[int | None] = mapped_column(Integer)
    duration_ms: Mapped[int | None] = mapped_column(Integer)
    added_at: Mapped[datetime] = mapped_column(DateTime(timezone=True))
    received_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
    ready_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
    refusal: Mapped[str | None] = mapped_column(Text)
    dhash: Mapped[int | None] = mapped_column(BigInteger)
    placeholder: Mapped[str | None] = mapped_column(Text)
    hints: Mapped[dict[str, Any]] = mapped_column(JSONB, server_default="{}")
    blurred_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
    erased_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
    gone_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))


class Upload(Base):
    """A file on its way to a report: how many of its bytes are durable, and in which pieces. `metadata` as it was sent."""

    __tablename__ = "uploads"
    __table_args__ = (
        CheckConstraint("role in ('before', 'after')", name="role"),
        CheckConstraint("sha256 ~ '^[0-9a-f]{64}$'", name="sha256"),
        CheckConstraint("offset_bytes between 0 and length_bytes", name="bytes"),
        Index("uploads_report_id_idx", "report_id"),
        Index("uploads_expires_at_idx", "expires_at"),
    )

    id: Mapped[UUID] = mapped_column(UuidType, primary_key=True)
    report_id: Mapped[UUID] = mapped_column(ForeignKey("reports.id"))
    role: Mapped[str] = mapped_column(Text)
    sha256: Mapped[str] = mapped_column(Text)
    said: Mapped[str] = mapped_column("metadata", Text)
    length_bytes: Mapped[int] = mapped_column(Integer)
    offset_bytes: Mapped[int] = mapped_column(Integer, server_default="0")
    pieces: Mapped[list[str]] = mapped_column(ARRAY(Text), server_default="{}")
    created_at: Mapped[datetime] = mapped_column(DateTime(timezone=True))
    expires_at: Mapped[datetime] = mapped_column(DateTime(timezone=True))
    done_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))


class PhotoBlur(Base):
    """What is hidden from the public in a photo, in parts of the upright picture's width and height.

    Found by a detector (`score` says how sure it was) or added by an officer; one that was released hides nothing.
    """

    __tablename__ = "photo_blurs"
    __table_args__ = (
        CheckConstraint("what in ('face', 'plate', 'other')", name="what"),
        CheckConstraint(
            '"left" >= 0 and top >= 0 and width > 0 and height > 0 and "left" + width <= 1.0001 and top + height <= 1.0001',
            name="place",
        ),
        _of_photo(),
        Index("photo_blurs_photo_idx", "report_id", "sha256"),
    )

    id: Mapped[UUID] = mapped_column(UuidType, primary_key=True)
    report_id: Mapped[UUID] = mapped_column(UuidType)
    sha256: Mapped[str] = mapped_column(Text)
    what: Mapped[str] = mapped_column(Text)
    left: Mapped[float] = mapped_column(REAL)
    top: Mapped[float] = mapped_column(REAL)
    width: Mapped[float] = mapped_column(REAL)
    height: Mapped[float] = mapped_column(REAL)
    score: Mapped[float | None] = mapped_column(REAL)
    added_at: Mapped[datetime] = mapped_column(DateTime(timezone=True))
    added_by: Mapped[UUID | None] = mapped_column(ForeignKey("people.id"))
    released_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
    released_by: Mapped[UUID | None] = mapped_column(ForeignKey("people.id"))

    @property
    def region(self) -> Region:
        """The place alone."""
        return Region(cast("What", self.what), self.left, self.top, self.width, self.height, self.score)


class PhotoLook(Base):
    """Somebody of the unit asked to see a photo in full size; `opened_at` is when the link was first followed."""

    __tablename__ = "photo_looks"
    __table_args__ = (_of_photo(), Index("photo_looks_photo_idx", "report_id", "sha256"))

    id: Mapped[UUID] = mapped_column(UuidType, primary_key=True)
    report_id: Mapped[UUID] = mapped_column(UuidType)
    sha256: Mapped[str] = mapped_column(Text)
    person_id: Mapped[UUID] = mapped_column(ForeignKey("people.id"))
    at: Mapped[datetime] = mapped_column(DateTime(timezone=True))
    opened_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))


class RetentionPolicy(Base):
    """How many days after a report ended its photos are erased; None is never. `recorded`: with a record of a violation."""

    __tablename__ = "retention_policies"
    __table_args__ = (
        CheckConstraint("days between 1 and 36500", name="days"),
        CheckConstraint("valid_from < valid_to", name="valid"),
        ExcludeConstraint(
            ("city_id", "="),
            ("recorded", "="),
            (text("daterange(valid_from, valid_to)"), "&&"),
            name="retention_policies_one_a_day",
            using="gist",
        ),
    )

    id: Mapped[int] = mapped_column(Integer, Identity(always=True), primary_key=True)
    city_id: Mapped[int] = mapped_column(SmallInteger, ForeignKey("cities.id"))
    recorded: Mapped[bool] = mapped_column(Boolean)
    days: Mapped[int | None] = mapped_column(Integer)
    valid_from: Mapped[date] = mapped_column(Date)
    valid_to: Mapped[date | None] = mapped_column(Date)
