"""Sanction decisions, entered by the chair of the unit that recorded the violation."""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from flask import Response
from flask.views import MethodView
from marshmallow import Schema, fields, validate

from app.api.forms import Text
from app.api.report_schema import OneReportSchema
from app.api.viewing import answer, person, shown_report
from app.enforcement import actions
from app.http import access
from app.http.access import needs
from app.http.blueprint import Blueprint
from app.identity.permissions import Do

blueprint = Blueprint("decisions", __name__, description="Quyết định xử phạt / Sanction decisions")


class EnteredSchema(Schema):
    """A signed decision as it stands on paper. `fine_vnd` in đồng, 0 for a warning."""

    number = Text(50, required=True)
    decided_on = fields.Date(required=True)
    fine_vnd = fields.Integer(required=True, strict=True, validate=validate.Range(min=0, max=100_000_000_000))
    paid_on = fields.Date(load_default=None, allow_none=True)


@blueprint.route("/reports/<uuid:report_id>/decisions")
class Decisions(MethodView):
    """The decisions on one case."""

    @needs(Do.DECIDE)
    @blueprint.arguments(EnteredSchema)
    @blueprint.response(201, OneReportSchema)
    @blueprint.alt_response(200, schema=OneReportSchema, description="Known already, or its payment entered")
    def post(self, given: Mapping[str, Any], report_id: UUID) -> Response:
        """Enter a decision on a recorded case

        The same number again enters the day it was paid on; nothing else of a decision ever changes.
        """
        new = actions.enter(access.session(), report_id, actions.Entered(**given), by=person(), now=access.now())
        body, tag = shown_report(report_id)
        return answer(body, status=201 if new else 200, etag=tag)
