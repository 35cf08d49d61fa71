"""PromptVault's own exports: JSON, JSON lines and Markdown, with all their versions."""

import codecs
import re

from promptvault import front_matter
from promptvault.domain.name import slugify, validate_name
from promptvault.domain.offer import Offer, OfferedVersion
from promptvault.domain.prompt import (
    LOCAL_SOURCE,
    Author,
    Content,
    Origin,
    validate_body,
    validate_line,
    validate_tag,
)
from promptvault.domain.revision import validate_label
from promptvault.domain.variable import variables_from_mapping
from promptvault.errors import InvalidInputError
from promptvault.importers.input.candidate import Failure, Items
from promptvault.importers.input.document import Document
from promptvault.importers.input.field import items, members, moment, text
from promptvault.importers.input.json_stream import (
    Damaged,
    JsonObject,
    JsonValue,
    values,
)

SOURCE = "promptvault"
_MAX_MARKDOWN = 80_000_000
_MANY = 1 << 53  # beyond it JSON's numbers are no longer exact
_ID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")


def probe(document: Document) -> bool:
    """Tell our rows (a name and a body), and our Markdown (with a revision)."""
    return _is_markdown(document) or any(map(_is_row, document.sample))


def _is_row(row: JsonObject) -> bool:
    return isinstance(row.get("name"), str) and isinstance(row.get("body"), str)


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
            yield _item(row, where)


def _item(row: JsonValue | Damaged, where: str) -> Offer | Failure:
    if isinstance(row, Damaged):
        return Failure(where, row.reason)
    if not isinstance(row, dict) or not _is_row(row):
        return Failure(where, "it has no name and body")
    try:
        history = [members(version) for version in items(row.get("history"))]
        versions = [_version(fields) for fields in history] or [_only(row)]
        offer = _offer(row, str(row["name"]), versions)
        return offer._replace(version=_current(row, history))
    except InvalidInputError as error:
        return Failure(where, str(error))


def _current(row: JsonObject, history: list[JsonObject]) -> int:
    """Return the number of the current version, 0 where a row does not tell."""
    number = row.get("version")
    numbers = [fields.get("version") for fields in history]
    is_told = isinstance(number, int) and numbers.count(number) == 1
    return numbers.index(number) + 1 if is_told else 0


def _markdown(document: Document) -> Offer | Failure:
    with document.open() as stream:
        data = stream.read(_MAX_MARKDOWN)
    try:
        parsed = front_matter.split(data.decode("utf-8-sig"))
        if parsed is None:
            return Failure(document.name, "it has no front matter")
        return _markdown_offer(document.name, dict(parsed.fields), parsed.body)
    except UnicodeDecodeError:
        return Failure(document.name, "it is no UTF-8 text")
    except InvalidInputError as error:
        return Failure(document.name, str(error))


def _markdown_offer(name: str, fields: JsonObject, body: str) -> Offer:
    version = OfferedVersion(
        content=_content(fields, body),
        created_at=moment(fields.get("updated")),
        message="Import from Markdown",
        id=_id(fields.get("revision")),
    )
    # The one version in the file keeps the labels that named it, as the first.
    labels = members(fields.get("labels"))
    kept: JsonObject = {k: 1 for k, n in labels.items() if n == fields.get("version")}
    return _offer({**fields, "labels": kept}, name.removesuffix(".md"), [version])


def _version(fields: JsonObject) -> OfferedVersion:
    author = members(fields.get("author"))
    name, email = text(author.get("name")), text(author.get("email"))
    return OfferedVersion(
        content=_content(fields, fields.get("body")),
        created_at=moment(fields.get("created_at")),
        message=validate_line(text(fields.get("message")) or "Import", "message"),
        author=Author(name, email) if name and email else None,
        id=_id(fields.get("id")),
    )


def _only(row: JsonObject) -> OfferedVersion:
    """Return the version of a row that says nothing of its history."""
    time = moment(row.get("updated_at")) or moment(row.get("created_at"))
    return OfferedVersion(_content(row, row["body"]), time, message="Import")


def _content(fields: JsonObject, body: object) -> Content:
    if not isinstance(body, str):
        raise InvalidInputError("A version has no text.")
    declared = fields.get("variables")
    if isinstance(declared, list):
        rows = [members(variable) for variable in declared]
        declared = {text(row.get("name")) or "": _without_name(row) for row in rows}
    variables = variables_from_mapping(declared) if declared else ()
    return Content(validate_body(body), fields.get("template") is True, variables)


def _without_name(variable: JsonObject) -> JsonObject:
    return {key: value for key, value in variable.items() if key != "name"}


def _offer(fields: JsonObject, name: str, versions: list[OfferedVersion]) -> Offer:
    labels = members(fields.get("labels"))
    numbers = range(1, len(versions) + 1)
    uses = fields.get("uses")
    return Offer(
        name=_name(name),
        versions=versions,
        source=text(fields.get("source")) or LOCAL_SOURCE,
        title=validate_line(text(fields.get("title")) or "", "title"),
        description=validate_line(text(fields.get("description")) or "", "description"),
        tags=tuple(validate_tag(str(tag)) for tag in items(fields.get("tags"))),
        favourite=fields.get("favourite") is True,
        secrets_allowed=fields.get("sensitive_allowed") is True,
        labels={
            validate_label(key): number
            for key, number in labels.items()
            if isinstance(number, int) and number in numbers
        },
        created_at=moment(fields.get("created_at")) or moment(fields.get("created")),
        updated_at=moment(fields.get("updated_at")),
        origins=tuple(_origin(members(each)) for each in items(fields.get("origins"))),
        uses=uses if isinstance(uses, int) and 0 < uses < _MANY else 0,
        used_at=moment(fields.get("used_at")),
        id=_id(fields.get("id")),
    )


def _id(value: object) -> str:
    """Return an id as it is, and '' for what is none: ids stand in file names."""
    return value if isinstance(value, str) and _ID.fullmatch(value) else ""


def _name(name: str) -> str:
    """Return *name* as it is, or with each of its parts made fit."""
    try:
        return validate_name(name)
    except InvalidInputError:
        return "/".join(filter(None, map(slugify, name.split("/")))) or "prompt"


def _origin(fields: JsonObject) -> Origin:
    """Read an origin as JSON has it, or with the shorter names of front matter."""

    def first(*keys: str) -> str | None:
        return next(filter(None, (text(fields.get(key)) for key in keys)), None)

    return Origin(
        source=first("source") or SOURCE,
        conversation_id=first("conversation_id", "conversation"),
        conversation_title=first("conversation_title", "title"),
        message_id=first("message_id", "message"),
        model=first("model"),
        created_at=moment(fields.get("created_at")) or moment(fields.get("created")),
        url=first("url"),
    )
