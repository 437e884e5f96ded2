"""Tickets: the short-lived word in the address of a live stream by which it knows who asks. Pure.

A browser's EventSource sends no headers of ours, and its cookies go to the web's own origin only. So the address itself
says who it is for, and is good for two minutes: to connect, not to listen.
"""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Final
from uuid import UUID

from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import OctKey

from app.identity.errors import TokenExpired, TokenInvalid
from app.identity.tokens import ALGORITHM, ISSUER

TICKET_LIFE: Final = timedelta(minutes=2)
AUDIENCE: Final = "live"
KEY_PURPOSE: Final = "live tickets"


@dataclass(frozen=True)
class Ticket:
    """For whom a stream is, by which sign-in."""

    person_id: UUID
    session_id: UUID


class LiveTickets:
    """Writes and reads tickets under one key, which signs nothing else."""

    def __init__(self, key: bytes) -> None:
        self._key = OctKey.import_key(key)

    def issue(self, person_id: UUID, session_id: UUID, *, now: datetime) -> str:
        """A ticket that is good until two minutes from now."""
        claims = {
            "iss": ISSUER,
            "aud": AUDIENCE,
            "sub": str(person_id),
            "sid": str(session_id),
            "exp": int((now + TICKET_LIFE).timestamp()),
        }
        return jwt.encode({"alg": ALGORITHM, "typ": "JWT"}, claims, self._key, algorithms=[ALGORITHM])

    def read(self, ticket: str, *, now: datetime) -> Ticket:
        """For whom a ticket is.

        Raises:
            TokenExpired: it was ours and has run out.
            TokenInvalid: it is anything else than a ticket of ours.
        """
        try:
            said: dict[str, Any] = jwt.decode(ticket, self._key, algorithms=[ALGORITHM]).claims
            read = Ticket(UUID(said["sub"]), UUID(said["sid"]))
            expires_at = datetime.fromtimestamp(said["exp"], UTC)
        except (JoseError, ValueError, KeyError, TypeError, AttributeError, OverflowError) as wrong:
            raise TokenInvalid from wrong
        if (said.get("iss"), said.get("aud")) != (ISSUER, AUDIENCE):
            raise TokenInvalid
        if now >= expires_at:
            raise TokenExpired
        return read
