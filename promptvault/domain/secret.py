"""A likely secret in a text: what it is and where, never the secret itself."""

from typing import NamedTuple


class SecretSpan(NamedTuple):
    """Where a likely secret stands in a text."""

    type: str
    """What it is, as "GitHub Token"."""
    start: int
    end: int


class Secret(NamedTuple):
    """A likely secret as people are told of it."""

    type: str
    line: int
    """Counted from 1."""
