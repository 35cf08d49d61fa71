"""Output of `categorize`."""

from collections.abc import Sequence

from promptvault.cli import terminal
from promptvault.cli.render.format import format_count
from promptvault.cli.render.model import report_spent
from promptvault.cli.render.table import Column, print_table
from promptvault.domain.name import folder_of
from promptvault.domain.prompt import clean_line
from promptvault.services.asking.model import Model
from promptvault.services.categories.categorize import AppliedProposals, Proposals
from promptvault.services.categories.proposal import CategoryProposal

_UNUSABLE = "the model gave no usable answer for them"


def print_proposals(changes: Sequence[CategoryProposal]) -> None:
    """Print a line for each proposal; in a pipe with the whole new name."""
    columns = (
        Column("Name", flexible=True),
        Column("New folder", "cyan", wrap=False),
        Column("New title", flexible=True),
        Column("New tags", "green"),
        Column("By", "dim", wrap=False),
    )
    line = _cells if terminal.stdout_is_terminal() else _plain_cells
    print_table(columns, map(line, changes), "")


def _cells(change: CategoryProposal) -> tuple[str, ...]:
    name, _, *others = _plain_cells(change)
    # The last part of a name never changes, so only the folder is shown.
    folder = folder_of(change.name)
    return name, "" if folder == change.prompt.folder else folder, *others


def _plain_cells(change: CategoryProposal) -> tuple[str, ...]:
    name = "" if change.name == change.prompt.name else change.name
    tags = " ".join(change.new_tags)
    return change.prompt.name, name, change.new_title, tags, change.by.value


def list_choices(changes: Sequence[CategoryProposal]) -> list[tuple[str, str]]:
    """Return name and summary of each proposal, to choose from."""
    return [(change.prompt.name, _summary(change)) for change in changes]


def _summary(change: CategoryProposal) -> str:
    parts = []
    if change.name != change.prompt.name:
        parts.append(f"→ {folder_of(change.name)}")
    if change.new_title:
        parts.append(f"“{change.new_title}”")
    if change.new_tags:
        parts.append(f"+ {' '.join(change.new_tags)}")
    return "  ".join(parts)


def report_proposers(found: Proposals, model: Model | None) -> None:
    """Report who made the proposals, and why not all are from the model."""
    if found.held_back:
        what = format_count(found.held_back, "prompt")
        seems = "seems to hold a secret" if found.held_back == 1 else "seem to hold one"
        terminal.note(f"{what} {seems} and went by rules (or --allow-secrets).")
    left = found.by_rule - found.held_back
    if left > 0 and model is None:
        terminal.note(f"Proposals are by rules, without a model, {found.reason}.")
    elif left > 0:
        reason = clean_line(found.reason or _UNUSABLE).rstrip(".")
        terminal.note(f"{format_count(left, 'prompt')} went by rules, as {reason}.")
    if model and (model.spent.requests or model.spent.cached):
        report_spent(model.spent)


def report_nothing(found: Proposals, skipped: int) -> None:
    """Report that there is nothing to change, and how many prompts were skipped."""
    terminal.note(f"Nothing to change in {format_count(found.considered, 'prompt')}.")
    if skipped:
        terminal.note(
            f"{format_count(skipped, 'prompt')} with a folder, a title and tags were"
            " skipped; name them to include them."
        )


def report_applied(done: AppliedProposals) -> None:
    """Report the changes."""
    terminal.note(f"Categorized {format_count(len(done.prompts), 'prompt')}.")
    if done.skipped:
        were = "1 prompt was" if done.skipped == 1 else f"{done.skipped:,} prompts were"
        terminal.note(f"{were} changed meanwhile, and left alone.")
