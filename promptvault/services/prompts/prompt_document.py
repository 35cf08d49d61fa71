"""A prompt as a person writes it: a text, with what its front matter says of it."""

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
    """Metadata to change; None leaves a field as it is."""

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
    """What somebody wrote: the content, and the metadata in its front matter."""

    content: Content
    fields: DetailChanges


def parse_document(text: str, template: bool | None = None) -> PromptDocument:
    """Read *text* as a person wrote it.

    Front matter counts as ours only when it declares a template: it has `template` or
    `variables`. Any other stays part of the body, byte for byte, as does all of it
    when *template* is False. Raises InvalidInputError.
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
    ours = document and {"template", "variables"} & document.fields.keys()
    return document if ours else None


def _fields_of(document: front_matter.Document) -> DetailChanges:
    """Return the metadata that a Markdown file's front matter gives."""
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
    """Return *content* as an editor shows it: a template with its declaration."""
    if not content.template:
        return content.body
    return front_matter.declaration(content) + content.body


def parse_edited(before: Content, text: str) -> Content:
    """Read *text* as the edited form of *before*: literal stays literal.

    Raises InvalidInputError.
    """
    if before.template or not _declared(before.body):
        written = parse_document(text)
        if written.content.template:
            return written.content
    return before._replace(body=validate_body(text))
