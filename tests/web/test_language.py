"""The words of the pages: every one is there in Vietnamese, none is left over, and none is a legal term of other things."""

import json
import re
import shlex
import subprocess
import sys
from io import BytesIO
from pathlib import Path

import pytest
from babel.messages.catalog import Catalog
from babel.messages.pofile import read_po

ROOT = Path(__file__).parent.parent.parent
WEB = ROOT / "app" / "web"
VI = WEB / "translations/vi.po"
SCRIPTS, TEMPLATES = sorted((WEB / "static/js").glob("*.js")), sorted((WEB / "templates").glob("*.html"))

# Written apart from the extractor, which is what people run: this is what must not be forgotten.
USED_IN_SCRIPTS = re.compile(r'\bt\(\s*"((?:[^"\\]|\\.)*)"')
USED_IN_TEMPLATES = re.compile(r"""\b_\(\s*(?:"([^"]*)"|'([^']*)')""")


def catalogue(path: Path) -> Catalog:
    return read_po(BytesIO(path.read_bytes()), locale="vi", abort_invalid=True)


@pytest.fixture(scope="module")
def vietnamese() -> dict[str, str]:
    return {message.id: message.string for message in catalogue(VI) if message.id}


def used_in_scripts() -> set[str]:
    return {word for script in SCRIPTS for word in USED_IN_SCRIPTS.findall(script.read_text())}


def used_in_templates() -> set[str]:
    return {one or other for template in TEMPLATES for one, other in USED_IN_TEMPLATES.findall(template.read_text())}


def used() -> set[str]:
    return used_in_scripts() | used_in_templates()


def test_every_word_is_there_in_vietnamese(vietnamese):
    assert len(used()) > 200
    assert {word for word in used() if not vietnamese.get(word)} == set()


def test_no_word_is_left_over_or_waits_for_a_second_look(vietnamese):
    words = catalogue(VI)

    assert set(vietnamese) - used() == set()
    assert list(words.obsolete) == []
    assert [message.id for message in words if message.fuzzy and message.id] == []


def test_the_file_is_as_the_commands_of_the_docs_write_it(tmp_path):
    """Scripts are sent the words that the file says are theirs: one that says less leaves a page half in English."""
    extract, update = re.findall(r"^var/venv/bin/(pybabel .*)$", (ROOT / "docs/pages.md").read_text(), re.MULTILINE)
    written = tmp_path / "vi.po"
    written.write_bytes(VI.read_bytes())
    here = {"var/messages.pot": str(tmp_path / "messages.pot"), "app/web/translations/vi.po": str(written)}
    for line in (extract, update):
        said = [here.get(word, word) for word in shlex.split(line)]
        subprocess.run([sys.executable, "-m", "babel.messages.frontend", *said[1:]], cwd=ROOT, check=True, timeout=60)

    assert written.read_text() == VI.read_text()
    assert {message.id for message in catalogue(tmp_path / "messages.pot") if message.id} == used()


def test_what_is_filled_in_is_the_same_in_both(vietnamese):
    holes = re.compile(r"\{\w+\}")
    assert {
        word for word, said in vietnamese.items() if sorted(holes.findall(word)) != sorted(holes.findall(said))
    } == set()


def test_legal_terms_of_other_things_are_not_used(vietnamese):
    for said in vietnamese.values():
        assert not re.search("khiếu nại|tố cáo|tái phạm", said, re.IGNORECASE), said


def test_scripts_get_their_own_words_and_no_others(as_, vietnamese):
    page = as_().get("/").text
    address = re.search(r'href="(/web/[0-9a-f]+/js/messages\.vi\.js)"', page)[1]
    module = as_().get(address).text
    words = json.loads(module.removeprefix("export default ").rstrip().removesuffix(";"))

    assert words == {word: vietnamese[word] for word in used_in_scripts()}
    assert words["Accept"] == "Tiếp nhận"
    assert as_().get(address.replace(".vi.", ".en.")).text == "export default {};\n"
