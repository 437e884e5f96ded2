"""How a migration runs: as the owner, one at a time, one transaction each, never waiting long for a lock."""

import os

from alembic import context
from sqlalchemy import create_engine, text

import app.metadata
from geo.metadata import metadata

# Two starts at once (two machines, a test and a person) must not both migrate. The number is ours, for this only.
ADVISORY_LOCK = 7_205_117

# A migration that must wait for a lock holds up every request behind it: rather fail, and be run again.
LOCK_TIMEOUT = "4s"

assert app.metadata.TABLES  # noqa: S101 -- importing it fills the metadata


def ours(obj, name, kind, reflected, compare_to) -> bool:  # noqa: ANN001, ARG001 -- alembic's signature
    """PostGIS brings tables of its own; alembic must not want to drop them."""
    return not (kind == "table" and reflected and compare_to is None and name == "spatial_ref_sys")


def run() -> None:
    """Migrate under the advisory lock."""
    engine = create_engine(os.environ["HAIGIO_OWNER_DATABASE_URL"])
    with engine.connect() as connection:
        connection.execute(text("select pg_advisory_lock(:key)"), {"key": ADVISORY_LOCK})
        connection.execute(text("select set_config('lock_timeout', :ms, false)"), {"ms": LOCK_TIMEOUT})
        connection.commit()
        try:
            context.configure(
                connection=connection,
                target_metadata=metadata,
                include_object=ours,
                transaction_per_migration=True,
                compare_server_default=False,
            )
            with context.begin_transaction():
                context.run_migrations()
        finally:
            connection.rollback()
            connection.execute(text("select pg_advisory_unlock(:key)"), {"key": ADVISORY_LOCK})
            connection.commit()
    engine.dispose()


run()
