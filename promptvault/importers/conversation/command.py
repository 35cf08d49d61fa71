"""Slash commands that a person typed for an agent.

A command with arguments is text that the person wrote. One without arguments only names
an action, such as `/clear`, and is left out.
"""

import re

SLASH_COMMAND = "slash command"
"""The reason for leaving out a command without arguments."""

_COMMAND = re.compile(r"\s*/[A-Za-z?][\w:.-]*(?=\s|\Z)")
_NAME = re.compile(r"<command-name>([^<]*)</command-name>")
_ARGUMENTS = re.compile(r"<command-args>(.*)</command-args>", re.DOTALL)


def is_command(body: str) -> bool:
    """Return True for a slash command, False for a path that begins a prompt."""
    return _COMMAND.match(body) is not None


def is_bare_command(body: str) -> bool:
    """Return True for a slash command without arguments."""
    found = _COMMAND.match(body)
    return found is not None and not body[found.end() :].strip()


def unwrapped_command(body: str) -> str | None:
    """Return the command in the tags that Claude Code writes, as it was typed.

    Return None if it has no arguments.
    """
    name, arguments = _NAME.search(body), _ARGUMENTS.search(body)
    if not (name and arguments and arguments[1].strip()):
        return None
    return f"/{name[1].strip().removeprefix('/')} {arguments[1].strip()}"
