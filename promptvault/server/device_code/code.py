"""Codes: what a person types, and what the device keeps to itself."""

import secrets

_ALPHABET = "BCDFGHJKLMNPQRSTVWXZ"  # no vowels, so no words
_LENGTH = 8


def make_user_code() -> str:
    """Return a new code to type, as XXXX-XXXX: 34 random bits."""
    return _shaped("".join(secrets.choice(_ALPHABET) for _ in range(_LENGTH)))


def make_device_code() -> str:
    """Return a new code to keep, of 256 random bits."""
    return secrets.token_urlsafe(32)


def find_user_code(text: str) -> str | None:
    """Return the code in what somebody typed, in whatever case and grouping."""
    letters = "".join(text.split()).replace("-", "").upper()
    if len(letters) != _LENGTH or not set(letters) <= set(_ALPHABET):
        return None
    return _shaped(letters)


def _shaped(letters: str) -> str:
    return f"{letters[:4]}-{letters[4:]}"
