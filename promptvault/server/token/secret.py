"""The form of a token: a prefix, 37 random characters, and a checksum.

The prefix lets secret scanners find tokens. The checksum lets the server refuse typos
without a query.
"""

import hmac
import secrets
import string
import zlib

PREFIX = "pv_pat_"
_ALPHABET = string.digits + string.ascii_uppercase + string.ascii_lowercase
_RANDOM, _CHECKSUM = 37, 6


def make_token() -> str:
    """Return a new token, with 220 random bits."""
    drawn = "".join(secrets.choice(_ALPHABET) for _ in range(_RANDOM))
    return PREFIX + drawn + _checksum(drawn)


def is_well_formed(token: str) -> bool:
    """Return True if *token* has the form of a token; no query is needed."""
    body = token.removeprefix(PREFIX)
    if body == token or len(body) != _RANDOM + _CHECKSUM or not body.isascii():
        return False
    return body[_RANDOM:] == _checksum(body[:_RANDOM])


def hash_secret(key: str, secret: str) -> str:
    """Return the HMAC to store instead of a secret: 64 hex digits."""
    return hmac.digest(key.encode(), secret.encode(), "sha256").hex()


def _checksum(text: str) -> str:
    rest, digits = zlib.crc32(text.encode()), ""
    for _ in range(_CHECKSUM):
        rest, digit = divmod(rest, len(_ALPHABET))
        digits = _ALPHABET[digit] + digits
    return digits
