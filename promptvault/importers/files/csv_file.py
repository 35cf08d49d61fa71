"""CSV files: lists of prompts from any source, and messages of chats."""

import codecs
import csv
import io
from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import NamedTuple

from promptvault.domain.name import validate_name
from promptvault.errors import ImportSourceError, InvalidInputError
from promptvault.importers.files import context, csv_row
from promptvault.importers.files.csv_row import Row
from promptvault.importers.input import encoded_text
from promptvault.importers.input.candidate import (
    NO_TEXT,
    Candidate,
    Conversation,
    Draft,
    Failure,
    Item,
    Items,
    Skipped,
    linear_candidates,
)
from promptvault.importers.input.document import Document
from promptvault.importers.input.field import as_text, as_time, sanitized
from promptvault.importers.input.json_stream import Damaged
from promptvault.importers.tools.promptvault import is_own_csv, prompt_of_row

SOURCE = "csv"

_DELIMITERS = (",", ";", "\t", "|")
_PROMPT = ("prompt", "prompts", "prompttext", "userprompt", "prompttemplate")
_INSTRUCTION = ("instruction", "instructions")
_TEXT = ("body", "text", "content", "template")
_BODY = _PROMPT + _INSTRUCTION + _TEXT
_TITLE = ("title", "act", "name", "role", "prompttitle", "promptname")
_DESCRIPTION = ("description", "summary")
_TIME = ("updatedat", "createdat", "created", "date", "time", "timestamp")
_AUTHOR = ("author", "role", "sender", "from")
_MESSAGE = ("message", "content", "text", "value")
_CHAT_TITLE = ("conversation", "conversationtitle", "chat", "chattitle", "title")
_CHAT_ID = ("conversationid", "chatid", "threadid", "sessionid")
_ANSWER = ("answer", "completion", "input", "output", "response")
_TAGS = ("categories", "category", "fordevs", "language", "tag", "tags", "type")
_KEY = ("", "author", "contributor", "id", "key", "number", "slug", "source", "version")
_LIBRARY = frozenset({"name", "body", "tags"})
"""Columns of a list of prompts of ours."""
_KNOWN = frozenset(
    (*_BODY, *_TITLE, *_DESCRIPTION, *_TIME, *_ANSWER, *_TAGS, *_KEY, "favourite")
)
_HUMAN = frozenset({"human", "user", "you", "me"})
_MACHINE = frozenset(
    {"ai", "assistant", "bot", "copilot", "gpt", "chatgpt", "model", "system", "tool"}
)
_LONGEST_HEADER = 4096

Cells = Mapping[str, str]
"""The cells of a row by column name; names have only letters and digits."""


class _Table(NamedTuple):
    """The layout of a CSV file."""

    delimiter: str
    columns: list[str]
    texts: str
    """The column of the prompts or messages."""
    is_chat: bool
    """True if its rows are messages, not prompts."""

    def cells(self, row: Row) -> Cells:
        return dict(zip(self.columns, row, strict=False))


def probe(document: Document) -> bool:
    """Return True for a table with a column of prompts or messages.

    A column of unspecified texts counts only if all other columns are usual for
    prompts.
    """
    if document.head.lstrip(codecs.BOM_UTF8 + b" \t\r\n").startswith((b"{", b"[")):
        return False  # JSON has commas, colons and quoted names too
    table = _table(document)
    return table is not None and (
        _is_telling(table) or _KNOWN.issuperset(table.columns)
    )


def holds_chats(document: Document) -> bool:
    """Return True if the rows of *document* are messages of chats."""
    table = _table(document)
    return table is not None and table.is_chat


def _is_telling(table: _Table) -> bool:
    is_of_prompts = table.texts in _PROMPT or _LIBRARY.issubset(table.columns)
    return table.is_chat or is_of_prompts


def skip_reason(document: Document) -> str | None:
    """Return why *document* probably has no prompts: many tables have a column of
    texts."""
    if context.is_alone(document):
        return None
    if context.is_beside_export(document):
        return "a loose file beside a chat export"
    table = _table(document)
    is_telling = table is not None and _is_telling(table)
    is_kept = (is_telling and not context.is_among_tests(document)) or (
        context.is_place_of_prompts(document)
    )
    return None if is_kept else "a table among other files"


def read(document: Document) -> Items:
    """Yield the prompts or chats in *document*.

    Raises ImportSourceError if no column has prompts, or the file cannot be read
    further.
    """
    table = _table(document)
    if not table:
        raise ImportSourceError(f"{document.name} has no column named prompt.")
    found = _rows(document, table)
    if table.is_chat:
        yield from _chats(found)
    else:
        for row in found:
            yield row if isinstance(row, Failure) else _prompt(row, table)


def _rows(document: Document, table: _Table) -> Iterator[Cells | Failure]:
    """Yield the rows below the header."""
    lines = encoded_text.text_lines(document)
    width = len(table.columns)
    is_below = False
    for number, row in csv_row.rows(lines, table.delimiter, width):
        where = f"{document.name}, row {number}"
        if isinstance(row, Damaged):
            yield Failure(where, row.reason)
            is_below = True
        elif not is_below:
            is_below = _columns(row) == table.columns
        elif any(row[width:]) or len(row) <= table.columns.index(table.texts):
            yield Failure(where, f"it has {len(row)} cells, the header has {width}")
        else:
            yield table.cells(row)


def _table(document: Document) -> _Table | None:
    """Return the layout given by the first lines, None for another kind of file."""
    if document.is_database:
        return None
    beginning = encoded_text.text_start(document)
    separator, _, below = beginning.partition("\n")
    if separator.lower().startswith("sep="):  # a line for Excel
        beginning = below
    if len(beginning.lstrip().partition("\n")[0]) > _LONGEST_HEADER:
        return None
    tables = [_laid_out(beginning, delimiter) for delimiter in _DELIMITERS]
    found = [table for table in tables if table]
    return max(found, key=lambda table: len(table.columns), default=None) or (
        _single(beginning, document)
    )


def _laid_out(beginning: str, delimiter: str) -> _Table | None:
    try:
        reader = csv.reader(io.StringIO(beginning, newline=""), delimiter=delimiter)
        rows = [row for row, _ in zip(reader, range(20), strict=False) if any(row)]
    except csv.Error:
        return None
    if not rows or len(rows[0]) < 2:
        return None
    columns = _columns(rows[0])
    names = set(columns)
    if _is_chat(columns, rows[1:]):
        return _Table(delimiter, columns, _named(columns, _MESSAGE), is_chat=True)
    body = _named(columns, _BODY)
    if not body or (body in _TEXT and names.isdisjoint(_TITLE)):
        return None
    return _Table(delimiter, columns, body, is_chat=False)


def _single(beginning: str, document: Document) -> _Table | None:
    """Return a table of one column: "prompt" is a header only in a file named .csv."""
    columns = _columns([beginning.lstrip("\r\n").partition("\n")[0]])
    is_table = columns[0] in _PROMPT and document.name.lower().endswith(".csv")
    return _Table(",", columns, columns[0], False) if is_table else None


def _columns(row: Row) -> list[str]:
    return ["".join(filter(str.isalnum, cell)).lower() for cell in row]


def _is_chat(columns: list[str], rows: list[Row]) -> bool:
    if not _named(columns, _AUTHOR) or not _named(columns, _MESSAGE):
        return False
    author = columns.index(_named(columns, _AUTHOR))
    known = _HUMAN | _MACHINE
    authors = [row[author].strip().lower() for row in rows if len(row) > author]
    return bool(authors) and known.issuperset(authors[:-1] or authors)


def _named(columns: list[str], names: tuple[str, ...]) -> str:
    """Return the first of *names* that is a column, '' if none is."""
    return next((name for name in names if name in columns), "")


def _first(cells: Cells, names: tuple[str, ...]) -> str | None:
    return next(filter(None, (as_text(cells.get(name)) for name in names)), None)


def _prompt(cells: Cells, table: _Table) -> Item:
    own = prompt_of_row(cells) if is_own_csv(table.columns) else None
    return own or _item(cells, table.texts)


def _item(cells: Cells, column: str) -> Item:
    body = _body(cells, column)
    if not body:
        return Skipped(NO_TEXT)
    name = _name(cells)
    is_template = (cells.get("template") or "").lower() in ("true", "1", "yes")
    draft = Draft(body, as_time(_first(cells, _TIME)), template=is_template)
    return Candidate(
        (draft,),
        name=name,
        title=as_text(cells.get("title")) if name else _first(cells, _TITLE),
        description=_first(cells, _DESCRIPTION) or "",
        tags=tuple(_tags(cells)),
    )


def _body(cells: Cells, column: str) -> str | None:
    body = as_text(cells[column])
    if column in _INSTRUCTION and body and (added := as_text(cells.get("input"))):
        return f"{body}\n\n{added}"
    return body


def _name(cells: Cells) -> str | None:
    """Return a name in our own syntax; any other is a title."""
    try:
        return validate_name(cells.get("name", ""))
    except InvalidInputError:
        return None


def _tags(cells: Cells) -> Iterator[str]:
    yield from map(sanitized, _words(cells))


def _words(cells: Cells) -> Iterator[str]:
    tags = cells.get("tags") or cells.get("tag") or ""
    yield from _split(tags) if any(map(tags.__contains__, ",;|")) else tags.split()
    for column in ("category", "categories"):
        yield from _split(cells.get(column, ""))
    if (kind := cells.get("type", "").strip().lower()) not in ("", "text"):
        yield kind
    if cells.get("fordevs", "").strip().lower() == "true":
        yield "dev"


def _split(value: str) -> Iterator[str]:
    for mark in ";|":
        value = value.replace(mark, ",")
    parts = (part.strip(" \"'[]#") for part in value.split(","))
    yield from filter(None, parts)


class _Chat(NamedTuple):
    """What a person wrote in a chat; None is a message without text."""

    key: str | None
    title: str | None
    turns: list[tuple[str | None, datetime | None]]


def _chats(rows: Iterator[Cells | Failure]) -> Items:
    """Yield the messages of each chat together, oldest first.

    Microsoft's Copilot writes the newest first, and gives an answer the time of its
    question, so the order in the file counts, not that of the times.
    """
    chats: dict[tuple[str | None, str | None], _Chat] = {}
    times: list[datetime] = []
    for row in rows:
        if isinstance(row, Failure):
            yield row
            continue
        if time := as_time(_first(row, _TIME)):
            times = [*times[:1], time]
        if (_first(row, _AUTHOR) or "").strip().lower() in _HUMAN:
            key, title = _first(row, _CHAT_ID), _first(row, _CHAT_TITLE)
            chat = chats.setdefault((key, title), _Chat(key, title, []))
            chat.turns.append((_first(row, _MESSAGE), time))
    is_newest_first = times[:1] > times[-1:]
    for chat in chats.values():
        yield _conversation(chat, chat.turns[:: -1 if is_newest_first else 1])


def _conversation(
    chat: _Chat, turns: list[tuple[str | None, datetime | None]]
) -> Conversation:
    said = [Draft(body, time) for body, time in turns if body]
    textless = len(turns) - len(said)
    candidates = linear_candidates(said, chat.key, chat.title or "Untitled")
    return Conversation(candidates, {NO_TEXT: textless} if textless else {})
