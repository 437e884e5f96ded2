"""What every job of a process shares, made once: settings, database, photo store, ways out.

The convention of a job, `workers/jobs/*.py`:

    def make_tea(message_id: int, payload: dict[str, Any]) -> None:
        now = clock.now()
        with context().database.unit_of_work() as session:
            if outbox.done(session, message_id, at=now):
                tea.make(session, UUID(payload["pot_id"]), now)

It is told ids and looks everything else up. It may run twice, also at the same time: `outbox.done` in the transaction
of the effect lets the effect happen once. An effect that no transaction covers (a message sent, a file written) must
bear being repeated; it comes before the transaction that marks the promise as kept.
"""

import os
from dataclasses import dataclass
from functools import cache

import app.metadata  # noqa: F401 -- a table that points at another needs both to be known
from app.config import Settings, read_settings
from app.core.db import Database
from app.notifications import texts
from app.notifications.channels.configured import Channels, channels_for
from app.photos.storage import PhotoStore


@dataclass(frozen=True, slots=True)
class Context:
    """The means of a worker process."""

    settings: Settings
    database: Database
    photos: PhotoStore
    channels: Channels


def make_context(settings: Settings) -> Context:
    """The means that `settings` name; nothing is connected yet. Raises SettingsError, and TemplatesInvalid."""
    texts.require_one_message(settings.public_url)
    database = Database(settings.database_url, pool_size=2)
    # A forked job must not talk over its parent's connections; those stay the parent's to close.
    os.register_at_fork(after_in_child=lambda: database.engine.dispose(close=False))
    return Context(settings, database, PhotoStore(settings.photos), channels_for(settings))


@cache
def context() -> Context:
    """The means of this process, from its environment. Raises SettingsError."""
    return make_context(read_settings())
