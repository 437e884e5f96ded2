"""Which devices can be reached, and what a token of each looks like."""

import hashlib
import json
from typing import Final
from urllib.parse import urlsplit

from app.config import Settings
from app.notifications.channels import webpush
from app.notifications.errors import NoWebPush, PlatformNotServed, PushServiceUnknown, TokenMalformed

PLATFORMS: Final = ("web", "fcm", "apns")

# The push services of the browsers there are, by the end of their host names: Chrome and its kin, Firefox, Edge, Safari.
# A subscription names a server, and in production our workers wait for none that just anybody has set up.
PUSH_SERVICES: Final = (
    "fcm.googleapis.com",
    "push.services.mozilla.com",
    "notify.windows.com",
    "push.apple.com",
)


def require_usable(platform: str, token: str, settings: Settings) -> None:
    """Refuse a device that could never be reached. Raises PlatformNotServed, TokenMalformed, PushServiceUnknown.

    Apple's own tokens are not served: FCM delivers to iPhones as well, with tokens of its own.
    """
    if platform not in _served(settings):
        raise PlatformNotServed(at="platform", platform=platform)
    if platform == "web":
        _require_subscription(token, is_production=settings.env == "production")
    elif not token.isascii() or not token.isprintable() or " " in token:
        raise TokenMalformed(at="token")


def _served(settings: Settings) -> set[str]:
    """The platforms to which there is a channel."""
    channels = {"web": settings.vapid_subject, "fcm": settings.fcm_credentials}
    return {platform for platform, channel in channels.items() if channel}


def _require_subscription(token: str, *, is_production: bool) -> None:
    try:
        endpoint = webpush.parse(token, https_only=is_production).endpoint
    except webpush.SubscriptionMalformed:
        raise TokenMalformed(at="token") from None
    host = urlsplit(endpoint).hostname or ""
    if is_production and not any(host == known or host.endswith(f".{known}") for known in PUSH_SERVICES):
        raise PushServiceUnknown(at="token")


def address(platform: str, token: str) -> str:
    """What tells one device from another: of a browser its endpoint, in whatever order it writes down the rest."""
    return str(json.loads(token)["endpoint"]) if platform == "web" else token


def token_hash(platform: str, token: str) -> bytes:
    """Under what a device is known."""
    return hashlib.sha256(f"{platform}:{address(platform, token)}".encode()).digest()


def application_server_key(settings: Settings) -> str:
    """With what a browser subscribes to us (RFC 8292): our public key, base64url. Raises NoWebPush."""
    if not settings.vapid_subject:
        raise NoWebPush
    return webpush.public_key(settings)
