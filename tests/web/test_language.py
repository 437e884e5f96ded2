"""The words of the pages: every one is there in Vietnamese, none is left over, and none is a legal term of other things."""

import json
import re
from io import BytesIO
from pathlib import Path

import pytest
from babel.messages.extract import extract_from_dir
from babel.messages.pofile import read_po

WEB = Path(__file__).parent.parent.parent / "app" / "web"
SCRIPTS, TEMPLATES = sorted((WEB / "static/js").glob("*.js")), sorted((WEB / "templates").glob("*.html"))

# Written apart from the extractor, which is what people run: this is what must not be forgotten.
USED_IN_SCRIPTS = re.compile(r'\bt\(\s*"((?:[^"\\]|\\.)*)"')
USED_IN_TEMPLATES = re.compile(r"""\b_\(\s*(?:"([^"]*)"|'([^']*)')""")


@pytest.fixture(scope="module")
def vietnamese() -> dict[str, str]:
    catalogue = read_po(BytesIO((WEB / "translations/vi.po").read_bytes()), locale="vi")
    assert not [message.id for message in catalogue if message.id and message.fuzzy]
    return {message.id: message.string for message in catalogue if message.id}


def used() -> set[str]:
    found = {word for script in SCRIPTS for word in USED_IN_SCRIPTS.findall(script.read_text())}
    for template in TEMPLATES:
        found |= {one or other for one, other in USED_IN_TEMPLATES.findall(template.read_text())}
    return found


def test_every_word_is_there_in_vietnamese(vietnamese):
    assert len(used()) > 200
    assert {word for word in used() if not vietnamese.get(word)} == set()


def test_no_word_is_left_over(vietnamese):
    assert set(vietnamese) - used() == set()


def test_the_extractor_finds_what_is_used():
    """Else `docs/pages.md` would tell people to run what misses some."""
    methods = [("templates/**.html", "jinja2"), ("static/js/**.js", "javascript")]
    keywords = {"t": None, "_": None}
    options = {"static/js/**.js": {"parse_template_string": "true"}}
    found = extract_from_dir(WEB, methods, options, keywords)
    assert {message for _, _, message, _, _ in found} == used()


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

    assert words["Accept"] == "Tiếp nhận"
    assert "Staff sign-in" not in words  # a template's
    assert all(vietnamese[word] == said for word, said in words.items())
    assert as_().get(address.replace(".vi.", ".en.")).text == "export default {};\n"
