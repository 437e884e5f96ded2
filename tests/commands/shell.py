"""A verb as a shell starts it: a process, its exit code, what it prints."""

import os
import subprocess
import sys

from databases import ROOT, url_of


def run(environment, folder, *arguments, **changed):
    """Start a verb as a shell does."""
    return subprocess.run(
        [sys.executable, "-m", "app.commands", *map(str, arguments)],
        env={**os.environ, **environment, **changed},
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=100,
        check=False,
    )


def environment_of(database, folder):
    """What ./run gives its commands, for a database of the tests."""
    return {
        "HAIGIO_ENV": "development",
        "HAIGIO_DATABASE_URL": url_of("HAIGIO_DATABASE_URL", database),
        "HAIGIO_OWNER_DATABASE_URL": url_of("HAIGIO_OWNER_DATABASE_URL", database),
        "HAIGIO_PHOTOS": str(folder / "photos"),
        "HAIGIO_SECRET": "a secret for tests, of more than 32 letters",
        "PYTHONPATH": str(ROOT),
    }
