"""The validation of ID tokens (OpenID Connect Core 1.0, section 3.1.3.7)."""

import hmac
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import jwt
from jwt import PyJWK

from promptvault.server.oidc.failure import refusal

ALGORITHMS = frozenset({"RS256", "ES256"})
"""Allowed if the provider names them too. They are asymmetric: neither "none" nor an
HMAC with the client's secret is accepted."""

_LEEWAY_SECONDS = 60
_LONGEST_SUBJECT = 255
_REQUIRED = ["iss", "sub", "aud", "exp", "iat", "nonce"]


@dataclass(frozen=True, slots=True)
class Expected:
    """The values that a token must have."""

    issuer: str
    client_id: str
    allowed_azp: frozenset[str]
    algorithms: frozenset[str]
    nonce: str


def key_id_of(token: str, expected: Expected) -> str | None:
    """Return the id of the key that signed a token; None if the token names none.

    Raises AuthenticationError, also if the algorithm is not allowed.
    """
    try:
        header = jwt.get_unverified_header(token)
    except jwt.PyJWTError as error:
        raise refusal(type(error).__name__) from error
    if header.get("alg") not in expected.algorithms:
        raise refusal("alg")
    kid: str | None = header.get("kid")
    return kid


def verify(token: str, key: PyJWK, expected: Expected) -> dict[str, Any]:
    """Return the claims of a valid token; raises AuthenticationError."""
    try:
        claims = jwt.decode(
            token,
            key,  # it is bound to one algorithm
            algorithms=[*expected.algorithms],
            issuer=expected.issuer,
            audience=expected.client_id,
            leeway=_LEEWAY_SECONDS,
            options={"require": _REQUIRED, "enforce_minimum_key_length": True},
        )
    except (jwt.PyJWTError, ValueError, TypeError, OverflowError) as error:
        raise refusal(type(error).__name__) from error
    if not _is_answer(claims, expected):
        raise refusal("nonce")
    if not _is_for_us(claims, expected):
        raise refusal("azp")
    if not _is_subject(claims["sub"]):
        raise refusal("sub")
    return claims


def _is_answer(claims: Mapping[str, Any], expected: Expected) -> bool:
    nonce = claims["nonce"]
    return isinstance(nonce, str) and hmac.compare_digest(
        nonce.encode(errors="replace"), expected.nonce.encode()
    )


def _is_for_us(claims: Mapping[str, Any], expected: Expected) -> bool:
    """Return True if this client is the only audience, or the authorized party."""
    azp = claims.get("azp")
    if azp is None:
        return claims["aud"] in (expected.client_id, [expected.client_id])
    return azp in [expected.client_id, *expected.allowed_azp]


def _is_subject(subject: str) -> bool:
    return 0 < len(subject) <= _LONGEST_SUBJECT and subject.isprintable()
