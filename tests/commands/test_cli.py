"""The verbs as a shell starts them: a process each, its exit code, what it prints."""

import os
import subprocess
import sys

import pytest

from databases import ROOT, url_of


@pytest.fixture
def haigio(settings, database_name, tmp_path):
    environment = {
        **os.environ,
        "HAIGIO_ENV": "development",
        "HAIGIO_DATABASE_URL": settings.database_url,
        "HAIGIO_OWNER_DATABASE_URL": url_of("HAIGIO_OWNER_DATABASE_URL", database_name),
        "HAIGIO_PHOTOS": str(tmp_path / "photos"),
        "HAIGIO_SECRET": settings.secret,
        "PYTHONPATH": str(ROOT),
    }

    def run(*arguments, **changed):
        return subprocess.run(
            [sys.executable, "-m", "app.commands", *arguments],
            env={**environment, **changed},
            cwd=tmp_path,
            capture_output=True,
            text=True,
            timeout=100,
            check=False,
        )

    return run


def test_migrate_twice_is_migrated_once(haigio):
    done = haigio("migrate")
    assert (done.returncode, done.stderr) == (0, "")
    assert "schema 0" in done.stdout


@pytest.mark.parametrize(
    ("arguments", "changed", "code", "message"),
    [
        (("migrate",), {"HAIGIO_OWNER_DATABASE_URL": ""}, 1, "HAIGIO_OWNER_DATABASE_URL is not set"),
        (
            ("migrate",),
            {"HAIGIO_OWNER_DATABASE_URL": "postgresql+psycopg://nobody@/none?host=/nowhere"},
            1,
            "the database does not answer",
        ),
        (("catalogue", "load"), {"HAIGIO_SECRET": "short"}, 1, "HAIGIO_SECRET must have at least 32 characters"),
        (("catalogue", "load", "--file", "none.json"), {}, 2, "none.json"),
        (("dance",), {}, 2, "No such command"),
    ],
)
def test_a_refusal_is_one_clear_message(haigio, arguments, changed, code, message):
    refused = haigio(*arguments, **changed)
    assert refused.returncode == code
    assert message in refused.stderr
    assert "Traceback" not in refused.stderr
