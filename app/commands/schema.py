"""Bring the database to the newest schema."""

import os
from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.script import ScriptDirectory

from app.config import SettingsError

MIGRATIONS = Path(__file__).parents[2] / "migrations"

# Only a migration acts as the role that owns the tables, so only this verb reads where that role signs in.
OWNER_URL = "HAIGIO_OWNER_DATABASE_URL"


def migrate() -> str:
    """Run every migration that the database has not seen yet, and say where it stands.

    Raises:
        SettingsError: the owner's database address is not set.
    """
    if not os.environ.get(OWNER_URL):
        raise SettingsError(f"{OWNER_URL} is not set: only the owner of the tables may migrate")
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    # `migrations/env.py` reads the address from the environment and takes a lock, so that one migrates at a time.
    command.upgrade(config, "head")
    return f"schema {ScriptDirectory.from_config(config).get_current_head()}"
