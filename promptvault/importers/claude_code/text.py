"""What a person typed in a Claude Code message, without what the client put around."""

import re
from typing import NamedTuple

from promptvault.importers.claude_code.claude_code_note import without_notes
from promptvault.importers.input.field import fit, items, members, text
from promptvault.importers.input.json_stream import JsonObject, JsonValue

SLASH_COMMAND = "slash command"
SHELL_COMMAND = "shell command"
NO_TEXT = "no text"


class Typed(NamedTuple):
    """What a message holds of a person's doing."""

    body: str | None = None
    """The prompt, if it is one."""
    reason: str | None = None
    """Why a person's turn is no prompt; None too where no person acted."""


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
_TYPED_COMMAND = re.compile(r"/[A-Za-z][\w:.-]*(?:\s|\Z)")
_PLACEHOLDERS = re.compile(r"\s*(?:\[Image(?: #\d+|: [^\]]*)?\]\s*)+")
# Some terminals send a line break as a backslash and Enter, and Claude Code keeps
# both. A backslash that continues a pasted shell command or macro stays: a blank
# before it, and an option, a pipe or an indented line after it.
_ENTER = re.compile(
    r"(?<![\\ \t])\\(?=\r?\n)|(?<=[ \t])\\(?=\r?\n(?!-\S|[|&<>]|[ \t]))"
)


def typed(content: JsonValue) -> Typed:
    """Return what a person typed in the *content* of a message of role user."""
    if isinstance(content, str):
        return _of_texts([content])
    blocks = [_block(block) for block in items(content)]
    if any(block.get("type") == "tool_result" for block in blocks):
        return Typed()
    texts = [block["text"] for block in blocks if block.get("type") == "text"]
    found = _of_texts([each for each in texts if isinstance(each, str)])
    if found == Typed() and not any(map(text, texts)):
        return Typed(reason=NO_TEXT) if blocks else found
    return found


def as_typed(body: str) -> str:
    """Return *body* with each line break as the person meant it."""
    return _ENTER.sub("", body) if "\\" in body else body


def is_typed_command(body: str) -> bool:
    """Whether *body* is a slash command before the client wraps it; paths are not."""
    return _TYPED_COMMAND.match(body) is not None


def _block(value: JsonValue) -> JsonObject:
    if isinstance(value, str):
        return {"type": "text", "text": value}
    block = members(value)
    return block if block.get("type") != "text" or "text" in block else {}


def _of_texts(texts: list[str]) -> Typed:
    """Judge the blocks of one message; the first tells what the message is."""
    kept = [each for each in map(without_notes, texts) if each.strip()]
    if not kept:
        return Typed()
    if _COMMAND.match(kept[0]):
        return Typed(reason=SLASH_COMMAND)
    if _SHELL.match(kept[0]):
        return Typed(reason=SHELL_COMMAND)
    if _MACHINE.match(kept[0]):
        return Typed()
    body = "\n".join(each for each in kept if not _MACHINE.match(each))
    if _PLACEHOLDERS.fullmatch(body):
        return Typed(reason=NO_TEXT)
    return Typed(fit(as_typed(body)))
