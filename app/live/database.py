"""Connections of this process's: plain ones of the driver, which wait without holding a thread."""

from typing import Any

from psycopg import AsyncConnection

from app.core.keepalive import KEEPALIVE


async def connect(database_url: str) -> AsyncConnection[Any]:
    """A connection on which every statement stands for itself. Raises psycopg.Error when there is no database."""
    return await AsyncConnection.connect(
        database_url.replace("postgresql+psycopg://", "postgresql://", 1),
        autocommit=True,
        connect_timeout=5,
        **KEEPALIVE,
        application_name="haigio live",
        options="-c statement_timeout=10s -c timezone=UTC",
    )
