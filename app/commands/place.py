"""What a verb works with: the settings, the database, the present, and a line on the terminal for each step."""

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from app.config import Settings, read_settings

if TYPE_CHECKING:
    from app.core.db import Database

MIGRATIONS = Path(__file__).parents[2] / "migrations"

# Where the role that owns the tables signs in. No setting of the service: only a migration acts as that role.
OWNER_URL = "HAIGIO_OWNER_DATABASE_URL"

# A verb may do in one statement what no request may: load the whole demo, import a whole city.
LONGEST_STATEMENT_S = 600


class Refused(Exception):
    """A verb cannot be done, and its sentence says why."""


@dataclass
class Place:
    """The copy of the service that a verb works on, opened when it is first needed."""

    @cached_property
    def settings(self) -> Settings:
        """The settings from the environment.

        Raises:
            SettingsError: something is missing.
        """
        return read_settings()

    @cached_property
    def database(self) -> "Database":
        """The database as the app's own role, on one connection."""
        # A second of imports, which not every verb needs; with every table, because tables point at each other.
        import app.metadata  # noqa: PLC0415
        from app.core.db import Database  # noqa: PLC0415

        assert app.metadata.TABLES  # noqa: S101 -- importing it is the point

        return Database(self.settings.database_url, pool_size=1, statement_timeout_s=LONGEST_STATEMENT_S)

    def not_in_production(self) -> None:
        """Refuse a demo where real people report.

        Raises:
            Refused: this is production.
        """
        if self.settings.env == "production":
            raise Refused("HAIGIO_ENV=production: demo accounts, demo reports and simulated work do not exist there")

    def close(self) -> None:
        """Let go of the database, if it was opened."""
        if "database" in self.__dict__:
            self.database.close()


def step(title: str, work: Callable[[], str]) -> None:
    """Do one step, and say on one line what it did and how many seconds it took."""
    with timed(title) as done:
        done(work())


@contextmanager
def timed(title: str) -> Iterator[Callable[[str], None]]:
    """Show that a step is under way; what it calls with a sentence ends the line."""
    begun = time.perf_counter()
    sentence = "done"

    def done(said: str) -> None:
        nonlocal sentence
        sentence = said

    # On a terminal a long step is announced at once; in a file every line is written whole.
    if sys.stdout.isatty():
        sys.stdout.write(f"{title} ...\r")
        sys.stdout.flush()
    yield done
    sys.stdout.write(f"{title:<14}{sentence} ({time.perf_counter() - begun:.1f} s)\n")
    sys.stdout.flush()
