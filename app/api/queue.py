"""The queue: open cases in the order of their due time, each with the seconds left and the moves open to the asker."""

from collections.abc import Mapping, Sequence
from typing import Any

from flask import Response
from flask.views import MethodView
from marshmallow import Schema, fields, validate

from app.api import report_view
from app.api.report_schema import ReportSchema
from app.api.viewing import answer, book, tag_of, units_read, viewer
from app.enforcement import queries as decisions
from app.http import access, paging
from app.http.access import needs
from app.http.blueprint import Blueprint
from app.http.container import container
from app.http.preconditions import not_modified
from app.identity.permissions import Do, Role
from app.reports import queries
from app.reports.workflow import OPEN, State

blueprint = Blueprint("queue", __name__, description="Hàng đợi của đơn vị / A unit's queue")

# Who reads what the desk reviews, which other units hold; an officer of the desk alone does not.
READS_REVIEWS = frozenset({Role.DISPATCHER, Role.LEADER})


class QueueSchema(paging.PageSchema):
    """Which part of the queue: in one state, of one unit, only what is past due and not stopped."""

    state = fields.String(load_default=None, validate=validate.OneOf([state.value for state in sorted(OPEN)]))
    unit = fields.Integer(load_default=None)
    overdue = fields.Boolean(load_default=False)


class QueueLinksSchema(Schema):
    """Where to go from here."""

    live = fields.String(
        allow_none=True,
        metadata={
            "description": "text/event-stream: an event `case` with the id of each report that changed, `reset` when "
            "everything is to be fetched anew. Good for two minutes to connect; null where there is none"
        },
    )


class QueuePageSchema(paging.page_of(ReportSchema)):  # type: ignore[misc]
    """A page of the queue, and where its news come from."""

    links = fields.Nested(QueueLinksSchema)


@blueprint.route("/queue")
class Queue(MethodView):
    """The open cases of the asker's units; of every unit for those who watch the city."""

    @needs(Do.READ_QUEUE)
    @blueprint.arguments(QueueSchema, location="query")
    @blueprint.response(200, QueuePageSchema)
    def get(self, asked: Mapping[str, Any]) -> Response:
        """Open cases by due time

        Of my units; a leader sees those of every unit. `unit` leaves those of one unit (with the cases that the desk
        reviews, if it is the desk): another's is 404 `unit_not_found`. `overdue=true` leaves those past due whose clock
        runs. A cursor is a position, not a snapshot. `ETag` is of the cases' states; `If-None-Match` answers 304.
        `links.live` is where changes are told as they happen (server-sent events).
        """
        limit = paging.limit(asked)
        rows = _rows(asked, limit + 1)
        shown, more = rows[:limit], len(rows) > limit
        tag = tag_of(shown, more=more)
        if unchanged := not_modified(tag):
            return unchanged
        # Only a contested case can have a decision and be open.
        known = decisions.of_reports(access.session(), [row["id"] for row in shown if row["contests"]])
        look, rules = viewer(), book()
        page = {
            "items": [report_view.present(row, look, rules, known.get(row["id"], ())) for row in shown],
            "next": paging.cursor(shown[-1]["due_at"], shown[-1]["id"]) if more else None,
            "as_of": access.now().isoformat(),
            "links": {"live": _live()},
        }
        return answer(page, etag=tag)


def _live() -> str | None:
    """Where the asker hears of changes as they happen: an address with a ticket in it, which is good for two minutes."""
    live_url = container().settings.live_url
    if live_url is None:
        return None
    actor = access.actor()
    return f"{live_url}?ticket={container().tickets.issue(actor.person_id, actor.session_id, now=access.now())}"


def _rows(asked: Mapping[str, Any], limit: int) -> Sequence[Mapping[Any, Any]]:
    """The cases that the asker may see, and asks for. Raises UnitNotFound, CursorInvalid."""
    actor, unit = access.actor(), asked["unit"]
    part: dict[str, Any] = {
        "limit": limit,
        "states": OPEN if asked["state"] is None else {State(asked["state"])},
        "after": paging.position(asked),
        "overdue_at": access.now() if asked["overdue"] else None,
    }
    units = units_read(unit)
    if units is None:
        return queries.queue_of_city(access.session(), book().city_id, **part)
    desk = bool(actor.roles & READS_REVIEWS) and (unit is None or unit == book().desk.id)
    return queries.queue(access.session(), units, desk=desk, **part)
