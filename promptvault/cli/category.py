"""Asking a person which proposed categories to apply; for `categorize` and `import`."""

import sys
from collections.abc import Callable, Sequence
from typing import Any

from promptvault.cli import terminal
from promptvault.cli.context import open_reader
from promptvault.cli.render.category import (
    list_choices,
    print_proposals,
    report_applied,
    report_proposers,
)
from promptvault.cli.render.model import show_progress
from promptvault.cli.rows.category import categorized_import_row
from promptvault.errors import PromptVaultError
from promptvault.services.categories.categorize import (
    AppliedProposals,
    CategorizeOptions,
    PromptScope,
    Proposals,
    apply_proposals,
    make_proposals,
    select_prompts,
)
from promptvault.services.categories.proposal import CategoryItem, CategoryProposal
from promptvault.services.workspace import Workspace
from promptvault.vault.reader import Reader

_HEADING = "Proposed changes; apply which?"


def propose_changes(
    reader: Reader, items: Sequence[CategoryItem], options: CategorizeOptions
) -> Proposals:
    """Return the proposals for *items*, and report how they were made."""
    with show_progress("Categorizing", len(items)) as advance:
        found = make_proposals(reader, items, options, advance)
    if items:
        report_proposers(found, options.model)
    return found


def can_ask() -> bool:
    """Return True if a person can be asked which proposals to accept."""
    return terminal.can_ask() and sys.stderr.isatty()


def choose_changes(changes: Sequence[CategoryProposal]) -> list[CategoryProposal]:
    """Ask which of *changes* to make; return none if the answer is no.

    Raises KeyboardInterrupt if the user leaves the list.
    """
    number = len(changes)
    what = "this change" if number == 1 else f"these {number:,} changes"
    answer = terminal.ask(f"Make {what}? [y/N, c to choose]")
    if answer in {"c", "choose"}:
        return _chosen(changes)
    return list(changes) if answer in {"y", "yes"} else []


def _chosen(changes: Sequence[CategoryProposal]) -> list[CategoryProposal]:
    # prompt_toolkit is slow to import, and most users answer yes or no.
    from promptvault.cli.picker.checklist import check

    lines = list_choices(changes)
    numbers = check(_HEADING, lines, "There is no terminal to choose on: use --yes.")
    if numbers is None:
        raise KeyboardInterrupt
    return [changes[number] for number in numbers]


def categorize_import(
    workspace: Workspace,
    number: int | None,
    make_options: Callable[[], CategorizeOptions],
    *,
    asks: bool,
) -> dict[str, Any] | None:
    """Categorize the prompts of an import, and return the JSON row of the result.

    An error is reported and does not fail the import. With *asks* False every proposal
    is applied, because the user gave the option for it.
    """
    if number is None:
        return None
    try:
        options = make_options()
        with open_reader() as reader:
            selected = select_prompts(reader, PromptScope(import_id=str(number)))
            found = propose_changes(reader, selected.items, options)
        done = _settled(workspace, found.changes, asks=asks)
    except PromptVaultError as error:
        terminal.note(
            f"The import is done, but it was not categorized: {error}"
            f" Try 'promptvault categorize --import {number}'."
        )
        return {"error": {"code": error.code, "message": str(error)}}
    return categorized_import_row(found, done, options.model)


def _settled(
    workspace: Workspace, changes: Sequence[CategoryProposal], *, asks: bool
) -> AppliedProposals:
    wanted = changes
    if asks and changes:
        print_proposals(changes)
        wanted = choose_changes(changes)
    if not wanted:
        return AppliedProposals([], 0)
    done = apply_proposals(workspace, wanted, keep_time=True)
    report_applied(done)
    return done
