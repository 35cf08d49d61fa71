"""Output of `suggest`."""

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
    SuggestionKind.IMPORT: "Import what is on this computer",
    SuggestionKind.SECRET: "Remove secrets",
    SuggestionKind.LINT: "Fix templates that fail",
    SuggestionKind.ALIKE: "Make one template of similar prompts",
    SuggestionKind.DUPLICATE: "Delete duplicates",
    SuggestionKind.CONSTANT: "Use variables for what changes",
    SuggestionKind.LABEL: "Label versions that are in use",
    SuggestionKind.DESCRIBE: "Describe prompts",
}


def print_suggestions(found: Advice) -> None:
    """Print suggestions by kind; in a pipe as kind, command and reason."""
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
        # A wrapped command could not be copied.
        command = text(f"    {command_of(each)}", "cyan")
        screen.print(command, soft_wrap=True)
    screen.print()


def remarks(found: Advice) -> list[str]:
    """Return further notes."""
    notes = []
    if not found.suggestions and found.prompts:
        notes.append("There is nothing to suggest.")
    elif not found.suggestions:
        notes.append(
            "The vault is empty, and no prompts of other tools were found. Save a"
            " prompt with 'promptvault add', or 'promptvault import PATH' your chats."
        )
    if 0 < found.compared < found.prompts:
        notes.append(
            f"Of {format_count(found.prompts, 'prompt')} the {found.compared:,} most"
            " used and latest were compared; 'promptvault list --similar' compares all."
        )
    return notes


def command_of(suggestion: Suggestion) -> str:
    """Return the command of a suggestion, quoted for a shell."""
    return shlex.join(suggestion.command)
