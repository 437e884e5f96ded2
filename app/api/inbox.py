"""What I was told: the inbox, which always works, whatever else I chose."""

from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

from flask import Response
from flask.views import MethodView
from marshmallow import Schema, ValidationError, fields, validate, validates_schema

from app.api import report_view
from app.api.report_schema import PhotoSchema
from app.api.viewing import answer, person, viewer
from app.http import access, paging
from app.http.access import needs
from app.http.blueprint import Blueprint
from app.identity.permissions import Do
from app.notifications import actions, queries, texts
from app.notifications.news import OF_OTHERS, WITH_PHOTOS, Notice
from app.notifications.texts import TemplateFailed, Told, Words
from app.reports import alike

blueprint = Blueprint("inbox", __name__, description="Hộp thư / Inbox")


class InboxSchema(paging.PageSchema):
    """Which part of the inbox: a page of it, of what is unread only if wanted."""

    unread = fields.Boolean(load_default=False)


class ToldReportSchema(Schema):
    """The report that it is about; a follower is not told its number."""

    id = fields.UUID()
    number = fields.String(allow_none=True)


class ToldSchema(Schema):
    """One thing that I was told. `link` is a page of ours; `reports` are the cases that a digest lists."""

    id = fields.UUID()
    topic = fields.String(metadata={"enum": [notice.value for notice in Notice]})
    title = fields.String()
    body = fields.String()
    at = fields.AwareDateTime()
    read_at = fields.AwareDateTime(allow_none=True)
    report = fields.Nested(ToldReportSchema, allow_none=True)
    reports = fields.List(fields.Nested(ToldReportSchema))
    photos = fields.List(fields.Nested(PhotoSchema), metadata={"description": "with a result: before and after"})
    link = fields.String(allow_none=True)


class InboxPageSchema(Schema):
    """A page of the inbox, and how much of the whole is unread; `next` is the cursor of the page after it."""

    items = fields.List(fields.Nested(ToldSchema))
    next = fields.String(allow_none=True)
    as_of = fields.AwareDateTime()
    unread = fields.Integer()


class ReadSchema(Schema):
    """What I have read: these entries, or all that came until an instant."""

    ids = fields.List(fields.UUID(), load_default=list, validate=validate.Length(max=200))
    until = fields.AwareDateTime(load_default=None)

    @validates_schema
    def says_something(self, given: Mapping[str, Any], **_kwargs: Any) -> None:
        """Refuse what names nothing."""
        if not given["ids"] and given["until"] is None:
            raise ValidationError("Missing data for required field.", "ids")


@blueprint.route("/me/inbox")
class Inbox(MethodView):
    """What the asker was told."""

    @needs(Do.READ_INBOX)
    @blueprint.arguments(InboxSchema, location="query")
    @blueprint.response(200, InboxPageSchema)
    def get(self, asked: Mapping[str, Any]) -> Response:
        """What I was told, newest first

        In the language of the request. What concerns reports that I sent anonymously is shown with the rest, to me.
        """
        session, asker, limit = access.session(), person().asker, paging.limit(asked)
        told = queries.inbox(session, asker, limit=limit + 1, unread=asked["unread"], before=paging.position(asked))
        shown, more = told[:limit], len(told) > limit
        page = {
            "items": _items(shown),
            "next": paging.cursor(shown[-1].at, shown[-1].id) if more else None,
            "as_of": access.now().isoformat(),
            "unread": queries.count_unread(session, asker),
        }
        return answer(page)


@blueprint.route("/me/inbox/read")
class Read(MethodView):
    """That the asker read it."""

    @needs(Do.READ_INBOX)
    @blueprint.arguments(ReadSchema)
    @blueprint.response(204)
    def post(self, given: Mapping[str, Any]) -> Response:
        """I have read these, or all until an instant

        Repeated with no effect; what is not mine is left alone, and nobody is told whether there is such a thing.
        """
        actions.mark_read(access.session(), person().asker, **given, now=access.now())
        return Response(status=204)


def _items(told: Sequence[Told]) -> list[dict[str, Any]]:
    session = access.session()
    finished = [one.report_id for one in told if one.notice in WITH_PHOTOS and one.report_id is not None]
    photos = queries.photos_of(session, finished)
    told_of = {one.report_id: root for one in told if (root := _root(one)) and one.report_id is not None}
    # Of somebody else's report, with which one's own counts, only what its page shows: by which it was concluded.
    ended = {
        report_id: report_view.result_photos(alike.result_of(session, root))
        for report_id, root in alike.roots_of(session, list(told_of)).items()
        if told_of[report_id] == root
    }
    listed = [UUID(report_id) for one in told for report_id in one.data.get("reports", ())]
    numbers = queries.numbers_of(session, listed)
    return [_item(one, photos, ended, numbers) for one in told]


def _item(
    told: Told,
    photos: Mapping[UUID, Sequence[Any]],
    ended: Mapping[UUID, Sequence[Any]],
    numbers: Mapping[UUID, str],
) -> dict[str, Any]:
    look = viewer()
    words = _words(told)
    shown = [*photos.get(told.report_id, ())] if told.report_id and told.notice in WITH_PHOTOS else []
    shown += ended.get(told.report_id, ()) if told.report_id and _root(told) else ()
    listed = [UUID(report_id) for report_id in told.data.get("reports", ())]
    number = None if told.notice in OF_OTHERS else told.number
    return {
        "id": str(told.id),
        "topic": told.notice.value,
        "title": words.title,
        "body": words.body,
        "at": told.at.isoformat(),
        "read_at": told.read_at and told.read_at.isoformat(),
        "report": told.report_id and {"id": str(told.report_id), "number": number},
        "reports": [{"id": str(one), "number": numbers.get(one)} for one in listed],
        "photos": [report_view.shown_photo(look, photo) for photo in shown],
        "link": texts.link(told),
    }


def _root(told: Told) -> UUID | None:
    """The report with which the reader's own counts, where that is what was told."""
    root = told.data.get("root")
    return None if root is None else UUID(root)


def _words(told: Told) -> Words:
    """The words of an entry; one whose words cannot be made is shown by its number, and hides no other."""
    try:
        return texts.write(told, viewer().language, access.now())
    except TemplateFailed:
        return Words(told.number or "Hai Giờ", "")
