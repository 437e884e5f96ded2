"""Cities, ward versions in time, and what became of a ward.

A ward's code is used again for other wards: only the version (code and days) says which place is meant.
"""

from collections.abc import Sequence
from datetime import date, datetime

import shapely
from geoalchemy2 import Geometry, WKBElement
from sqlalchemy import (
    CheckConstraint,
    ColumnElement,
    Date,
    DateTime,
    Double,
    ForeignKey,
    Identity,
    SmallInteger,
    Text,
    and_,
    func,
    or_,
    select,
    text,
)
from sqlalchemy.dialects.postgresql import JSONB, REAL, ExcludeConstraint
from sqlalchemy.orm import Mapped, Session, mapped_column

from geo.coordinates import SRID
from geo.index import WardIndex, WardRef
from geo.metadata import Base
from geo.validity import Days


class City(Base):
    """A city that the service works for; `number_prefix` begins the numbers of its reports (BT-2611-0047)."""

    __tablename__ = "cities"

    id: Mapped[int] = mapped_column(SmallInteger, primary_key=True, autoincrement=False)
    code: Mapped[str] = mapped_column(Text, unique=True)
    name: Mapped[str] = mapped_column(Text)
    number_prefix: Mapped[str] = mapped_column(Text)


class WardImport(Base):
    """A boundary file that changed something. The highest id is the revision of the boundaries."""

    __tablename__ = "ward_imports"

    id: Mapped[int] = mapped_column(Identity(always=True), primary_key=True)
    at: Mapped[datetime] = mapped_column(DateTime(timezone=True))
    file: Mapped[str] = mapped_column(Text)
    sha256: Mapped[str] = mapped_column(Text)
    summary: Mapped[dict[str, object]] = mapped_column(JSONB)


class WardVersion(Base):
    """One ward with one boundary, from `valid_from` until the day before `valid_to` (None: unbounded).

    Written once by the importer; afterwards only an open `valid_to` is ever set. `area_m2` is on the ellipsoid.
    """

    __tablename__ = "ward_versions"

    id: Mapped[int] = mapped_column(Identity(always=True), primary_key=True)
    city_id: Mapped[int] = mapped_column(SmallInteger, ForeignKey("cities.id"))
    code: Mapped[str] = mapped_column(Text)
    name: Mapped[str] = mapped_column(Text)
    type: Mapped[str] = mapped_column(Text)
    parent: Mapped[str | None] = mapped_column(Text)
    parent_code: Mapped[str | None] = mapped_column(Text)
    valid_from: Mapped[date | None] = mapped_column(Date)
    valid_to: Mapped[date | None] = mapped_column(Date)
    geom: Mapped[WKBElement] = mapped_column(Geometry("MULTIPOLYGON", srid=SRID, spatial_index=False))
    area_m2: Mapped[float] = mapped_column(Double)
    source: Mapped[str | None] = mapped_column(Text)
    note: Mapped[str | None] = mapped_column(Text)
    import_id: Mapped[int] = mapped_column(ForeignKey("ward_imports.id"))

    __table_args__ = (
        CheckConstraint("valid_from < valid_to", name="days"),
        ExcludeConstraint(
            ("city_id", "="),
            ("code", "="),
            (text("daterange(valid_from, valid_to)"), "&&"),
            name="ward_versions_one_a_day",
            using="gist",
        ),
    )

    @property
    def days(self) -> Days:
        """The days on which this version is valid."""
        return Days(self.valid_from, self.valid_to)


class WardSuccession(Base):
    """Ground that passed from one ward version to the next: `share` of the predecessor's area lies in the successor."""

    __tablename__ = "ward_successions"

    predecessor_id: Mapped[int] = mapped_column(ForeignKey("ward_versions.id"), primary_key=True)
    successor_id: Mapped[int] = mapped_column(ForeignKey("ward_versions.id"), primary_key=True)
    share: Mapped[float] = mapped_column(REAL)


def revision(session: Session) -> int:
    """The number of the boundaries as they stand: it grows with every import that changed something, 0 without any."""
    return session.scalar(select(func.coalesce(func.max(WardImport.id), 0))) or 0


def versions_on(session: Session, day: date, city_id: int | None = None) -> Sequence[WardVersion]:
    """The ward versions valid on a local day, in the order of their codes; of one city, or of all."""
    wanted = select(WardVersion).where(valid_on(day)).order_by(WardVersion.code, WardVersion.city_id)
    if city_id is not None:
        wanted = wanted.where(WardVersion.city_id == city_id)
    return session.scalars(wanted).all()


def valid_on(day: date) -> ColumnElement[bool]:
    """The condition that a ward version is valid on a local day, for any query that joins `WardVersion`."""
    return and_(
        or_(WardVersion.valid_from.is_(None), WardVersion.valid_from <= day),
        or_(WardVersion.valid_to.is_(None), WardVersion.valid_to > day),
    )


def successors(session: Session, version_id: int) -> Sequence[tuple[WardVersion, float]]:
    """What became of a ward version: the versions that took its ground, largest share of its area first."""
    found = session.execute(
        select(WardVersion, WardSuccession.share)
        .join(WardSuccession, WardSuccession.successor_id == WardVersion.id)
        .where(WardSuccession.predecessor_id == version_id)
        .order_by(WardSuccession.share.desc(), WardVersion.code)
    )
    return [(version, share) for version, share in found]


def predecessors(session: Session, version_id: int) -> Sequence[tuple[WardVersion, float]]:
    """What a ward version was made of: each predecessor with the share of *its* area that came here, largest first."""
    found = session.execute(
        select(WardVersion, WardSuccession.share)
        .join(WardSuccession, WardSuccession.predecessor_id == WardVersion.id)
        .where(WardSuccession.successor_id == version_id)
        .order_by(WardSuccession.share.desc(), WardVersion.code)
    )
    return [(version, share) for version, share in found]


def load_index(session: Session) -> WardIndex:
    """Read all ward versions into an index."""
    # The revision is read first: should an import end in between, the index is newer than it says and is only
    # loaded once more, never kept although it is out of date.
    number = revision(session)
    rows = session.execute(
        select(
            WardVersion.id,
            WardVersion.code,
            WardVersion.name,
            WardVersion.type,
            WardVersion.city_id,
            WardVersion.valid_from,
            WardVersion.valid_to,
            func.ST_AsBinary(WardVersion.geom),
        )
    ).all()
    polygons = shapely.from_wkb([bytes(row[-1]) for row in rows])
    return WardIndex(((WardRef(*row[:-1]), polygon) for row, polygon in zip(rows, polygons, strict=True)), number)
