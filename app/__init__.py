"""Hai Giờ."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from flask import Flask

    from app.config import Settings
    from app.core.db import Database


def create_app(settings: "Settings | None" = None, database: "Database | None" = None) -> "Flask":
    """The web application. `database` is given by tests that share one transaction with their requests."""
    # Workers and commands are of this package too, and must not wait for a web that they never serve.
    from app.wiring import wire  # noqa: PLC0415

    return wire(settings, database)
