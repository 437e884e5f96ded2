"""Reports over HTTP: send, read, move, add to, follow."""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from flask import Response
from flask.views import MethodView
from marshmallow import EXCLUDE, Schema, fields, validate

from app.api import report_view
from app.api.forms import ActionId, Text, photo_hashes
from app.api.report_schema import OneReportSchema, ReportSchema, TimelineSchema
from app.api.viewing import answer, book, person, readable, shown, shown_report, viewer
from app.enforcement import queries as decisions
from app.http import access, paging
from app.http.access import needs
from app.http.blueprint import Blueprint
from app.http.container import container
from app.http.limits import REPORTS
from app.http.preconditions import expected_version, not_modified
from app.identity.permissions import Do
from app.reports import actions, filing, intake, queries, timeline
from app.reports.actions import Act
from app.reports.entries import RULES
from app.reports.intake import Submission
from app.reports.workflow import Outcome, State

blueprint = Blueprint("reports", __name__, description="Tin báo / Reports")

NOTE, ADDRESS, WORDS = 4000, 500, 2000


class LocationSchema(Schema):
    """A place in degrees, WGS 84, with the radius in metres within which it is true."""

    lat = fields.Float(required=True)
    lon = fields.Float(required=True)
    accuracy_m = fields.Float(load_default=None, validate=validate.Range(min=0, max=1_000_000))


class OnBehalfSchema(Schema):
    """Whom a report is filed for; their phone number, if they have one, lets them follow it themselves."""

    phone = fields.String(load_default=None, validate=validate.Length(max=20))


class SubmissionSchema(Schema):
    """A new report. The phone makes `id` (UUIDv7) and keeps the report until it has an answer."""

    class Meta:
        """A newer phone may say more than this server knows: that is no reason to lose its report."""

        unknown = EXCLUDE

    id = fields.UUID(required=True)
    kind = fields.String(required=True, validate=validate.Length(min=1, max=20))
    location = fields.Nested(LocationSchema, required=True)
    address = Text(ADDRESS, load_default=None, allow_none=True)
    captured_at = fields.AwareDateTime(load_default=None, allow_none=True)
    note = Text(NOTE, load_default=None, allow_none=True)
    anonymous = fields.Boolean(load_default=False)
    urgent = fields.Boolean(load_default=False)
    about_unit = fields.Boolean(load_default=False)
    photos = photo_hashes(load_default=list)
    channel = fields.String(load_default=None, validate=validate.OneOf(["app", "web", "assisted", "hotline"]))
    on_behalf = fields.Nested(OnBehalfSchema, load_default=None, allow_none=True)


class MoveSchema(Schema):
    """A move: the state to go to and what it needs. `id` makes a repeated move the same one."""

    id = ActionId(load_default=None)
    done_at = fields.AwareDateTime(load_default=None)
    to = fields.String(required=True, validate=validate.OneOf([state.value for state in State]))
    unit = fields.Integer(strict=True, validate=validate.Range(min=1, max=2**31 - 1))
    ward = fields.String(validate=validate.Length(max=20))
    reason = Text(WORDS)
    question = Text(WORDS)
    answer = Text(WORDS)
    outcome = fields.String(validate=validate.OneOf([outcome.value for outcome in Outcome]))
    note = Text(NOTE)
    photos = photo_hashes()
    original = fields.String(validate=validate.Length(max=50))
    body = fields.String(validate=validate.Length(max=50))
    late_reason = Text(WORDS)


class EntrySchema(Schema):
    """An entry that changes no state. `id` makes a repeated entry the same one."""

    id = ActionId(load_default=None)
    done_at = fields.AwareDateTime(load_default=None)
    type = fields.String(required=True, validate=validate.OneOf(sorted(RULES)))
    assignee = fields.UUID()
    kind = fields.String(validate=validate.Length(max=20))
    location = fields.Nested(LocationSchema)
    address = Text(ADDRESS, allow_none=True)
    reason = Text(WORDS)
    text = Text(NOTE)
    answers = fields.UUID()
    photos = photo_hashes()
    stars = fields.Integer(strict=True, validate=validate.Range(min=1, max=5))


class MineSchema(paging.PageSchema):
    """Which of my reports."""

    updated_since = fields.AwareDateTime(load_default=None)


class RevealSchema(Schema):
    """Why somebody must know who reported."""

    reason = Text(WORDS, required=True)


@blueprint.route("/reports")
class Reports(MethodView):
    """All reports of one person."""

    @needs(Do.SUBMIT, by_token=True)
    @blueprint.arguments(SubmissionSchema)
    @blueprint.response(201, OneReportSchema)
    @blueprint.alt_response(200, schema=OneReportSchema, description="Known already, as it stands now")
    def post(self, given: Mapping[str, Any]) -> Response:
        """Send a report

        However often it is sent, it is one report: 201 the first time, 200 with the report as it stands now when the
        same person sends the same again, 409 `report_id_taken` otherwise.
        """
        actor, now = access.actor(), access.now()
        author = filing.author_of(access.session(), actor, given, tag_key=container().settings.key("author"), now=now)
        submitted = actions.submit(
            access.session(),
            _submission(given, actor.is_staff),
            author,
            session_id=None if actor.is_staff else actor.session_id,
            cache=container().rulebook,
            spend=lambda: container().limits.spend(REPORTS, actor.person_id, access.address()),
            now=now,
        )
        location = {"Location": f"/api/v1/reports/{submitted.report_id}"}
        if submitted.columns is None:
            return _answer(submitted.report_id)
        row = {
            **report_view.FRESH,
            **submitted.columns,
            "number": submitted.number,
            "is_author": author.filed_by is None,
            "photos": [(sha256, "before", "awaited", *[None] * 5) for sha256 in dict.fromkeys(given["photos"])],
        }
        shown_now = report_view.present(row, viewer(), submitted.book)
        body = report_view.alone(shown_now, report_view.Besides(), viewer(), submitted.book)
        return answer(body, status=201, etag=report_view.etag(row, viewer()), headers=location)

    @needs(Do.LIST_OWN)
    @blueprint.arguments(MineSchema, location="query")
    @blueprint.response(200, paging.page_of(ReportSchema))
    def get(self, asked: Mapping[str, Any]) -> Response:
        """My reports, and those I filed for others, newest first"""
        limit = paging.limit(asked)
        rows = queries.mine(
            access.session(),
            person().asker,
            limit=limit + 1,
            before=paging.position(asked),
            updated_since=asked["updated_since"],
        )
        page, more = rows[:limit], len(rows) > limit
        known = decisions.of_reports(access.session(), [row["id"] for row in page])
        look, rules = viewer(), book()
        return answer(
            {
                "items": [report_view.present(row, look, rules, known.get(row["id"], ())) for row in page],
                "next": paging.cursor(page[-1]["received_at"], page[-1]["id"]) if more else None,
                "as_of": access.now().isoformat(),
            }
        )


@blueprint.route("/reports/<uuid:report_id>")
class OneReport(MethodView):
    """One report."""

    @needs(Do.READ_REPORT)
    @blueprint.response(200, OneReportSchema)
    def get(self, report_id: UUID) -> Response:
        """A report as it stands

        `ETag` is of its state, not of its countdown; `If-None-Match` answers 304.
        """
        row = readable(report_id)
        tag = report_view.etag(row, viewer())
        return not_modified(tag) or answer(shown(row), etag=tag)


@blueprint.route("/reports/<uuid:report_id>/timeline")
class Timeline(MethodView):
    """The course of a report."""

    @needs(Do.READ_REPORT)
    @blueprint.response(200, TimelineSchema)
    def get(self, report_id: UUID) -> Response:
        """The course of a report, oldest first"""
        row = readable(report_id)
        inside = person().may(Do.READ_UNIT_NOTES, report_view.subject_of(row))
        course = queries.course(access.session(), report_id, all_entries=inside)
        return answer(
            {
                "items": [report_view.entry(entry, book(), names=inside) for entry in course],
                "as_of": access.now().isoformat(),
            }
        )


@blueprint.route("/reports/<uuid:report_id>/moves")
class Moves(MethodView):
    """Where a report goes next."""

    @needs(Do.READ_REPORT)
    @blueprint.arguments(MoveSchema)
    @blueprint.response(200, OneReportSchema)
    def post(self, given: dict[str, Any], report_id: UUID) -> Response:
        """Make a move

        The report's `moves` say which are open to the asker and what each needs. The same `id` again gives the same
        result. `If-Match` with an older ETag answers 412.
        """
        actions.move(access.session(), report_id, given, act_of(given))
        return _answer(report_id)


@blueprint.route("/reports/<uuid:report_id>/entries")
class Entries(MethodView):
    """What is added to a report without a change of its state."""

    @needs(Do.READ_REPORT)
    @blueprint.arguments(EntrySchema)
    @blueprint.response(200, OneReportSchema)
    def post(self, given: dict[str, Any], report_id: UUID) -> Response:
        """Assign, correct, note, message, add, instruct or rate"""
        actions.enter(access.session(), report_id, given, act_of(given))
        return _answer(report_id)


@blueprint.route("/reports/<uuid:report_id>/follow")
class Follow(MethodView):
    """Hearing how somebody else's report ends."""

    @needs(Do.FOLLOW)
    @blueprint.response(204)
    def put(self, report_id: UUID) -> None:
        """Follow an open report that is not mine"""
        actions.follow(access.session(), report_id, person(), access.now())

    @needs(Do.FOLLOW)
    @blueprint.response(204)
    def delete(self, report_id: UUID) -> None:
        """Hear no more of it"""
        actions.unfollow(access.session(), report_id, access.actor().person_id)


@blueprint.route("/reports/<uuid:report_id>/author")
class AuthorOfReport(MethodView):
    """Who reported: for the city's desk, with a reason, on record."""

    @needs(Do.SEE_AUTHOR)
    @blueprint.arguments(RevealSchema)
    @blueprint.response(200)
    def post(self, given: Mapping[str, Any], report_id: UUID) -> dict[str, Any]:
        """See who reported, giving a reason; never possible for an anonymous report"""
        return filing.reveal(access.session(), report_id, by=person(), reason=given["reason"], now=access.now())


def _submission(given: Mapping[str, Any], is_staff: bool) -> Submission:
    place = given["location"]
    return Submission(
        id=given["id"],
        kind=given["kind"],
        lat=place["lat"],
        lon=place["lon"],
        accuracy_m=place["accuracy_m"],
        captured_at=intake.storable(given["captured_at"]),
        note=given["note"],
        address=given["address"],
        anonymous=given["anonymous"],
        urgent=given["urgent"],
        about_unit=given["about_unit"],
        photos=tuple(given["photos"]),
        channel=given["channel"] or ("assisted" if is_staff else "app"),
    )


def act_of(given: Mapping[str, Any]) -> Act:
    """This request as an act on a report: its id and the digest of all it says, so that a repetition is known as one.

    Who says it is named by the keyed tag: a digest over the person's id would let a reader of the timeline find out,
    one person after another, who wrote an entry of a resident.
    """
    by = person()
    digest = timeline.digest_of({**given, "by": by.tag.hex()})
    done_at = intake.storable(given["done_at"])
    return Act(by, timeline.Request(given["id"], digest, done_at, expected_version()), book(), access.now())


def _answer(report_id: UUID, status: int = 200, headers: Mapping[str, str] | None = None) -> Response:
    body, tag = shown_report(report_id)
    return answer(body, status=status, etag=tag, headers=headers)
