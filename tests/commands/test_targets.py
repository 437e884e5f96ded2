"""Calendars and targets from a shell: loaded, checked loudly, set for the time to come."""

import pytest
from shell import environment_of, run
from sqlalchemy import create_engine, text

from databases import migrated_database, url_of

MARKET = """
[calendars.market]
name_vi = "Giờ chợ"
name_en = "Market hours"
sunday = ["04:00-10:00"]
"""
YEAR = """
[years.{year}]
source = "invented"
off = [{{ day = {year}-01-01, vi = "Tết Dương lịch", en = "New Year's Day" }}]
"""


def founded(name, folder):
    """The command line on a database of its own that holds the schema and nothing else."""
    migrated_database(name)
    environment = environment_of(name, folder)

    def haigio(*arguments):
        return run(environment, folder, *arguments)

    haigio.folder = folder
    haigio.engine = create_engine(url_of("HAIGIO_DATABASE_URL", name))
    return haigio


@pytest.fixture(scope="module")
def haigio(worker_id, tmp_path_factory):
    """With wards, the catalogue and the calendars of the project."""
    haigio = founded(f"haigio_test_{worker_id}_targets", tmp_path_factory.mktemp("targets"))
    for verb in (("wards", "import", "--sketch"), ("catalogue", "load"), ("calendar", "load")):
        done = haigio(*verb)
        assert (done.returncode, done.stderr) == (0, ""), verb
    yield haigio
    haigio.engine.dispose()


def file_of(haigio, content):
    file = haigio.folder / "given.toml"
    file.write_text(content)
    return file


def count(haigio, table):
    with haigio.engine.connect() as connection:
        return connection.execute(text(f"select count(*) from {table}")).scalar_one()


def test_loading_twice_is_loading_once(haigio):
    before = [count(haigio, table) for table in ("holidays", "calendar_years", "calendars", "audit")]
    again = haigio("calendar", "load")

    assert (again.returncode, again.stderr) == (0, "")
    assert "nothing new" in again.stdout
    assert [count(haigio, table) for table in ("holidays", "calendar_years", "calendars", "audit")] == before


def test_a_file_of_an_administrator(haigio):
    done = haigio("calendar", "load", file_of(haigio, MARKET))

    assert (done.returncode, done.stderr) == (0, "")
    assert "market loaded" in done.stdout


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (MARKET.replace("04:00", "4:00"), "'4:00-10:00' is not like 07:30-11:30"),
        (YEAR.format(year=2029).replace("day = 2029", "day = 2028"), "2028-01-01 is no day of 2029"),
        (YEAR.format(year=2026), "2026-01-02 has begun"),
        ("", "neither calendars nor years"),
    ],
)
def test_a_file_that_is_wrong_changes_nothing(haigio, content, message):
    before = [count(haigio, table) for table in ("holidays", "audit")]
    refused = haigio("calendar", "load", file_of(haigio, content))

    assert refused.returncode == 1
    assert message in refused.stderr
    assert [count(haigio, table) for table in ("holidays", "audit")] == before


def test_a_target_from_a_day_on_and_the_list(haigio):
    done = haigio(
        "targets", "set", "--minutes", 480, "--field", "construction", "--calendar", "office", "--from", "2099-01-01"
    )
    ended = haigio("targets", "set", "--minutes", 90, "--from", "2099-03-01T08:00+07:00")
    listed = haigio("targets", "list")

    assert (done.returncode, done.stdout.partition("\n")[0]) == (0, "480 minutes from 2099-01-01 00:00+0700")
    assert "what held for the same cases ends then" in ended.stdout
    assert {" ".join(line.split()) for line in listed.stdout.splitlines()} >= {
        "every case 120 min round the clock from 2024-01-01 00:00+0700 until 2099-03-01 08:00+0700",
        "every case 90 min round the clock from 2099-03-01 08:00+0700",
        "field construction 480 min office from 2099-01-01 00:00+0700",
    }


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (("--from", "2020-01-01"), 1, "must begin at an instant to come"),
        (("--from", "soon"), 1, "neither a day nor an instant"),
        (("--from", "2099-01-01T08:00"), 1, "needs its offset"),
        (("--from", "2099-01-01", "--calendar", "none"), 1, "there is no calendar none"),
        (("--from", "2099-01-01", "--field", "noise"), 1, "there is no field noise"),
        (("--from", "2099-01-01", "--kind", "XX99"), 1, "no kind"),
        (("--from", "2099-01-01", "--unit", "00000"), 1, "has the code 00000"),
        (("--from", "2099-01-01", "--urgent", "--kind", "SW01"), 2, "one of --field"),
        ((), 2, "--from"),
    ],
)
def test_a_target_that_cannot_be_set(haigio, arguments, code, message):
    refused = haigio("targets", "set", "--minutes", 60, *arguments)

    assert refused.returncode == code
    assert message in refused.stderr


def test_a_target_for_a_unit_and_for_urgent_cases(haigio):
    desk = haigio("targets", "set", "--minutes", 60, "--unit", "desk", "--from", "2099-06-01")
    urgent = haigio("targets", "set", "--minutes", 45, "--urgent", "--from", "2099-06-01")

    assert (desk.returncode, urgent.returncode) == (0, 0), desk.stderr + urgent.stderr
    listed = haigio("targets", "list").stdout
    assert "unit desk" in listed
    assert "urgent" in listed


def test_a_missing_year_is_loud_until_it_is_loaded(worker_id, tmp_path):
    haigio = founded(f"haigio_test_{worker_id}_years", tmp_path)
    haigio("calendar", "load", file_of(haigio, MARKET))
    assert haigio("calendar", "check").returncode == 0  # no target uses it

    done = haigio("targets", "set", "--minutes", 480, "--calendar", "market", "--from", "2099-01-01")
    missing = haigio("calendar", "check")
    with haigio.engine.connect() as connection:
        this = connection.execute(text("select extract(year from now() at time zone 'Asia/Ho_Chi_Minh')::int")).scalar()
    haigio.engine.dispose()

    said = f"market lacks {this} and {this + 1}"
    assert said in done.stdout
    assert (missing.returncode, f"CALENDAR MISSING: {said}" in missing.stderr) == (1, True)
    haigio("calendar", "load", file_of(haigio, YEAR.format(year=this)))
    assert f"market lacks {this + 1}" in haigio("calendar", "check").stderr
    haigio("calendar", "load", file_of(haigio, YEAR.format(year=this + 1)))
    there = haigio("calendar", "check")
    assert (there.returncode, there.stderr) == (0, "")
    assert f"{this}  1 days  invented" in there.stdout
