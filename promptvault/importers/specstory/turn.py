"""What a person typed in a user turn that SpecStory saved, without its wrappers."""

import re
from typing import NamedTuple

from promptvault.importers.input.field import fit

_MESSAGE_ID = re.compile(rb"<!-- message-id: (\S{1,200}) -->\s*\Z")
_STUMP = re.compile(rb"_(?:\*.*)?")
_IMAGES = re.compile(r"(?:User provided an image \([\w/+.-]*\)\.\s*+)+")
_REQUEST = "## My request for Codex:"
_COMMAND = re.compile(r"/[\w:.-]+")
_COMMANDS = ("<command-name>", "<command-message>", "<command-args>")
_MACHINE = (
    *("<local-command-", "<bash-input>", "<bash-stdout>", "<bash-stderr>"),
    *("<task-notification>", "<environment_context>", "<user_instructions>"),
    *("<turn_aborted>", "<permissions instructions>", "# AGENTS.md instructions "),
    *("[Request interrupted by user", "Caveat: The messages below were generated"),
    "This session is being continued from a previous conversation",
)


class Said(NamedTuple):
    """What there is in a turn."""

    body: str = ""
    reason: str | None = None
    """Why there is no body; None as well where no person spoke."""
    message_id: str | None = None


def said(lines: list[bytes], *, is_last: bool) -> Said:
    """Return what a person typed in a turn of *lines*; *is_last* of its file, which
    may be cut off anywhere."""
    message_id = None
    if lines and (found := _MESSAGE_ID.match(lines[0])):
        message_id, lines = fit(found[1].decode(errors="replace")), lines[1:]
    kept = _without_rule(lines, is_last)
    body = _typed(fit(b"\n".join(kept).decode(errors="replace")))
    if not body:
        return Said(reason="no text")
    if body.startswith(_COMMANDS) or _COMMAND.fullmatch(body):
        return Said(reason="slash command")
    return Said() if body.startswith(_MACHINE) else Said(body, None, message_id)


def _without_rule(lines: list[bytes], is_last: bool) -> list[bytes]:
    """Drop the rule that ends a turn, and what there is of it and the next speaker
    where the file is cut off."""
    kept = _without_blank(lines)
    if is_last and kept:
        rest = _without_blank(kept[:-1])
        if kept[-1] in (b"-", b"--"):
            kept = rest
        elif rest and rest[-1].rstrip() == b"---" and _STUMP.fullmatch(kept[-1]):
            kept = rest
    return kept[:-1] if kept and kept[-1].rstrip() == b"---" else kept


def _without_blank(lines: list[bytes]) -> list[bytes]:
    end = len(lines)
    while end and (not lines[end - 1] or lines[end - 1].isspace()):
        end -= 1
    return lines[:end]


def _typed(body: str) -> str:
    """Take off what agents put around a person's words."""
    body = _without(body, "<system-reminder>", "</system-reminder>").strip()
    _, opening, inside = body.partition("<user_query>")
    query, closing, _ = inside.partition("</user_query>")
    if opening and closing:
        body = query
    if images := _IMAGES.match(body):
        body = body[images.end() :]
    if body.startswith("# Context from my IDE setup:"):
        body = body.partition(_REQUEST)[2] or body
    return body.strip()


def _without(body: str, opening: str, closing: str) -> str:
    kept, at = [], 0
    while (start := body.find(opening, at)) >= 0:
        end = body.find(closing, start)
        if end < 0:
            break
        kept.append(body[at:start])
        at = end + len(closing)
    return "".join([*kept, body[at:]])
