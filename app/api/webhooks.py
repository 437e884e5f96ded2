"""Outsiders that are told of what happens to cases."""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from flask import Response
from flask.views import MethodView
from marshmallow import Schema, fields, validate

from app.api.viewing import answer, book
from app.core.errors import Invalid
from app.http import access
from app.http.access import needs
from app.http.blueprint import Blueprint
from app.http.container import container
from app.identity.permissions import Do
from app.notifications import actions, queries
from app.notifications.channels import webhook as channel
from app.notifications.channels.outgoing import parse_url
from app.notifications.models import Webhook
from app.notifications.news import ALL_WEBHOOKS, WEBHOOK_TYPES
from app.reports.rulebook import UnitNotFound

blueprint = Blueprint("webhooks", __name__, description="Webhook / Webhooks")

TOPICS = (*dict.fromkeys(WEBHOOK_TYPES.values()), ALL_WEBHOOKS)


class AddressNotUsable(Invalid):
    """A webhook's address must be one that is called safely."""

    code = "webhook_address"
    vi = "Địa chỉ webhook phải là một địa chỉ https đầy đủ, không kèm tên đăng nhập."
    en = "A webhook's address must be a whole https address without a user name in it."


class NewWebhookSchema(Schema):
    """Who is to be told, and of what; with `unit` only of the cases that it holds or hands on."""

    url = fields.String(required=True, validate=validate.Length(min=1, max=2000))
    topics = fields.List(
        fields.String(validate=validate.OneOf(TOPICS)), required=True, validate=validate.Length(min=1, max=len(TOPICS))
    )
    unit = fields.Integer(load_default=None, allow_none=True)


class WebhookSchema(Schema):
    """A webhook. Its secret was shown once, when it was added."""

    id = fields.UUID()
    url = fields.String()
    topics = fields.List(fields.String())
    unit = fields.Integer(allow_none=True)
    created_at = fields.AwareDateTime()


class AddedWebhookSchema(WebhookSchema):
    """A webhook, and the secret by which its owner checks that we called (Standard Webhooks, `whsec_…`)."""

    secret = fields.String()


class WebhooksSchema(Schema):
    """All of them, oldest first."""

    items = fields.List(fields.Nested(WebhookSchema))


@blueprint.route("/webhooks")
class Webhooks(MethodView):
    """Who is told."""

    @needs(Do.ADMINISTER)
    @blueprint.response(200, WebhooksSchema)
    def get(self) -> Response:
        """Which outsiders are told of what happens to cases"""
        return answer({"items": [_shown(one) for one in queries.webhooks(access.session())]})

    @needs(Do.ADMINISTER)
    @blueprint.arguments(NewWebhookSchema)
    @blueprint.response(201, AddedWebhookSchema)
    def post(self, given: Mapping[str, Any]) -> Response:
        """Tell one more

        Numbers, states and times are told; never a place, a note, an address or a person. The secret is shown here and
        nowhere else: whoever lost it takes the webhook away and adds it anew.
        """
        _require_safe(given["url"])
        if given["unit"] is not None and given["unit"] not in book().units:
            raise UnitNotFound(at="unit")
        added = actions.add_webhook(
            access.session(),
            url=given["url"],
            topics=given["topics"],
            unit_id=given["unit"],
            by=access.actor().person_id,
            now=access.now(),
        )
        secret = channel.secret_of(container().settings, added.id)
        return answer({**_shown(added), "secret": secret}, status=201)


@blueprint.route("/webhooks/<uuid:webhook_id>")
class OneWebhook(MethodView):
    """One of them."""

    @needs(Do.ADMINISTER)
    @blueprint.response(204)
    def delete(self, webhook_id: UUID) -> Response:
        """Tell it nothing more"""
        actions.remove_webhook(access.session(), webhook_id, by=access.actor().person_id, now=access.now())
        return Response(status=204)


def _shown(webhook: Webhook) -> dict[str, Any]:
    return {
        "id": str(webhook.id),
        "url": webhook.url,
        "topics": webhook.topics,
        "unit": webhook.unit_id,
        "created_at": webhook.created_at.isoformat(),
    }


def _require_safe(url: str) -> None:
    """Refuse what is no address, names a user, or would carry cases in the clear. Raises AddressNotUsable."""
    try:
        parse_url(url, https_only=container().settings.env == "production")
    except ValueError:
        raise AddressNotUsable(at="url") from None
