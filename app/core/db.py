"""The database: one engine a process, one unit of work a request or job."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from time import monotonic
from typing import Final
from uuid import UUID

from sqlalchemy import create_engine, text
from sqlalchemy.orm import DeclarativeBase, Session, sessionmaker
from uuid_utils import uuid7

from app.core import clock
from app.core.keepalive import KEEPALIVE
from geo.metadata import metadata as shared_metadata

# How often a process compares its clock with the database's, in seconds.
COMPARE_EVERY_S: Final = 30.0


def new_id() -> UUID:
    """A fresh identifier: UUIDv7 (RFC 9562), so that keys made one after another lie side by side in an index."""
    return UUID(int=uuid7().int)


class Base(DeclarativeBase):
    """Base of the app's tables. It shares geo's MetaData, so that a report can point at a ward version."""

    metadata = shared_metadata


class Database:
    """The engine of a process and the way to open a unit of work on it."""

    def __init__(self, url: str, *, pool_size: int = 5, statement_timeout_s: int = 30) -> None:
        self.engine = create_engine(
            url,
            pool_size=pool_size,
            max_overflow=pool_size,
            # A restarted server leaves dead connections in the pool; one refused request finds all of them out.
            pool_pre_ping=False,
            pool_recycle=1800,
            pool_timeout=5,
            # What people wrote is in the parameters, and an error's text ends in a log.
            hide_parameters=True,
            connect_args={
                "options": f"-c statement_timeout={statement_timeout_s}s -c timezone=UTC -c application_name=haigio",
                "connect_timeout": 5,
                **KEEPALIVE,
            },
        )
        self.sessions = sessionmaker(self.engine, expire_on_commit=False)
        self._compare_at = 0.0

    @contextmanager
    def unit_of_work(self) -> Iterator[Session]:
        """One transaction: committed when the block ends, rolled back when it raises.

        Who has to wait long for somebody outside may commit before and go on: the connection is free meanwhile.
        Raises ClockWrong, before anything is done, while this machine's clock is not the database's: whatever time it
        would write is measured against those of other machines. Told apart at the first time, then twice a minute.
        """
        with self.sessions() as session:  # closing rolls back what is not committed
            if monotonic() >= self._compare_at:
                self.compare_clocks(session)
            yield session
            session.commit()

    def compare_clocks(self, session: Session) -> None:
        """Compare this machine's clock with the database's, in a transaction of its own. Raises ClockWrong."""

        def theirs() -> datetime:
            told: datetime = session.execute(text("select clock_timestamp()")).scalar_one()
            session.commit()
            return told

        clock.compare(theirs)
        self._compare_at = monotonic() + COMPARE_EVERY_S

    def close(self) -> None:
        """Let go of every pooled connection."""
        self.engine.dispose()
