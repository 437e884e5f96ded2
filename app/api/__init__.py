"""Our JSON API: the door that phones and pages use. Every route names the permission that guards it."""

from flask import Flask

from app.api import (
    blurs,
    cases,
    catalogue,
    dead_letters,
    decisions,
    devices,
    duplicates,
    duty,
    evidence,
    inbox,
    looks,
    me,
    operation,
    photos,
    public,
    queue,
    reports,
    sessions,
    statistics,
    units,
    uploads,
    wards,
    webhooks,
)
from app.http.blueprint import Api

PREFIX = "/api/v1"

DESCRIPTION = """
Cư dân chụp ảnh vi phạm; tin đến đúng phường theo vị trí, được xử lý trong hai giờ; lãnh đạo đọc con số thật.

A resident photographs a violation, the report finds its ward by its place, the ward's team deals with it within two
hours, leaders read honest figures. Errors are RFC 9457 problems with a stable `code`: [every code](/api/problems).
"""


def register(app: Flask) -> None:
    """Hang every blueprint on the app, and describe them."""
    app.config.update(
        API_TITLE="Hai Giờ",
        API_VERSION="1",
        OPENAPI_VERSION="3.1.0",
        OPENAPI_URL_PREFIX=PREFIX,
        OPENAPI_JSON_PATH="openapi.json",
        API_SPEC_OPTIONS={
            "info": {"description": DESCRIPTION},
            "components": {"securitySchemes": {"bearer": {"type": "http", "scheme": "bearer", "bearerFormat": "JWT"}}},
        },
    )
    documented = Api(app)
    for door in (
        sessions,
        me,
        inbox,
        devices,
        reports,
        duplicates,
        photos,
        uploads,
        looks,
        public,
        blurs,
        queue,
        cases,
        decisions,
        evidence,
        units,
        duty,
        wards,
        catalogue,
        statistics,
        webhooks,
        dead_letters,
    ):
        documented.register_blueprint(door.blueprint, url_prefix=PREFIX)
    app.register_blueprint(operation.blueprint)
