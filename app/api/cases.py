"""The cases of a unit, open and over: to find one again, and to see which recorded ones still wait for a decision."""

from collections.abc import Mapping
from typing import Any

from flask import Response
from flask.views import MethodView
from marshmallow import fields, validate
from sqlalchemy import ColumnElement, and_, true

from app.api import report_view
from app.api.report_schema import ReportSchema
from app.api.viewing import answer, book, tag_of, units_read, viewer
from app.enforcement import queries as decisions
from app.http import access, paging
from app.http.access import needs
from app.http.blueprint import Blueprint
from app.http.preconditions import not_modified
from app.identity.permissions import Do
from app.reports import queries
from app.reports.models import Report
from app.reports.workflow import State

blueprint = Blueprint("cases", __name__, description="Tin của đơn vị / A unit's cases")

OVER = (State.CONCLUDED.value, State.CLOSED.value)


class CasesSchema(paging.PageSchema):
    """Which cases: of one unit, by number, only those with a result, that wait for a decision, or that came late."""

    unit = fields.Integer(load_default=None)
    number = fields.String(load_default=None, validate=validate.Length(min=1, max=30))
    over = fields.Boolean(load_default=False)
    undecided = fields.Boolean(load_default=False)
    late = fields.Boolean(load_default=False)


@blueprint.route("/cases")
class Cases(MethodView):
    """The cases that the asker's units hold; of every unit for those who watch the city."""

    @needs(Do.READ_QUEUE)
    @blueprint.arguments(CasesSchema, location="query")
    @blueprint.response(200, paging.page_of(ReportSchema))
    def get(self, asked: Mapping[str, Any]) -> Response:
        """Cases by receipt, newest first

        `number` finds one, `over=true` leaves those with a result, `undecided=true` the recorded ones without a
        decision, the longest waiting first, `late=true` those concluded after they were due, each with its
        `late_reason`. `ETag` is of the cases' states; `If-None-Match` answers 304.
        """
        limit = paging.limit(asked)
        rows = queries.cases(
            access.session(),
            book().city_id,
            units_read(asked["unit"]),
            limit=limit + 1,
            which=_which(asked),
            oldest_first=asked["undecided"],
            after=paging.position(asked),
        )
        shown, more = rows[:limit], len(rows) > limit
        tag = tag_of(shown, more=more)
        if unchanged := not_modified(tag):
            return unchanged
        known = decisions.of_reports(access.session(), [row["id"] for row in shown])
        look, rules = viewer(), book()
        page = {
            "items": [report_view.present(row, look, rules, known.get(row["id"], ())) for row in shown],
            "next": paging.cursor(shown[-1]["received_at"], shown[-1]["id"]) if more else None,
            "as_of": access.now().isoformat(),
        }
        return answer(page, etag=tag)


def _which(asked: Mapping[str, Any]) -> ColumnElement[bool]:
    chosen: list[ColumnElement[bool]] = []
    if asked["number"] is not None:
        chosen.append(Report.number == asked["number"].strip().upper())
    if asked["over"]:
        chosen.append(Report.state.in_(OVER))
    if asked["undecided"]:
        chosen += [Report.state.in_(OVER), decisions.UNDECIDED]
    if asked["late"]:
        chosen += [Report.state.in_(OVER), Report.concluded_at > Report.due_at]
    return and_(true(), *chosen)
