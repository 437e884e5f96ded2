"""Web Push: a message to a browser, sealed so that only that browser can read it (RFC 8030, 8291, 8292).

The sealing is one record of `aes128gcm` (RFC 8188) over the primitives of `cryptography`. The library for it,
http-ece, comes as source only and is not needed for one record; the tests open what is sealed here with it.
"""

import json
import os
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Final
from urllib.parse import urlsplit

from cryptography.hazmat.primitives.asymmetric.ec import (
    ECDH,
    SECP256R1,
    EllipticCurvePrivateKey,
    EllipticCurvePublicKey,
    derive_private_key,
    generate_private_key,
)
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF, HKDFExpand
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from joserfc import jwt
from joserfc.jwk import ECKey
from joserfc.util import urlsafe_b64decode, urlsafe_b64encode

from app.config import Settings
from app.core import clock
from app.notifications.channels import Gone, Message, cut, digest
from app.notifications.channels.outgoing import Outgoing, parse_url

# What every push service takes is 4,096 bytes sealed (RFC 8291, section 4); this leaves room for its own.
MOST_BYTES: Final = 3_000
MOST_TITLE: Final = 200
RECORD_BYTES: Final = 4_096

# A VAPID token may be good for a day at most (RFC 8292, section 2); half of it bears a clock that is wrong.
TOKEN_LIFE: Final = timedelta(hours=12)

# The order of the group of P-256 (FIPS 186-5): private keys are 1 to this less one.
_ORDER: Final = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551


class SubscriptionMalformed(ValueError):
    """This is no PushSubscription of a browser."""


@dataclass(frozen=True)
class Subscription:
    """Where a browser takes messages, and the keys to seal them with."""

    endpoint: str
    p256dh: bytes = field(repr=False)
    auth: bytes = field(repr=False)


def parse(token: str, *, https_only: bool = True) -> Subscription:
    """A PushSubscription from its JSON, as a browser's `JSON.stringify` writes it. Raises SubscriptionMalformed."""
    try:
        document = json.loads(token)
        endpoint, keys = document["endpoint"], document["keys"]
        parse_url(endpoint, https_only=https_only)
        p256dh, auth = _decoded(keys["p256dh"]), _decoded(keys["auth"])
        EllipticCurvePublicKey.from_encoded_point(SECP256R1(), p256dh)
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError):
        raise SubscriptionMalformed("not a push subscription") from None
    if len(p256dh) != 65 or len(auth) != 16:
        raise SubscriptionMalformed("the keys of the subscription have the wrong length")
    return Subscription(endpoint, p256dh, auth)


def private_key(seed: bytes) -> EllipticCurvePrivateKey:
    """The key pair of the service, derived from `settings.key("vapid")`, so that there is nothing to keep.

    48 bytes, taken modulo the number of keys, are even to one in 2**128 (FIPS 186-5, A.2.1: extra random bits).
    """
    wide = HKDFExpand(SHA256(), length=48, info=b"P-256 private key").derive(seed)
    return derive_private_key(int.from_bytes(wide) % (_ORDER - 1) + 1, SECP256R1())


def public_key(settings: Settings) -> str:
    """The public half of the service's key pair as a browser's `applicationServerKey`: the uncompressed point in base64url, no padding."""
    return urlsafe_b64encode(_point(private_key(settings.key("vapid")))).decode()


class WebPush:
    """The channel to browsers. `to` is a PushSubscription as JSON."""

    def __init__(
        self, settings: Settings, subject: str, outgoing: Outgoing, now: Callable[[], datetime] = clock.now
    ) -> None:
        """`subject` is a `mailto:` or `https:` address at which the operators of push services reach ours."""
        self._public = public_key(settings)
        self._signer = ECKey.import_key(private_key(settings.key("vapid")))
        self._subject, self._outgoing, self._now = subject, outgoing, now

    def send(self, to: str, message: Message, *, key: str) -> None:
        """Hand it to the browser's push service. A repetition replaces what still waits there, and what is shown.

        Raises Gone, Refused, Unreachable as every channel; a subscription that is none is Gone.
        """
        try:
            subscription = parse(to, https_only=self._outgoing.https_only)
        except SubscriptionMalformed as error:
            raise Gone(str(error)) from None
        headers = {
            "Authorization": f"vapid t={self._token(subscription.endpoint)}, k={self._public}",
            "Content-Encoding": "aes128gcm",
            "Content-Type": "application/octet-stream",
            "TTL": str(message.worth_s),
            "Urgency": "high" if message.urgent else "normal",
            "Topic": digest(key),  # push services may read it: it says nothing
        }
        answer = self._outgoing.post(subscription.endpoint, seal(payload(message, key), subscription), headers)
        answer.accept(gone={404, 410})

    def _token(self, endpoint: str) -> str:
        parts = urlsplit(endpoint)
        expires = int((self._now() + TOKEN_LIFE).timestamp())
        claims = {"aud": f"{parts.scheme}://{parts.netloc}", "exp": expires, "sub": self._subject}
        return jwt.encode({"typ": "JWT", "alg": "ES256"}, claims, self._signer)


def payload(message: Message, key: str) -> bytes:
    """What the page's service worker shows, as JSON of at most `MOST_BYTES`: the body is cut to fit."""
    shown = {
        "title": cut(message.title, MOST_TITLE),
        "body": message.body,
        "link": message.link,
        "topic": message.topic,
        "tag": key,
    }
    room = MOST_BYTES - len(_json(shown | {"body": ""}))
    while len(_json(shown)) > MOST_BYTES:
        spoken = str(shown["body"])
        shown["body"] = cut(spoken, min(len(spoken) - 1, room))
        room -= 100
    return _json(shown)


def seal(plain: bytes, subscription: Subscription) -> bytes:
    """The message as one record that only the subscription's browser can open (RFC 8291, section 3.4)."""
    return _sealed(plain, subscription, generate_private_key(SECP256R1()), os.urandom(16))


def _sealed(plain: bytes, subscription: Subscription, ours: EllipticCurvePrivateKey, salt: bytes) -> bytes:
    theirs = EllipticCurvePublicKey.from_encoded_point(SECP256R1(), subscription.p256dh)
    info = b"WebPush: info\0" + subscription.p256dh + _point(ours)
    secret = _derived(ours.exchange(ECDH(), theirs), subscription.auth, info, 32)
    content_key = _derived(secret, salt, b"Content-Encoding: aes128gcm\0", 16)
    nonce = _derived(secret, salt, b"Content-Encoding: nonce\0", 12)
    last = plain + b"\x02"  # the mark of the last record (RFC 8188, section 2)
    head = salt + RECORD_BYTES.to_bytes(4) + bytes([65]) + _point(ours)
    return head + AESGCM(content_key).encrypt(nonce, last, None)


def _derived(secret: bytes, salt: bytes, info: bytes, length: int) -> bytes:
    return HKDF(SHA256(), length=length, salt=salt, info=info).derive(secret)


def _point(key: EllipticCurvePrivateKey) -> bytes:
    return key.public_key().public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)


def _json(document: dict[str, Any]) -> bytes:
    return json.dumps(document, ensure_ascii=False, separators=(",", ":")).encode()


def _decoded(text: str) -> bytes:
    return urlsafe_b64decode(text.rstrip("=").encode("ascii"))
