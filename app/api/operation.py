"""For whoever keeps the service running: health, metrics, the API's own pages. No personal data, no sign-in."""

import os
from collections.abc import Callable
from html import escape
from importlib.resources import files
from typing import Any

import structlog
from flask import Blueprint, Response, abort, jsonify
from prometheus_client import CONTENT_TYPE_LATEST, REGISTRY, CollectorRegistry, Gauge, generate_latest
from prometheus_client.multiprocess import MultiProcessCollector
from redis.exceptions import RedisError
from sqlalchemy import text
from sqlalchemy.exc import SQLAlchemyError

from app.core import clock, outbox
from app.core.clock import ClockWrong
from app.core.errors import DomainError, all_errors
from app.http import queues, statuses
from app.http.access import needs
from app.http.container import container
from app.identity.permissions import Do
from app.photos.errors import StoreUnavailable
from app.reports import queries

blueprint = Blueprint("operation", __name__)
log = structlog.get_logger("health")

_SWAGGER = files("flask_swagger_ui") / "dist"
_SHOWN = {
    "swagger-ui.css": "text/css",
    "swagger-ui-bundle.js": "text/javascript",
    "favicon-32x32.png": "image/png",
}
_PAGE = """<!doctype html>
<html lang="vi"><meta charset="utf-8"><title>Hai Giờ: API</title>
<meta name="viewport" content="width=device-width, initial-scale=1">
<link rel="icon" href="/api/docs/favicon-32x32.png"><link rel="stylesheet" href="/api/docs/swagger-ui.css">
<div id="docs"></div><script src="/api/docs/swagger-ui-bundle.js"></script><script src="/api/docs/start.js"></script></html>
"""
_START = 'SwaggerUIBundle({url: "/api/v1/openapi.json", dom_id: "#docs", deepLinking: true});'


@blueprint.get("/health/live")
@needs(Do.WATCH, without_database=True)
def live() -> Response:
    """This process answers."""
    return jsonify(status="ok")


@blueprint.get("/health/ready")
@needs(Do.WATCH, without_database=True)
def ready() -> Response:
    """Whether requests can be served, naming what is down.

    Without the queue reports are still taken in, and what they promise waits: that is `degraded`, and still ready.
    """
    named: tuple[Callable[[], None], ...] = (_database, _photos, _queue, _clock)
    checks = {check.__name__.removeprefix("_"): _check(check) for check in named}
    can_serve = checks["database"] == checks["photos"] == checks["clock"] == "ok"
    status = "down" if not can_serve else "ok" if checks["queue"] == "ok" else "degraded"
    response = jsonify(status=status, checks=checks)
    response.status_code = 200 if can_serve else 503
    return response


@blueprint.get("/metrics")
@needs(Do.WATCH, without_database=True)
def metrics() -> Response:
    """Prometheus metrics: what the web processes counted, and what the database and the queues know."""
    counted = REGISTRY
    if "PROMETHEUS_MULTIPROC_DIR" in os.environ:  # several web processes share their counters through this folder
        counted = CollectorRegistry()
        MultiProcessCollector(counted)  # type: ignore[no-untyped-call]
    told = generate_latest(counted)
    for source, ask in (("database", _from_database), ("queues", _from_queues)):
        try:
            told += generate_latest(ask())
        except (
            SQLAlchemyError,
            RedisError,
            ClockWrong,
        ) as error:  # that one is down must not hide what the others know
            log.warning("metrics_incomplete", without=source, error=type(error).__name__)
    return Response(told, content_type=CONTENT_TYPE_LATEST)


@blueprint.get("/api/docs")
@needs(Do.READ_PUBLIC, without_database=True)
def docs() -> Response:
    """The API to read and try, with nothing fetched from elsewhere."""
    return Response(_PAGE, mimetype="text/html")


@blueprint.get("/api/docs/start.js")
@needs(Do.READ_PUBLIC, without_database=True)
def docs_start() -> Response:
    """The line that opens the page above; apart from it, so that no inline script need be allowed."""
    return Response(_START, mimetype="text/javascript")


@blueprint.get("/api/docs/<name>")
@needs(Do.READ_PUBLIC, without_database=True)
def docs_file(name: str) -> Response:
    """The files of the page above, from the installed package."""
    if name not in _SHOWN:
        abort(404)
    response = Response((_SWAGGER / name).read_bytes(), mimetype=_SHOWN[name])
    response.cache_control.public = True
    response.cache_control.max_age = 86_400
    return response


@blueprint.get(statuses.PAGE)
@needs(Do.READ_PUBLIC, without_database=True)
def every_problem() -> Response:
    """Every code that a problem can have: the page that each problem's `type` points at."""
    rows = "".join(_row(error) for error in sorted(_named_errors(), key=lambda error: error.code))
    page = (
        '<!doctype html><html lang="vi"><meta charset="utf-8"><title>Hai Giờ: mã lỗi / problem codes</title>'
        '<meta name="viewport" content="width=device-width, initial-scale=1"><h1>Mã lỗi / Problem codes</h1>'
        f"<table><tr><th>code<th>HTTP<th>Tiếng Việt<th>English{rows}</table></html>"
    )
    return Response(page, mimetype="text/html")


def _named_errors() -> list[type[DomainError]]:
    """One class a code: the one that names it."""
    return list({error.code: error for error in all_errors() if error is not DomainError}.values())


def _row(error: type[DomainError]) -> str:
    status = statuses.answer_for(error).status
    cells = "".join(f"<td>{escape(text)}" for text in (str(status), error.vi, error.en))
    return f'<tr id="{error.code}"><td><code>{error.code}</code>{cells}'


def _check(check: Callable[[], Any]) -> str:
    try:
        check()
    except (SQLAlchemyError, RedisError, OSError, ClockWrong, StoreUnavailable) as error:
        log.warning("not_ready", check=check.__name__.removeprefix("_"), error=type(error).__name__)
        return "down"
    return "ok"


def _clock() -> None:
    database = container().database
    with database.sessions() as session:
        database.compare_clocks(session)


def _database() -> None:
    with container().database.engine.connect() as connection:
        connection.execute(text("set local statement_timeout = '2s'"))
        connection.execute(text("select 1 from rulebook_revision"))


def _queue() -> None:
    with queues.connect(container().settings.queue_url) as connection:
        connection.ping()


def _photos() -> None:
    container().photos.require_works()


def _from_database() -> CollectorRegistry:
    """What no single process knows: the promises that wait, and the cases that are open."""
    registry = CollectorRegistry()
    with container().database.unit_of_work() as session:
        session.execute(text("set local statement_timeout = '2s'"))
        standing = outbox.backlog(session, clock.now())
        open_cases = queries.count_open(session)
    for name, meaning, value in (
        ("haigio_outbox_depth", "Promises to be kept by now and not kept yet", standing.waiting),
        ("haigio_outbox_oldest_seconds", "Age of the oldest of them", standing.oldest_s),
        ("haigio_outbox_unsent", "Those of them that are not in a queue yet", standing.unsent),
        ("haigio_outbox_oldest_unsent_seconds", "Age of the oldest of these", standing.oldest_unsent_s),
        ("haigio_outbox_retried", "Promises not kept yet that were handed over more than once", standing.again),
        ("haigio_outbox_failed", "Promises not kept yet whose last attempt came to nothing", standing.failed),
        ("haigio_outbox_later", "Promises that may not be kept yet", standing.later),
        ("haigio_dead_letters", "Promises that were given up and wait for a person", standing.given_up),
    ):
        Gauge(name, meaning, registry=registry).set(value)
    waiting = Gauge("haigio_outbox_topic_depth", "Promises not kept yet, by topic", ("topic",), registry=registry)
    for topic, number in standing.by_topic.items():
        waiting.labels(topic).set(number)
    cases = Gauge("haigio_open_reports", "Open reports", ("state",), registry=registry)
    for state, number in open_cases.items():
        cases.labels(state).set(number)
    return registry


def _from_queues() -> CollectorRegistry:
    """How the queues stand, and how many workers there are for each."""
    registry = CollectorRegistry()
    with queues.connect(container().settings.queue_url) as connection:
        known, workers = queues.standing(connection)
    gauges = {
        name: Gauge(f"haigio_queue_{name}", meaning, ("queue",), registry=registry)
        for name, meaning in (
            ("depth", "Jobs that wait for a worker"),
            ("under_way", "Jobs that a worker has begun"),
            ("retrying", "Jobs that failed and will be tried again after a pause"),
            ("failed", "Jobs that ended in a failure within a day"),
            ("workers", "Workers that are registered"),
        )
    }
    for queue in known:
        for name in ("depth", "under_way", "retrying", "failed"):
            gauges[name].labels(queue.name).set(getattr(queue, name))
        gauges["workers"].labels(queue.name).set(sum(queue.name in worker.queues for worker in workers))
    return registry
