"""What a person may read and change about themselves."""

from collections.abc import Mapping, Sequence
from typing import Any

from flask import Response
from flask.views import MethodView
from marshmallow import Schema, ValidationError, fields, validate

from app.api.sessions import MemberSchema
from app.api.viewing import answer
from app.http import access
from app.http.access import needs
from app.http.blueprint import Blueprint
from app.identity import actions, queries
from app.identity.models import Person
from app.identity.permissions import Do
from geo.validity import local_day

blueprint = Blueprint("me", __name__, description="Tôi / Me")

# How somebody may wish to be told: the senders come with notifications, the wish is theirs from the start.
CHANNELS = ("inbox", "push", "sms", "email", "zalo")


def _once(consents: Sequence[Mapping[str, Any]]) -> None:
    """Refuse two answers about one purpose: which of them is meant is not ours to guess."""
    purposes = [consent["purpose"] for consent in consents]
    if len(set(purposes)) < len(purposes):
        raise ValidationError("Must be one of each purpose.")


class ConsentSchema(Schema):
    """One purpose, the version of the text that was shown, and the answer. Nothing is assumed."""

    purpose = fields.String(required=True, validate=validate.Regexp(r"\A[a-z_]{1,40}\Z"))
    version = fields.String(required=True, validate=validate.Length(min=1, max=40))
    given = fields.Boolean(required=True, truthy={True}, falsy={False})


class ChangeSchema(Schema):
    """What to change; what is left out stays."""

    language = fields.String(load_default=None, validate=validate.OneOf(["vi", "en"]))
    channels = fields.List(fields.String(validate=validate.OneOf(CHANNELS)), load_default=None)
    consents = fields.List(fields.Nested(ConsentSchema), load_default=list, validate=[validate.Length(max=20), _once])


class StandingConsentSchema(ConsentSchema):
    """A consent with its days."""

    given_at = fields.AwareDateTime()
    withdrawn_at = fields.AwareDateTime(allow_none=True)


class MySchema(Schema):
    """Who I am here."""

    id = fields.UUID()
    role = fields.String(allow_none=True)
    units = fields.List(fields.Nested(MemberSchema))
    name = fields.String(allow_none=True, metadata={"description": "of staff only"})
    phone = fields.String(allow_none=True, metadata={"description": "of residents only"})
    language = fields.String()
    channels = fields.List(fields.String())
    consents = fields.List(fields.Nested(StandingConsentSchema))


@blueprint.route("/me")
class Me(MethodView):
    """The asker."""

    @needs(Do.READ_ME)
    @blueprint.response(200, MySchema)
    def get(self) -> Response:
        """Who I am, how I am spoken to, and what I consented to"""
        return _shown()

    @needs(Do.CHANGE_ME)
    @blueprint.arguments(ChangeSchema)
    @blueprint.response(200, MySchema)
    def patch(self, given: Mapping[str, Any]) -> Response:
        """Change language, channels or consents"""
        person_id = access.actor().person_id
        actions.change_me(access.session(), person_id, **given, now=access.now())
        access.session().flush()
        return _shown()


def _shown() -> Response:
    session, actor = access.session(), access.actor()
    person = session.get_one(Person, actor.person_id)
    units = queries.units_of(session, person.id, on=local_day(access.now()))
    return answer(
        {
            "id": str(person.id),
            "role": actor.role,
            "units": [{"id": unit.id, "name": unit.name, "role": unit.role} for unit in units],
            "name": queries.name_of(session, person.id),
            "phone": queries.phone_of(session, person.id),
            "language": person.language,
            "channels": person.channels,
            "consents": [
                {
                    "purpose": consent.purpose,
                    "version": consent.version,
                    "given": consent.withdrawn_at is None,
                    "given_at": consent.given_at.isoformat(),
                    "withdrawn_at": consent.withdrawn_at and consent.withdrawn_at.isoformat(),
                }
                for consent in queries.consents_of(session, person.id)
            ],
        }
    )
