"""JSON rows of proposed templates."""

from collections.abc import Sequence

from promptvault.cli.rows.model import spent_row
from promptvault.cli.rows.prompts import Row, variable_row
from promptvault.services.asking.cost import Spent
from promptvault.services.templates.draft import TemplateDraft
from promptvault.services.templates.from_prompts import Generalized, Source


def template_row(name: str, draft: TemplateDraft, spent: Spent) -> Row:
    """Return a proposed template as `template new --json` prints it."""
    return {
        "name": name,
        "title": draft.title,
        "description": draft.description,
        "tags": list(draft.tags),
        "body": draft.content.body,
        "variables": [variable_row(each) for each in draft.content.variables],
        **spent_row(spent),
    }


def source_rows(made: Generalized, given: Sequence[Source]) -> list[Row]:
    """Return each source with the values that reproduce it."""
    return [
        {
            "name": source.prompt.name,
            "version": source.version.number,
            "values": filling.values,
            "similarity": filling.similarity,
            "exact": filling.is_exact,
        }
        for source, filling in zip(given, made.fillings, strict=True)
    ]
