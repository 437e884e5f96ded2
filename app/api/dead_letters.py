"""What was promised to the outside and given up: read by an administrator, tried again, or dropped."""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from flask import Response
from flask.views import MethodView
from marshmallow import Schema, fields, validate

from app.api.viewing import answer
from app.core import dead_letters
from app.core.outbox import OutboxMessage
from app.http import access, paging
from app.http.access import needs
from app.http.blueprint import Blueprint
from app.identity.permissions import Do

blueprint = Blueprint("dead_letters", __name__, description="Việc tồn đọng / Dead letters")

LAST_ID = 2**63 - 1


class DeadLetterSchema(Schema):
    """A promise that waits for a person. `payload` holds ids only; `failed` says what the last attempt ended with."""

    id = fields.Integer()
    topic = fields.String()
    payload = fields.Dict()
    at = fields.AwareDateTime()
    sends = fields.Integer()
    failed = fields.String(allow_none=True)
    given_up_at = fields.AwareDateTime()


class DeadLettersSchema(paging.PageSchema):
    """Which part of them: on one topic."""

    topic = fields.String(load_default=None, validate=validate.Length(max=100))


@blueprint.route("/dead-letters")
class DeadLetters(MethodView):
    """Everything that was given up."""

    @needs(Do.ADMINISTER)
    @blueprint.arguments(DeadLettersSchema, location="query")
    @blueprint.response(200, paging.page_of(DeadLetterSchema))
    def get(self, asked: Mapping[str, Any]) -> Response:
        """What was given up, last first

        Each waits until it is tried again or dropped. `topic` leaves those on one topic.
        """
        limit, position = paging.limit(asked), paging.position(asked)
        before = (position[0], position[1].int) if position else None
        found = dead_letters.dead_letters(access.session(), limit + 1, before, topic=asked["topic"])
        shown = found[:limit]
        page = {
            "items": [_present(message) for message in shown],
            "next": _cursor(shown[-1]) if len(found) > limit else None,
            "as_of": access.now().isoformat(),
        }
        return answer(page)


@blueprint.route(f"/dead-letters/<int(max={LAST_ID}):message_id>/retry")
class Retry(MethodView):
    """Another try."""

    @needs(Do.ADMINISTER)
    @blueprint.response(204)
    def post(self, message_id: int) -> None:
        """Have it tried again at once, as often as a new one"""
        dead_letters.retry(access.session(), message_id, at=access.now(), by=_who())


@blueprint.route(f"/dead-letters/<int(max={LAST_ID}):message_id>")
class DeadLetter(MethodView):
    """One that was given up."""

    @needs(Do.ADMINISTER)
    @blueprint.response(204)
    def delete(self, message_id: int) -> None:
        """Let it be: nobody will be told

        Nothing is erased; it counts as done, and who dropped it is on record.
        """
        dead_letters.drop(access.session(), message_id, at=access.now(), by=_who())


def _present(message: OutboxMessage) -> dict[str, Any]:
    return {
        "id": message.id,
        "topic": message.topic,
        "payload": message.payload,
        "at": message.at.isoformat(),
        "sends": message.sends,
        "failed": message.failed,
        "given_up_at": message.given_up_at.isoformat() if message.given_up_at else None,
    }


def _cursor(message: OutboxMessage) -> str:
    """The position behind a row; the number takes the place of a page's usual identifier."""
    assert message.given_up_at is not None  # noqa: S101 -- what was given up was so at an instant
    return paging.cursor(message.given_up_at, UUID(int=message.id))


def _who() -> UUID:
    return access.actor().person_id
