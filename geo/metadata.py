"""The one MetaData of the project, so that any table can point at a ward version."""

from sqlalchemy import MetaData
from sqlalchemy.orm import DeclarativeBase

# Names that PostgreSQL itself would give: a constraint met in psql, in a migration or in an error reads the same.
NAMING_CONVENTION = {
    "pk": "%(table_name)s_pkey",
    "fk": "%(table_name)s_%(column_0_N_name)s_fkey",
    "uq": "%(table_name)s_%(column_0_N_name)s_key",
    "ix": "%(table_name)s_%(column_0_N_name)s_idx",
    "ck": "%(table_name)s_%(constraint_name)s_check",
}

metadata = MetaData(naming_convention=NAMING_CONVENTION)


class Base(DeclarativeBase):
    """The base of the tables of `geo`; an application has its own base on the same `metadata`."""

    metadata = metadata
