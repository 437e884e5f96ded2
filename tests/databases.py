"""Databases for tests: made empty, migrated as ./run does, named on the servers that ./test started."""

import os
from functools import cache
from pathlib import Path

from alembic import command
from alembic.config import Config
from sqlalchemy import create_engine, make_url, text

ROOT = Path(__file__).parent.parent


def migrate(owner_url: str) -> None:
    """Bring a database to the newest schema, as ./run does."""
    before = os.environ.get("HAIGIO_OWNER_DATABASE_URL")
    os.environ["HAIGIO_OWNER_DATABASE_URL"] = owner_url
    try:
        config = Config()
        config.set_main_option("script_location", str(ROOT / "migrations"))
        command.upgrade(config, "head")
    finally:
        if before is not None:
            os.environ["HAIGIO_OWNER_DATABASE_URL"] = before


def migrated_database(name: str) -> None:
    """A database of the newest schema. It is a copy of one that this process migrated once: that takes a second less."""
    create_database(name, template=_template())


@cache
def _template() -> str:
    name = f"haigio_template_{os.getpid()}"
    create_database(name)
    migrate(url_of("HAIGIO_OWNER_DATABASE_URL", name))
    return name


def url_of(variable: str, database: str) -> str:
    """The address of `database` on the server that `variable` names."""
    return make_url(os.environ[variable]).set(database=database).render_as_string(hide_password=False)


def create_database(name: str, template: str | None = None) -> None:
    """An empty database of the owner's, with the extensions that only a superuser may add; or a copy of `template`."""
    admin = create_engine(os.environ["HAIGIO_SUPERUSER_DATABASE_URL"], isolation_level="AUTOCOMMIT")
    copied = f' template "{template}"' if template else ""
    with admin.connect() as connection:
        connection.execute(text(f'drop database if exists "{name}" with (force)'))
        connection.execute(text(f'create database "{name}" owner haigio_owner{copied}'))
    admin.dispose()
    if template:
        return
    inside = create_engine(url_of("HAIGIO_SUPERUSER_DATABASE_URL", name), isolation_level="AUTOCOMMIT")
    with inside.connect() as connection:
        connection.execute(text("create extension postgis"))
        connection.execute(text("create extension btree_gist"))
        connection.execute(text("grant create on schema public to haigio_owner"))
    inside.dispose()
