"""A prompt as a person writes it: a text with optional front matter."""

from dataclasses import dataclass
from typing import Any

from promptvault import front_matter
from promptvault.domain.prompt import (
    Content,
    Details,
    validate_body,
    validate_line,
    validate_tag,
)
from promptvault.domain.variable import variables_from_mapping
from promptvault.errors import InvalidInputError


@dataclass(frozen=True, slots=True)
class DetailChanges:
    """New values for a prompt's details; None leaves a field unchanged."""

    title: str | None = None
    description: str | None = None
    tags: tuple[str, ...] | None = None
    favourite: bool | None = None
    secrets_allowed: bool | None = None

    def applied_to(self, details: Details) -> Details:
        """Return *details* with the given fields; raises InvalidInputError."""
        changes: dict[str, Any] = {}
        if self.title is not None:
            changes["title"] = validate_line(self.title, "title")
        if self.description is not None:
            changes["description"] = validate_line(self.description, "description")
        if self.tags is not None:
            changes["tags"] = tuple(dict.fromkeys(map(validate_tag, self.tags)))
        if self.favourite is not None:
            changes["favourite"] = self.favourite
        if self.secrets_allowed is not None:
            changes["secrets_allowed"] = self.secrets_allowed
        return details._replace(**changes)


@dataclass(frozen=True, slots=True)
class PromptDocument:
    """The content of a prompt, and the details in its front matter."""

    content: Content
    fields: DetailChanges


def parse_document(text: str, template: bool | None = None) -> PromptDocument:
    """Parse *text* into content and details.

    Front matter is read only if it declares a template: it has the key `template` or
    `variables`. Other front matter stays part of the body, byte for byte, as does all
    front matter if *template* is False. Raises InvalidInputError.
    """
    document = None if template is False else _declared(text)
    if document is None:
        return PromptDocument(
            Content(validate_body(text), template or False), DetailChanges()
        )
    fields = document.fields
    content = Content(
        validate_body(document.body),
        template or bool(fields.get("template", True)),
        variables_from_mapping(fields.get("variables") or {}),
    )
    return PromptDocument(content, _fields_of(document))


def _declared(text: str) -> front_matter.Document | None:
    try:
        document = front_matter.split(text)
    except InvalidInputError:
        return None
    is_declared = document and {"template", "variables"} & document.fields.keys()
    return document if is_declared else None


def _fields_of(document: front_matter.Document) -> DetailChanges:
    """Return the details in the front matter of a Markdown file."""
    tags = document.fields.get("tags")
    if isinstance(tags, str):
        tags = tags.replace(",", " ").split()
    return DetailChanges(
        title=_text(document, "title"),
        description=_text(document, "description"),
        tags=tuple(map(str, tags)) if isinstance(tags, list) else None,
        favourite=True if document.fields.get("favourite") is True else None,
    )


def _text(document: front_matter.Document, key: str) -> str | None:
    value = document.fields.get(key)
    return None if value is None else str(value)


def editable_text(content: Content) -> str:
    """Return *content* as text for an editor: a template has its front matter."""
    if not content.template:
        return content.body
    return front_matter.declaration(content) + content.body


def parse_edited(before: Content, text: str) -> Content:
    """Parse *text*, which was edited from *before*.

    Front matter that was part of a plain body stays part of it. Raises
    InvalidInputError.
    """
    if before.template or not _declared(before.body):
        document = parse_document(text)
        if document.content.template:
            return document.content
    return before._replace(body=validate_body(text))
