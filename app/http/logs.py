"""One line a request: what was asked, what was answered, how long it took. Never who, where or what they wrote.

A request has an id, taken from `X-Request-Id` when a proxy
gave a well-formed one, returned with every answer, and bound to every line that is logged on the way.
"""

import re
import time
from typing import Final
from uuid import uuid4

import structlog
from flask import Flask, Response, g, request
from prometheus_client import Counter, Histogram

log = structlog.get_logger("http")

REQUESTS: Final = Counter("haigio_requests_total", "Requests answered", ("method", "route", "status"))
SECONDS: Final = Histogram(
    "haigio_request_seconds", "Seconds to an answer", ("route",), buckets=(0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10)
)  # fmt: skip

_REQUEST_ID: Final = re.compile(r"\A[A-Za-z0-9._-]{8,64}\Z")


def register(app: Flask) -> None:
    """Give every request its id and its line."""
    app.before_request(_begin)
    app.after_request(_end)


def _begin() -> None:
    given = request.headers.get("X-Request-Id", "")
    g.request_id = given if _REQUEST_ID.match(given) else uuid4().hex
    g.began = time.perf_counter()
    structlog.contextvars.clear_contextvars()
    structlog.contextvars.bind_contextvars(request_id=g.request_id)


def _end(response: Response) -> Response:
    # The route's template, not the address asked for: an address may hold a phone number somebody pasted into it.
    route = request.url_rule.rule if request.url_rule else "(none)"
    took = time.perf_counter() - g.get("began", time.perf_counter())
    response.headers["X-Request-Id"] = g.get("request_id", "")
    REQUESTS.labels(request.method, route, response.status_code).inc()
    SECONDS.labels(route).observe(took)
    log.info(
        "request",
        method=request.method,
        route=route,
        status=response.status_code,
        ms=round(took * 1000, 1),
        by=g.get("asked_by", "nobody"),
        problem=g.get("problem"),
    )
    return response
