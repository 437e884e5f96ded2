"""Passwords and second factors of staff: argon2id (RFC 9106) and time-based codes (RFC 6238). Pure but for the salt."""

import unicodedata
from base64 import b64encode
from datetime import datetime
from typing import Final

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError
from pyotp import TOTP

# OWASP's password storage cheat sheet, second of its equal choices: 19 MiB and two passes on one lane. Some 30 ms of one
# core, and little enough memory that a morning's sign-ins at once do not push anything out.
MEMORY_KIB: Final = 19 * 1024
PASSES: Final = 2
LANES: Final = 1

_hasher = PasswordHasher(time_cost=PASSES, memory_cost=MEMORY_KIB, parallelism=LANES)


def _nobodys() -> str:
    """A well-formed hash that no password has, as dear to check as a real one."""
    salt, tag = (b64encode(bytes(length)).decode().rstrip("=") for length in (_hasher.salt_len, _hasher.hash_len))
    return f"$argon2id$v=19$m={MEMORY_KIB},t={PASSES},p={LANES}${salt}${tag}"


NOBODYS: Final = _nobodys()


def hashed(password: str) -> str:
    """What is stored of a password."""
    return _hasher.hash(_composed(password))


def fits(stored: str | None, password: str) -> bool:
    """Whether a password is the one whose hash is stored.

    Without a hash, as for a name that nobody has, it takes as long and is False: time does not tell who works here.
    """
    try:
        return _hasher.verify(stored or NOBODYS, _composed(password)) and stored is not None
    except (VerificationError, InvalidHashError):
        return False


def is_dated(stored: str) -> bool:
    """Whether a hash was made with parameters that are no longer ours, and should be made anew."""
    return _hasher.check_needs_rehash(stored)


def totp_fits(secret: str, said: str, *, now: datetime) -> bool:
    """Whether six digits are those of an authenticator now, or of the half minute before or after."""
    return TOTP(secret).verify(said.strip(), for_time=now, valid_window=1)


def _composed(password: str) -> str:
    # A Vietnamese letter typed on another keyboard may come as other code points; it is the same password.
    return unicodedata.normalize("NFC", password)
