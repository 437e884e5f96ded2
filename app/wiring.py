"""The web application: wiring only. What is wired lies in the packages; where things are is in `config.py`."""

from typing import Any

from flask import Flask
from flask.json.provider import DefaultJSONProvider
from werkzeug.middleware.proxy_fix import ProxyFix

from app import api, web
from app.config import Settings, read_settings
from app.core import logs as lines
from app.core.db import Database
from app.http import headers, logs, problems, unread
from app.http.container import KEY, Container
from app.http.limits import Limits
from app.identity.tickets import KEY_PURPOSE, LiveTickets
from app.identity.tokens import AccessTokens
from app.notifications import texts
from app.photos.storage import PhotoStore
from app.reports.rulebook import RulebookCache

# No JSON of ours is longer; photos have a limit of their own.
MOST_JSON_BYTES = 64 * 1024


class StrictJson(DefaultJSONProvider):
    """JSON as RFC 8259 has it: no NaN, no Infinity, and members in the order in which we wrote them."""

    sort_keys = False
    ensure_ascii = False
    compact = True

    def loads(self, s: str | bytes, **kwargs: Any) -> Any:
        """Read JSON; raises ValueError of NaN and Infinity, which Python would otherwise take."""
        return super().loads(s, parse_constant=_refuse_constant, **kwargs)


def wire(settings: Settings | None = None, database: Database | None = None) -> Flask:
    """The web application. `database` is given by tests that share one transaction with their requests."""
    settings = settings or read_settings()
    lines.configure(for_people=settings.env != "production")
    texts.require_one_message(settings.public_url)  # a fault in the words is found now, and not by the first reader
    app = Flask(__name__, static_folder=None, template_folder=None)
    app.json = StrictJson(app)
    app.config.update(MAX_CONTENT_LENGTH=MOST_JSON_BYTES, PUBLIC_URL=settings.public_url)
    app.extensions[KEY] = Container(
        settings=settings,
        database=database or Database(settings.database_url),
        tokens=AccessTokens(settings.key("access tokens")),
        tickets=LiveTickets(settings.key(KEY_PURPOSE)),
        limits=Limits(settings.queue_url, settings.key("limits")),
        rulebook=RulebookCache(settings.city_id),
        photos=PhotoStore(settings.photos),
    )
    if settings.trusted_proxies:
        hops = settings.trusted_proxies
        app.wsgi_app = ProxyFix(app.wsgi_app, x_for=hops, x_proto=hops, x_host=hops)  # type: ignore[method-assign]
    problems.register(app)
    logs.register(app)
    headers.register(app)
    unread.register(app)
    api.register(app)
    web.register(app)
    return app


def _refuse_constant(constant: str) -> None:
    raise ValueError(f"{constant} is not JSON")
