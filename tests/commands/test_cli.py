"""The verbs as a shell starts them: a process each, its exit code, what it prints."""

import pytest
from shell import environment_of, run

PRODUCTION = {
    "HAIGIO_ENV": "production",
    "HAIGIO_SMS_URL": "http://127.0.0.1:9/sms",
    "HAIGIO_PUBLIC_URL": "https://haigio.example",
}


@pytest.fixture
def haigio(database_name, tmp_path):
    """The command line, on the database of this worker."""
    environment = environment_of(database_name, tmp_path)
    return lambda *arguments, **changed: run(environment, tmp_path, *arguments, **changed)


def test_migrate_twice_is_migrated_once(haigio):
    done = haigio("migrate")
    assert (done.returncode, done.stderr) == (0, "")
    assert "schema 0" in done.stdout


@pytest.mark.parametrize(
    ("arguments", "changed", "code", "message"),
    [
        (["migrate"], {"HAIGIO_OWNER_DATABASE_URL": ""}, 1, "HAIGIO_OWNER_DATABASE_URL is not set"),
        (
            ["migrate"],
            {"HAIGIO_OWNER_DATABASE_URL": "postgresql+psycopg://nobody@/none?host=/nowhere"},
            1,
            "the database does not answer",
        ),
        (["catalogue", "load"], {"HAIGIO_SECRET": "short"}, 1, "HAIGIO_SECRET must have at least 32 characters"),
        (["catalogue", "load", "--file", "none.json"], {}, 2, "none.json"),
        (["wards", "import"], {}, 2, "either FILES or --sketch"),
        (["simulate", "--per-minute", "0"], {}, 2, "--per-minute"),
        (["prepare"], {}, 2, "--accounts FILE is needed"),
        (["dance"], {}, 2, "No such command"),
        (["demo", "history"], PRODUCTION, 1, "do not exist there"),
        (["demo", "live"], PRODUCTION, 1, "do not exist there"),
        (["demo", "staff", "--accounts", "a.json"], PRODUCTION, 1, "do not exist there"),
        (["simulate", "--per-minute", "1"], PRODUCTION, 1, "do not exist there"),
        (["prepare", "--accounts", "a.json"], PRODUCTION, 1, "do not exist there"),
    ],
)
def test_a_refusal_is_one_clear_message(haigio, arguments, changed, code, message):
    refused = haigio(*arguments, **changed)
    assert refused.returncode == code
    assert message in refused.stderr
    assert "Traceback" not in refused.stderr


def test_a_broken_boundary_file_is_refused_with_its_reason(haigio, tmp_path):
    file = tmp_path / "broken.geojson"
    file.write_text('{"type": "FeatureCollection", "features": [{"type": "Feature"}]}')
    refused = haigio("wards", "import", file)
    assert refused.returncode == 1
    assert "nothing was written" in refused.stderr
    assert "Traceback" not in refused.stderr
