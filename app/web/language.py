"""Which language a page is in, and its words in it.

The words stand in English in templates and scripts, and in Vietnamese in `translations/vi.po`. The file is read as it
is when a process starts: there is no compiled copy that could be older. `docs/pages.md` says how it is kept complete.
"""

from functools import cache
from importlib.resources import files
from io import BytesIO
from typing import Final, cast

from babel.messages.catalog import Catalog
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po
from babel.support import NullTranslations, Translations
from flask import Flask, Response, json, request
from flask_babel import Babel, get_locale

from app.core.errors import Language
from app.http import problems

LANGUAGES: Final[tuple[Language, ...]] = ("vi", "en")
COOKIE: Final = "haigio_language"
_KEPT_S: Final = 365 * 24 * 3600
_DOMAIN: Final = "messages"


def register(app: Flask) -> None:
    """Let templates speak the language of their request."""
    babel = Babel(app, default_locale="vi", default_timezone="Asia/Ho_Chi_Minh", locale_selector=_of_request)
    with app.app_context():
        for language in LANGUAGES:
            babel.domain_instance.cache[language, _DOMAIN] = _translations(language)


def spoken() -> Language:
    """The language of this request's page."""
    return cast("Language", str(get_locale()))


def messages_module(language: Language) -> str:
    """The words that our scripts use, as a module for them: English to what a person reads."""
    words = {
        message.id: message.string
        for message in (_catalogue() if language == "vi" else ())
        if message.id and any(file.endswith(".js") for file, _ in message.locations)
    }
    return f"export default {json.dumps(words)};\n"


@cache
def _catalogue() -> Catalog:
    source = files("app.web") / "translations" / "vi.po"
    return read_po(BytesIO(source.read_bytes()), locale="vi", domain=_DOMAIN, abort_invalid=True)


def _translations(language: Language) -> NullTranslations:
    if language == "en":
        return NullTranslations()
    compiled = BytesIO()
    write_mo(compiled, _catalogue())
    compiled.seek(0)
    return Translations(compiled, domain=_DOMAIN)


def _of_request() -> Language:
    """What was asked for just now, else what was chosen before, else the first of the browser's that we speak."""
    for chosen in (request.args.get("lang"), request.cookies.get(COOKIE)):
        if chosen in LANGUAGES:
            return chosen
    return problems.language()


def remember(response: Response) -> Response:
    """Keep the language that was just asked for, for the pages to come."""
    chosen = request.args.get("lang")
    elsewhere = request.headers.get("Sec-Fetch-Site", "none") not in {"same-origin", "none"}
    if chosen in LANGUAGES and not elsewhere:  # a link on somebody's page chooses for one look only
        response.set_cookie(COOKIE, chosen, max_age=_KEPT_S, samesite="Lax", httponly=True, secure=request.is_secure)
    return response
