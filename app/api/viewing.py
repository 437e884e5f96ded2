"""Who looks at reports in this request, and by which rules: what the routes about reports share."""

import hashlib
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from flask import Response, g, json

from app.api import report_view
from app.api.report_view import Besides, Viewer
from app.enforcement import queries as decisions
from app.http import access, problems
from app.http.container import container
from app.identity import permissions
from app.identity.permissions import Do, UnitAlone
from app.photos import links
from app.reports import actions, alike, queries
from app.reports.actions import ReportSubject
from app.reports.intake import author_tag
from app.reports.rulebook import Rulebook, UnitNotFound
from app.reports.workflow import Outcome


@dataclass(frozen=True)
class Person(actions.Person):
    """The actor of this request, as reports know them."""

    def may(self, do: Do, subject: ReportSubject) -> bool:
        """Whether they may do this to a report."""
        return permissions.may(self.actor, do, subject)


def person() -> Person:
    """Who asks."""
    actor = access.actor()
    return Person(actor, author_tag(container().settings.key("author"), actor.person_id))


def book() -> Rulebook:
    """The rules as they are in this request's transaction, looked up once."""
    if "book" not in g:
        g.book = container().rulebook.current(access.session())
    known: Rulebook = g.book
    return known


def viewer() -> Viewer:
    """How this request's asker sees reports, found out once."""
    if "viewer" not in g:
        g.viewer = _viewer()
    known: Viewer = g.viewer
    return known


def _viewer() -> Viewer:
    now, key = access.now(), container().settings.key(links.KEY_PURPOSE)
    return Viewer(access.actor(), problems.language(), now, lambda sha256: links.urls(key, sha256, now=now))


def units_read(unit_id: int | None) -> frozenset[int] | None:
    """The units whose cases the asker lists: the one asked for, or all of theirs; None is every unit of the city.

    Raises UnitNotFound of a unit that is not theirs to look at.
    """
    actor = access.actor()
    if unit_id is None:
        return permissions.units_for(actor, Do.READ_QUEUE)
    if unit_id not in book().units or not permissions.may(actor, Do.READ_QUEUE, UnitAlone(unit_id)):
        raise UnitNotFound
    return frozenset({unit_id})


def answer(
    body: Any,
    *,
    status: int = 200,
    etag: str | None = None,
    media_type: str = "application/json",
    headers: Mapping[str, str] | None = None,
) -> Response:
    """A JSON answer that is ready as it is: the schemas of reports describe it, and need not copy it once more.

    The tag is a weak one: it is of the state, not of the bytes, which may come compressed and hold a countdown.
    """
    response = Response(json.dumps(body), status, headers, mimetype=media_type)
    if etag is not None:
        response.set_etag(etag, weak=True)
    return response


def tag_of(rows: Sequence[Mapping[Any, Any]], *, more: bool) -> str:
    """The tag of a page of reports as the asker sees it: of the state of each, and of whether there are more."""
    look = viewer()
    states = ",".join(f"{row['id']}:{report_view.etag(row, look)}" for row in rows)
    return hashlib.sha256(f"{states},{more},{look.mark}".encode()).hexdigest()[:32]


def readable(report_id: UUID) -> Mapping[Any, Any]:
    """The row of a report that the asker may read. Raises ReportNotFound."""
    row = queries.one(access.session(), report_id, person().asker)
    if not person().may(Do.READ_REPORT, report_view.subject_of(row)):
        raise queries.ReportNotFound
    return row


def shown(row: Mapping[Any, Any]) -> dict[str, Any]:
    """A report by itself, with its decisions, as the asker sees it."""
    session = access.session()
    decided = row["concluded_at"] is not None or row["contests"]
    known = decisions.of_reports(session, [row["id"]]) if decided else {}
    inside = person().may(Do.READ_UNIT_NOTES, report_view.subject_of(row))
    besides = Besides(
        original_number=_original_number(row, inside=inside),
        rating=queries.latest_rating(session, row["id"]) if decided else None,
        result=alike.result_of(session, row["original_id"]) if row["outcome"] == Outcome.DUPLICATE else None,
        joined=alike.joined(session, row["id"]) if inside else None,
    )
    shown_now = _with_other_reports(report_view.present(row, viewer(), book(), known.get(row["id"], ())), row)
    return report_view.alone(shown_now, besides, viewer(), book())


def _with_other_reports(shown: dict[str, Any], row: Mapping[Any, Any]) -> dict[str, Any]:
    """Name the reports that used a photo before, to who may read those too."""
    for photo, (*_, stored) in zip(shown["photos"], row["photos"], strict=True):
        if photo["hints"] and photo["hints"]["used"]:
            with suppress(queries.ReportNotFound):
                other = readable(UUID(json.loads(stored)["used"]["report"]))
                photo["hints"]["used"]["report"] = {"id": str(other["id"]), "number": other["number"]}
    return shown


def _original_number(row: Mapping[Any, Any], *, inside: bool) -> str | None:
    """The number of the report that this one repeats, for who handles the case or may read the other one too."""
    original: UUID | None = row["original_id"]
    if original is None:
        return None
    if inside:
        return queries.number_of(access.session(), original)
    try:
        number: str = readable(original)["number"]
    except queries.ReportNotFound:
        return None
    return number


def shown_report(report_id: UUID) -> tuple[dict[str, Any], str]:
    """A report after an act of the asker's (who may have handed it to another unit by it), and its ETag."""
    row = queries.one(access.session(), report_id, person().asker)
    return shown(row), report_view.etag(row, viewer())
