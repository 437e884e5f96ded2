"""Links to the copies: they open without a token, for a few minutes, and cannot be guessed or changed.

Whoever may see a report is given links with it, so that an `<img>` or a mail needs no header. The end of a link's life
is rounded: within five minutes everybody gets the same address, and a browser shows the photo from its cache.
"""

import hashlib
import hmac
from collections.abc import Mapping
from datetime import UTC, datetime
from uuid import UUID

from app.photos.errors import PhotoLinkExpired, PhotoNotFound
from app.photos.storage import Copy

KEY_PURPOSE = "photo links"

_STEP_S = 300
_LIFE_S = 600  # at least; up to one step longer


def urls(key: bytes, sha256: str, *, now: datetime, base: str = "") -> Mapping[str, str]:
    """The addresses of both copies, below `base` (scheme and host; a path alone when it is empty)."""
    return {copy.value: base + _path(key, sha256, copy, now) for copy in (Copy.DISPLAY, Copy.THUMB)}


def public_name(report_id: UUID, sha256: str) -> str:
    """The name in the store of a report's public copy of a photo: what one report hides, another may show."""
    return hashlib.sha256(f"{report_id} {sha256}".encode()).hexdigest()


def require_valid(key: bytes, sha256: str, copy: Copy, *, until: int, signature: str, now: datetime) -> None:
    """Refuse a link that is not ours, or over. `until` is in seconds since 1970.

    Raises PhotoNotFound for a link that we never made, PhotoLinkExpired for one that we did.
    """
    if not hmac.compare_digest(_signature(key, sha256, copy, until).encode(), signature.encode()):
        raise PhotoNotFound
    if now >= datetime.fromtimestamp(until, UTC):
        raise PhotoLinkExpired


def _path(key: bytes, sha256: str, copy: Copy, now: datetime) -> str:
    until = (int(now.timestamp()) // _STEP_S + 1) * _STEP_S + _LIFE_S
    return f"/api/v1/photos/{sha256}/{copy}?until={until}&signature={_signature(key, sha256, copy, until)}"


def _signature(key: bytes, sha256: str, copy: Copy, until: int) -> str:
    return hmac.digest(key, f"{sha256} {copy} {until}".encode(), hashlib.sha256).hex()[:32]
