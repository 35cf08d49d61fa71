"""What a person typed in a Codex message, without what the client added.

Tags and headings as in openai/codex (`core/src/context`, `protocol/src/protocol.rs`)
and in reports about session files of the command line, the editors and the app.
"""

import re
from collections.abc import Iterator
from typing import NamedTuple

from promptvault.importers.conversation.command import SLASH_COMMAND
from promptvault.importers.input.candidate import NO_TEXT
from promptvault.importers.input.field import as_list, as_object, sanitized
from promptvault.importers.input.json_stream import JsonObject, JsonValue

SHELL_COMMAND = "shell command"
ACCEPTED_PLAN = "accepted plan"


class ParsedMessage(NamedTuple):
    """What a person did in a message."""

    body: str | None = None
    """The prompt, None if there is none."""
    reason: str | None = None
    """Why a person's message is no prompt; None also if no person acted."""


_TAGS = "|".join(
    r"""environment_context environments_instructions user_instructions INSTRUCTIONS
    permissions\s+instructions collaboration_mode multi_agent_mode apps_instructions
    plugins_instructions skills_instructions app-context recommended_plugins
    turn_aborted skill subagent_notification goal_context codex_internal_context
    internal_model_context codex_delegation additional_context external_[\w-]+
    user_action hook_prompt model_switch personality_spec token_budget\w*
    context_window context_window_guidance rollout_budget realtime_\w+
    in-app-browser-context system-reminder user_shell_command""".split()
)
_SHELL = re.compile(r"\s*<user_shell_command>", re.IGNORECASE)
_BLOCK = re.compile(rf"\s*<({_TAGS})(?:\s[^<>]*)?>", re.IGNORECASE)
_AGENTS = re.compile(r"\s*# AGENTS\.md instructions(?: for |\s*\n)")
_AGENTS_END = "</INSTRUCTIONS>"
_NOTICE = re.compile(
    r"\s*(?:Warning: apply_patch was requested via "
    r"|Warning: The maximum number of unified exec processes"
    r"|Warning: Your account was flagged for potentially high-risk cyber activity"
    r"|Another language model started to solve this problem and produced a summary"
    r"|You have exceeded the maximum number of tokens, please stop coding"
    r"|You are performing a CONTEXT CHECKPOINT COMPACTION"
    r"|You are `/root`, the primary agent)"
)
_PREAMBLE = re.compile(
    r"\s*##? (?:Context from my IDE setup|Files (?:mentioned|pasted) by the user"
    r"|Browser comments|In app browser|Selected text|Referenced chats with Codex)\b"
)
_REQUEST = re.compile(r"^## My request(?: for Codex)?:[ \t]*\n?", re.MULTILINE)
_MARKUP = re.compile(r"\s*[#<]")
_IMAGE = re.compile(r"<(?:local_)?image\b[^<>]*>\s*(?:</(?:local_)?image>)?")
_CLOSED_IMAGE = re.compile(r"\s*</(?:local_)?image>")
_PLACEHOLDERS = re.compile(r"\s*(?:\[Image #\d+\]\s*)+")
_PLAN = re.compile(r"\s*(?:PLEASE IMPLEMENT THIS PLAN:|Implement the plan\.\s*\Z)")
_INIT = "Generate a file named AGENTS.md that serves as a contributor guide"


def parse_content(content: JsonValue) -> ParsedMessage:
    """Return what a person typed in the *content* of a message of role user."""
    parts = list(_parts(content))
    found = [_parse_text(part) for part in parts if isinstance(part, str)]
    if body := "\n".join(each.body for each in found if each.body):
        return ParsedMessage(body)
    reasons = [each.reason for each in found if each.reason]
    if None in parts or reasons:
        return ParsedMessage(reason=next(iter(reasons), NO_TEXT))
    return ParsedMessage()


def _parts(content: JsonValue) -> Iterator[str | None]:
    """Yield the texts in *content*, and None for each image."""
    if isinstance(content, str):
        yield content
    for value in as_list(content):
        part: JsonObject = as_object(value)
        text = value if isinstance(value, str) else part.get("text")
        if isinstance(text, str):
            yield text
        elif "image" in str(part.get("type")).lower():
            yield None


def _parse_text(text: str) -> ParsedMessage:
    if _SHELL.match(text):
        return ParsedMessage(reason=SHELL_COMMAND)
    rest = _without_preamble(_without_blocks(text.replace("\r\n", "\n")))
    rest = _CLOSED_IMAGE.sub("", _IMAGE.sub("", rest)) if "image" in rest else rest
    if not rest.strip():
        return ParsedMessage(reason=NO_TEXT if _IMAGE.search(text) else None)
    if _PLACEHOLDERS.fullmatch(rest):
        return ParsedMessage(reason=NO_TEXT)
    if _PLAN.match(rest):
        return ParsedMessage(reason=ACCEPTED_PLAN)
    if rest.lstrip().startswith(_INIT):
        return ParsedMessage(reason=SLASH_COMMAND)
    return ParsedMessage(sanitized(rest.strip("\n")))


def _without_blocks(text: str) -> str:
    """Return *text* without what Codex put before and after what was typed."""
    while found := _AGENTS.match(text) or _NOTICE.match(text) or _BLOCK.match(text):
        ending = _AGENTS_END if found.re is _AGENTS else ""
        if found.re is _BLOCK:
            ending = f"</{found[1]}>"
        _, closed, rest = text.partition(ending) if ending else (text, "", "")
        text = rest if closed else ""
    return _without_last_block(text)


def _without_last_block(text: str) -> str:
    """Return *text* without a block that begins on a line of its own and ends it."""
    stripped = text.rstrip()
    if not stripped.endswith(">"):
        return text
    _, _, tag = stripped.removesuffix(">").rpartition("</")
    at = stripped.rfind(f"\n<{tag}")
    return text[:at] if at >= 0 and _BLOCK.match(stripped, at) else text


def _without_preamble(text: str) -> str:
    """Return the request that follows the context of an editor or the app."""
    if not _MARKUP.match(text):
        return text
    if found := _REQUEST.search(text):
        return text[found.end() :]
    return "" if _PREAMBLE.match(text) else text
