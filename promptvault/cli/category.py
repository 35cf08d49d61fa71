"""From proposals to a person's answer: what `categorize` and `import` share."""

import sys
from collections.abc import Callable, Sequence
from typing import Any

from promptvault.cli import terminal
from promptvault.cli.context import open_reader
from promptvault.cli.render import category as render_category
from promptvault.cli.render import model as render_model
from promptvault.errors import PromptVaultError
from promptvault.services.categories import categorize
from promptvault.services.categories.categorize import Applied, Proposals, Wanted, Way
from promptvault.services.categories.proposal import Item, Proposal
from promptvault.services.workspace import Workspace
from promptvault.vault.reader import Reader

_HEADING = "Proposed changes; apply which?"


def proposed(reader: Reader, items: Sequence[Item], means: Way) -> Proposals:
    """Return what is proposed for *items*, having told how that came about."""
    with render_model.progress("Categorizing", len(items)) as advance:
        found = categorize.proposals(reader, items, means, advance)
    if items:
        render_category.origins(found, means.model)
    return found


def can_ask() -> bool:
    """Tell whether a person can be asked which proposals to accept."""
    return terminal.can_ask() and sys.stderr.isatty()


def accepted(changes: Sequence[Proposal]) -> list[Proposal]:
    """Ask which of *changes* to make; returns none where the answer is no.

    Raises KeyboardInterrupt when the user leaves the list.
    """
    number = len(changes)
    what = "this change" if number == 1 else f"these {number:,} changes"
    answer = terminal.ask(f"Make {what}? [y/N, c to choose]")
    if answer in {"c", "choose"}:
        return _chosen(changes)
    return list(changes) if answer in {"y", "yes"} else []


def _chosen(changes: Sequence[Proposal]) -> list[Proposal]:
    # prompt_toolkit takes longer to import than all that is asked for here.
    from promptvault.cli.picker.checklist import check

    lines = render_category.choices(changes)
    numbers = check(_HEADING, lines, "There is no terminal to choose on: give --yes.")
    if numbers is None:
        raise KeyboardInterrupt
    return [changes[number] for number in numbers]


def categorize_import(
    workspace: Workspace,
    number: int | None,
    means: Callable[[], Way],
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
            selected = categorize.select(reader, Wanted(import_id=str(number)))
            found = proposed(reader, selected.items, how)
        done = _settled(workspace, found.changes, asks=asks)
    except PromptVaultError as error:
        terminal.note(
            f"The import is done, but it was not categorized: {error}"
            f" Try 'promptvault categorize --import {number}'."
        )
        return {"error": {"code": error.code, "message": str(error)}}
    return render_category.import_row(found, done, how.model)


def _settled(
    workspace: Workspace, changes: Sequence[Proposal], *, asks: bool
) -> Applied:
    wanted = changes
    if asks and changes:
        render_category.proposals(changes)
        wanted = accepted(changes)
    if not wanted:
        return Applied([], 0)
    done = categorize.apply(workspace, wanted, keep_time=True)
    render_category.applied(done)
    return done
