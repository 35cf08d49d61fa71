"""A template that was proposed, and that nobody has saved yet."""

from typing import NamedTuple

from promptvault.domain.prompt import Content


class Draft(NamedTuple):
    """A template, and what is to be known of it."""

    title: str
    description: str
    tags: tuple[str, ...]
    content: Content
