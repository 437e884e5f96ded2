"""What one process holds for all its requests, made once in `create_app`."""

from dataclasses import dataclass
from typing import cast

from flask import current_app

from app.config import Settings
from app.core.db import Database
from app.http.limits import Limits
from app.identity.tickets import LiveTickets
from app.identity.tokens import AccessTokens
from app.photos.storage import PhotoStore
from app.reports.rulebook import RulebookCache

KEY = "haigio"


@dataclass
class Container:
    """The settings and what was opened with them."""

    settings: Settings
    database: Database
    tokens: AccessTokens
    tickets: LiveTickets
    limits: Limits
    rulebook: RulebookCache
    photos: PhotoStore


def container() -> Container:
    """The container of the app that serves this request."""
    return cast("Container", current_app.extensions[KEY])
