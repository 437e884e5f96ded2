"""What a person may read and change about themselves."""

from collections.abc import Mapping, Sequence
from datetime import time
from typing import Any

from flask import Response
from flask.views import MethodView
from marshmallow import Schema, ValidationError, fields, post_load, validate

from app.api.forms import time_of_day
from app.api.sessions import MemberSchema
from app.api.viewing import answer
from app.http import access
from app.http.access import needs
from app.http.blueprint import Blueprint
from app.identity import actions, queries
from app.identity.models import Person
from app.identity.permissions import Do
from app.notifications.channels.mail import is_address
from geo.validity import local_day

blueprint = Blueprint("me", __name__, description="Tôi / Me")

# How somebody may wish to be told; nothing chosen is inbox and push. The inbox has everything in any case. Texts go to
# residents (one, however many ways are named), mails to staff.
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


class QuietHoursSchema(Schema):
    """Local times of the day, HH:MM, between which no device rings; `to` may be of the next morning."""

    begin = time_of_day(data_key="from", required=True)
    end = time_of_day(data_key="to", required=True)

    @post_load
    def times(self, given: Mapping[str, str], **_kwargs: Any) -> tuple[time, time]:
        """The two times. What begins when it ends is refused: it might be all day or no time."""
        if given["begin"] == given["end"]:
            raise ValidationError("Must be two times.", "to")
        return time.fromisoformat(given["begin"]), time.fromisoformat(given["end"])


def _to_which_mail_goes(address: str) -> None:
    """Refuse what the channel would refuse each time."""
    if not is_address(address):
        raise ValidationError("Not a valid email address.")


class ChangeSchema(Schema):
    """What to change; what is left out stays. Duty overrides quiet hours, and warns on devices whatever was chosen."""

    language = fields.String(load_default=None, validate=validate.OneOf(["vi", "en"]))
    channels = fields.List(fields.String(validate=validate.OneOf(CHANNELS)), load_default=None)
    quiet_hours = fields.Nested(QuietHoursSchema, allow_none=True)
    email = fields.String(allow_none=True, validate=_to_which_mail_goes, metadata={"description": "of staff only"})
    consents = fields.List(fields.Nested(ConsentSchema), load_default=list, validate=[validate.Length(max=20), _once])


class StandingConsentSchema(ConsentSchema):
    """A consent with its days."""

    given_at = fields.AwareDateTime()
    withdrawn_at = fields.AwareDateTime(allow_none=True)


class ShownQuietHoursSchema(Schema):
    """Local times, HH:MM."""

    begin = fields.String(data_key="from")
    end = fields.String(data_key="to")


class MySchema(Schema):
    """Who I am here."""

    id = fields.UUID()
    role = fields.String(allow_none=True)
    units = fields.List(fields.Nested(MemberSchema))
    name = fields.String(allow_none=True, metadata={"description": "of staff only"})
    phone = fields.String(allow_none=True, metadata={"description": "of residents only"})
    language = fields.String()
    channels = fields.List(fields.String())
    quiet_hours = fields.Nested(ShownQuietHoursSchema, allow_none=True)
    email = fields.String(allow_none=True, metadata={"description": "of staff only"})
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
        """Change language, channels, quiet hours, e-mail address or consents"""
        person_id = access.actor().person_id
        # Null takes away; what is left out stays.
        taken_away = {"quiet_hours": (), "email": ""}
        said: dict[str, Any] = {name: taken_away.get(name) if value is None else value for name, value in given.items()}
        actions.change_me(access.session(), person_id, **said, now=access.now())
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
            "quiet_hours": person.quiet_from
            and person.quiet_to
            and {"from": f"{person.quiet_from:%H:%M}", "to": f"{person.quiet_to:%H:%M}"},
            "email": queries.email_of(session, person.id),
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
