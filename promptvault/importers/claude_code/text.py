"""What a person typed in a Claude Code message, without what the client added."""

import re
from itertools import chain
from typing import NamedTuple

from promptvault.importers.conversation.command import (
    SLASH_COMMAND,
    is_bare_command,
    is_command,
    unwrapped_command,
)
from promptvault.importers.input.candidate import NO_TEXT
from promptvault.importers.input.field import as_list, as_object, as_text, sanitized
from promptvault.importers.input.json_stream import JsonObject, JsonValue

SHELL_COMMAND = "shell command"


class ParsedMessage(NamedTuple):
    """What a person did in a message."""

    body: str | None = None
    """The prompt, None if there is none."""
    reason: str | None = None
    """Why a person's message is no prompt; None also if no person acted."""
    is_command: bool = False
    """True if `body` is a slash command with its arguments."""


_NOTE_TAGS = "|".join(
    [
        "system-reminder",
        "user-prompt-submit-hook",
        "ide_opened_file",
        "ide_selection",
        "ide_diagnostics",
    ]
)
_NOTE = re.compile(rf"<({_NOTE_TAGS})\b[^<>]*>")
_COMMAND = re.compile(r"\s*<command-(?:name|message|args|contents)>")
_SHELL = re.compile(r"\s*<bash-input>")
_MACHINE = re.compile(
    r"""\s*(?:<(?:command-|local-command-|bash-|task-notification|teammate-message
        |cross-session-message|agent-message|channel(?:-message)?\b
        |github-webhook-activity|new-diagnostics|tick>|scheduled-task
        |user-memory-input|mcp-(?:resource|polling)-update|<autonomous-loop)
    |Caveat:[ ]The[ ]messages[ ]below[ ]were[ ]generated
    |\[Request[ ]interrupted[ ]by[ ]user|\[SYSTEM[ ]NOTIFICATION
    |This[ ]session[ ]is[ ]being[ ]continued[ ]from[ ]a[ ]previous[ ]conversation
    |Base[ ]directory[ ]for[ ]this[ ]skill:|Stop[ ]hook[ ]feedback:
    |\{"task_id":)""",
    re.VERBOSE,
)
_PLACEHOLDERS = re.compile(r"\s*(?:\[Image(?: #\d+|: [^\]]*)?\]\s*)+")
# Some terminals send a line break as backslash and Enter, and Claude Code stores both.
# The backslash that continues a shell command or a macro stays: a blank comes before
# it, and an option, a pipe or an indented line after it.
_ENTER = re.compile(
    r"(?<![\\ \t])\\(?=\r?\n)|(?<=[ \t])\\(?=\r?\n(?!-\S|[|&<>]|[ \t]))"
)


def parse_content(content: JsonValue) -> ParsedMessage:
    """Return what a person typed in the *content* of a message of role user."""
    if isinstance(content, str):
        return _of_texts([content])
    blocks = [_block(block) for block in as_list(content)]
    if any(block.get("type") == "tool_result" for block in blocks):
        return ParsedMessage()
    texts = [block["text"] for block in blocks if block.get("type") == "text"]
    found = _of_texts([each for each in texts if isinstance(each, str)])
    if found == ParsedMessage() and not any(map(as_text, texts)):
        return ParsedMessage(reason=NO_TEXT) if blocks else found
    return found


def restore_line_breaks(body: str) -> str:
    """Return *body* with the line breaks that the person typed."""
    return _ENTER.sub("", body) if "\\" in body else body


def with_command(found: ParsedMessage) -> ParsedMessage:
    """Return *found*, marked if its text is a command that the client has not
    wrapped."""
    if not found.body or not is_command(found.body):
        return found
    if is_bare_command(found.body):
        return ParsedMessage(reason=SLASH_COMMAND)
    return found._replace(is_command=True)


def _block(value: JsonValue) -> JsonObject:
    if isinstance(value, str):
        return {"type": "text", "text": value}
    block = as_object(value)
    return block if block.get("type") != "text" or "text" in block else {}


def _of_texts(texts: list[str]) -> ParsedMessage:
    """Classify the text blocks of one message by the first of them."""
    kept = [each for each in map(_without_notes, texts) if each.strip()]
    if not kept:
        return ParsedMessage()
    if _COMMAND.match(kept[0]):
        return _unwrapped(kept[0])
    if _SHELL.match(kept[0]):
        return ParsedMessage(reason=SHELL_COMMAND)
    if _MACHINE.match(kept[0]):
        return ParsedMessage()
    body = "\n".join(each for each in kept if not _MACHINE.match(each))
    if _PLACEHOLDERS.fullmatch(body):
        return ParsedMessage(reason=NO_TEXT)
    return ParsedMessage(sanitized(restore_line_breaks(body)))


def _unwrapped(text: str) -> ParsedMessage:
    body = unwrapped_command(text)
    if not body:
        return ParsedMessage(reason=SLASH_COMMAND)
    return ParsedMessage(sanitized(restore_line_breaks(body)), is_command=True)


def _without_notes(body: str) -> str:
    """Return *body* without the client's notes at its ends and on lines of their own.

    A note within a sentence is a quotation.
    """
    notes = _notes(body) if "<" in body else []
    if not notes:
        return body
    edges = [0, *chain.from_iterable(notes), len(body)]
    gaps = [body[a:b] for a, b in zip(edges[::2], edges[1::2], strict=True)]
    first, last = _text_range(gaps)
    if last < len(notes):
        gaps[last] = gaps[last].rstrip()
    if first:
        gaps[first] = gaps[first].lstrip()
    kept = [gaps[first]]
    while first < last:
        end = _end_of_line(gaps, first, last)
        if _is_own_line(gaps[first], gaps[end]):
            kept[-1] = kept[-1].rstrip(" \t")
            kept.append(gaps[end].partition("\n")[2])
        else:
            kept.append(body[notes[first][0] : notes[end - 1][1]])
            kept.append(gaps[end])
        first = end
    return "".join(kept)


def _notes(body: str) -> list[tuple[int, int]]:
    """Return start and end of each note."""
    found = []
    unclosed = set()  # do not search for the same end again
    at = 0
    while opening := _NOTE.search(body, at):
        tag, at = opening[1], opening.end()
        end = -1 if tag in unclosed else body.find(f"</{tag}>", at)
        if end < 0:
            unclosed.add(tag)
        else:
            at = end + len(f"</{tag}>")
            found.append((opening.start(), at))
    return found


def _text_range(gaps: list[str]) -> tuple[int, int]:
    """Return the first and the last index of *gaps* between notes with text."""
    first, last = 0, len(gaps) - 1
    while first < last and not gaps[first].strip():
        first += 1
    while last > first and not gaps[last].strip():
        last -= 1
    return first, last


def _end_of_line(gaps: list[str], first: int, last: int) -> int:
    """Return the index of the gap after all notes on the line of gap *first*."""
    end = first + 1
    while end < last and not gaps[end].strip(" \t"):
        end += 1
    return end


def _is_own_line(before: str, after: str) -> bool:
    indent, rest = before.rpartition("\n")[2], after.partition("\n")[0]
    return not indent.strip() and not rest.strip()
