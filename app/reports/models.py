"""The report, its course, and what it may be about."""

from collections.abc import Mapping
from datetime import date, datetime
from typing import Any
from uuid import UUID

from geoalchemy2 import Geometry
from sqlalchemy import (
    ARRAY,
    BigInteger,
    Boolean,
    CheckConstraint,
    Computed,
    Date,
    DateTime,
    Double,
    ForeignKey,
    Identity,
    Index,
    Integer,
    LargeBinary,
    SmallInteger,
    Text,
    text,
)
from sqlalchemy import Uuid as UuidType
from sqlalchemy.dialects.postgresql import JSONB, ExcludeConstraint
from sqlalchemy.orm import Mapped, mapped_column

from app.core.db import Base

_IS_OPEN = text("state in ('received', 'accepted', 'on_site', 'awaiting_resident', 'contested')")
_IS_TRUE = text("outcome in ('recorded', 'remedied', 'gone')")


class Kind(Base):
    """A concrete violation, such as SW01, on days (half-open)."""

    __tablename__ = "kinds"
    __table_args__ = (
        CheckConstraint("field in ('sidewalk', 'environment', 'construction')", name="field"),
        CheckConstraint("valid_from < valid_to", name="days"),
        ExcludeConstraint(
            ("city_id", "="),
            ("code", "="),
            (text("daterange(valid_from, valid_to)"), "&&"),
            name="kinds_one_a_day",
            using="gist",
        ),
    )

    city_id: Mapped[int] = mapped_column(SmallInteger, ForeignKey("cities.id"), primary_key=True, autoincrement=False)
    code: Mapped[str] = mapped_column(Text, primary_key=True)
    field: Mapped[str] = mapped_column(Text)
    name_vi: Mapped[str] = mapped_column(Text)
    name_en: Mapped[str] = mapped_column(Text)
    photo_required: Mapped[bool] = mapped_column(Boolean)
    position: Mapped[int] = mapped_column(Integer)
    valid_from: Mapped[date] = mapped_column(Date, primary_key=True)
    valid_to: Mapped[date | None] = mapped_column(Date)


class LegalBasis(Base):
    """What a kind rests on, on days. Shown to people; no fine is ever computed from it."""

    __tablename__ = "legal_bases"
    __table_args__ = (
        CheckConstraint("valid_from < valid_to", name="days"),
        CheckConstraint("fine_min_vnd <= fine_max_vnd", name="fines"),
    )

    city_id: Mapped[int] = mapped_column(SmallInteger, ForeignKey("cities.id"), primary_key=True, autoincrement=False)
    kind_code: Mapped[str] = mapped_column(Text, primary_key=True)
    decree: Mapped[str] = mapped_column(Text, primary_key=True)
    article: Mapped[str] = mapped_column(Text, primary_key=True)
    fine_min_vnd: Mapped[int | None] = mapped_column(BigInteger)
    fine_max_vnd: Mapped[int | None] = mapped_column(BigInteger)
    valid_from: Mapped[date] = mapped_column(Date, primary_key=True)
    valid_to: Mapped[date | None] = mapped_column(Date)


class Body(Base):
    """A body outside this service that a case may be referred to."""

    __tablename__ = "bodies"

    city_id: Mapped[int] = mapped_column(SmallInteger, ForeignKey("cities.id"), primary_key=True, autoincrement=False)
    code: Mapped[str] = mapped_column(Text, primary_key=True)
    name_vi: Mapped[str] = mapped_column(Text)
    name_en: Mapped[str] = mapped_column(Text)


class Question(Base):
    """A question that residents ask, with its answer."""

    __tablename__ = "questions"

    city_id: Mapped[int] = mapped_column(SmallInteger, ForeignKey("cities.id"), primary_key=True, autoincrement=False)
    position: Mapped[int] = mapped_column(Integer, primary_key=True, autoincrement=False)
    question_vi: Mapped[str] = mapped_column(Text)
    question_en: Mapped[str] = mapped_column(Text)
    answer_vi: Mapped[str] = mapped_column(Text)
    answer_en: Mapped[str] = mapped_column(Text)


class RulebookRevision(Base):
    """One row, counted up by triggers whenever wards, units, kinds, bodies or targets change. See `rulebook.py`."""

    __tablename__ = "rulebook_revision"
    __table_args__ = (CheckConstraint("one", name="one"),)

    one: Mapped[bool] = mapped_column(Boolean, primary_key=True, server_default=text("true"))
    revision: Mapped[int] = mapped_column(BigInteger)


class ReportNumber(Base):
    """The last number given in a city in a month (its first local day)."""

    __tablename__ = "report_numbers"

    city_id: Mapped[int] = mapped_column(SmallInteger, ForeignKey("cities.id"), primary_key=True, autoincrement=False)
    month: Mapped[date] = mapped_column(Date, primary_key=True)
    last: Mapped[int] = mapped_column(Integer)


class Report(Base):
    """One message of one person, and how it ends. One report is one case."""

    __tablename__ = "reports"
    __table_args__ = (
        CheckConstraint("channel in ('app', 'web', 'assisted', 'hotline', 'open311', 'demo')", name="channel"),
        CheckConstraint("captured_mark in ('ahead', 'old')", name="captured_mark"),
        CheckConstraint(
            "state in ('received', 'accepted', 'on_site', 'awaiting_resident', 'concluded', 'contested', 'closed', 'withdrawn')",
            name="state",
        ),
        CheckConstraint(
            "outcome in ('recorded', 'remedied', 'gone', 'no_violation', 'unfounded', 'duplicate', 'referred', 'out_of_scope')",
            name="outcome",
        ),
        Index("reports_queue_idx", "unit_id", "due_at", "id", postgresql_where=_IS_OPEN),
        Index("reports_open_due_idx", "due_at", "id", postgresql_where=_IS_OPEN),
        Index("reports_unit_received_idx", "unit_id", "received_at", "id"),
        Index(
            "reports_desk_reviews_idx",
            "due_at",
            "id",
            postgresql_where=text("state = 'contested' and review_by_desk"),
        ),
        Index("reports_open_point_idx", "point", postgresql_using="gist", postgresql_where=_IS_OPEN),
        Index("reports_true_point_idx", "point", postgresql_using="gist", postgresql_where=_IS_TRUE),
        Index("reports_awaiting_idx", "stopped_at", postgresql_where=text("state = 'awaiting_resident'")),
        Index("reports_to_close_idx", "concluded_at", postgresql_where=text("state = 'concluded'")),
        Index(
            "reports_over_idx",
            "ended_at",
            postgresql_where=text("state in ('closed', 'withdrawn') and outcome is distinct from 'recorded'"),
        ),
        Index("reports_original_idx", "original_id", postgresql_where=text("original_id is not null")),
        Index("reports_filed_by_idx", "filed_by", postgresql_where=text("filed_by is not null")),
        CheckConstraint("warned between 0 and 3", name="warned"),
        Index(
            "reports_to_warn_idx",
            text("(rungs[warned + 1])"),
            postgresql_where=text(f"{_IS_OPEN} and stopped_at is null and warned < 3"),
        ),
        Index(
            "reports_rungs_astray_idx",
            "id",
            postgresql_where=text(f"{_IS_OPEN} and rungs[3] is distinct from due_at"),
        ),
    )

    id: Mapped[UUID] = mapped_column(UuidType, primary_key=True)
    city_id: Mapped[int] = mapped_column(SmallInteger, ForeignKey("cities.id"))
    number: Mapped[str] = mapped_column(Text, unique=True)
    channel: Mapped[str] = mapped_column(Text)
    filed_by: Mapped[UUID | None] = mapped_column(ForeignKey("people.id"))
    kind_code: Mapped[str] = mapped_column(Text)
    field: Mapped[str] = mapped_column(Text)
    lat: Mapped[float] = mapped_column(Double)
    lon: Mapped[float] = mapped_column(Double)
    point: Mapped[Any] = mapped_column(
        Geometry("POINT", srid=4326, spatial_index=False),
        Computed("st_setsrid(st_makepoint(lon, lat), 4326)", persisted=True),
        nullable=False,
        deferred=True,
    )
    accuracy_m: Mapped[float | None] = mapped_column(Double)
    address: Mapped[str | None] = mapped_column(Text)
    note: Mapped[str | None] = mapped_column(Text)
    captured_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
    captured_mark: Mapped[str | None] = mapped_column(Text)
    anonymous: Mapped[bool] = mapped_column(Boolean)
    urgent: Mapped[bool] = mapped_column(Boolean)
    about_unit: Mapped[bool] = mapped_column(Boolean)
    received_at: Mapped[datetime] = mapped_column(DateTime(timezone=True), index=True)
    ward_version_id: Mapped[int] = mapped_column(ForeignKey("ward_versions.id"))
    routing: Mapped[dict[str, Any]] = mapped_column(JSONB)

    unit_id: Mapped[int] = mapped_column(ForeignKey("units.id"))
    state: Mapped[str] = mapped_column(Text)
    target_s: Mapped[int] = mapped_column(Integer)
    due_at: Mapped[datetime] = mapped_column(DateTime(timezone=True))
    stopped_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
    stopped_s: Mapped[int] = mapped_column(Integer, server_default="0")
    first_response_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
    on_site_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
    concluded_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
    outcome: Mapped[str | None] = mapped_column(Text)
    ended_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
    calendar_code: Mapped[str | None] = mapped_column(Text)
    rungs: Mapped[list[datetime]] = mapped_column(ARRAY(DateTime(timezone=True)), server_default="{}")
    warned: Mapped[int] = mapped_column(SmallInteger, server_default="0")
    rungs_if_unanswered: Mapped[list[datetime] | None] = mapped_column(ARRAY(DateTime(timezone=True)))
    due_corrections: Mapped[int] = mapped_column(SmallInteger, server_default="0")

    assignee_id: Mapped[UUID | None] = mapped_column(ForeignKey("people.id"))
    concluded_by: Mapped[UUID | None] = mapped_column(ForeignKey("people.id"))
    original_id: Mapped[UUID | None] = mapped_column(ForeignKey("reports.id"))
    body_code: Mapped[str | None] = mapped_column(Text)
    late_reason: Mapped[str | None] = mapped_column(Text)
    left_state: Mapped[str | None] = mapped_column(Text)
    stopped_units: Mapped[list[int]] = mapped_column(ARRAY(Integer), server_default="{}")
    refusals: Mapped[int] = mapped_column(SmallInteger, server_default="0")
    contests: Mapped[int] = mapped_column(SmallInteger, server_default="0")
    review_by_desk: Mapped[bool] = mapped_column(Boolean, server_default="false")
    as_sent: Mapped[dict[str, Any] | None] = mapped_column(JSONB(none_as_null=True))
    overdue_unit_id: Mapped[int | None] = mapped_column(ForeignKey("units.id"))
    recurrence_of: Mapped[UUID | None] = mapped_column(ForeignKey("reports.id"))
    withheld: Mapped[bool] = mapped_column(Boolean, server_default="false")
    version: Mapped[int] = mapped_column(Integer, server_default="1")
    updated_at: Mapped[datetime] = mapped_column(DateTime(timezone=True))

    def change(self, columns: Mapping[str, Any], now: datetime) -> None:
        """Set columns of a locked report and count the change."""
        for column, value in columns.items():
            setattr(self, column, value)
        self.version += 1
        self.updated_at = now


class ReportAuthor(Base):
    """Who reported. Of an anonymous author only a keyed tag is kept, which nobody can turn back into a person."""

    __tablename__ = "report_authors"
    __table_args__ = (
        CheckConstraint("num_nonnulls(person_id, tag) = 1", name="one"),
        Index("report_authors_person_id_idx", "person_id", "report_id", postgresql_where=text("person_id is not null")),
        Index("report_authors_tag_idx", "tag", "report_id", postgresql_where=text("tag is not null")),
    )

    report_id: Mapped[UUID] = mapped_column(ForeignKey("reports.id"), primary_key=True)
    person_id: Mapped[UUID | None] = mapped_column(ForeignKey("people.id"))
    tag: Mapped[bytes | None] = mapped_column(LargeBinary)


class ReportFollower(Base):
    """Somebody who wants to hear how a report that is not theirs ends."""

    __tablename__ = "report_followers"

    report_id: Mapped[UUID] = mapped_column(ForeignKey("reports.id"), primary_key=True)
    person_id: Mapped[UUID] = mapped_column(ForeignKey("people.id"), primary_key=True, index=True)
    since: Mapped[datetime] = mapped_column(DateTime(timezone=True))


class TimelineEntry(Base):
    """One step in a report's course. Never changed. A resident's entries carry no person; staff's do."""

    __tablename__ = "timeline"
    __table_args__ = (
        CheckConstraint("shown_to in ('all', 'unit')", name="shown_to"),
        Index("timeline_entry_key", "report_id", "entry_id", unique=True),
        Index("timeline_nobody_on_duty_idx", "report_id", postgresql_where=text("type = 'nobody_on_duty'")),
    )

    report_id: Mapped[UUID] = mapped_column(ForeignKey("reports.id"), primary_key=True)
    id: Mapped[int] = mapped_column(BigInteger, Identity(always=True), primary_key=True)
    entry_id: Mapped[UUID] = mapped_column(UuidType)
    at: Mapped[datetime] = mapped_column(DateTime(timezone=True))
    done_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
    type: Mapped[str] = mapped_column(Text)
    by_role: Mapped[str] = mapped_column(Text)
    by_id: Mapped[UUID | None] = mapped_column(UuidType)
    unit_id: Mapped[int | None] = mapped_column(Integer)
    from_state: Mapped[str | None] = mapped_column(Text)
    to_state: Mapped[str | None] = mapped_column(Text)
    shown_to: Mapped[str] = mapped_column(Text)
    data: Mapped[dict[str, Any]] = mapped_column(JSONB)
    text_digest: Mapped[bytes | None] = mapped_column(LargeBinary)
    request_digest: Mapped[bytes | None] = mapped_column(LargeBinary)


class TimelineText(Base):
    """The free text of an entry, apart from it, so that it can be erased; the entry keeps its digest."""

    __tablename__ = "timeline_texts"

    report_id: Mapped[UUID] = mapped_column(UuidType, primary_key=True)
    entry_id: Mapped[UUID] = mapped_column(UuidType, primary_key=True)
    texts: Mapped[dict[str, str] | None] = mapped_column(JSONB(none_as_null=True))
    erased_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
