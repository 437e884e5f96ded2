import os
from pathlib import Path

import pytest

from stack import tests
from stack.browser import find_browser, wanted_by
from stack.place import Place, find_place
from stack.progress import Refusal

BROWSER = "echo Chromium 156.0"
# Ubuntu's, as long as the snap is not installed.
STUB = "echo 'requires the chromium snap to be installed' >&2; exit 1"


class Machine:
    """A machine whose only programs are small scripts; `asked` is what was asked of those that install."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.programs = folder / "bin"
        self.programs.mkdir()
        for name in ("cp", "env", "mkdir", "true"):
            (self.programs / name).symlink_to(f"/usr/bin/{name}")
        self.log = folder / "asked"
        self.log.touch()
        self.place = find_place({"HAIGIO_VAR": str(folder / "var")})
        self.downloaded = folder / "downloaded" / "chrome"
        self.has_playwright()

    def program(self, name: str, script: str) -> str:
        return self.script(self.programs / name, script)

    def script(self, path: Path, script: str) -> str:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(f"#!/bin/sh\n{script}\n")
        path.chmod(0o755)
        return str(path)

    def asked(self) -> list[str]:
        return self.log.read_text().splitlines()

    def has_apt(self, version: str, brought: str = BROWSER) -> None:
        """Let apt offer this version of chromium, and installing it put what is `brought` into place."""
        package = self.script(self.folder / "package", brought)
        self.program("apt-cache", f"echo 'Version: {version}'")
        self.program(
            "apt-get",
            f'echo "apt-get $*" >>{self.log}\n'
            f'case "$*" in *" chromium "*) cp -p {package} {self.programs}/chromium;; esac\n'
            f'case "$*" in *" libatomic1"*) echo >{self.folder}/libatomic1;; esac',
        )

    def has_playwright(self, needs: str = "") -> None:
        """Let the environment's Python know Playwright, which starts only when a file named `needs` is there."""
        source = self.script(self.folder / "source", BROWSER)
        self.script(
            self.place.python,
            f'test -e {self.folder / needs} || exit 127\ncase "$*" in\n'
            f"-c*) echo {self.downloaded};;\n*--version) echo Version 1.65.2;;\n"
            f'*) echo "python $*" >>{self.log}; mkdir -p {self.downloaded.parent}; cp -p {source} {self.downloaded};;\nesac',
        )

    def has_sudo(self) -> None:
        self.program("sudo", f'echo "sudo $*" >>{self.log}; shift; exec "$@"')


@pytest.fixture
def machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Machine:
    machine = Machine(tmp_path)
    monkeypatch.setenv("PATH", str(machine.programs))
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    return machine


def find(place: Place, **environment: str) -> str:
    return find_browser(place, {"PATH": os.environ["PATH"], **environment})


def test_a_named_browser_is_taken(machine: Machine) -> None:
    machine.program("chromium", BROWSER)
    named = machine.script(machine.folder / "mine", BROWSER)
    assert find(machine.place, HAIGIO_CHROMIUM=named) == named


def test_a_named_browser_that_does_not_run_is_refused_not_replaced(machine: Machine) -> None:
    machine.program("chromium", BROWSER)
    named = machine.script(machine.folder / "mine", STUB)
    with pytest.raises(Refusal, match="HAIGIO_CHROMIUM="):
        find(machine.place, HAIGIO_CHROMIUM=named)


def test_a_program_that_only_asks_for_a_snap_is_no_browser(machine: Machine) -> None:
    machine.program("chromium-browser", STUB)
    chrome = machine.program("google-chrome", BROWSER)
    assert find(machine.place) == chrome


def test_root_installs_the_package_with_a_font(machine: Machine) -> None:
    machine.has_apt("156.0-1~deb12u1")
    assert find(machine.place) == str(machine.programs / "chromium")
    update, install = machine.asked()
    assert update.endswith(" update")
    assert install.endswith(" install --yes --no-install-recommends chromium fonts-dejavu-core")
    assert "Lock::Timeout" in update
    assert "Lock::Timeout" in install


def test_a_user_installs_it_with_sudo(machine: Machine, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    machine.has_sudo()
    machine.has_apt("156.0-1~deb12u1")
    assert find(machine.place) == str(machine.programs / "chromium")
    assert machine.asked()[0] == "sudo -n true"
    assert [line.split()[0] for line in machine.asked()[1:]] == ["sudo", "apt-get"] * 2


def test_a_user_without_sudo_is_told(machine: Machine, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    machine.has_apt("156.0-1~deb12u1")
    with pytest.raises(Refusal, match="HAIGIO_CHROMIUM"):
        find(machine.place)
    assert machine.asked() == []


def test_a_machine_without_apt_is_told(machine: Machine) -> None:
    with pytest.raises(Refusal, match="HAIGIO_CHROMIUM"):
        find(machine.place)


@pytest.mark.parametrize("version", ["2:1snap1-0ubuntu2", ""])
def test_where_apt_has_none_playwright_downloads_it_once(machine: Machine, version: str) -> None:
    machine.has_apt(version)
    downloaded = str(machine.downloaded)
    assert find(machine.place) == downloaded
    assert machine.asked()[-1] == "python -m playwright install --with-deps --no-shell chromium"
    before = machine.asked()
    assert find(machine.place) == downloaded
    assert machine.asked() == before


def test_an_installation_that_brings_nothing_is_told(machine: Machine) -> None:
    machine.has_apt("156.0-1~deb12u1", brought=STUB)
    with pytest.raises(Refusal, match="none that runs"):
        find(machine.place)


def test_what_playwright_needs_is_installed_even_beside_a_browser(machine: Machine) -> None:
    machine.has_apt("156.0-1~deb12u1")
    machine.has_playwright(needs="libatomic1")
    chromium = machine.program("google-chrome", BROWSER)
    assert find(machine.place) == chromium
    assert machine.asked()[-1].endswith(" install --yes --no-install-recommends libatomic1")


def test_what_playwright_needs_and_the_package_come_together(machine: Machine) -> None:
    machine.has_apt("156.0-1~deb12u1")
    machine.has_playwright(needs="libatomic1")
    assert find(machine.place) == str(machine.programs / "chromium")
    assert machine.asked()[-1].endswith(" libatomic1 chromium fonts-dejavu-core")


def test_without_what_playwright_needs_a_user_is_told(machine: Machine, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    machine.program("chromium", BROWSER)
    machine.has_playwright(needs="libatomic1")
    with pytest.raises(Refusal, match="libatomic1"):
        find(machine.place)


@pytest.mark.parametrize(
    ("arguments", "wanted"),
    [
        ("", True),
        ("-x -k app", True),  # an expression, though a folder is called so
        ("tests", True),
        (".", True),
        ("tests/browser", True),
        ("tests/app tests/browser/test_map.py::test_it", True),
        ("tests/app", False),
        ("tests/app tests/stack/test_browser.py::test_it -n 4", False),
    ],
)
def test_a_browser_is_wanted_only_when_its_tests_are(arguments: str, wanted: bool) -> None:
    assert wanted_by(arguments.split()) == wanted


@pytest.fixture
def pytest_given(machine: Machine, monkeypatch: pytest.MonkeyPatch) -> list[dict[str, str]]:
    """What ./test adds to the environment of pytest, which is not run."""
    given: list[dict[str, str]] = []

    def run(_place: Place, _commands: list[list[str]], more: dict[str, str]) -> int:
        given.append({name: value for name, value in more.items() if name != "HAIGIO_JAVASCRIPT"})
        return 0

    monkeypatch.setenv("HAIGIO_VAR", str(machine.place.var))
    monkeypatch.setenv("HAIGIO_VENV", str(machine.place.venv))
    monkeypatch.delenv("HAIGIO_BROWSER", raising=False)
    monkeypatch.delenv("HAIGIO_CHROMIUM", raising=False)
    monkeypatch.setattr(tests, "install", lambda _place, _lock: None)
    monkeypatch.setattr(tests, "find_javascript", lambda place: place.var / "javascript")
    monkeypatch.setattr(tests, "_beside_stores", run)
    return given


def test_tests_are_told_which_browser(machine: Machine, pytest_given: list[dict[str, str]]) -> None:
    chromium = machine.program("chromium", BROWSER)
    assert tests.test([]) == 0
    assert pytest_given == [{"HAIGIO_CHROMIUM": chromium}]


def test_without_a_browser_its_tests_are_left_out_loudly(
    pytest_given: list[dict[str, str]], capsys: pytest.CaptureFixture[str]
) -> None:
    assert tests.test([]) == 0
    assert pytest_given == [{}]
    assert capsys.readouterr().err.count("ARE LEFT OUT. Chromium is not here") == 2  # before and after pytest's own


def test_without_a_browser_that_is_needed_nothing_is_run(
    pytest_given: list[dict[str, str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HAIGIO_BROWSER", "needed")
    with pytest.raises(Refusal, match="Chromium is not here"):
        tests.test([])
    assert pytest_given == []


def test_other_tests_do_not_look_for_a_browser(
    pytest_given: list[dict[str, str]], capsys: pytest.CaptureFixture[str]
) -> None:
    assert tests.test(["tests/app"]) == 0
    assert pytest_given == [{}]
    assert not capsys.readouterr().err
