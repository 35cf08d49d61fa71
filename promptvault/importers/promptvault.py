"""PromptVault's own exports: JSON, JSON lines and Markdown, with all their versions."""

import codecs
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from promptvault import front_matter
from promptvault.domain.name import slugify, validate_name
from promptvault.domain.offer import Offer, OfferedVersion
from promptvault.domain.prompt import (
    LOCAL_SOURCE,
    Author,
    Content,
    Origin,
    validate_tag,
)
from promptvault.domain.timestamp import from_text
from promptvault.domain.variable import variables_from_mapping
from promptvault.errors import InvalidInputError
from promptvault.importers.candidate import Failure, Items
from promptvault.importers.document import Document
from promptvault.importers.json_stream import Damaged, values

SOURCE = "promptvault"
_MAX_MARKDOWN = 80_000_000

Fields = Mapping[str, Any]


def probe(document: Document) -> bool:
    """Tell our rows (a name and a body), and our Markdown (id and revision)."""
    if _is_markdown(document):
        return True
    return any(
        isinstance(row.get("name"), str) and isinstance(row.get("body"), str)
        for row in document.sample
    )


def _is_markdown(document: Document) -> bool:
    start = document.head.removeprefix(codecs.BOM_UTF8)
    return start.startswith((b"---\n", b"---\r\n")) and b"\nrevision:" in start


def read(document: Document) -> Items:
    """Yield every prompt of an export."""
    if _is_markdown(document):
        yield _markdown(document)
        return
    with document.open() as stream:
        for index, row in enumerate(values(stream)):
            where = f"{document.name}, prompt {index + 1}"
            if isinstance(row, Damaged):
                yield Failure(where, row.reason)
            elif isinstance(row, dict):
                yield _row(row, where)


def _markdown(document: Document) -> Offer | Failure:
    with document.open() as stream:
        data = stream.read(_MAX_MARKDOWN)
    try:
        text = data.decode("utf-8-sig")
        parsed = front_matter.split(text)
        if parsed is None:
            return Failure(document.name, "it has no front matter")
        return _markdown_offer(document.name, parsed)
    except _FAULTS as error:
        return Failure(document.name, _reason(error))


_FAULTS = (InvalidInputError, UnicodeDecodeError, ValueError, TypeError, KeyError)


def _reason(error: Exception) -> str:
    if isinstance(error, InvalidInputError):
        return str(error)
    return "a field has a value it cannot have"


def _markdown_offer(name: str, parsed: front_matter.Document) -> Offer:
    fields = parsed.fields
    version = OfferedVersion(
        content=_content(fields, parsed.body),
        created_at=_time(fields.get("updated")),
        message="Import from Markdown",
        id=str(fields.get("revision") or ""),
    )
    return _offer(fields, name.removesuffix(".md"), [version])


def _row(row: Fields, where: str) -> Offer | Failure:
    try:
        history = row.get("history")
        versions = [_version(fields) for fields in history] if history else [_only(row)]
        return _offer(row, str(row["name"]), versions)
    except _FAULTS as error:
        return Failure(where, _reason(error))


def _version(fields: Fields) -> OfferedVersion:
    return OfferedVersion(
        content=_content(fields, fields["body"]),
        created_at=_time(fields.get("created_at")),
        message=str(fields.get("message") or ""),
        author=Author(**fields["author"]) if fields.get("author") else None,
        id=str(fields.get("id") or ""),
    )


def _only(row: Fields) -> OfferedVersion:
    """Return the version of a row that says nothing of its history."""
    time = _time(row.get("updated_at") or row.get("created_at"))
    return OfferedVersion(_content(row, row["body"]), time, message="Import")


def _content(fields: Fields, body: object) -> Content:
    if not isinstance(body, str):
        raise InvalidInputError("the body is no text")
    variables = fields.get("variables") or {}
    if isinstance(variables, list):
        variables = {v["name"]: _without_name(v) for v in variables}
    template = fields.get("template") is True
    return Content(body, template, variables_from_mapping(variables))


def _without_name(variable: Fields) -> dict[str, Any]:
    return {key: value for key, value in variable.items() if key != "name"}


def _offer(fields: Fields, name: str, versions: list[OfferedVersion]) -> Offer:
    tags = fields.get("tags") or []
    labels = fields.get("labels") or {}
    numbers = range(1, len(versions) + 1)
    return Offer(
        name=_name(name),
        versions=versions,
        source=str(fields.get("source") or LOCAL_SOURCE),
        title=str(fields.get("title") or ""),
        description=str(fields.get("description") or ""),
        tags=tuple(validate_tag(str(tag)) for tag in tags),
        favourite=fields.get("favourite") is True,
        labels={str(key): n for key, n in labels.items() if n in numbers},
        created_at=_time(fields.get("created_at") or fields.get("created")),
        updated_at=_time(fields.get("updated_at")),
        origins=tuple(map(_origin, fields.get("origins") or ())),
        id=str(fields.get("id") or ""),
        uses=int(fields.get("uses") or 0),
        used_at=_time(fields.get("used_at")),
    )


def _name(text: str) -> str:
    """Return *text* as a name: as it is, or each part made into one."""
    try:
        return validate_name(text)
    except InvalidInputError:
        parts = filter(None, map(slugify, text.split("/")))
        return "/".join(parts) or "prompt"


def _origin(fields: Fields) -> Origin:
    """Read an origin as JSON has it, or with the shorter names of front matter."""

    def text(key: str, short: str) -> str | None:
        value = fields.get(key, fields.get(short))
        return None if value is None else str(value)

    return Origin(
        source=str(fields["source"]),
        conversation_id=text("conversation_id", "conversation"),
        conversation_title=text("conversation_title", "title"),
        message_id=text("message_id", "message"),
        model=text("model", "model"),
        created_at=_time(fields.get("created_at", fields.get("created"))),
        url=text("url", "url"),
    )


def _time(value: object) -> datetime | None:
    return from_text(str(value)) if value else None
