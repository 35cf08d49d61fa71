"""A likely secret in a text: its type and position, never the secret itself."""

from typing import NamedTuple


class SecretSpan(NamedTuple):
    """The position of a likely secret in a text, as indexes of characters."""

    type: str
    """Its type, for example "GitHub Token"."""
    start: int
    end: int


class Secret(NamedTuple):
    """A likely secret as it is reported."""

    type: str
    line: int
    """Counted from 1."""
