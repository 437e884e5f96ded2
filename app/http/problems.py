"""What went wrong, as RFC 9457 problems. Which status each becomes is in `statuses.py`."""

from collections.abc import Callable, Mapping
from typing import Any, cast

import structlog
from flask import Flask, Response, current_app, g, json, request
from sqlalchemy.exc import DataError, InterfaceError, OperationalError, PendingRollbackError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from werkzeug.exceptions import HTTPException

from app.core import errors
from app.core.errors import DomainError, Language
from app.http import places, validation
from app.http.statuses import (
    MEDIA_TYPE,
    BodyTooLarge,
    JsonMalformed,
    MethodNotAllowed,
    RequestMalformed,
    RequestRefused,
    advice,
    body_of,
)
from geo.errors import GeoError

log = structlog.get_logger("http")


class Internal(DomainError):
    """Our own mistake; the request id finds it in the logs."""

    code = "internal"
    vi = "Có lỗi ở phía chúng tôi. Mã yêu cầu: {request_id}."
    en = "The mistake is ours. Request id: {request_id}."


def language() -> Language:
    """The first of the asker's languages that we speak; Vietnamese if there is none."""
    # Werkzeug's best_match would answer "vi-VN, en;q=0.5" in English, since only that matches to the letter.
    for tag, quality in request.accept_languages:
        primary = tag.partition("-")[0].lower()
        if primary in {"vi", "en"} and quality > 0:
            return cast("Language", primary)
    return "vi"


def answer(error: DomainError, *, status: int | None = None, headers: Mapping[str, str] | None = None) -> Response:
    """The problem that tells of `error`, as a response. A view that returns it is committed."""
    spoken = language()
    body = body_of(error, spoken, site=_site(), status=status)
    response = Response(json.dumps(body), body["status"], mimetype=MEDIA_TYPE)
    response.headers["Content-Language"] = spoken
    response.vary.add("Accept-Language")
    response.headers.update(advice(error))
    response.headers.update(headers or {})
    g.problem = error.code
    return response


def register(app: Flask) -> None:
    """Turn whatever a view raises into a problem."""
    app.register_error_handler(DomainError, answer)
    app.register_error_handler(GeoError, _misplaced)
    app.register_error_handler(HTTPException, _refused_by_http)
    app.register_error_handler(DataError, _unstorable)
    for down in (OperationalError, InterfaceError, PendingRollbackError, PoolTimeout):
        app.register_error_handler(down, _database_down)
    app.register_error_handler(Exception, _our_mistake)


def _refused_by_http(error: HTTPException) -> Response:
    """What Flask and Werkzeug refuse before a view is reached, or while it reads the body."""
    status = error.code or 500
    if 300 <= status < 400 and error.response is not None:
        return cast("Response", error.get_response())
    refusal = _REFUSALS.get(status)
    if refusal is None:
        return answer(RequestRefused(), status=status)
    return answer(refusal(error), headers=_allowed(error))


# Only a body that claims to be JSON is parsed at all, so that is what could not be read.
_REFUSALS: Mapping[int, Callable[[HTTPException], DomainError]] = {
    400: lambda _: JsonMalformed() if request.is_json else RequestMalformed(),
    404: lambda _: errors.NotFound(),
    405: lambda _: MethodNotAllowed(method=request.method),
    413: lambda _: BodyTooLarge(limit_bytes=request.max_content_length),
    415: lambda _: errors.NotThatKind(),
    422: lambda error: validation.problem_of(getattr(error, "data", {}).get("messages", {})),
}


def _allowed(error: HTTPException) -> Mapping[str, str]:
    return {name: value for name, value in error.get_headers() if name == "Allow"}


def _misplaced(error: GeoError) -> Response:
    """A place that is none, or not ours. Whoever sends one in a body sends it as `location`."""
    return answer(places.problem_of(error, at="location" if request.method == "POST" else None))


def _unstorable(error: DataError) -> Response:
    """A value that passed validation and that the database cannot hold: refused, and told, as a rule is missing."""
    log.warning("unstorable", error=type(error.orig).__name__)
    return answer(errors.Invalid())


def _database_down(error: Exception) -> Response:
    orig = getattr(error, "orig", None) or error
    log.error("database_unavailable", error=type(orig).__name__)
    return answer(errors.Unavailable())


def _our_mistake(error: Exception) -> Response:
    # The traceback names the place. Messages of errors may hold what people wrote, so they are not logged.
    log.error("internal_error", error=type(error).__name__, **_where(error))
    if current_app.config.get("PROPAGATE_EXCEPTIONS"):
        raise error
    return answer(Internal(request_id=g.get("request_id", "")))


def _where(error: Exception) -> dict[str, Any]:
    """The innermost frames of a traceback: files, lines and names, never values."""
    frames = []
    trace = error.__traceback__
    while trace is not None:
        code = trace.tb_frame.f_code
        frames.append(f"{code.co_filename}:{trace.tb_lineno} {code.co_name}")
        trace = trace.tb_next
    return {"trace": frames[-12:]}


def _site() -> str:
    return cast("str", current_app.config["PUBLIC_URL"]) or request.host_url.rstrip("/")
