"""From proposals to a person's answer: what `categorize` and `import` share."""

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
    reader: Reader, items: Sequence[CategoryItem], means: CategorizeOptions
) -> Proposals:
    """Return what is proposed for *items*, having told how that came about."""
    with show_progress("Categorizing", len(items)) as advance:
        found = make_proposals(reader, items, means, advance)
    if items:
        report_proposers(found, means.model)
    return found


def can_ask() -> bool:
    """Tell whether a person can be asked which proposals to accept."""
    return terminal.can_ask() and sys.stderr.isatty()


def choose_changes(changes: Sequence[CategoryProposal]) -> list[CategoryProposal]:
    """Ask which of *changes* to make; returns none where the answer is no.

    Raises KeyboardInterrupt when the user leaves the list.
    """
    number = len(changes)
    what = "this change" if number == 1 else f"these {number:,} changes"
    answer = terminal.ask(f"Make {what}? [y/N, c to choose]")
    if answer in {"c", "choose"}:
        return _chosen(changes)
    return list(changes) if answer in {"y", "yes"} else []


def _chosen(changes: Sequence[CategoryProposal]) -> list[CategoryProposal]:
    # prompt_toolkit takes longer to import than all that is asked for here.
    from promptvault.cli.picker.checklist import check

    lines = list_choices(changes)
    numbers = check(_HEADING, lines, "There is no terminal to choose on: give --yes.")
    if numbers is None:
        raise KeyboardInterrupt
    return [changes[number] for number in numbers]


def categorize_import(
    workspace: Workspace,
    number: int | None,
    means: Callable[[], CategorizeOptions],
    *,
    asks: bool,
) -> dict[str, Any] | None:
    """Categorise what an import brought, and return what its JSON says of that.

    What goes wrong is told, and never undoes or fails the import. Where nobody is
    asked, every proposal is applied: the option was the question.
    """
    if number is None:
        return None
    try:
        how = means()
        with open_reader() as reader:
            selected = select_prompts(reader, PromptScope(import_id=str(number)))
            found = propose_changes(reader, selected.items, how)
        done = _settled(workspace, found.changes, asks=asks)
    except PromptVaultError as error:
        terminal.note(
            f"The import is done, but it was not categorized: {error}"
            f" Try 'promptvault categorize --import {number}'."
        )
        return {"error": {"code": error.code, "message": str(error)}}
    return categorized_import_row(found, done, how.model)


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
