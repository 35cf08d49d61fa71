"""Renders an imported template, as `get` does."""

from collections.abc import Mapping

from promptvault.domain.prompt import Content
from promptvault.errors import NotFoundError
from promptvault.importers.input.candidate import Draft
from promptvault.services.prompts.render import Inputs, render


def filled(draft: Draft, values: Mapping[str, str] = {}, stdin: str = "") -> str:
    """Return the text of *draft* with these *values*."""
    if not draft.template:
        return draft.body
    content = Content(draft.body, draft.template, draft.variables)
    return render("a", content, Inputs(values, lambda: stdin), _nothing)


def named(draft: Draft) -> dict[str, str]:
    """Return a value for each variable whose name was replaced."""
    return {v.description or v.name: v.name for v in draft.variables}


def _nothing(name: str) -> Content:
    raise NotFoundError(f"There is no {name}.")
