"""Drawing for people what could be done next, with the commands to type."""

import shlex
from collections.abc import Sequence
from itertools import groupby
from typing import TYPE_CHECKING, Any

from promptvault.cli import terminal
from promptvault.cli.render.prompts import count
from promptvault.cli.render.table import console, table
from promptvault.services.suggestions.suggestion import Advice, Kind, Suggestion

if TYPE_CHECKING:
    from promptvault.cli.render.screen import Screen

_HEADINGS = {
    Kind.IMPORT: "Bring in what is on this computer",
    Kind.SECRET: "Take secrets out",
    Kind.LINT: "Mend what fails",
    Kind.ALIKE: "Make one template of prompts that are alike",
    Kind.DUPLICATE: "Clear away duplicates",
    Kind.CONSTANT: "Let variables stand for what changes",
    Kind.LABEL: "Label what you rely on",
    Kind.DESCRIBE: "Say what prompts are for",
}


def advice(found: Advice) -> None:
    """Print suggestions under their headings; to a pipe kind, command and reason."""
    if terminal.stdout_is_terminal():
        screen = console()
        for kind, group in groupby(found.suggestions, key=lambda each: each.kind):
            _draw(screen, kind, list(group))
    else:
        lines = ((s.kind.value, command_of(s), s.reason) for s in found.suggestions)
        table((), lines, "")
    for remark in remarks(found):
        terminal.note(remark)


def _draw(screen: "Screen", kind: Kind, group: Sequence[Suggestion]) -> None:
    from rich.padding import Padding

    from promptvault.cli.render.screen import text

    screen.print(text(_HEADINGS[kind], "bold"))
    for each in group:
        screen.print(Padding(text(each.reason), (0, 0, 0, 2)))
        # A command that is broken into lines could not be copied.
        command = text(f"    {command_of(each)}", "cyan")
        screen.print(command, soft_wrap=True)
    screen.print()


def remarks(found: Advice) -> list[str]:
    """Return what else there is to say."""
    said = []
    if not found.suggestions and found.prompts:
        said.append("There is nothing to suggest: all is in order.")
    elif not found.suggestions:
        said.append(
            "The vault is empty, and no tool's prompts were found here. Save a prompt"
            " with 'promptvault add', or bring your chats: 'promptvault import PATH'."
        )
    if 0 < found.compared < found.prompts:
        said.append(
            f"Of {count(found.prompts, 'prompt')} the {found.compared:,} most used and"
            " latest were compared; 'promptvault list --similar' compares all."
        )
    return said


def command_of(suggestion: Suggestion) -> str:
    """Return a suggestion's command as it is typed into a shell."""
    return shlex.join(suggestion.command)


def advice_row(found: Advice) -> dict[str, Any]:
    """Return suggestions as `suggest --json` has them."""
    return {
        "prompts": found.prompts,
        "compared": found.compared,
        "suggestions": [_row(suggestion) for suggestion in found.suggestions],
    }


def _row(suggestion: Suggestion) -> dict[str, Any]:
    return {
        "kind": suggestion.kind.value,
        "reason": suggestion.reason,
        "command": command_of(suggestion),
        "arguments": list(suggestion.command[1:]),
        "prompts": list(suggestion.prompts),
        "constants": [
            {
                "kind": constant.kind.value,
                "text": constant.text,
                "variable": constant.variable,
            }
            for constant in suggestion.constants
        ],
    }
