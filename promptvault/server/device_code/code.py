"""The two codes of a device sign-in: one for the user, one for the device."""

import secrets

_ALPHABET = "BCDFGHJKLMNPQRSTVWXZ"  # no vowels, so no words
_LENGTH = 8


def make_user_code() -> str:
    """Return a new code for the user to type: XXXX-XXXX, with 34 random bits."""
    return _grouped("".join(secrets.choice(_ALPHABET) for _ in range(_LENGTH)))


def make_device_code() -> str:
    """Return a new secret code for the device, with 256 random bits."""
    return secrets.token_urlsafe(32)


def find_user_code(text: str) -> str | None:
    """Return the user code in a typed text, or None.

    Case, blanks and hyphens do not matter.
    """
    letters = "".join(text.split()).replace("-", "").upper()
    if len(letters) != _LENGTH or not set(letters) <= set(_ALPHABET):
        return None
    return _grouped(letters)


def _grouped(letters: str) -> str:
    return f"{letters[:4]}-{letters[4:]}"
