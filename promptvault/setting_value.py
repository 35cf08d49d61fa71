"""Validation of settings: each function returns the value in its normal form.

All raise InvalidInputError. The message names the setting and never holds the value,
which may be a key or a URL with a password.
"""

import re
from urllib.parse import urlsplit

from promptvault.errors import InvalidInputError


def secret(name: str, value: str) -> str:
    """Return *value* as a key that is valid in an HTTP header."""
    key = value.strip()
    if not key:
        raise InvalidInputError(f"{name} is empty.")
    if not key.isascii() or not key.isprintable() or " " in key:
        raise InvalidInputError(
            f"{name} must be a single word of ASCII characters, as keys are; was more"
            " than the key pasted?"
        )
    return key


_HOST = re.compile(r"([\w-]{1,63}(\.[\w-]{1,63})*\.?|[0-9a-f.]*:[0-9a-f:.]+)", re.ASCII)


def url(name: str, value: str) -> str:
    """Return *value* as the URL of a server, without a trailing '/'."""
    text = value.strip().rstrip("/")
    if not text.lower().startswith(("http://", "https://")):
        raise InvalidInputError(f"{name} must begin with https:// or http://.")
    if not (text.isascii() and text.isprintable()) or set(text) & set(" #\\"):
        raise InvalidInputError(
            f"{name} must be a URL of ASCII characters without spaces and '#'."
        )
    try:
        parts = urlsplit(text)
        host, _ = parts.hostname or "", parts.port
    except ValueError:
        raise InvalidInputError(f"{name} has no valid server and port.") from None
    if not _HOST.fullmatch(host):
        raise InvalidInputError(f"{name} names no server.")
    return text


_SWITCHES = {
    **dict.fromkeys(("true", "yes", "on", "1"), "true"),
    **dict.fromkeys(("false", "no", "off", "0"), "false"),
}


def switch(name: str, value: str) -> str:
    """Return *value* as "true" or "false"."""
    if value.lower() not in _SWITCHES:
        raise InvalidInputError(f"{name} must be true or false.")
    return _SWITCHES[value.lower()]


def number(name: str, value: str, least: float) -> str:
    """Return *value* if it is a finite number of at least *least*."""
    try:
        is_right = least <= float(value) < float("inf")
    except ValueError:
        is_right = False
    if not is_right:
        raise InvalidInputError(f"{name} must be a number, {least:g} or more.")
    return value


def integer(name: str, value: str, least: float) -> str:
    """Return *value* if it is a whole number of at least *least*."""
    try:
        int(value)
    except ValueError:
        raise InvalidInputError(
            f"{name} must be a whole number, {least:g} or more."
        ) from None
    return number(name, value, least)
