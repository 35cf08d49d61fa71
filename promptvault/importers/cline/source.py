"""Tasks of Cline and its forks (Roo, Kilo), stored as JSON or exported as Markdown.

The formats are observed in the extensions' storage; they are not documented.
"""

import io
import json
import posixpath
import re
from collections.abc import Iterator
from pathlib import PurePosixPath

from promptvault.importers.cline import session_file
from promptvault.importers.cline.turn import TurnParser, add_prompt
from promptvault.importers.conversation.linear_chat import LinearChat
from promptvault.importers.input.candidate import Failure, Items, Skipped
from promptvault.importers.input.document import Document
from promptvault.importers.input.field import (
    as_list,
    as_object,
    as_text,
    as_time,
    sanitized,
)
from promptvault.importers.input.json_stream import (
    Damaged,
    JsonObject,
    JsonValue,
    json_values,
)
from promptvault.importers.input.lines import read_lines

SOURCE = "cline"

_SHOWN = ("ui_messages.json", "claude_messages.json")
"""What the chat panel shows; every task has it. The second name is the older one."""
_SENT = ("api_conversation_history.json", ".messages.json")
"""What was sent to a model; the second is from the terminal program of 2026."""
_WRAPPERS = ("messages",)
_MARKS = ("<environment_details>", "[TASK RESUMPTION]", "<user_input mode=")
_TAGS = ("<task>", "<user_message>", "<feedback>")
_LARGEST_ITEM = 1 << 20


def probe(document: Document) -> bool:
    """Return True for a task: what was shown, what was sent, or an export."""
    if _is_export(document) or session_file.is_compaction(document):
        return True
    rows = list(_rows(document))
    return any(map(_is_shown, rows)) or _is_sent(rows, document)


def read(document: Document) -> Items:
    """Yield the prompts of one task, then what could not be read.

    What was sent has the same prompts as what was shown, with fewer details, so it is
    skipped if the other file is next to it. Raises ImportSourceError if the file cannot
    be read further.
    """
    if _is_export(document):
        yield from _export(document)
    elif (reason := session_file.skip_reason(document)) is not None:
        yield Skipped(reason, max(1, sum(map(_is_human, _rows(document)))))
    elif any(map(_is_shown, _rows(document))):
        yield from _shown(document)
    elif not _is_beside_shown(document):
        yield from _sent(document)


def _rows(document: Document) -> Iterator[JsonObject]:
    for value in document.sample:
        wrapped = value.get("messages")
        yield from map(as_object, wrapped) if isinstance(wrapped, list) else [value]


def _is_shown(row: JsonObject) -> bool:
    kind = row.get("type")
    return kind in ("say", "ask") and "ts" in row and isinstance(row.get(kind), str)


def _is_sent(rows: list[JsonObject], document: Document) -> bool:
    """Return True if *rows* were sent to a model by Cline, not by another program."""
    human = [row for row in rows if row.get("role") == "user"]
    said = [each for row in human for each in _lines_of(row.get("content"))]
    if any(mark in each for each in said for mark in _MARKS):
        return True
    if not posixpath.basename(document.name).endswith(_SENT):
        return False
    return any(map(_is_of_session, human)) or any(
        each.startswith(_TAGS) for each in said
    )


def _is_human(row: JsonObject) -> bool:
    return row.get("role") == "user"


def _is_of_session(row: JsonObject) -> bool:
    """Return True if *row* is from the terminal program, which adds no text to the
    person's."""
    return isinstance(row.get("id"), str) and "ts" in row


def _is_beside_shown(document: Document) -> bool:
    folder = posixpath.dirname(document.name)
    return any(posixpath.join(folder, name) in document.siblings for name in _SHOWN)


class _Panel:
    """Finds the person's messages in the chat panel."""

    def __init__(self, chat: LinearChat, is_subtask: bool) -> None:
        self._chat = chat
        self._is_subtask = is_subtask
        self._has_begun = False
        self._chosen: tuple[str, JsonObject] | None = None

    def take(self, row: JsonObject) -> None:
        """Read the next row."""
        if row.get("partial") is True:
            return
        kind = row.get("say")
        if row.get("type") == "ask":
            self.settle()
            self._ask(row)
        elif kind == "user_feedback":
            self._chosen = None  # an answer in the person's own words replaces it
            self._say(row)
        elif kind == "task" or (kind == "text" and not self._has_begun):
            self._open(row)
        elif kind == "api_req_started":
            self._has_begun = True
            self.settle()

    def settle(self) -> None:
        """Add the last chosen answer, if the person wrote nothing in addition."""
        if self._chosen:
            answer, row = self._chosen
            self._chosen = None
            add_prompt(self._chat, answer, as_time(row.get("ts")), _key(row))

    def _open(self, row: JsonObject) -> None:
        self._has_begun = True
        if self._is_subtask:
            self._chat.skipped["subagent"] += 1
        else:
            self._say(row)

    def _say(self, row: JsonObject) -> None:
        said = as_text(row.get("text")) or ""
        if said or row.get("images") or row.get("files"):
            add_prompt(self._chat, said, as_time(row.get("ts")), _key(row))

    def _ask(self, row: JsonObject) -> None:
        question = row.get("text")
        if isinstance(question, str) and '"selected"' in question:
            answer = as_text(_object(question).get("selected"))
            self._chosen = (answer, row) if answer else None


def _shown(document: Document) -> Items:
    chat = LinearChat(document.folder)
    panel = _Panel(chat, _is_subtask(document))
    bad: Failure | None = None
    with document.open() as stream:
        for position, row in enumerate(json_values(stream, _WRAPPERS), 1):
            if isinstance(row, dict) and "type" in row:
                panel.take(row)
                yield from chat.take_complete()
                if model := _model(row):
                    chat.set_model(model)
            else:
                yield from [bad] if bad else []
                bad = _failure(document, position, row)
    panel.settle()
    yield from chat.finish()
    yield from [bad] if bad else []


def _sent(document: Document) -> Items:
    chat = LinearChat(document.folder, session_file.title(document))
    bad: Failure | None = None
    is_first = True
    with document.open() as stream:
        for position, row in enumerate(json_values(stream, _WRAPPERS), 1):
            if not isinstance(row, dict) or "role" not in row:
                yield from [bad] if bad else []
                bad = _failure(document, position, row)
            elif row["role"] in ("user", "tool") and not _is_summary(row):
                is_bare = is_first or _is_of_session(row)
                key, made = as_text(row.get("id")), as_time(row.get("ts"))
                _turn(row).add_to(chat, made, key=key, is_bare=is_bare)
                yield from chat.take_complete()
                is_first = False
            elif model := _model(row):
                chat.set_model(model)
    yield from chat.finish()
    yield from [bad] if bad else []


def _model(row: JsonObject) -> str | None:
    about = as_object(row.get("modelInfo"))
    return as_text(about.get("modelId")) or as_text(about.get("id"))


def _turn(row: JsonObject) -> TurnParser:
    turn = TurnParser()
    for each in _lines_of(row.get("content")):
        for line in sanitized(each).encode().split(b"\n"):
            turn.feed(line)
    return turn


def _lines_of(content: JsonValue) -> Iterator[str]:
    """Yield the texts of a message as an export has them, with tool results."""
    if isinstance(content, str):
        yield content
    for block in map(as_object, as_list(content)):
        match block.get("type"):
            case "text":
                yield as_text(block.get("text")) or ""
            case "tool_result" | "tool-result":
                yield "[Tool]"
                result = block.get("content") or as_object(block.get("output"))
                yield from _lines_of(
                    result.get("value") if isinstance(result, dict) else result
                )


def _is_summary(row: JsonObject) -> bool:
    return row.get("isSummary") is True or row.get("isTruncationMarker") is True


def _is_subtask(document: Document) -> bool:
    """Return True if another task of Roo's wrote the first message of this one."""
    if not document.path:
        return False
    try:
        with document.path.with_name("history_item.json").open("rb") as stream:
            item = _object(stream.read(_LARGEST_ITEM).decode(errors="replace"))
    except OSError:
        return False
    return bool(item.get("parentTaskId"))


def _object(written: str) -> JsonObject:
    try:
        return as_object(json.loads(written))
    except (ValueError, RecursionError):
        return {}


def _key(row: JsonObject) -> str | None:
    """Return the time of a row, which the extension uses as its id."""
    made = row.get("ts")
    return str(made) if type(made) is int else None


def _failure(document: Document, position: int, row: JsonValue | Damaged) -> Failure:
    reason = row.reason if isinstance(row, Damaged) else "it is not a message"
    return Failure(f"{document.name}, message {position}", reason)


# The Markdown of an export, which is read line by line.
_USER = b"**User:**"
_SPEAKERS = (_USER, b"**Assistant:**")
_EXPORT_MARKS = (
    *(b"<task>", b"<environment_details>", b"<user_message>", b"<user_input"),
    b"[TASK RESUMPTION]",
)
_EXPORT_NAME = re.compile(r"[a-z]+_task_\w+-\d+-\d{4}_[\d-]+-[ap]m")


def _is_export(document: Document) -> bool:
    """Return True if *document* begins with a speaker and has Cline's own tags."""
    head = (line for line in read_lines(io.BytesIO(document.head)) if line.strip())
    first = next(head, b"").rstrip()
    return first in _SPEAKERS and any(line.startswith(_EXPORT_MARKS) for line in head)


def _export(document: Document) -> Items:
    """Yield the one conversation in *document*, and a Failure if a prompt is cut off.

    The file name has the local time of an unknown machine, so times are those in the
    turns. Raises ImportSourceError if the file cannot be read further.
    """
    chat = LinearChat(_task_id(document))
    turn: TurnParser | None = None
    is_first = True
    with document.open() as stream:
        for line, opens in _by_turn(read_lines(stream)):
            if opens and turn:
                yield from _finish_turn(turn, chat, document, is_first)
                is_first = False
            if opens:
                turn = TurnParser() if line == _USER else None
            elif turn:
                turn.feed(line)
    if turn:
        yield from _finish_turn(turn, chat, document, is_first)
    yield from chat.finish()


def _by_turn(every: Iterator[bytes]) -> Iterator[tuple[bytes, bool]]:
    """Yield each line, and True if it begins a turn.

    Files and logs within a turn have rules and speakers too, so a turn begins only
    after the full separator of an export: a blank line, the rule, a blank line and the
    speaker.
    """
    held: list[bytes] = []
    rule = [b"", b"---", b""]
    is_start = True
    for line in every:
        is_blank = not line or line.isspace()
        if line.rstrip() in _SPEAKERS and (is_start or held == rule):
            held.clear()
            yield line.rstrip(), True
        else:
            expected = rule[len(held)] if len(held) < len(rule) else None
            fits = (b"" if is_blank else line) == expected
            if not fits:
                yield from ((each, False) for each in held)
                held.clear()
            if fits or is_blank:
                held.append(b"" if is_blank else line)
            else:
                yield line, False
        is_start &= is_blank
    if len(held) == 1:  # otherwise the rule belongs to a turn that was not written
        yield b"", False


def _finish_turn(
    turn: TurnParser, chat: LinearChat, document: Document, is_first: bool
) -> Items:
    turn.add_to(chat, None, is_bare=is_first)
    yield from chat.take_complete()
    if turn.is_cut:
        yield Failure(document.name, "a prompt is cut off")


def _task_id(document: Document) -> str:
    stem = PurePosixPath(document.name).name
    found = _EXPORT_NAME.match(stem)
    return found[0] if found else ""
