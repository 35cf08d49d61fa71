"""A proposed template; apart from `check.py`, which imports Jinja2."""

from typing import NamedTuple

from promptvault.domain.prompt import Content


class TemplateDraft(NamedTuple):
    """A proposed template that is not saved yet."""

    title: str
    description: str
    tags: tuple[str, ...]
    content: Content
