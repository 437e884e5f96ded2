"""Firebase Cloud Messaging, HTTP v1: to phones with the app, Android and iOS.

A service account signs an assertion (RFC 7523), gets an access token for an hour, and posts with it.
"""

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlencode

from joserfc import jwt
from joserfc.jwk import RSAKey

from app.config import SettingsError
from app.core import clock
from app.notifications.channels import Gone, Message, Refused, Unreachable, cut, digest
from app.notifications.channels.outgoing import Answer, Outgoing, parse_url

PUBLIC_URL: Final = "https://fcm.googleapis.com"
SCOPE: Final = "https://www.googleapis.com/auth/firebase.messaging"
ASSERTION_LIFE: Final = timedelta(hours=1)

# A token is not used in its last minutes: it must outlive the call, and clocks differ.
MARGIN: Final = timedelta(minutes=5)

# Anybody can make up a token. Its code, INVALID_ARGUMENT, is the same as for a message that is our mistake.
MADE_UP: Final = "registration token is not a valid FCM registration token"


@dataclass(frozen=True)
class Account:
    """A service account of the Firebase project."""

    client_email: str
    project_id: str
    token_uri: str
    url: str
    key: RSAKey = field(repr=False)


def read_account(path: Path) -> Account:
    """The account from the file that Firebase gives for it; `fcm_url` in it names another server, for tests.

    Raises SettingsError naming what is wrong, and never a value.
    """
    try:
        document = json.loads(path.read_text(encoding="utf-8"))
        account = Account(
            client_email=str(document["client_email"]),
            project_id=str(document["project_id"]),
            token_uri=parse_url(document["token_uri"], https_only=False).geturl(),
            url=parse_url(document.get("fcm_url", PUBLIC_URL), https_only=False).geturl().rstrip("/"),
            key=RSAKey.import_key(document["private_key"]),
        )
    except KeyError as error:
        raise SettingsError(f"Hai Giờ cannot start: HAIGIO_FCM_CREDENTIALS: {error.args[0]} is missing") from None
    except (OSError, ValueError, TypeError, AttributeError):
        raise SettingsError(
            "Hai Giờ cannot start: HAIGIO_FCM_CREDENTIALS must be a readable service account file (JSON)"
        ) from None
    return account


class Fcm:
    """The channel to phones. `to` is a registration token."""

    def __init__(self, account: Account, outgoing: Outgoing, now: Callable[[], datetime] = clock.now) -> None:
        self._account, self._outgoing, self._now = account, outgoing, now
        self._token: str | None = None
        self._token_ends = now()

    def send(self, to: str, message: Message, *, key: str) -> None:
        """Hand it to FCM. A repetition replaces what the phone shows.

        Raises Gone, Refused, Unreachable as every channel. Gone only when FCM says so of the token: a 404 that comes
        from a wrong address of ours must not make us forget every phone.
        """
        answer = self._post(json.dumps({"message": _message(to, message, key)}).encode())
        if answer.status == 401:  # withdrawn before its end; the next try gets another, this one has used its time
            self._token = None
        if _error_code(answer) == "UNREGISTERED":
            raise Gone("the token is unregistered")
        if answer.status == 400 and MADE_UP in str(answer.member("error.message")):
            raise Gone("this is no token")
        answer.accept(later={401, 403} if _error_code(answer) != "SENDER_ID_MISMATCH" else set())

    def _post(self, body: bytes) -> Answer:
        url = f"{self._account.url}/v1/projects/{self._account.project_id}/messages:send"
        headers = {"Authorization": f"Bearer {self._access_token()}", "Content-Type": "application/json"}
        return self._outgoing.post(url, body, headers)

    def _access_token(self) -> str:
        """The token at hand, or a new one shortly before its end."""
        now = self._now()
        if self._token is not None and now < self._token_ends - MARGIN:
            return self._token
        form = {"grant_type": "urn:ietf:params:oauth:grant-type:jwt-bearer", "assertion": self._assertion(now)}
        headers = {"Content-Type": "application/x-www-form-urlencoded"}
        answer = self._outgoing.post(self._account.token_uri, urlencode(form).encode(), headers)
        try:
            answer.accept()
            token, seconds = answer.member("access_token"), int(answer.member("expires_in"))
        except (Refused, ValueError, TypeError):  # the account is wrong, not the message: a person must mend it
            raise Unreachable(f"no access token: answered {answer.status}") from None
        self._token, self._token_ends = str(token), now + timedelta(seconds=seconds)
        return self._token

    def _assertion(self, now: datetime) -> str:
        issued = int(now.timestamp())
        claims = {
            "iss": self._account.client_email,
            "scope": SCOPE,
            "aud": self._account.token_uri,
            "iat": issued,
            "exp": issued + int(ASSERTION_LIFE.total_seconds()),
        }
        return jwt.encode({"typ": "JWT", "alg": "RS256"}, claims, self._account.key)


def _message(to: str, message: Message, key: str) -> dict[str, Any]:
    tag = digest(key)
    return {
        "token": to,
        "notification": {"title": cut(message.title, 200), "body": cut(message.body, 1_000)},
        "data": {"link": message.link or "", "topic": message.topic, "key": key},
        "android": {
            "priority": "HIGH" if message.urgent else "NORMAL",
            "ttl": f"{message.worth_s}s",
            "notification": {"tag": tag},
        },
        "apns": {"headers": {"apns-collapse-id": tag, "apns-priority": "10" if message.urgent else "5"}},
    }


def _error_code(answer: Answer) -> str | None:
    """FCM's own code among the details of an error, as in UNREGISTERED."""
    details = answer.member("error.details")
    codes = [one.get("errorCode") for one in details if isinstance(one, dict)] if isinstance(details, list) else []
    return next((str(code) for code in codes if code), None)
