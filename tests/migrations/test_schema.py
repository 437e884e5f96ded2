from alembic import command
from alembic.config import Config
from sqlalchemy import create_engine, text

from databases import ROOT, create_database, migrate, url_of


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
