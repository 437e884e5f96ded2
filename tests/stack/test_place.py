import os
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from stack.place import Place, find_place
from stack.progress import Refusal


@pytest.fixture
def place(tmp_path: Path) -> Place:
    return find_place({"HAIGIO_VAR": str(tmp_path / "var")})


@pytest.fixture
def temporary(monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A temporary directory of this test's own, with a path short enough for sockets."""
    with tempfile.TemporaryDirectory(prefix="t", dir="/tmp") as folder:
        monkeypatch.setattr(tempfile, "tempdir", folder)
        yield Path(folder)


def test_the_folder_of_sockets_is_closed_to_others_and_the_same_at_every_start(place: Place, temporary: Path) -> None:
    folder = place.sockets()
    assert folder.parent == temporary
    assert folder.stat().st_mode & 0o066 == 0
    assert place.sockets() == folder


@pytest.mark.parametrize("trap", ["a link elsewhere", "open to others", "a file"])
def test_a_folder_of_sockets_that_somebody_else_prepared_is_refused(place: Place, temporary: Path, trap: str) -> None:
    folder = temporary / f"haigio-{place.key}"
    if trap == "a link elsewhere":
        (temporary / "elsewhere").mkdir()
        folder.symlink_to(temporary / "elsewhere")
    elif trap == "open to others":
        folder.mkdir()
        folder.chmod(0o777)
    else:
        folder.touch()
    with pytest.raises(Refusal, match="not a private folder"):
        place.sockets()


def test_sockets_fit_the_kernel_even_below_a_long_temporary_directory(
    place: Place, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    deep = tmp_path / ("d" * 100)
    deep.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(deep))
    folder = place.sockets()
    try:
        assert len(os.fsencode(folder / "pg" / ".s.PGSQL.5432")) < 107
    finally:
        folder.rmdir()


def test_two_copies_have_different_sockets(tmp_path: Path) -> None:
    assert len({find_place({"HAIGIO_VAR": str(tmp_path / name)}).key for name in ("a", "b")}) == 2


def test_a_place_is_held_by_one_command_at_a_time(place: Place) -> None:
    with (
        place.locked("./run"),
        pytest.raises(Refusal, match=f"already runs in .* \\(process {os.getpid()}\\)"),
        place.locked("./run"),
    ):
        pass
    with place.locked("./run"):
        pass  # and is free again afterwards


def test_the_secret_is_made_once_for_this_user_alone(place: Place) -> None:
    secret = place.secret()
    assert len(secret) >= 32
    assert place.secret() == secret
    assert (place.var / "secret").stat().st_mode & 0o777 == 0o600


def test_the_environment_survives_a_shell_and_is_for_this_user_alone(place: Place) -> None:
    nasty = 'it\'s $HOME `id` "x"\nPhường'
    place.write_environment({"HAIGIO_SECRET": nasty})
    assert place.environment.stat().st_mode & 0o777 == 0o600
    script = '. "$1"; printf %s "$HAIGIO_SECRET"'
    read = subprocess.run(["/bin/sh", "-c", script, "sh", str(place.environment)], capture_output=True, check=True)
    assert read.stdout.decode() == nasty


def test_a_place_that_cannot_be_made_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(Refusal, match="HAIGIO_VAR"):
        find_place({"HAIGIO_VAR": str(tmp_path / "file" / "var")})
