"""The channels of a process, as its settings have them."""

import os
from dataclasses import dataclass
from typing import Final

from app.config import Settings
from app.notifications.channels import Channel
from app.notifications.channels.connection import TOTAL_S, Way
from app.notifications.channels.fcm import Fcm, read_account
from app.notifications.channels.gateway import Gateway, read_form, simple
from app.notifications.channels.log import LogTexts
from app.notifications.channels.mail import Mail, parse_server
from app.notifications.channels.outgoing import Outgoing
from app.notifications.channels.webhook import Webhooks
from app.notifications.channels.webpush import WebPush

# A gateway takes a text in well under a second. One that lately did not is given this long.
HURRIED_S: Final = 2.0


@dataclass(frozen=True)
class Channels:
    """The ways out that there are; None for one that is not configured."""

    webpush: Channel | None
    fcm: Channel | None
    email: Channel | None
    gateway: Channel | None
    webhook: Webhooks | None


def channels_for(settings: Settings) -> Channels:
    """The channels that the settings name; nothing is connected yet.

    Addresses that people give us (push services, webhooks) are only gone to by https and outside our networks, in
    production. Those that the operator named may well stand inside.

    Raises SettingsError when a file that they name is not as it must be.
    """
    is_production = settings.env == "production"
    theirs = Outgoing(Way(public_only=is_production), https_only=is_production, leaves_the_slow=True)
    # FCM may take two calls, a token and a message: both together have the time of one.
    return Channels(
        webpush=WebPush(settings, settings.vapid_subject, theirs) if settings.vapid_subject else None,
        fcm=Fcm(read_account(settings.fcm_credentials), Outgoing(Way(total_s=TOTAL_S / 2)))
        if settings.fcm_credentials
        else None,
        email=Mail(parse_server(settings.smtp_url), settings.mail_from, Way())
        if settings.smtp_url and settings.mail_from
        else None,
        gateway=_gateway(settings, Outgoing(hurried_s=HURRIED_S)),
        webhook=Webhooks(settings, theirs),
    )


def _gateway(settings: Settings, outgoing: Outgoing) -> Channel | None:
    """The gateway that a file describes, or the simple one; without either the log, but not in production."""
    if settings.gateway:
        return Gateway(read_form(settings.gateway, os.environ), outgoing)
    if settings.sms_url:
        return Gateway(simple(settings.sms_url), outgoing)
    return LogTexts() if settings.env != "production" else None
