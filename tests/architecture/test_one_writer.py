"""What the import linter cannot see: only the writers write, and only the edge commits."""

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent.parent
DOMAIN = ("core", "identity", "photos", "routing", "targets", "reports", "enforcement", "notifications", "statistics")

# Who may change rows besides `actions.py`, and why.
WRITERS = {
    "app/core/audit.py": "the audit writes itself",
    "app/core/db.py": "opens and commits units of work: it is the edge's",
    "app/core/outbox.py": "the outbox writes itself",
    "app/photos/blurring.py": "what is hidden in photos is written in one place",
    "app/photos/erasing.py": "how photos go is written in one place",
    "app/photos/uploads.py": "what is on its way is written and read in one place",
    "app/reports/intake.py": "submit is one statement, decided and written in one file",
    "app/reports/recurrence.py": "one statement of a job",
    "app/reports/reform.py": "moves cases after a reform",
    "app/reports/sweep.py": "each sweep is one statement",
    "app/reports/timeline.py": "the timeline is written in one place",
    "app/reports/catalogue.py": "brings the catalogue's dated rows in",
    "app/reports/dated.py": "ends and begins dated rows",
}


def calls(path: Path) -> set[str]:
    """The names of methods called on something."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    return {
        node.func.attr for node in ast.walk(tree) if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute)
    }


def sources() -> list[Path]:
    return [path for package in DOMAIN for path in sorted((ROOT / "app" / package).rglob("*.py"))]


@pytest.mark.parametrize("path", sources(), ids=lambda path: str(path.relative_to(ROOT)))
def test_the_domain_never_commits_and_only_writers_add(path):
    name = str(path.relative_to(ROOT))
    done = calls(path)

    if name != "app/core/db.py":
        assert not done & {"commit", "rollback"}, name
    if path.name != "actions.py" and name not in WRITERS:
        assert not done & {"add_all", "flush", "merge"}, name
