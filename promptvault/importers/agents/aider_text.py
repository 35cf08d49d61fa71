"""What a line of input to Aider is: a prompt, a command, or neither."""

import re
from datetime import UTC, datetime
from typing import NamedTuple

from promptvault.importers.conversation.command import SLASH_COMMAND, is_command
from promptvault.importers.input.candidate import NO_TEXT

_BLANK = "<blank>"
_SENDING = frozenset({"ask", "code", "architect", "context", "help", "ok", "agent"})
"""Commands whose arguments are sent to a model; those of others name files or run a
program."""
_CHOICE = re.compile(r"[^\n]*\(Y\)es/\(N\)o[^\n]*\]: \w+")
_HELP = re.compile(r"# Question: .*\n# Relevant docs: ", re.DOTALL)
_OK = "Ok, please go ahead and make those changes."


class Typed(NamedTuple):
    """What was typed at a time."""

    body: str = ""
    """'' if nothing of it is a prompt."""
    reason: str | None = None
    """Why there is no body; None also if no person wrote."""
    is_command: bool = False
    sent: str | None = None
    """What a command sends: Aider writes it as the next prompt."""


def parse_typed(body: str) -> Typed:
    """Return what a person typed in *body*."""
    said = body.strip()
    if not said or said == _BLANK:
        return Typed(reason=NO_TEXT)
    if _CHOICE.fullmatch(said) or _HELP.match(said) or said.startswith(_OK):
        return Typed()  # written by Aider
    if said.startswith("!"):
        return Typed(reason="shell command")
    return _command(said) if is_command(said) else Typed(said)


def _command(said: str) -> Typed:
    name, *arguments = said.split(maxsplit=1)
    if not arguments or name[1:] not in _SENDING:
        return Typed(reason=SLASH_COMMAND)
    return Typed(said, is_command=True, sent=arguments[0].strip())


def local_time(written: str) -> datetime | None:
    """Return a time that Aider wrote on this computer, None if it is none.

    The files are in a repository and name no zone.
    """
    try:
        return datetime.fromisoformat(written).astimezone(UTC)
    except (ValueError, OverflowError, OSError):
        return None
