"""Access tokens: short-lived proofs of a sign-in that are checked without asking the database. Pure."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Final
from uuid import UUID

from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import OctKey

from app.identity.errors import TokenExpired, TokenInvalid

ACCESS_LIFE: Final = timedelta(minutes=15)
ISSUER: Final = "haigio"
# Named when writing and pinned when reading, so that a token cannot choose how it is checked (RFC 8725, 3.1).
ALGORITHM: Final = "HS256"


@dataclass(frozen=True)
class Claims:
    """What a token says: whose it is, of which session, and whether that person is staff."""

    person_id: UUID
    session_id: UUID
    is_staff: bool
    issued_at: datetime


class AccessTokens:
    """Writes and reads access tokens under one key."""

    def __init__(self, key: bytes) -> None:
        self._key = OctKey.import_key(key)

    def issue(self, person_id: UUID, session_id: UUID, *, is_staff: bool, now: datetime) -> str:
        """A token that is good until 15 minutes from now."""
        claims = {
            "iss": ISSUER,
            "sub": str(person_id),
            "sid": str(session_id),
            "staff": is_staff,
            "iat": int(now.timestamp()),
            "exp": int((now + ACCESS_LIFE).timestamp()),
        }
        return jwt.encode({"alg": ALGORITHM, "typ": "JWT"}, claims, self._key, algorithms=[ALGORITHM])

    def read(self, token: str, *, now: datetime) -> Claims:
        """What a token says.

        Raises:
            TokenExpired: it was ours and has run out.
            TokenInvalid: it is anything else than a token of ours.
        """
        claims, expires_at = self._said(token)
        if now >= expires_at:
            raise TokenExpired
        return claims

    def session_to_end(self, token: str) -> UUID:
        """The session of a token of ours, also of one that has run out: to end that session, never to act through it.

        Raises TokenInvalid.
        """
        claims, _ = self._said(token)
        return claims.session_id

    def _said(self, token: str) -> tuple[Claims, datetime]:
        """What a token of ours says, and when it runs out. Raises TokenInvalid."""
        try:
            said: dict[str, Any] = jwt.decode(token, self._key, algorithms=[ALGORITHM]).claims
            claims = Claims(
                person_id=UUID(said["sub"]),
                session_id=UUID(said["sid"]),
                is_staff=said["staff"],
                issued_at=datetime.fromtimestamp(said["iat"], UTC),
            )
            expires_at = datetime.fromtimestamp(said["exp"], UTC)
        except (JoseError, ValueError, KeyError, TypeError, AttributeError, OverflowError) as wrong:
            raise TokenInvalid from wrong
        if said.get("iss") != ISSUER or not isinstance(claims.is_staff, bool):
            raise TokenInvalid
        return claims, expires_at
