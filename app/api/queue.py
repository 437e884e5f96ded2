"""A unit's queue: open cases in the order of their due time, each with the seconds left and the moves open to the asker."""

import hashlib
from collections.abc import Mapping
from typing import Any

from flask import Response
from flask.views import MethodView
from marshmallow import fields, validate

from app.api import report_view
from app.api.report_schema import ReportSchema
from app.api.viewing import answer, book, viewer
from app.enforcement import queries as decisions
from app.http import access, paging
from app.http.access import needs
from app.http.blueprint import Blueprint
from app.http.preconditions import not_modified
from app.identity.permissions import Do, Role
from app.reports import queries
from app.reports.workflow import OPEN, State

blueprint = Blueprint("queue", __name__, description="Hàng đợi của đơn vị / A unit's queue")


class QueueSchema(paging.PageSchema):
    """Which part of the queue."""

    state = fields.String(load_default=None, validate=validate.OneOf([state.value for state in sorted(OPEN)]))


@blueprint.route("/queue")
class Queue(MethodView):
    """The open cases of the asker's units."""

    @needs(Do.READ_QUEUE)
    @blueprint.arguments(QueueSchema, location="query")
    @blueprint.response(200, paging.page_of(ReportSchema))
    def get(self, asked: Mapping[str, Any]) -> Response:
        """Open cases by due time

        A cursor is a position, not a snapshot. `ETag` is of the cases' states; `If-None-Match` answers 304.
        """
        limit, actor = paging.limit(asked), access.actor()
        rows = queries.queue(
            access.session(),
            actor.units(Role.OFFICER),
            desk=Role.DISPATCHER in actor.roles,
            limit=limit + 1,
            states=OPEN if asked["state"] is None else {State(asked["state"])},
            after=paging.position(asked),
        )
        shown, more = rows[:limit], len(rows) > limit
        tag = _tag(shown, more=more)
        # Only a contested case can have a decision and be open.
        known = decisions.of_reports(access.session(), [row["id"] for row in shown if row["contests"]])
        look, rules = viewer(), book()
        page = {
            "items": [report_view.present(row, look, rules, known.get(row["id"], ())) for row in shown],
            "next": paging.cursor(shown[-1]["due_at"], shown[-1]["id"]) if more else None,
            "as_of": access.now().isoformat(),
        }
        return not_modified(tag) or answer(page, etag=tag)


def _tag(rows: Any, *, more: bool) -> str:
    states = ",".join(f"{row['id']}:{report_view.etag(row)}" for row in rows)
    return hashlib.sha256(f"{states},{more}".encode()).hexdigest()[:32]
