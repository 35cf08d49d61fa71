"""Links to shared prompts: ``<server>/s/<22 letters and digits>``."""

import re

from promptvault.domain.prompt import Origin
from promptvault.errors import InvalidInputError

_LINK = re.compile(r"(https?://[^/?#\s@]+/s/[0-9A-Za-z]{22})/?([?#].*)?", re.IGNORECASE)


def is_url(reference: str) -> bool:
    """Return True if *reference* is an address, and not the name of a prompt."""
    return "://" in reference


def parse_share_link(url: str) -> str:
    """Return the link in *url* without what may follow it.

    Raises InvalidInputError if it is no link to a shared prompt.
    """
    found = _LINK.fullmatch(url.strip())
    if found is None:
        raise InvalidInputError(
            f"{url!r} is no link to a shared prompt, such as"
            " 'https://prompts.example.org/s/' with 22 letters and digits."
        )
    return found[1]


def share_origin(link: str) -> Origin:
    """Return the origin of a prompt that was shared by *link*."""
    return Origin("promptvault", message_id=link, url=link)
