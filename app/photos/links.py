"""Links to the copies: they open without a token, for a few minutes, and cannot be guessed or changed.

Whoever may see a report is given links with it, so that an `<img>` or a mail needs no header. The end of a link's life
is rounded: within five minutes everybody gets the same address, and a browser shows the photo from its cache.

A link to the full size is of one look, which is on record, and is over after a minute and a half.
"""

import hashlib
import hmac
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Final
from uuid import UUID

from app.photos.errors import PhotoLinkExpired, PhotoNotFound
from app.photos.storage import Copy

KEY_PURPOSE = "photo links"

# What whoever may read a report sees of its photos.
SHOWN: Final = (Copy.DISPLAY, Copy.THUMB)

# Long enough for 40 MB over a poor network to begin, too short to be passed on.
LOOK_LIFE: Final = timedelta(seconds=90)

_STEP_S = 300
_LIFE_S = 600  # at least; up to one step longer


def urls(key: bytes, sha256: str, *, now: datetime, base: str = "") -> Mapping[str, str]:
    """The addresses of both copies, below `base` (scheme and host; a path alone when it is empty)."""
    return {copy.value: base + _path(key, sha256, copy, now) for copy in SHOWN}


def require_valid(key: bytes, sha256: str, copy: Copy, *, until: int, signature: str, now: datetime) -> None:
    """Refuse a link that is not ours, or over. `until` is in seconds since 1970.

    Raises PhotoNotFound for a link that we never made, PhotoLinkExpired for one that we did.
    """
    _require(_signature(key, sha256, copy, until), signature, until, now)


def look_url(key: bytes, look_id: UUID, *, until: datetime) -> str:
    """The address at which a look sees its photo, good until an instant (whole seconds)."""
    last = int(until.timestamp())
    return f"/api/v1/photos/looks/{look_id}?until={last}&signature={_signature(key, 'look', str(look_id), last)}"


def require_valid_look(key: bytes, look_id: UUID, *, until: int, signature: str, now: datetime) -> None:
    """Refuse a link of a look that is not ours, or over, as `require_valid`. Raises PhotoNotFound, PhotoLinkExpired."""
    _require(_signature(key, "look", str(look_id), until), signature, until, now)


def public_name(report_id: UUID, sha256: str) -> str:
    """Under which name the public copy of a report's photo lies and is asked for (64 hexadecimal digits).

    It tells nothing of the original, and one photo of two reports has two: what is blurred in one is not in the other.
    """
    return hashlib.sha256(f"{report_id} {sha256}".encode()).hexdigest()


def _require(expected: str, signature: str, until: int, now: datetime) -> None:
    if not hmac.compare_digest(expected.encode(), signature.encode()):
        raise PhotoNotFound
    if now >= datetime.fromtimestamp(until, UTC):
        raise PhotoLinkExpired


def _path(key: bytes, sha256: str, copy: Copy, now: datetime) -> str:
    until = (int(now.timestamp()) // _STEP_S + 1) * _STEP_S + _LIFE_S
    return f"/api/v1/photos/{sha256}/{copy}?until={until}&signature={_signature(key, sha256, copy, until)}"


def _signature(key: bytes, what: str, which: str, until: int) -> str:
    return hmac.digest(key, f"{what} {which} {until}".encode(), hashlib.sha256).hex()[:32]
