"""The blueprint of every documented route: flask-smorest's, with a stricter reader of what is sent.

Python's JSON reader fails in several ways on what is made to hurt it (ten thousand brackets, a number of ten thousand
digits), and lets through characters that no text column can hold. All of it is refused here, once, before a schema looks
at the input. 1e999, which is JSON and no
number to reckon with, is left to the schema, which can say in which member it stands.
"""

import json
from collections.abc import Callable, Iterator
from typing import Any, ClassVar, cast

import flask_smorest
from flask import Request
from marshmallow import Schema, fields
from webargs.flaskparser import FlaskParser, is_json_request
from webargs.multidictproxy import MultiDictProxy
from werkzeug.exceptions import RequestEntityTooLarge

from app.core.errors import NotThatKind
from app.http import validation
from app.http.statuses import JsonMalformed

View = Callable[..., Any]

NO_TEXT = "Must not contain control characters."


class StrictParser(FlaskParser):
    """Reads JSON bodies and query strings, or says what is wrong with them."""

    def load_json(self, req: Request, schema: Schema) -> Any:  # noqa: ARG002 -- webargs' signature
        """The body.

        Raises:
            NotThatKind: there is a body, and it does not say that it is JSON.
            RequestEntityTooLarge: it came in chunks, and there are too many of them.
            JsonMalformed: it says so, and is not.
            InputInvalid: it holds characters that cannot be stored.
        """
        body = req.get_data()
        # Of a body that did not tell its length Werkzeug reads as much as is allowed, and says nothing of the rest.
        if req.content_length is None and req.max_content_length and len(body) >= req.max_content_length:
            raise RequestEntityTooLarge
        if not is_json_request(req):
            if body:
                raise NotThatKind
            return {}
        try:
            value = json.loads(body, parse_constant=_refuse_constant)
        except (ValueError, RecursionError) as wrong:
            raise JsonMalformed from wrong
        # Without an escape every character came as UTF-8, which has no surrogates, and a bare NUL is no JSON.
        if b"\\u" in body:
            _refuse(_unstorable(value, ""))
        return value

    def load_querystring(self, req: Request, schema: Schema) -> MultiDictProxy:
        """The query string.

        Raises:
            InputInvalid: it holds characters that cannot be stored.
        """
        _refuse(_unstorable(req.args.to_dict(), ""))
        return cast("MultiDictProxy", super().load_querystring(req, schema))


class Blueprint(flask_smorest.Blueprint):  # type: ignore[misc]  # flask-smorest has no types
    """A blueprint whose inputs are read strictly."""

    ARGUMENTS_PARSER: ClassVar[FlaskParser] = StrictParser()

    def arguments(self, schema: type[Schema], **how: Any) -> Callable[[View], View]:
        """Read the input by a schema that is made once; webargs would make a class anew for every request."""
        decorate: Callable[[View], View] = super().arguments(schema(), **how)
        return decorate


class ProblemSchema(Schema):
    """What went wrong (RFC 9457). `code` is stable; `errors` names the members of the input that are wrong."""

    type = fields.URL(required=True)
    title = fields.String(required=True)
    status = fields.Integer(required=True)
    detail = fields.String(required=True)
    code = fields.String(required=True)
    errors = fields.List(
        fields.Nested(
            Schema.from_dict(
                {"at": fields.String(), "code": fields.String(), "detail": fields.String()}, name="ProblemErrorSchema"
            )
        )
    )


class Api(flask_smorest.Api):  # type: ignore[misc]  # flask-smorest has no types
    """flask-smorest's description of the API, without its way of answering errors: `problems` has the one."""

    ERROR_SCHEMA = ProblemSchema

    def _register_error_handlers(self) -> None:
        """Leave the handlers to `problems.register`, whichever is called first."""


def _refuse_constant(constant: str) -> None:
    """NaN and Infinity, which Python would take and JSON does not know."""
    raise ValueError(f"{constant} is not JSON")


def _refuse(members: Iterator[str]) -> None:
    wrong = {member: [NO_TEXT] for member in members}
    if wrong:
        raise validation.problem_of(wrong)


def _unstorable(value: Any, at: str) -> Iterator[str]:
    """The paths of all strings with NUL or half of a surrogate pair, names of members included."""
    if isinstance(value, str):
        if "\x00" in value or any("\ud800" <= letter <= "\udfff" for letter in value):
            yield at
    elif isinstance(value, list | dict):
        for name, inner in value.items() if isinstance(value, dict) else enumerate(value):
            if isinstance(name, str):
                yield from _unstorable(name, at)
            yield from _unstorable(inner, f"{at}.{name}" if at else str(name))
