"""Drawing for people what could be done next, with the commands to type."""

import shlex
from collections.abc import Sequence
from itertools import groupby
from typing import TYPE_CHECKING

from promptvault.cli import terminal
from promptvault.cli.render.format import format_count
from promptvault.cli.render.table import console, print_table
from promptvault.services.suggestions.suggestion import (
    Advice,
    Suggestion,
    SuggestionKind,
)

if TYPE_CHECKING:
    from promptvault.cli.render.screen import Screen

_HEADINGS = {
    SuggestionKind.IMPORT: "Bring in what is on this computer",
    SuggestionKind.SECRET: "Take secrets out",
    SuggestionKind.LINT: "Mend what fails",
    SuggestionKind.ALIKE: "Make one template of prompts that are alike",
    SuggestionKind.DUPLICATE: "Clear away duplicates",
    SuggestionKind.CONSTANT: "Let variables stand for what changes",
    SuggestionKind.LABEL: "Label what you rely on",
    SuggestionKind.DESCRIBE: "Say what prompts are for",
}


def print_suggestions(found: Advice) -> None:
    """Print suggestions under their headings; to a pipe kind, command and reason."""
    if terminal.stdout_is_terminal():
        screen = console()
        for kind, group in groupby(found.suggestions, key=lambda each: each.kind):
            _draw(screen, kind, list(group))
    else:
        lines = ((s.kind.value, command_of(s), s.reason) for s in found.suggestions)
        print_table((), lines, "")
    for remark in remarks(found):
        terminal.note(remark)


def _draw(screen: "Screen", kind: SuggestionKind, group: Sequence[Suggestion]) -> None:
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
            f"Of {format_count(found.prompts, 'prompt')} the {found.compared:,} most"
            " used and latest were compared; 'promptvault list --similar' compares all."
        )
    return said


def command_of(suggestion: Suggestion) -> str:
    """Return a suggestion's command as it is typed into a shell."""
    return shlex.join(suggestion.command)
