"""The blueprint of every documented route: flask-smorest's, with a stricter reader of what is sent.

Python's JSON reader takes what JSON is not (NaN, 1e999), fails in several ways on what is made to hurt it (ten thousand
brackets, a number of ten thousand digits), and lets through characters that no text column can hold. All of it is
refused here, once, before a schema looks at the input.
"""

import json
import math
from typing import Any, ClassVar, cast

import flask_smorest
from flask import Request
from marshmallow import Schema, fields
from webargs.flaskparser import FlaskParser, is_json_request
from webargs.multidictproxy import MultiDictProxy

from app.core.errors import Invalid, NotThatKind
from app.http.problems import JsonMalformed


class CharactersInvalid(Invalid):
    """NUL, or half of a surrogate pair: no text."""

    code = "characters_invalid"
    vi = "Dữ liệu gửi lên có ký tự không lưu được."
    en = "The input has characters that cannot be stored."


class StrictParser(FlaskParser):
    """Reads JSON bodies and query strings, or says what is wrong with them."""

    def load_json(self, req: Request, schema: Schema) -> Any:  # noqa: ARG002 -- webargs' signature
        """The body.

        Raises:
            NotThatKind: there is a body, and it does not say that it is JSON.
            JsonMalformed: it says so, and is not.
            CharactersInvalid: it holds characters that cannot be stored.
        """
        body = req.get_data()
        if not is_json_request(req):
            if body:
                raise NotThatKind
            return {}
        try:
            value = json.loads(body, parse_float=_finite, parse_constant=_finite)
        except (ValueError, RecursionError) as wrong:
            raise JsonMalformed from wrong
        # Without an escape every character came as UTF-8, which has no surrogates, and a bare NUL is no JSON.
        if b"\\u" in body:
            _require_storable(value)
        return value

    def load_querystring(self, req: Request, schema: Schema) -> MultiDictProxy:
        """The query string.

        Raises:
            CharactersInvalid: it holds characters that cannot be stored.
        """
        if "%00" in req.query_string.decode("latin-1"):
            raise CharactersInvalid
        return cast("MultiDictProxy", super().load_querystring(req, schema))


class Blueprint(flask_smorest.Blueprint):  # type: ignore[misc]  # flask-smorest has no types
    """A blueprint whose inputs are read strictly."""

    ARGUMENTS_PARSER: ClassVar[FlaskParser] = StrictParser()


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


def _finite(literal: str) -> float:
    """A number that is one: 1e999, NaN and Infinity are not.

    Raises:
        ValueError: the literal is none of JSON's, or beyond what a float can hold.
    """
    number = float(literal)
    if not math.isfinite(number):
        raise ValueError(f"{literal} is not a finite number")
    return number


def _require_storable(value: Any) -> None:
    """Refuse NUL and halves of surrogate pairs, in names and values, however deep."""
    if isinstance(value, str):
        if "\x00" in value or any("\ud800" <= letter <= "\udfff" for letter in value):
            raise CharactersInvalid
    elif isinstance(value, list):
        for inner in value:
            _require_storable(inner)
    elif isinstance(value, dict):
        for name, inner in value.items():
            _require_storable(name)
            _require_storable(inner)
