"""The three pages. Each is an empty form in the asker's language; its script fills it from the API."""

from urllib.parse import urlsplit

from flask import Blueprint, Response, make_response, render_template, url_for

from app.http.access import needs
from app.http.container import container
from app.identity.permissions import Do
from app.reports.words import FIELDS
from app.web.assets import assets
from app.web.language import remember, spoken

blueprint = Blueprint("pages", __name__, template_folder="templates")
blueprint.after_request(remember)


@blueprint.get("/")
@needs(Do.READ_PUBLIC, without_database=True)
def report() -> Response:
    """Send a report, and see what became of one's own."""
    return _page("report", fields=FIELDS)


@blueprint.get("/desk")
@needs(Do.READ_PUBLIC, without_database=True)
def desk() -> Response:
    """A unit's queue, and the case that is being worked on."""
    return _page("desk")


@blueprint.get("/board")
@needs(Do.READ_PUBLIC, without_database=True)
def board() -> Response:
    """Within two hours or not, where not, and whether it gets better."""
    return _page("board")


@blueprint.get("/service-worker.js")
@needs(Do.READ_PUBLIC, without_database=True)
def service_worker() -> Response:
    """What shows notices while no page is open: at the root, because it may look after what lies below it only."""
    response = Response(assets().own["js/service-worker.js"], mimetype="text/javascript")
    response.cache_control.no_cache = True
    return response


def _page(name: str, **more: object) -> Response:
    known, settings = assets(), container().settings
    language = spoken()
    client = {
        "language": language,
        "libraries": known.library_urls(),
        "tiles": {"url": settings.tiles_url, "attribution": settings.tiles_attribution} if settings.tiles_url else None,
    }
    modules = [*known.imported_by(f"js/{name}.js"), f"js/messages.{language}.js"]
    response = make_response(
        render_template(
            f"{name}.html",
            asset=known.url,
            client=client,
            language=language,
            modules=[known.url(module) for module in modules],
            page=name,
            other={"vi": "en", "en": "vi"}[language],
            here=url_for(f"pages.{name}"),
            **more,
        )
    )
    response.headers["Content-Security-Policy"] = content_security_policy(
        settings.tiles_url, settings.live_url if name == "desk" else None
    )
    response.headers["Content-Language"] = language
    response.headers["Permissions-Policy"] = "camera=(self), geolocation=(self), microphone=()"
    response.vary.update(["Accept-Language", "Cookie"])
    response.cache_control.no_cache = True
    response.cache_control.private = True
    return response


def content_security_policy(tiles_url: str | None, live_url: str | None = None) -> str:
    """What a page may load and run: our own files, the map's worker, photos, videos; tiles and news from one other host each."""
    tiles = f" {_origin(tiles_url)}" if tiles_url else ""
    live = f" {_origin(live_url)}" if live_url else ""
    return "; ".join(
        (
            "default-src 'none'",
            "script-src 'self'",
            "style-src 'self'",
            f"img-src 'self' data: blob:{tiles}",
            "media-src 'self' blob:",
            f"connect-src 'self'{tiles}{live}",
            "worker-src 'self' blob:",  # the one that shows notices; the map makes its worker of its own code
            "form-action 'self'",
            "base-uri 'none'",
            "frame-ancestors 'none'",
        )
    )


def _origin(url: str) -> str:
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}"
