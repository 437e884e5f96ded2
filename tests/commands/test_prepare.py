"""A start from nothing, and the starts after it, on a database of its own."""

import json
import stat

import pytest
from shell import environment_of, run
from sqlalchemy import create_engine, text

from databases import create_database, url_of


@pytest.fixture(scope="module")
def copy(worker_id, tmp_path_factory):
    """An empty database, and `prepare` run on it once with everything."""
    name = f"haigio_test_{worker_id}_prepare"
    create_database(name)
    folder = tmp_path_factory.mktemp("copy")
    environment = environment_of(name, folder)
    accounts = folder / "demo-accounts.json"

    def haigio(*arguments, **changed):
        return run(environment, folder, *arguments, **changed)

    first = haigio("prepare", "--accounts", accounts)
    assert first.returncode == 0, first.stderr
    engine = create_engine(url_of("HAIGIO_DATABASE_URL", name))
    yield haigio, accounts, engine, first
    engine.dispose()


def count(engine, what):
    with engine.connect() as connection:
        return connection.scalar(text(f"select count(*) from {what}"))


def test_the_first_start_brings_everything_in(copy):
    _, _, engine, first = copy
    for title in ("Schema", "Wards", "Retention", "Catalogue", "Staff", "History", "Live cases"):
        assert title in first.stdout
    assert count(engine, "ward_versions") == 5
    assert count(engine, "kinds") == 31
    assert count(engine, "reports where state = 'closed'") == 13_300
    assert 35 <= count(engine, "reports where state <> 'closed'") <= 50


def test_live_cases_are_in_every_state_and_ward(copy):
    _, _, engine, _ = copy
    for state in ("received", "accepted", "on_site", "awaiting_resident", "contested", "concluded"):
        assert count(engine, f"(select distinct ward_version_id from reports where state = '{state}') w") == 5, state
    running = "reports where stopped_at is null and ended_at is null"
    assert count(engine, f"{running} and due_at < now()") >= 5
    assert count(engine, f"{running} and due_at between now() and now() + interval '20 minutes'") >= 5
    assert count(engine, "reports where state <> 'closed' and channel <> 'demo'") == 0


def test_live_cases_have_photos_before_and_after_with_their_copies(copy):
    _, accounts, engine, _ = copy
    assert count(engine, "photos where state <> 'ready'") == 0
    assert count(engine, "photos where role = 'after'") >= 10
    assert count(engine, "reports r where state <> 'closed' and not exists (select from photos p "
                         "where p.report_id = r.id and p.role = 'before')") == 0  # fmt: skip
    files = [file for file in (accounts.parent / "photos" / "copies").rglob("*") if file.is_file()]
    assert len(files) == 2 * count(engine, "photos")


def test_accounts_for_every_ward_and_role_stand_in_a_private_file(copy):
    _, accounts, _, _ = copy
    rows = json.loads(accounts.read_text())
    assert stat.S_IMODE(accounts.stat().st_mode) == 0o600
    wards = ["26905", "26911", "26929", "26944", "26956"]
    assert sorted(row["ward"] for row in rows if row["role"] == "officer") == wards
    assert sorted(row["ward"] for row in rows if row["role"] == "chair") == wards
    assert sorted(row["role"] for row in rows if row["ward"] is None) == ["admin", "dispatcher", "leader", "volunteer"]
    assert {"canbo.26929", "chutich.26929", "dieuphoi", "lanhdao", "quantri", "tinhnguyen"} <= {
        row["username"] for row in rows
    }
    assert len({row["password"] for row in rows}) == 14
    assert all(set(row) == {"role", "ward", "username", "password"} for row in rows)


def test_the_next_start_finds_everything_there(copy):
    haigio, accounts, engine, _ = copy
    before, reports = accounts.read_bytes(), count(engine, "reports")
    again = haigio("prepare", "--accounts", accounts)
    assert (again.returncode, again.stdout.count("\n")) == (0, 1)
    assert "everything is there" in again.stdout
    assert (accounts.read_bytes(), count(engine, "reports")) == (before, reports)


def test_each_step_alone_finds_its_work_done(copy):
    haigio, accounts, engine, _ = copy
    counted = {table: count(engine, table) for table in ("reports", "staff", "kinds", "ward_versions", "audit")}
    for verb in (
        ("migrate",),
        ("wards", "import", "--sketch"),
        ("catalogue", "load"),
        ("demo", "staff", "--accounts", accounts),
        ("demo", "history"),
        ("demo", "live"),
    ):
        done = haigio(*verb)
        assert (done.returncode, done.stderr) == (0, "")
    assert {table: count(engine, table) for table in counted} == counted


def test_a_lost_file_of_accounts_is_written_anew_with_passwords_that_work(copy):
    haigio, accounts, engine, _ = copy
    old = json.loads(accounts.read_text())
    accounts.unlink()
    done = haigio("prepare", "--accounts", accounts)
    assert done.returncode == 0, done.stderr
    new = json.loads(accounts.read_text())
    assert [row["username"] for row in new] == [row["username"] for row in old]
    assert not {row["password"] for row in new} & {row["password"] for row in old}
    assert count(engine, "staff") == 14
    assert "everything is there" in haigio("prepare", "--accounts", accounts).stdout


def test_an_empty_copy_has_staff_and_no_report_until_a_district_is_simulated(worker_id, tmp_path):
    name = f"haigio_test_{worker_id}_empty"
    create_database(name)
    environment = environment_of(name, tmp_path)
    prepared = run(environment, tmp_path, "prepare", "--empty", "--accounts", tmp_path / "accounts.json")
    assert prepared.returncode == 0, prepared.stderr
    engine = create_engine(url_of("HAIGIO_DATABASE_URL", name))
    assert [count(engine, table) for table in ("kinds", "staff", "reports")] == [31, 14, 0]
    done = run(environment, tmp_path, "simulate", "--per-minute", "600", "--minutes", "0.05")
    assert done.returncode == 0, done.stderr
    assert " 0 refused" in done.stdout
    assert count(engine, "reports") > 3
    assert count(engine, "outbox where topic = 'report.received'") == count(engine, "reports")
    engine.dispose()


def test_in_production_only_schema_wards_and_catalogue(worker_id, tmp_path):
    name = f"haigio_test_{worker_id}_production"
    create_database(name)
    environment = {
        **environment_of(name, tmp_path), "HAIGIO_ENV": "production", "HAIGIO_SMS_URL": "http://127.0.0.1:9/",
        "HAIGIO_PUBLIC_URL": "https://haigio.example",
    }  # fmt: skip
    done = run(environment, tmp_path, "prepare", "--production")
    assert done.returncode == 0, done.stderr
    engine = create_engine(url_of("HAIGIO_DATABASE_URL", name))
    assert [count(engine, table) for table in ("ward_versions", "kinds", "people", "reports")] == [5, 31, 0, 0]
    assert count(engine, "retention_policies where recorded = (days is null) and valid_to is null") == 2
    engine.dispose()
    assert "everything is there" in run(environment, tmp_path, "prepare", "--production").stdout
