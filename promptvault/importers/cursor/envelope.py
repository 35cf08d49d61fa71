"""Removes what Cursor adds to the text that a person typed."""

import re
from datetime import datetime
from typing import NamedTuple

from promptvault.importers.cursor.date import stamp_time
from promptvault.importers.input.field import as_list, as_object, as_text
from promptvault.importers.input.json_stream import JsonValue

# Blocks that Cursor adds before the typed text, or sends without any.
_BLOCKS = """additional_data agent_skills agent_transcripts attached_docs
    attached_files attached_skills available_subagent_models
    available_subagent_types cursor_commands cursor_rules dynamic_tools git_status
    hooks_context image_files linter_errors manually_attached_skills
    mcp_file_system mcp_instructions mcp_meta_tool_servers mcp_meta_tools
    open_and_recently_viewed_files plugin_info project_context project_layout
    recently_viewed_files recommended_plugins subagent_notification
    system-reminder system_notification system_reminder terminal_selection
    terminal_state timestamp turn_aborted uploaded_documents user_info user_rules
    user_shell_command""".split()
_LEADING = re.compile(
    rf"\s*+(?:<({'|'.join(_BLOCKS)})\b[^>]*>.*?</\1\s*>|\[Image\]|\[File: [^\]\n]*\])",
    re.DOTALL,
)
_TRAILING = ("system_reminder", "system-reminder", "attached_files")
_FILES = ("[Image]", "[File: ")
_OPEN, _CLOSE = "<user_query>", "</user_query>"
_STAMP = re.compile(r"<timestamp>(.*?)</timestamp>")
# What the agent asks itself in the person's name. A person's text begins on a line of
# its own.
_OWN = ("The above subagent result is", "Briefly inform the user about the task")
_COMMAND = re.compile(r"/[a-z0-9][a-z0-9_:.-]*")
_COMMAND_MARK = "--- Cursor Command: "
_COMMAND_FILE = re.compile(
    r"^--- Cursor Command: [^\n]* ---$.*?(?:^--- End Command ---[^\S\n]*$|\Z)",
    re.DOTALL | re.MULTILINE,
)


class SentMessage(NamedTuple):
    """What a person sent."""

    body: str | None
    """None if there is no text, only files perhaps."""
    sent_at: datetime | None = None
    """Aware UTC time, to the minute."""
    is_command: bool = False
    """True for nothing but the name of a command, such as "/review"."""


def parse_message(raw: str) -> SentMessage | None:
    """Return what a person typed in *raw*, None if none of it is a person's."""
    head, opening, rest = raw.partition(_OPEN)
    stamp = _STAMP.search(head)
    sent_at = stamp_time(stamp[1]) if stamp else None
    if opening:
        body = rest.rpartition(_CLOSE)[0] if _CLOSE in rest else rest
        return None if body.startswith(_OWN) else _sent(body.strip(), sent_at)
    body = _bare(raw)
    is_any = body or not raw.strip() or any(mark in raw for mark in _FILES)
    return _sent(body, sent_at) if is_any else None


def _sent(body: str, sent_at: datetime | None) -> SentMessage:
    own = _COMMAND_FILE.sub("", body) if _COMMAND_MARK in body else body
    bare = own.strip()
    is_command = bool(_COMMAND.fullmatch(bare)) or bool(body.strip() and not bare)
    return SentMessage(as_text(own), sent_at, is_command)


def _bare(raw: str) -> str:
    start = 0
    while found := _LEADING.match(raw, start):
        start = found.end()
    rest = raw[start:].strip() if start else raw
    for name in _TRAILING:
        if rest.endswith(f"</{name}>"):
            rest = rest[: rest.rfind(f"<{name}")].strip()
    return rest


def content_text(content: JsonValue) -> str:
    """Return the text in the content of an agent's message: a string or blocks."""
    if isinstance(content, str):
        return content
    blocks = (b for b in map(as_object, as_list(content)) if b.get("type") == "text")
    said = (block.get("text") for block in blocks)
    return "\n".join(each for each in said if isinstance(each, str))
