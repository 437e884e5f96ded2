"""Signing in, staying, and signing out."""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from flask import Response
from flask.views import MethodView
from marshmallow import Schema, fields, validate

from app.api.viewing import answer
from app.core.errors import DomainError
from app.http import access, cookies, problems
from app.http.access import needs
from app.http.blueprint import Blueprint
from app.http.container import container
from app.identity import actions, addresses, otp, queries
from app.identity.actions import SignedIn
from app.identity.errors import RefreshInvalid, TokenInvalid
from app.identity.permissions import Do
from app.identity.tokens import ACCESS_LIFE
from app.notifications import actions as notifications
from geo.validity import local_day

blueprint = Blueprint("sessions", __name__, description="Đăng nhập / Signing in")


class PhoneSchema(Schema):
    """A Vietnamese mobile number, in any usual way of writing it."""

    phone = fields.String(required=True, validate=validate.Length(min=1, max=30))


class ChallengeSchema(Schema):
    """A code is on its way. `dev_code` stands here in development only."""

    challenge_id = fields.UUID()
    expires_at = fields.AwareDateTime()
    resend_at = fields.AwareDateTime()
    dev_code = fields.String()


class ByCookieSchema(Schema):
    """How the tokens come: in the answer, or for a page of ours in cookies that its scripts cannot read."""

    cookie = fields.Boolean(load_default=False, truthy={True}, falsy={False})


class CodeSchema(ByCookieSchema):
    """The code that came to the phone."""

    challenge_id = fields.UUID(required=True)
    code = fields.String(required=True, validate=validate.Length(min=1, max=20))


class StaffSchema(ByCookieSchema):
    """How staff sign in; `totp` where the account asks for a second factor."""

    username = fields.String(required=True, validate=validate.Length(min=1, max=100))
    password = fields.String(required=True, validate=validate.Length(min=1, max=200))
    totp = fields.String(load_default=None, allow_none=True, validate=validate.Length(max=20))


class RefreshSchema(Schema):
    """The refresh token of the last answer, or nothing for the one in the cookie.

    It is spent by using it; `attempt` tells a retry from a second use.
    """

    refresh_token = fields.String(load_default=None, validate=validate.Length(min=1, max=200))
    attempt = fields.UUID(load_default=None)


class MemberSchema(Schema):
    """A unit that the person acts for."""

    id = fields.Integer()
    name = fields.String()
    role = fields.String()


class SelfSchema(Schema):
    """Who signed in. `role` is the widest; null of staff who act for nobody today."""

    id = fields.UUID()
    role = fields.String(allow_none=True)
    units = fields.List(fields.Nested(MemberSchema))


class TokensSchema(Schema):
    """An access token for some minutes, and a refresh token for the next one; neither when they came as cookies."""

    access_token = fields.String()
    refresh_token = fields.String()
    expires_in = fields.Integer(metadata={"description": "seconds"})
    person = fields.Nested(SelfSchema)


@blueprint.route("/sessions/otp")
class Codes(MethodView):
    """One-time codes."""

    @needs(Do.SIGN_IN)
    @blueprint.arguments(PhoneSchema)
    @blueprint.response(202, ChallengeSchema)
    def post(self, given: Mapping[str, Any]) -> Response:
        """Ask for a one-time code

        The answer is the same whether the number is known or not.
        """
        challenge = actions.ask_code(access.session(), given["phone"], address_tag=_address_tag(), now=access.now())
        settings = container().settings
        body = {
            "challenge_id": str(challenge.id),
            "expires_at": challenge.expires_at.isoformat(),
            "resend_at": (challenge.created_at + otp.RESEND_AFTER).isoformat(),
        }
        if settings.shows_codes:
            body["dev_code"] = otp.code_of(settings.key("otp"), challenge.id)
        return answer(body, status=202)


@blueprint.route("/sessions")
class Residents(MethodView):
    """Residents' sessions."""

    @needs(Do.SIGN_IN)
    @blueprint.arguments(CodeSchema)
    @blueprint.response(201, TokensSchema)
    def post(self, given: Mapping[str, Any]) -> Response:
        """Sign in with a one-time code

        Five tries a code. Whoever signs in for the first time is a resident from then on.
        """
        _require_own_page(given)
        key = container().settings.key("otp")
        outcome = actions.answer_code(
            access.session(), given["challenge_id"], given["code"].strip(), key=key, now=access.now()
        )
        return _told(outcome, 201, by_cookie=given["cookie"])


@blueprint.route("/staff/sessions")
class StaffSessions(MethodView):
    """Sessions of staff."""

    @needs(Do.SIGN_IN)
    @blueprint.arguments(StaffSchema)
    @blueprint.response(201, TokensSchema)
    def post(self, given: Mapping[str, Any]) -> Response:
        """Sign in as staff

        What was wrong is never told. After four wrong passwords the account rests, longer with each further one.
        """
        _require_own_page(given)
        outcome = actions.sign_in_staff(
            access.session(),
            given["username"],
            given["password"],
            given["totp"],
            address_tag=_address_tag(),
            now=access.now(),
        )
        return _told(outcome, 201, by_cookie=given["cookie"])


@blueprint.route("/sessions/refresh")
class Refreshed(MethodView):
    """Sessions that go on."""

    @needs(Do.SIGN_IN)
    @blueprint.arguments(RefreshSchema)
    @blueprint.response(200, TokensSchema)
    def post(self, given: Mapping[str, Any]) -> Response:
        """Go on with a session

        A refresh token is good once; used again, the whole session ends. A phone that may lose the answer sends an
        `attempt` id of its own making: the same attempt within a minute is answered again.
        """
        by_cookie = given["refresh_token"] is None
        token = cookies.refresh_token() if by_cookie else given["refresh_token"]
        if token is None:
            raise RefreshInvalid
        outcome = actions.refresh(access.session(), token, attempt=given["attempt"], now=access.now())
        response = _told(outcome, 200, by_cookie=by_cookie)
        if by_cookie and isinstance(outcome, DomainError):
            cookies.take_back(response)
        return response


@blueprint.route("/sessions/current")
class Current(MethodView):
    """The session of this request."""

    @needs(Do.SIGN_OUT)
    @blueprint.response(204)
    def delete(self) -> Response:
        """Sign out

        The devices that were registered under this session are told nothing more.
        """
        _end(access.actor().session_id)
        response = Response(status=204)
        cookies.take_back(response)
        return response


def _require_own_page(given: Mapping[str, Any]) -> None:
    """Let nobody's page sign a visitor in as somebody else, who would then read what the visitor reports."""
    if given["cookie"]:
        cookies.require_own_page()


def _told(outcome: SignedIn | DomainError, status: int, *, by_cookie: bool) -> Response:
    """The tokens, or the refusal: returned, not raised, so that what it counted is committed."""
    if isinstance(outcome, DomainError):
        return problems.answer(outcome)
    now = access.now()
    actor = queries.actor_of(
        access.session(), person_id=outcome.person_id, session_id=outcome.session_id, on=local_day(now)
    )
    units = queries.units_of(access.session(), outcome.person_id, on=local_day(now)) if outcome.is_staff else ()
    token = container().tokens.issue(outcome.person_id, outcome.session_id, is_staff=outcome.is_staff, now=now)
    body: dict[str, Any] = {
        "expires_in": int(ACCESS_LIFE.total_seconds()),
        "person": {
            "id": str(outcome.person_id),
            "role": actor and actor.role,
            "units": [{"id": unit.id, "name": unit.name, "role": unit.role} for unit in units],
        },
    }
    if not by_cookie:
        return answer({"access_token": token, "refresh_token": outcome.refresh_token, **body}, status=status)
    _end_earlier(outcome.session_id)
    response = answer(body, status=status)
    cookies.give(response, access=token, refresh=outcome.refresh_token, stays=outcome.stays)
    return response


def _end_earlier(session_id: UUID) -> None:
    """Whoever was signed in with this browser before is so no longer: no page could end their session any more."""
    try:
        earlier = container().tokens.session_to_end(cookies.earlier_access_token() or "")
    except TokenInvalid:
        return
    if earlier != session_id:
        _end(earlier)


def _end(session_id: UUID) -> None:
    """End a session, and what was sent to the phone or browser that it was on."""
    actions.sign_out(access.session(), session_id, now=access.now())
    notifications.forget_devices_of(access.session(), session_id)


def _address_tag() -> bytes:
    return addresses.tag(container().settings.key("address"), access.address())
