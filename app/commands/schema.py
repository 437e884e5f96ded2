"""Bring the database to the newest schema."""

import os

from alembic import command
from alembic.config import Config
from alembic.script import ScriptDirectory

from app.commands.place import MIGRATIONS, OWNER_URL
from app.config import SettingsError


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
