"""Units: who acts."""

from sqlalchemy import CheckConstraint, ForeignKey, Identity, Index, Integer, SmallInteger, Text, text
from sqlalchemy.orm import Mapped, mapped_column

from app.core.db import Base


class Unit(Base):
    """Who acts: a ward's team, a special team, or the city's desk. Authority hangs here, not on the ward."""

    __tablename__ = "units"
    __table_args__ = (
        CheckConstraint("kind in ('ward', 'team', 'desk')", name="kind"),
        Index("units_one_desk_key", "city_id", unique=True, postgresql_where=text("kind = 'desk'")),
    )

    id: Mapped[int] = mapped_column(Integer, Identity(always=True), primary_key=True)
    city_id: Mapped[int] = mapped_column(SmallInteger, ForeignKey("cities.id"))
    kind: Mapped[str] = mapped_column(Text)
    code: Mapped[str] = mapped_column(Text)
    name: Mapped[str] = mapped_column(Text)


class UnitCoverage(Base):
    """Which unit acts in a ward version. A unit covers several when a ward is redrawn and stays the same body."""

    __tablename__ = "unit_coverage"

    ward_version_id: Mapped[int] = mapped_column(ForeignKey("ward_versions.id"), primary_key=True, autoincrement=False)
    unit_id: Mapped[int] = mapped_column(ForeignKey("units.id"), index=True)
