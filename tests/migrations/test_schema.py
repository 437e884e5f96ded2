from datetime import timedelta

from alembic import command
from alembic.config import Config
from sqlalchemy import create_engine, text
from sqlalchemy.orm import Session

import district
from app.reports.rulebook import RulebookCache
from databases import ROOT, create_database, migrate, url_of
from story import NOW, Story


def alembic_config() -> Config:
    config = Config()
    config.set_main_option("script_location", str(ROOT / "migrations"))
    return config


def test_the_models_say_what_the_migrated_database_says(database_name, monkeypatch):
    monkeypatch.setenv("HAIGIO_OWNER_DATABASE_URL", url_of("HAIGIO_OWNER_DATABASE_URL", database_name))
    command.check(alembic_config())


def test_every_migration_goes_down_and_up_again(worker_id, monkeypatch):
    name = f"haigio_test_{worker_id}_down"
    create_database(name)
    url = url_of("HAIGIO_OWNER_DATABASE_URL", name)
    migrate(url)
    monkeypatch.setenv("HAIGIO_OWNER_DATABASE_URL", url)
    command.downgrade(alembic_config(), "base")
    engine = create_engine(url)
    with engine.connect() as connection:
        left = connection.scalars(text("select tablename from pg_tables where tableowner = 'haigio_owner'")).all()
    engine.dispose()
    assert left == ["alembic_version"]
    migrate(url)


def test_cases_that_are_open_when_rungs_come_get_them(worker_id, monkeypatch):
    name = f"haigio_test_{worker_id}_rungs"
    create_database(name)
    url = url_of("HAIGIO_OWNER_DATABASE_URL", name)
    migrate(url)
    monkeypatch.setenv("HAIGIO_OWNER_DATABASE_URL", url)
    engine = create_engine(url)
    with Session(engine) as session, session.begin():
        story = Story(session, district.found(session), RulebookCache(1))
        fresh, asked, over = (story.received() for _ in range(3))
        story.move(asked, "accepted")
        story.move(asked, "awaiting_resident", question="Số nhà?")
        story.move(over, "withdrawn", by=story.resident)
    command.downgrade(alembic_config(), "0007")
    migrate(url)
    with engine.connect() as connection:
        found = connection.execute(text("select id, rungs, rungs_if_unanswered, warned from reports")).all()
    engine.dispose()

    rungs = [NOW + timedelta(minutes=minutes) for minutes in (60, 96, 120)]
    a_day_later = [rung + timedelta(hours=24) for rung in rungs]
    assert {row.id: tuple(row)[1:] for row in found} == {
        fresh: (rungs, None, 0),
        asked: (rungs, a_day_later, 0),
        over: ([], None, 0),
    }


def test_the_app_owns_nothing_and_can_only_add_to_the_timeline_and_the_audit(connection):
    owned = connection.execute(text("select count(*) from pg_class where relowner = 'haigio_app'::regrole")).scalar()
    rights = connection.execute(
        text("""
            select relname, array_agg(distinct privilege_type::text order by privilege_type::text)
            from pg_class, aclexplode(relacl) where relname in ('timeline', 'audit') and grantee = 'haigio_app'::regrole
            group by relname order by relname
        """)
    ).all()
    may_create = connection.execute(text("select has_schema_privilege('haigio_app', 'public', 'create')")).scalar()

    assert owned == 0
    assert [tuple(row) for row in rights] == [("audit", ["INSERT", "SELECT"]), ("timeline", ["INSERT", "SELECT"])]
    assert may_create is False
