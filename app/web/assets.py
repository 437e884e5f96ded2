"""The files of the pages: our own styles and scripts, and the libraries that browsers run.

Ours are read once and live under a tag made of all their bytes, so that a browser may keep them for ever and never has
two of different age. The map and the charts lie where pip put them (`requirements-web.lock`); their Python is not
imported, which would ask for libraries that nobody needs here.
"""

import gzip
import hashlib
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache, partial
from importlib.metadata import PackageNotFoundError, distribution
from importlib.resources import files
from importlib.resources.abc import Traversable
from pathlib import Path
from typing import Final, cast

import brotli
import structlog
from flask import Blueprint, Flask, Response, current_app, request
from flask_compress import Compress

from app.core.errors import NotFound
from app.http.access import needs
from app.identity.permissions import Do
from app.web import language

blueprint = Blueprint("assets", __name__)
log = structlog.get_logger("web")

_KEY: Final = "haigio.assets"

_TYPES: Final = {".js": "text/javascript", ".css": "text/css", ".svg": "image/svg+xml"}

# In the order in which they are better; Flask-Compress leaves alone what is packed already.
_PACKERS: Final[Mapping[str, Callable[[bytes], bytes]]] = {
    "br": partial(brotli.compress, quality=9),
    "gzip": partial(gzip.compress, compresslevel=9, mtime=0),
}

# Static imports only: what a script asks for later (the map) is not waited for.
_IMPORTS: Final = re.compile(r'^(?:import|\}) (?:.*from )?"\./([a-z]+\.js)";$', re.MULTILINE)

# Name -> the package that carries it, and where.
_LIBRARIES: Final = {
    "maplibre-gl.js": ("maplibre", "maplibre/srcjs/maplibre-gl.js"),
    "maplibre-gl.css": ("maplibre", "maplibre/srcjs/maplibre-gl.css"),
    "chart.js": ("chartkick", "chartkick/django/static/chartkick/Chart.bundle.js"),
}


@dataclass(frozen=True)
class Assets:
    """Our own files by name, under one tag; the libraries by name, each with its version."""

    tag: str
    own: Mapping[str, bytes]
    libraries: Mapping[str, tuple[str, bytes]]

    def url(self, name: str) -> str:
        """The address of one of our own files."""
        return f"/web/{self.tag}/{name}"

    def imported_by(self, script: str) -> list[str]:
        """A script and what it imports, and what that imports: a browser told of all asks for all at once."""
        found = [script]
        for name in found:  # grows while it is walked
            imported = _IMPORTS.findall(self.own[name].decode())
            found += [f"js/{module}" for module in dict.fromkeys(imported) if f"js/{module}" not in found]
        return found

    def library_urls(self) -> dict[str, str]:
        """The addresses of the libraries that are installed."""
        return {name: f"/web/lib/{version}/{name}" for name, (version, _) in self.libraries.items()}


def register(app: Flask) -> None:
    """Read the files, serve them, and compress what is worth it: a phone on a bad network waits for every byte."""
    own = dict(_own())
    own |= {f"js/messages.{spoken}.js": language.messages_module(spoken).encode() for spoken in language.LANGUAGES}
    digest = hashlib.sha256()
    for name in sorted(own):
        digest.update(name.encode() + b"\0" + own[name] + b"\0")
    app.extensions[_KEY] = Assets(digest.hexdigest()[:12], own, dict(_libraries()))
    app.register_blueprint(blueprint)
    app.config.update(
        COMPRESS_ALGORITHM=["br", "gzip"],
        COMPRESS_MIMETYPES=["text/html", "text/css", "text/javascript", "image/svg+xml", "text/csv",
                            "application/json", "application/geo+json"],
        COMPRESS_MIN_SIZE=2000,  # one report fits a packet or two as it is, and is what is sent most
        COMPRESS_EVALUATE_CONDITIONAL_REQUEST=False,  # views answer 304 themselves, before they do the work
    )  # fmt: skip
    Compress(app)


def assets() -> Assets:
    """The files of the app that serves this request."""
    return cast("Assets", current_app.extensions[_KEY])


@blueprint.get("/web/<tag>/<path:name>")
@needs(Do.READ_PUBLIC, without_database=True)
def own_file(tag: str, name: str) -> Response:
    """One of our own files. Under an old tag the new file is served and not kept: a page from before an update."""
    known = assets()
    content = known.own.get(name)
    if content is None:
        raise NotFound
    return _served(content, name, keep=tag == known.tag)


@blueprint.get("/web/lib/<version>/<name>")
@needs(Do.READ_PUBLIC, without_database=True)
def library(version: str, name: str) -> Response:
    """A library, as its package carries it."""
    installed, content = assets().libraries.get(name, ("", None))
    if content is None:
        raise NotFound
    return _served(content, name, keep=version == installed)


def _served(content: bytes, name: str, *, keep: bool) -> Response:
    encoding = next((known for known in _PACKERS if request.accept_encodings[known] > 0), None)
    response = Response(_packed(content, encoding) if encoding else content, mimetype=_TYPES[Path(name).suffix])
    if encoding:
        response.content_encoding = encoding
    response.vary.add("Accept-Encoding")
    if keep:
        response.cache_control.public = True
        response.cache_control.max_age = 31_536_000
        response.cache_control.immutable = True
    return response


@lru_cache(maxsize=256)
def _packed(content: bytes, encoding: str) -> bytes:
    """A file as it goes over the wire, packed once a process: the largest takes longer than a report to take in."""
    return _PACKERS[encoding](content)


def _own() -> Iterator[tuple[str, bytes]]:
    def walk(folder: Traversable, at: str) -> Iterator[tuple[str, bytes]]:
        for item in folder.iterdir():
            if item.is_dir():
                yield from walk(item, f"{at}{item.name}/")
            elif Path(item.name).suffix in _TYPES:
                yield f"{at}{item.name}", item.read_bytes()

    return walk(files("app.web") / "static", "")


def _libraries() -> Iterator[tuple[str, tuple[str, bytes]]]:
    for name, (package, inside) in _LIBRARIES.items():
        try:
            found = distribution(package)
        except PackageNotFoundError:  # the pages work without: no map, no charts
            log.warning("library_missing", library=name, package=package)
            continue
        yield name, (found.version, Path(str(found.locate_file(inside))).read_bytes())
