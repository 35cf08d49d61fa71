"""What a share shows, read from the payloads that devices have sent.

The server does not check payloads when it stores them, so any field may be missing.
"""

from dataclasses import dataclass
from typing import Any
from uuid import UUID

from promptvault.domain.name import leaf_of
from promptvault.domain.prompt import Content
from promptvault.domain.variable import Variable, variables_from_mapping
from promptvault.errors import InvalidInputError
from promptvault.secret_scan import secret_types, types_in
from promptvault.server.sync.payload import decode
from promptvault.wire.share import ShareMode


@dataclass(frozen=True, slots=True)
class SharedDetails:
    """What is shown of a prompt apart from its text."""

    name: str
    title: str
    description: str


@dataclass(frozen=True, slots=True)
class SharedText:
    """A version of a prompt as it is shown."""

    body: str
    template: bool
    declared: dict[str, Any]
    """The variables as they were sent."""
    variables: tuple[Variable, ...]
    created_at: str
    author: str

    @property
    def secret_kinds(self) -> list[str]:
        """The kinds of likely secrets in it; this takes a while for a long text."""
        content = Content(self.body, self.template, self.variables)
        return [*secret_types(content)]


def name_of(payload: bytes) -> str:
    """Return the whole name of a prompt, for those who manage the share."""
    return _text(_fields(payload), "name")


def details_of(payload: bytes) -> SharedDetails:
    """Return the details in the payload of a prompt, without its folders."""
    state = _fields(payload)
    name = leaf_of(_text(state, "name"))
    return SharedDetails(name, _text(state, "title"), _text(state, "description"))


def secrets_in_details(details: SharedDetails) -> tuple[str, ...]:
    """Return the kinds of likely secrets in what is shown apart from the text."""
    return types_in(f"{details.title}\n{details.description}\n{details.name}")


def version_to_show(
    payload: bytes | None, mode: str, version_id: UUID | None, label: str | None
) -> UUID | None:
    """Return the version that a share shows, None if there is none.

    *payload* is that of the prompt, None if the prompt is deleted.
    """
    if payload is None:
        return None
    if mode == ShareMode.VERSION:
        return version_id
    state = _fields(payload)
    if mode == ShareMode.CURRENT:
        return _id(state.get("version"))
    labels = state.get("labels")
    return _id(labels.get(label)) if isinstance(labels, dict) else None


def text_of(payload: bytes) -> SharedText | None:
    """Return a version; None if its text was too long to be sent to the server."""
    fields = _fields(payload)
    body = fields.get("body")
    if not isinstance(body, str) or not body:
        return None
    author = fields.get("author")
    declared = fields.get("variables")
    variables = _variables(declared)
    return SharedText(
        body,
        fields.get("template") is True,
        declared if isinstance(declared, dict) and variables else {},
        variables,
        _text(fields, "created_at"),
        _text(author, "name") if isinstance(author, dict) else "",
    )


def _variables(declared: object) -> tuple[Variable, ...]:
    try:
        return variables_from_mapping(declared) if declared else ()
    except InvalidInputError:
        return ()


def _fields(payload: bytes) -> dict[str, Any]:
    fields = decode(payload)
    return fields if isinstance(fields, dict) else {}


def _text(fields: dict[str, Any], key: str) -> str:
    value = fields.get(key)
    return value if isinstance(value, str) else ""


def _id(value: object) -> UUID | None:
    try:
        return UUID(value) if isinstance(value, str) else None
    except ValueError:
        return None
