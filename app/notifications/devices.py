"""Which devices can be reached, and what a token of each looks like."""

from typing import Final

from app.config import Settings
from app.notifications.channels import webpush
from app.notifications.errors import PlatformNotServed, TokenMalformed

PLATFORMS: Final = ("web", "fcm", "apns")


def require_usable(platform: str, token: str, settings: Settings) -> None:
    """Refuse a device that could never be reached. Raises PlatformNotServed, TokenMalformed.

    Apple's own tokens are not served: FCM delivers to iPhones as well, with tokens of its own.
    """
    if platform == "apns":
        raise PlatformNotServed(at="platform", platform=platform)
    if platform == "web":
        try:
            webpush.parse(token, https_only=settings.env == "production")
        except webpush.SubscriptionMalformed:
            raise TokenMalformed(at="token") from None
    elif not token.isascii() or not token.isprintable() or " " in token:
        raise TokenMalformed(at="token")


def application_server_key(settings: Settings) -> str:
    """With what a browser subscribes to us (RFC 8292): our public key, base64url."""
    return webpush.public_key(settings)
