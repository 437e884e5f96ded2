"""What the server sends for a page: the same for everybody, in their language, and nothing that may run but our files."""

import gzip
import json
import re
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path

import pytest

from app.core.db import Database
from app.http.container import KEY

PAGES = ("/", "/desk", "/board")
SCRIPTS = Path(__file__).parent.parent.parent / "app/web/static/js"

# Without street tiles. Nothing inline, nothing evaluated, nobody else's host.
POLICY = {
    "default-src": "'none'",
    "script-src": "'self'",
    "style-src": "'self'",
    "img-src": "'self' data: blob:",
    "media-src": "'self' blob:",
    "connect-src": "'self'",
    "worker-src": "'self' blob:",
    "form-action": "'self'",
    "base-uri": "'none'",
    "frame-ancestors": "'none'",
}


class Elements(HTMLParser):
    """All start tags of a page, with their attributes, and the text inside scripts and styles."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.inside: list[tuple[str, dict[str, str | None], str]] = []
        self.feed(html)

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))

    def handle_data(self, data):
        if self.tags and self.tags[-1][0] in {"script", "style"} and data.strip():
            self.inside.append((*self.tags[-1], data))

    def addresses(self) -> list[str]:
        named = [
            attributes.get("src") or attributes.get("href")
            for tag, attributes in self.tags
            if tag in {"script", "link", "img"}
        ]
        return [address for address in named if address]


def policy_of(response) -> dict[str, str]:
    return dict(part.split(" ", 1) for part in response.headers["Content-Security-Policy"].split("; "))


def told(response) -> dict:
    """What a page tells its script."""
    ((_, attributes, data),) = Elements(response.text).inside
    assert (attributes["type"], attributes["id"]) == ("application/json", "client")
    return json.loads(data)


@pytest.fixture
def page(as_):
    def fetched(path="/", **kwargs):
        response = as_().get(path, **kwargs)
        assert response.status_code == 200
        return response

    return fetched


@pytest.mark.parametrize("path", PAGES)
def test_a_page_is_open_to_all_and_the_same_for_all(page, as_, district, path):
    assert page(path).text == as_(district.resident()).get(path).text


@pytest.mark.parametrize("path", PAGES)
def test_a_page_is_there_although_the_database_is_not(web, as_, district, path):
    visitor = as_(district.resident())
    web.extensions[KEY].database = Database("postgresql+psycopg://nobody@127.0.0.1:1/nothing")

    assert visitor.get(path).status_code == 200
    assert visitor.get("/api/v1/me").status_code == 503  # so it really is not


@pytest.mark.parametrize(
    ("path", "vi", "en"),
    [
        ("/", "Báo tin vi phạm", "Report a violation"),
        ("/desk", "Tin cần xử lý", "Queue"),
        ("/board", "Kết quả xử lý trong hai giờ", "Within two hours?"),
    ],
)
def test_each_page_speaks_vietnamese_and_english(page, path, vi, en):
    for query, language, title in (("", "vi", vi), ("?lang=en", "en", en)):
        response = page(path + query)
        assert f'<html lang="{language}">' in response.text
        assert re.search(f"<h1[^>]*>{re.escape(title)}</h1>", response.text)
        assert told(response)["language"] == language


@pytest.mark.parametrize("path", PAGES)
def test_nothing_in_a_page_runs_but_our_own_files(page, path):
    response = page(path)
    elements = Elements(response.text)

    assert [attributes for tag, attributes, _ in elements.inside if attributes.get("type") != "application/json"] == []
    for tag, attributes in elements.tags:
        assert not [name for name in attributes if name.startswith("on") or name == "style"], (tag, attributes)
        assert not (attributes.get("href") or "").startswith("javascript:")
    assert policy_of(response) == POLICY


def test_scripts_make_elements_and_no_markup():
    """What people wrote is put into a page as text. The policy would stop a script in it, but not a false form."""
    markup = re.compile(r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|\beval\b|new Function|srcdoc")
    assert {path.name: found for path in SCRIPTS.glob("*.js") if (found := markup.findall(path.read_text()))} == {}


def test_street_tiles_open_their_own_host_and_no_other(web, page):
    container = web.extensions[KEY]
    before = container.settings
    url = "https://tiles.example:8443/{z}/{x}/{y}.png"
    container.settings = replace(before, tiles_url=url, tiles_attribution="© <b>some</b>")
    try:
        response = page("/")
    finally:
        container.settings = before

    assert policy_of(response) == POLICY | {
        "img-src": "'self' data: blob: https://tiles.example:8443",
        "connect-src": "'self' https://tiles.example:8443",
    }
    assert told(response)["tiles"] == {"url": url, "attribution": "© <b>some</b>"}
    assert told(page("/"))["tiles"] is None


def test_news_open_their_own_host_to_the_desk_and_to_no_other_page(web, page):
    container = web.extensions[KEY]
    before = container.settings
    container.settings = replace(before, live_url="http://127.0.0.1:8081/live")
    try:
        desk, front = page("/desk"), page("/")
    finally:
        container.settings = before

    assert policy_of(desk) == POLICY | {"connect-src": "'self' http://127.0.0.1:8081"}
    assert policy_of(front) == POLICY


@pytest.mark.parametrize(
    ("query", "cookie", "accepted", "language"),
    [
        ("", None, None, "vi"),
        ("", None, "en-GB,en;q=0.8,vi;q=0.5", "en"),
        ("", None, "vi-VN, en;q=0.5", "vi"),
        ("", None, "fr", "vi"),
        ("", "en", "vi", "en"),
        ("?lang=vi", "en", "en", "vi"),
        ("?lang=xx", "en", "vi", "en"),
        ("?lang=xx", "yy", None, "vi"),
    ],
)
def test_the_language_is_what_was_asked_for_then_what_was_chosen_then_the_browsers(
    as_, query, cookie, accepted, language
):
    client = as_()
    if cookie:
        client.set_cookie("haigio_language", cookie)
    response = client.get(f"/{query}", headers={"Accept-Language": accepted} if accepted else {})

    title = {"vi": "Báo tin vi phạm", "en": "Report a violation"}[language]
    assert f'<html lang="{language}">' in response.text
    assert f"<h1>{title}</h1>" in response.text
    assert response.headers["Content-Language"] == language
    assert {"Accept-Language", "Cookie"} <= response.vary.as_set(preserve_casing=True)


def test_the_switch_is_remembered(as_):
    client = as_()
    client.get("/?lang=en")

    assert '<html lang="en">' in client.get("/board").text
    assert client.get_cookie("haigio_language").value == "en"
    client.get("/?lang=xx")
    client.get("/api/v1/catalogue?lang=vi")  # only pages are in a language that was chosen
    client.get("/nowhere?lang=vi")
    assert client.get_cookie("haigio_language").value == "en"


@pytest.mark.parametrize("path", PAGES)
def test_every_file_that_a_page_names_is_there(page, path):
    kinds = {".js": "text/javascript", ".css": "text/css", ".svg": "image/svg+xml"}
    response = page(path)
    libraries = told(response)["libraries"]

    assert set(libraries) == {"maplibre-gl.js", "maplibre-gl.css", "chart.js"}
    for address in {*Elements(response.text).addresses(), *libraries.values()}:
        file = page(address)
        assert file.mimetype == kinds[Path(address).suffix], address
        assert "immutable" in file.headers["Cache-Control"]


@pytest.mark.parametrize(("path", "script"), [("/", "report"), ("/desk", "desk"), ("/board", "board")])
def test_a_page_asks_at_once_for_all_that_its_script_imports(page, path, script):
    """Else a phone would find out one file after another, with a round trip for each."""
    waiting, needed = [f"{script}.js"], set()
    while waiting:
        name = waiting.pop()
        needed.add(name)
        source = (SCRIPTS / name).read_text()
        static = re.sub(r"import\(.*?\)", "", source)
        imported = re.findall(r'(?:import|export)\b[^;"]*"\./([\w.-]+)"', static)
        waiting += [one for one in imported if one not in needed]
    named = {
        Path(attributes["href"]).name
        for tag, attributes in Elements(page(path).text).tags
        if attributes.get("rel") == "modulepreload"
    }

    assert named == needed | {"messages.vi.js"}


def test_an_old_tag_gets_the_new_file_and_does_not_keep_it(page):
    assert "immutable" not in page("/web/000000000000/css/page.css").headers.get("Cache-Control", "")
    assert "immutable" not in page("/web/lib/0.0.0/chart.js").headers.get("Cache-Control", "")


@pytest.mark.parametrize(
    "path",
    [
        "/web/0/css/none.css",
        "/web/0/../pages.py",
        "/web/0/..%2fpages.py",
        "/web/0/templates/base.html",
        "/web/lib/1/none.js",
    ],
)
def test_nothing_else_is_served(as_, path):
    assert as_().get(path).status_code == 404


@pytest.mark.parametrize("packed", ["br", "gzip"])
def test_pages_and_files_are_compressed_for_those_who_can_read_that(as_, packed):
    address = re.search(r'href="(/web/[^"]+page\.css)"', as_().get("/").text)[1]
    for path in ("/", address):
        plain, small = as_().get(path), as_().get(path, headers={"Accept-Encoding": packed})

        assert small.headers["Content-Encoding"] == packed
        assert len(small.data) < len(plain.data) / 2
        assert "Accept-Encoding" in plain.headers["Vary"]
    assert gzip.decompress(as_().get(address, headers={"Accept-Encoding": "gzip"}).data) == plain.data
