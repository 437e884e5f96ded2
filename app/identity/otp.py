"""One-time codes: how they are made, how long they live, how many may be asked for and how often they may be tried. Pure.

A code is derived from the id of its challenge and a key, so it is written down nowhere: not in the database, not in
the outbox, not in the queue.
"""

import hmac
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from app.core.errors import NotSignedIn, TooMany
from app.identity.errors import CodeExpired, CodeSpent, CodeTooSoon, CodeWrong, TooManyCodes

DIGITS: Final = 6
LIFE: Final = timedelta(minutes=5)
TRIES: Final = 5
RESEND_AFTER: Final = timedelta(seconds=60)

# Five codes with five tries each are 25 guesses an hour at one phone: a chance of 1 in 40,000.
WINDOW: Final = timedelta(hours=1)
PER_PHONE: Final = 5
PER_ADDRESS: Final = 20


@dataclass(frozen=True)
class Challenge:
    """A code that was asked for, as far as judging an answer needs it."""

    id: UUID
    expires_at: datetime
    tries: int
    used: bool


def code_of(key: bytes, challenge_id: UUID) -> str:
    """The six digits of a challenge. 64 bits of HMAC-SHA256 over a million codes leave no bias worth the name."""
    digest = hmac.digest(key, challenge_id.bytes, "sha256")
    return f"{int.from_bytes(digest[:8]) % 10**DIGITS:0{DIGITS}d}"


def refusal_to_send(of_phone: Sequence[datetime], of_address: Sequence[datetime], *, now: datetime) -> TooMany | None:
    """Why no further code is sent, if so, from the instants of the past hour's codes, in any order."""
    if of_phone and now < max(of_phone) + RESEND_AFTER:
        return CodeTooSoon(retry_after_s=_seconds(max(of_phone) + RESEND_AFTER - now))
    return _over(of_phone, PER_PHONE, now) or _over(of_address, PER_ADDRESS, now)


def refusal(challenge: Challenge | None, said: str, *, key: bytes, now: datetime) -> NotSignedIn | None:
    """Why `said` does not answer a challenge, or None when it does. A CodeWrong is a try that counts."""
    if challenge is None or challenge.used or challenge.tries >= TRIES:
        return CodeSpent(at="code")
    if now >= challenge.expires_at:
        return CodeExpired(at="code")
    if not hmac.compare_digest(code_of(key, challenge.id).encode(), said.encode()):
        return CodeWrong(at="code", tries_left=TRIES - challenge.tries - 1)
    return None


def _over(sent: Sequence[datetime], most: int, now: datetime) -> TooManyCodes | None:
    """The refusal when `most` or more were sent within the window: until the one leaves it that makes room."""
    recent = sorted(at for at in sent if at > now - WINDOW)
    if len(recent) < most:
        return None
    return TooManyCodes(retry_after_s=_seconds(recent[-most] + WINDOW - now))


def _seconds(wait: timedelta) -> int:
    return max(1, -(-wait // timedelta(seconds=1)))
