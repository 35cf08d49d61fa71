"""A prompt that another person shares: as content, as a document, as a new prompt."""

import json
from collections.abc import Callable, Mapping
from io import BytesIO

from promptvault.domain.invisible import find_invisible
from promptvault.domain.prompt import Content, short_line, validate_body
from promptvault.domain.variable import variables_from_mapping
from promptvault.errors import NotFoundError
from promptvault.importers.input.document import Document
from promptvault.services.prompts.prompt_document import DetailChanges, PromptDocument
from promptvault.wire.share import SharedPrompt

_LINE = 400


def content_of(shared: SharedPrompt) -> Content:
    """Return the content of a shared prompt; raises InvalidInputError."""
    declared = {
        str(row.get("name")): {key: row[key] for key in row.keys() - {"name"}}
        for row in shared.variables
    }
    variables = variables_from_mapping(declared)
    return Content(validate_body(shared.body), shared.template, variables)


def text_of(
    shared: SharedPrompt,
    values: Mapping[str, str],
    stdin: Callable[[], str | None],
) -> str:
    """Return the rendered text of a shared template, or the body of any other prompt.

    It is rendered here, and includes nothing of this vault. Raises InvalidInputError
    for missing, unknown or invalid *values*, and NotFoundError for an include.
    """
    content = content_of(shared)
    if not content.template and not values:
        return content.body
    # Importing Jinja2 takes 35 ms, which only templates need.
    from promptvault.services.prompts.render import Inputs, render

    return render(shared.name, content, Inputs(values, stdin), _include_nothing)


def _include_nothing(reference: str) -> Content:
    raise NotFoundError(f"{reference} is not part of the share.")


def document_of(shared: SharedPrompt) -> Document:
    """Return the shared prompt as a file that `import` reads."""
    data = shared.model_dump_json().encode()
    return Document(shared.url, len(data), lambda: BytesIO(data))


def to_add(shared: SharedPrompt) -> PromptDocument:
    """Return the shared prompt with its details, to be saved under any name."""
    fields = DetailChanges(
        short_line(shared.title, _LINE), short_line(shared.description, _LINE)
    )
    return PromptDocument(content_of(shared), fields)


def count_invisible(shared: SharedPrompt) -> int:
    """Return the number of characters in it that a reader does not see."""
    rows = json.dumps(shared.variables, ensure_ascii=False)
    texts = (shared.title, shared.description, shared.body, rows)
    return sum(1 for text in texts for _ in find_invisible(text))
