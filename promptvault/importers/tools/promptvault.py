"""PromptVault's own exports: JSON, JSON Lines, Markdown and CSV."""

import codecs
import re
from collections.abc import Mapping, Sequence
from contextlib import suppress

from promptvault import front_matter
from promptvault.domain.imported_prompt import ImportedPrompt, ImportedVersion
from promptvault.domain.name import slugify, validate_name
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
from promptvault.domain.share_link import parse_share_link, share_origin
from promptvault.domain.variable import variables_from_mapping
from promptvault.errors import InvalidInputError
from promptvault.importers.input.candidate import Failure, Items
from promptvault.importers.input.document import Document
from promptvault.importers.input.field import as_list, as_object, as_text, as_time
from promptvault.importers.input.json_stream import (
    Damaged,
    JsonObject,
    JsonValue,
    json_values,
)

SOURCE = "promptvault"
_CSV_COLUMNS = (
    *("name", "title", "description", "tags", "template", "source", "body"),
    *("createdat", "updatedat"),
)
_MAX_MARKDOWN = 80_000_000
_MANY = 1 << 53  # beyond it numbers in JSON are not exact
_ID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")


def probe(document: Document) -> bool:
    """Return True for our rows (a name and a body) and our Markdown (with a
    revision)."""
    return _is_markdown(document) or any(map(_is_row, document.sample))


def _is_row(row: JsonObject) -> bool:
    return isinstance(row.get("name"), str) and isinstance(row.get("body"), str)


def _is_markdown(document: Document) -> bool:
    start = document.head.removeprefix(codecs.BOM_UTF8)
    return start.startswith((b"---\n", b"---\r\n")) and b"\nrevision:" in start


def read(document: Document) -> Items:
    """Yield every prompt of an export, with all its versions.

    Raises ImportSourceError if the file cannot be read further.
    """
    if _is_markdown(document):
        yield _markdown(document)
        return
    with document.open() as stream:
        for index, row in enumerate(json_values(stream)):
            where = f"{document.name}, prompt {index + 1}"
            yield _item(row, where)


def _item(row: JsonValue | Damaged, where: str) -> ImportedPrompt | Failure:
    if isinstance(row, Damaged):
        return Failure(where, row.reason)
    if not isinstance(row, dict) or not _is_row(row):
        return Failure(where, "it has no name and body")
    try:
        history = [as_object(version) for version in as_list(row.get("history"))]
        versions = [_version(fields) for fields in history] or [_only(row)]
        offer = _offer(row, str(row["name"]), versions)
        return offer._replace(version=_current(row, history))
    except InvalidInputError as error:
        return Failure(where, str(error))


def _current(row: JsonObject, history: list[JsonObject]) -> int:
    """Return the number of the current version, 0 if the row does not say."""
    number = row.get("version")
    numbers = [fields.get("version") for fields in history]
    is_unique = isinstance(number, int) and numbers.count(number) == 1
    return numbers.index(number) + 1 if is_unique else 0


def _markdown(document: Document) -> ImportedPrompt | Failure:
    with document.open() as stream:
        data = stream.read(_MAX_MARKDOWN)
    try:
        parsed = front_matter.split(data.decode("utf-8-sig"))
        if parsed is None:
            return Failure(document.name, "it has no front matter")
        return _markdown_offer(document.name, dict(parsed.fields), parsed.body)
    except UnicodeDecodeError:
        return Failure(document.name, "it is not UTF-8 text")
    except InvalidInputError as error:
        return Failure(document.name, str(error))


def _markdown_offer(name: str, fields: JsonObject, body: str) -> ImportedPrompt:
    version = ImportedVersion(
        content=_content(fields, body),
        created_at=as_time(fields.get("updated")),
        message="Import from Markdown",
        id=_id(fields.get("revision")),
    )
    # The file has one version; it keeps the labels that named it.
    labels = as_object(fields.get("labels"))
    kept: JsonObject = {k: 1 for k, n in labels.items() if n == fields.get("version")}
    return _offer({**fields, "labels": kept}, name.removesuffix(".md"), [version])


def _version(fields: JsonObject) -> ImportedVersion:
    author = as_object(fields.get("author"))
    name, email = as_text(author.get("name")), as_text(author.get("email"))
    return ImportedVersion(
        content=_content(fields, fields.get("body")),
        created_at=as_time(fields.get("created_at")),
        message=validate_line(as_text(fields.get("message")) or "Import", "message"),
        author=Author(name, email) if name and email else None,
        id=_id(fields.get("id")),
    )


def _only(row: JsonObject) -> ImportedVersion:
    """Return the version of a row without a history."""
    time = as_time(row.get("updated_at")) or as_time(row.get("created_at"))
    content, origin = _content(row, row["body"]), _shared_origin(row)
    return ImportedVersion(content, time, origin, message="Import")


def _shared_origin(row: JsonObject) -> Origin | None:
    """Return the origin of a shared prompt; None for any other row.

    By its link the prompt is known again: another text is then a newer version of it.
    """
    url = as_text(row.get("url"))
    try:
        link = parse_share_link(url) if url and not _id(row.get("id")) else None
    except InvalidInputError:
        return None
    return share_origin(link) if link else None


def _content(fields: JsonObject, body: object) -> Content:
    if not isinstance(body, str):
        raise InvalidInputError("A version has no text.")
    declared = fields.get("variables")
    if isinstance(declared, list):
        rows = [as_object(variable) for variable in declared]
        declared = {as_text(row.get("name")) or "": _without_name(row) for row in rows}
    variables = variables_from_mapping(declared) if declared else ()
    return Content(validate_body(body), fields.get("template") is True, variables)


def _without_name(variable: JsonObject) -> JsonObject:
    return {key: value for key, value in variable.items() if key != "name"}


def _offer(
    fields: JsonObject, name: str, versions: list[ImportedVersion]
) -> ImportedPrompt:
    labels = as_object(fields.get("labels"))
    numbers = range(1, len(versions) + 1)
    uses = fields.get("uses")
    return ImportedPrompt(
        name=_name(name),
        versions=versions,
        source=as_text(fields.get("source")) or _source_of(fields),
        title=validate_line(as_text(fields.get("title")) or "", "title"),
        description=validate_line(
            as_text(fields.get("description")) or "", "description"
        ),
        tags=tuple(validate_tag(str(tag)) for tag in as_list(fields.get("tags"))),
        favourite=fields.get("favourite") is True,
        secrets_allowed=fields.get("sensitive_allowed") is True,
        labels={
            validate_label(key): number
            for key, number in labels.items()
            if isinstance(number, int) and number in numbers
        },
        created_at=as_time(fields.get("created_at")) or as_time(fields.get("created")),
        updated_at=as_time(fields.get("updated_at")),
        origins=tuple(
            _origin(as_object(each)) for each in as_list(fields.get("origins"))
        ),
        uses=uses if isinstance(uses, int) and 0 < uses < _MANY else 0,
        used_at=as_time(fields.get("used_at")),
        id=_id(fields.get("id")),
    )


def _source_of(fields: JsonObject) -> str:
    return SOURCE if _shared_origin(fields) else LOCAL_SOURCE


def _id(value: object) -> str:
    """Return a valid id unchanged, '' for anything else: ids are part of file names."""
    return value if isinstance(value, str) and _ID.fullmatch(value) else ""


def _name(name: str) -> str:
    """Return *name* unchanged if it is valid, else with each of its parts as a slug.

    ``VAULT:NAME``, as an export of all vaults writes it, gets a folder for the vault.
    """
    for each in (name, name.replace(":", "/", 1)):
        with suppress(InvalidInputError):
            return validate_name(each)
    return "/".join(filter(None, map(slugify, name.split("/")))) or "prompt"


def _origin(fields: JsonObject) -> Origin:
    """Return an origin with the names of JSON or the shorter ones of front matter."""

    def first(*keys: str) -> str | None:
        return next(filter(None, (as_text(fields.get(key)) for key in keys)), None)

    return Origin(
        source=first("source") or SOURCE,
        conversation_id=first("conversation_id", "conversation"),
        conversation_title=first("conversation_title", "title"),
        message_id=first("message_id", "message"),
        model=first("model"),
        created_at=as_time(fields.get("created_at")) or as_time(fields.get("created")),
        url=first("url"),
    )


def is_own_csv(columns: Sequence[str]) -> bool:
    """Return True if a table has the columns of our export, in its order."""
    return tuple(columns) == _CSV_COLUMNS


def prompt_of_row(cells: Mapping[str, str]) -> ImportedPrompt | None:
    """Return a row as the exported prompt, None if it was cut off or changed."""
    if len(cells) < len(_CSV_COLUMNS):
        return None
    try:
        updated_at = as_time(cells["updatedat"])
        content = Content(validate_body(cells["body"]), cells["template"] == "True")
        return ImportedPrompt(
            name=validate_name(cells["name"]),
            versions=[ImportedVersion(content, updated_at, message="Import from CSV")],
            source=cells["source"] or LOCAL_SOURCE,
            title=validate_line(cells["title"], "title"),
            description=validate_line(cells["description"], "description"),
            tags=tuple(map(validate_tag, cells["tags"].split())),
            created_at=as_time(cells["createdat"]),
            updated_at=updated_at,
        )
    except InvalidInputError:
        return None
