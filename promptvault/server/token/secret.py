"""A token's form: a prefix to find it by, 37 random characters, a checksum."""

import hmac
import secrets
import string
import zlib

PREFIX = "pv_pat_"
_ALPHABET = string.digits + string.ascii_uppercase + string.ascii_lowercase
_RANDOM, _CHECKSUM = 37, 6


def make_token() -> str:
    """Return a new token, of 220 random bits."""
    drawn = "".join(secrets.choice(_ALPHABET) for _ in range(_RANDOM))
    return PREFIX + drawn + _checksum(drawn)


def is_well_formed(token: str) -> bool:
    """Tell whether *token* can be one of ours, without asking the database."""
    body = token.removeprefix(PREFIX)
    if body == token or len(body) != _RANDOM + _CHECKSUM or not body.isascii():
        return False
    return body[_RANDOM:] == _checksum(body[:_RANDOM])


def hash_secret(key: str, secret: str) -> str:
    """Return what is stored in place of a token, code or session: 64 hex digits."""
    return hmac.digest(key.encode(), secret.encode(), "sha256").hex()


def _checksum(text: str) -> str:
    rest, digits = zlib.crc32(text.encode()), ""
    for _ in range(_CHECKSUM):
        rest, digit = divmod(rest, len(_ALPHABET))
        digits = _ALPHABET[digit] + digits
    return digits
