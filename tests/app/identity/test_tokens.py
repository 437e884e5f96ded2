"""Access tokens: what is ours, what is forged, what has run out."""

import base64
import json
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import pytest
from joserfc import jwt
from joserfc.jwk import OctKey

from app.identity.errors import TokenExpired, TokenInvalid
from app.identity.tokens import AccessTokens

NOW = datetime(2026, 11, 2, 8, 0, tzinfo=UTC)
KEY = b"k" * 32
TOKENS = AccessTokens(KEY)
PERSON, SESSION = uuid4(), uuid4()


def ours(**changed: Any) -> dict[str, Any]:
    said = {
        "iss": "haigio",
        "sub": str(PERSON),
        "sid": str(SESSION),
        "staff": False,
        "iat": int(NOW.timestamp()),
        "exp": int(NOW.timestamp()) + 900,
    }
    return {name: value for name, value in (said | changed).items() if value is not None}


def signed(claims: dict[str, Any], *, key: bytes = KEY, algorithm: str = "HS256") -> str:
    return jwt.encode({"alg": algorithm}, claims, OctKey.import_key(key), algorithms=[algorithm])


def unsigned(claims: dict[str, Any], algorithm: str = "none") -> str:
    parts = [json.dumps(part).encode() for part in ({"alg": algorithm, "typ": "JWT"}, claims)]
    return ".".join(base64.urlsafe_b64encode(part).decode().rstrip("=") for part in parts) + "."


def test_a_token_says_what_it_was_given():
    claims = TOKENS.read(TOKENS.issue(PERSON, SESSION, is_staff=True, now=NOW), now=NOW)
    assert (claims.person_id, claims.session_id, claims.is_staff, claims.issued_at) == (PERSON, SESSION, True, NOW)


def test_a_token_is_good_for_a_quarter_of_an_hour():
    token = TOKENS.issue(PERSON, SESSION, is_staff=False, now=NOW)
    assert TOKENS.read(token, now=NOW + timedelta(minutes=15, seconds=-1)).person_id == PERSON
    with pytest.raises(TokenExpired):
        TOKENS.read(token, now=NOW + timedelta(minutes=15))


@pytest.mark.parametrize(
    "token",
    [
        signed(ours(), key=b"j" * 32),
        signed(ours(), algorithm="HS512"),
        signed(ours(iss="somebody")),
        signed(ours(iss=None)),
        signed(ours(sub=None)),
        signed(ours(sub="me")),
        signed(ours(sid=None)),
        signed(ours(staff="yes")),
        signed(ours(staff=None)),
        signed(ours(exp=None)),
        signed(ours(exp="never")),
        signed(ours(exp=10**30)),
        unsigned(ours()),
        unsigned(ours(), "HS256"),
        unsigned(ours(staff=True), "None"),
        "",
        "a.b.c",
        "." * 5,
        "không phải mã",
    ],
)
def test_anything_that_is_not_ours_is_invalid(token):
    with pytest.raises(TokenInvalid):
        TOKENS.read(token, now=NOW)


def test_a_changed_claim_breaks_the_signature():
    head, claims, signature = TOKENS.issue(PERSON, SESSION, is_staff=False, now=NOW).split(".")
    said = json.loads(base64.urlsafe_b64decode(claims + "==")) | {"staff": True}
    forged = base64.urlsafe_b64encode(json.dumps(said).encode()).decode().rstrip("=")
    with pytest.raises(TokenInvalid):
        TOKENS.read(f"{head}.{forged}.{signature}", now=NOW)


def test_a_token_that_has_run_out_still_says_which_session_to_end():
    token = TOKENS.issue(PERSON, SESSION, is_staff=False, now=NOW - timedelta(days=30))
    assert TOKENS.session_to_end(token) == SESSION


@pytest.mark.parametrize("token", ["", signed(ours(), key=b"j" * 32), signed(ours(iss="somebody")), unsigned(ours())])
def test_a_token_that_is_not_ours_ends_nothing(token):
    with pytest.raises(TokenInvalid):
        TOKENS.session_to_end(token)
