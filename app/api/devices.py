"""Phones and browsers that are told at once."""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from flask import Response
from flask.views import MethodView
from marshmallow import Schema, fields, validate

from app.api.viewing import answer
from app.http import access
from app.http.access import needs
from app.http.blueprint import Blueprint
from app.http.container import container
from app.http.limits import DEVICES
from app.identity.permissions import Do
from app.notifications import actions, devices, queries

blueprint = Blueprint("devices", __name__, description="Thiết bị nhận thông báo / Devices")


class DeviceSchema(Schema):
    """Where to reach me: what the browser's or phone's push service gave.

    `web`: the PushSubscription as JSON text. `fcm`: the registration token, of Android and iPhones alike. A platform that
    is not served here is refused.
    """

    platform = fields.String(required=True, validate=validate.OneOf(devices.PLATFORMS))
    token = fields.String(required=True, validate=validate.Length(min=1, max=4096))
    app_version = fields.String(load_default=None, allow_none=True, validate=validate.Length(max=40))


class RegisteredSchema(Schema):
    """A device that is reached from now on."""

    id = fields.UUID()
    platform = fields.String()


class KeySchema(Schema):
    """What a browser needs to subscribe: `applicationServerKey` (RFC 8292), base64url."""

    web = fields.String()


@blueprint.route("/devices")
class Devices(MethodView):
    """The asker's devices."""

    @needs(Do.KEEP_DEVICES)
    @blueprint.arguments(DeviceSchema)
    @blueprint.response(201, RegisteredSchema)
    @blueprint.alt_response(200, schema=RegisteredSchema, description="Known already; it is mine now")
    def post(self, given: Mapping[str, Any]) -> Response:
        """Tell me on this device, until I sign out on it

        It is of whoever registered it last; signing out forgets it. At most ten: then the one not seen for longest goes.
        Twenty times an hour, not counting what this sign-in has registered already.
        """
        actor = access.actor()
        devices.require_usable(given["platform"], given["token"], container().settings)
        if not queries.is_registered(access.session(), actor.session_id, given["platform"], given["token"]):
            container().limits.spend(DEVICES, actor.person_id, access.address())
        known = actions.register_device(access.session(), actor.person_id, actor.session_id, **given, now=access.now())
        return answer({"id": str(known.id), "platform": given["platform"]}, status=201 if known.is_new else 200)


@blueprint.route("/devices/<uuid:device_id>")
class Device(MethodView):
    """One of them."""

    @needs(Do.KEEP_DEVICES)
    @blueprint.response(204)
    def delete(self, device_id: UUID) -> Response:
        """Tell me nothing more on this device"""
        actions.remove_device(access.session(), device_id, access.actor().person_id)
        return Response(status=204)


@blueprint.route("/devices/key")
class Key(MethodView):
    """The service's public key."""

    @needs(Do.KEEP_DEVICES)
    @blueprint.response(200, KeySchema)
    def get(self) -> Response:
        """With which key a browser subscribes; 404 where browsers are not reached"""
        return answer({"web": devices.application_server_key(container().settings)})
