"""Calls to the systems of others, signed as Standard Webhooks (https://www.standardwebhooks.com) has it.

Such a call is for a machine: it carries ids and a type, no words, and so has a form of its own.
"""

import base64
import hashlib
import hmac
import json
from collections.abc import Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

from app.config import Settings
from app.notifications.channels.outgoing import Outgoing


def secret_of(settings: Settings, webhook_id: UUID) -> str:
    """The secret that the owner of a webhook verifies with, as `whsec_…`.

    It is derived and not stored; a webhook that needs another secret is made anew.
    """
    return "whsec_" + base64.b64encode(_secret(settings, webhook_id)).decode()


class Webhooks:
    """Calls webhooks."""

    def __init__(self, settings: Settings, outgoing: Outgoing) -> None:
        self._settings, self._outgoing = settings, outgoing

    def call(
        self, url: str, webhook_id: UUID, type_: str, data: Mapping[str, Any], *, key: str, at: datetime, now: datetime
    ) -> None:
        """Post what happened at `at`; `key` is the `webhook-id` by which a receiver knows a repetition.

        Raises Gone (410: the receiver wants no more), Refused, Unreachable as every channel.
        """
        document = {"type": type_, "timestamp": at.isoformat(), "data": data}
        body = json.dumps(document, ensure_ascii=False, separators=(",", ":")).encode()
        seconds = int(now.timestamp())
        headers = {
            "Content-Type": "application/json",
            "webhook-id": key,
            "webhook-timestamp": str(seconds),
            "webhook-signature": _signature(_secret(self._settings, webhook_id), key, seconds, body),
        }
        self._outgoing.post(url, body, headers).accept(gone={410})


def _secret(settings: Settings, webhook_id: UUID) -> bytes:
    return hmac.digest(settings.key("webhooks"), webhook_id.bytes, hashlib.sha256)


def _signature(secret: bytes, key: str, seconds: int, body: bytes) -> str:
    signed = hmac.digest(secret, f"{key}.{seconds}.".encode() + body, hashlib.sha256)
    return "v1," + base64.b64encode(signed).decode()
