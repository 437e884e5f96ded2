"""A small app of the HTTP layer alone: what a view raises or is sent, without a database behind it."""

from collections.abc import Mapping
from typing import Any

import pytest
import structlog
from flask import Flask, request
from flask.testing import FlaskClient
from flask.views import MethodView
from marshmallow import Schema, fields, validate
from sqlalchemy.exc import DataError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from structlog.testing import LogCapture

from app.core import errors
from app.http import headers, logs, problems, unread
from app.http.blueprint import Api, Blueprint
from app.identity.errors import CodeTooSoon, CodeWrong
from geo.coordinates import parse
from geo.index import OutsideArea


class PlaceSchema(Schema):
    lat = fields.Float(required=True)
    lon = fields.Float(required=True)


class ThingSchema(Schema):
    name = fields.String(required=True, validate=validate.Length(max=20))
    count = fields.Integer(strict=True)
    place = fields.Nested(PlaceSchema)
    tags = fields.List(fields.String(validate=validate.OneOf(["a", "b"])))


class AskedSchema(Schema):
    count = fields.Integer(load_default=1)
    name = fields.String()


def secret_of_a_person() -> None:
    raise RuntimeError("0912345678 lives at 12 Bạch Đằng")


RAISED = {
    "not_found": errors.NotFound,
    "not_signed_in": errors.NotSignedIn,
    "not_permitted": errors.NotPermitted,
    "stale": errors.Stale,
    "code_wrong": lambda: CodeWrong(tries_left=3),
    "code_too_soon": lambda: CodeTooSoon(retry_after_s=42),
    "invalid_at": lambda: errors.Invalid(at="location.lat"),
    "unavailable": errors.Unavailable,
    "nowhere": lambda: OutsideArea(None, None),
    "pool": PoolTimeout,
    "down": lambda: OperationalError("select 1", {"phone": "0912345678"}, Exception("gone")),
    "unstorable": lambda: DataError("insert", {"note": "secret"}, Exception("out of range")),
}


@pytest.fixture
def small_app() -> Flask:
    app = Flask("small", static_folder=None)
    app.config.update(MAX_CONTENT_LENGTH=64 * 1024, PUBLIC_URL="https://haigio.example")
    app.config.update(API_TITLE="small", API_VERSION="1", OPENAPI_VERSION="3.1.0")
    blueprint = Blueprint("things", __name__)

    @blueprint.route("/things")
    class Things(MethodView):
        @blueprint.arguments(ThingSchema)
        @blueprint.response(201)
        def post(self, given: Mapping[str, Any]) -> Mapping[str, Any]:
            return given

        @blueprint.arguments(AskedSchema, location="query")
        @blueprint.response(200)
        def get(self, asked: Mapping[str, Any]) -> Mapping[str, Any]:
            return asked

    @app.get("/raise/<what>")
    def raise_(what: str) -> str:
        error = RAISED[what]()
        raise error

    @app.get("/person")
    def person() -> str:
        secret_of_a_person()
        return ""

    @app.get("/place")
    def place() -> str:
        return str(parse(lat=float(request.args["lat"]), lon=float(request.args["lon"])))

    problems.register(app)
    logs.register(app)
    headers.register(app)
    unread.register(app)
    Api(app).register_blueprint(blueprint)
    return app


@pytest.fixture
def small(small_app: Flask) -> FlaskClient:
    return small_app.test_client()


@pytest.fixture
def lines(monkeypatch):
    """What is logged from now on, one dict a line."""
    captured = LogCapture()
    log = structlog.wrap_logger(None, processors=[structlog.contextvars.merge_contextvars, captured])
    monkeypatch.setattr(logs, "log", log)
    monkeypatch.setattr(problems, "log", log)
    return captured.entries
