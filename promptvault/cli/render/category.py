"""Drawing for people what categorising proposes and did, and as JSON for scripts."""

from collections.abc import Sequence
from typing import Any

from promptvault.cli import terminal
from promptvault.cli.render import model as render_model
from promptvault.cli.render.prompts import count
from promptvault.cli.render.table import Column, table
from promptvault.domain.name import folder_of
from promptvault.domain.prompt import clean_line
from promptvault.services.asking.cost import Spent
from promptvault.services.asking.model import Model
from promptvault.services.categories.categorize import Applied, Proposals
from promptvault.services.categories.proposal import Proposal

_UNUSABLE = "the model gave no usable answer for them"


def proposals(changes: Sequence[Proposal]) -> None:
    """Print a line for each change; to a pipe with the whole new name."""
    columns = (
        Column("Name", flexible=True),
        Column("New folder", "cyan", wrap=False),
        Column("New title", flexible=True),
        Column("New tags", "green"),
        Column("By", "dim", wrap=False),
    )
    line = _cells if terminal.stdout_is_terminal() else _plain_cells
    table(columns, map(line, changes), "")


def _cells(change: Proposal) -> tuple[str, ...]:
    name, _, *others = _plain_cells(change)
    # The last part of a name stays, so there is room for the rest.
    folder = folder_of(change.name)
    return name, "" if folder == change.prompt.folder else folder, *others


def _plain_cells(change: Proposal) -> tuple[str, ...]:
    name = "" if change.name == change.prompt.name else change.name
    tags = " ".join(change.new_tags)
    return change.prompt.name, name, change.new_title, tags, change.by.value


def choices(changes: Sequence[Proposal]) -> list[tuple[str, str]]:
    """Return a line for each change to choose from."""
    return [(change.prompt.name, _summary(change)) for change in changes]


def _summary(change: Proposal) -> str:
    parts = []
    if change.name != change.prompt.name:
        parts.append(f"→ {folder_of(change.name)}")
    if change.new_title:
        parts.append(f"“{change.new_title}”")
    if change.new_tags:
        parts.append(f"+ {' '.join(change.new_tags)}")
    return "  ".join(parts)


def origins(found: Proposals, model: Model | None) -> None:
    """Tell who proposes what, and why the model does not do all of it."""
    if found.held_back:
        what = count(found.held_back, "prompt")
        seems = "seems to hold a secret" if found.held_back == 1 else "seem to hold one"
        terminal.note(f"{what} {seems} and went by rules (or --allow-secrets).")
    left = found.by_rule - found.held_back
    if left > 0 and model is None:
        terminal.note(f"Proposals are by rules, without a model, {found.reason}.")
    elif left > 0:
        reason = clean_line(found.reason or _UNUSABLE).rstrip(".")
        terminal.note(f"{count(left, 'prompt')} went by rules, as {reason}.")
    if model and (model.spent.requests or model.spent.cached):
        render_model.spent(model.spent)


def nothing(found: Proposals, passed: int) -> None:
    """Tell that there is nothing to accept, and what was passed over."""
    terminal.note(f"Nothing to change in {count(found.considered, 'prompt')}.")
    if passed:
        terminal.note(
            f"{count(passed, 'prompt')} with a folder, a title and tags were passed"
            " over; name them to have them looked at."
        )


def applied(done: Applied) -> None:
    """Tell what was changed."""
    terminal.note(f"Categorized {count(len(done.prompts), 'prompt')}.")
    if done.skipped:
        were = "1 prompt was" if done.skipped == 1 else f"{done.skipped:,} prompts were"
        terminal.note(f"{were} changed by somebody meanwhile, and left alone.")


def row(
    found: Proposals, passed: int, done: Applied | None, model: Model | None
) -> dict[str, Any]:
    """Return the JSON of what is proposed, and of what was *done* about it."""
    names = {prompt.id: prompt.name for prompt in done.prompts} if done else {}
    return {
        "applied": done is not None,
        **_counts(found, done, model),
        "passed": passed,
        "proposals": [_change_row(change, names) for change in found.changes],
    }


def import_row(
    found: Proposals, done: Applied | None, model: Model | None
) -> dict[str, Any]:
    """Return what an import's JSON says of categorising."""
    return {**_counts(found, done, model), "error": None}


def _counts(
    found: Proposals, done: Applied | None, model: Model | None
) -> dict[str, Any]:
    return {
        "considered": found.considered,
        "changed": len(done.prompts) if done else 0,
        "skipped": done.skipped if done else 0,
        "by_model": found.by_model,
        "by_rule": found.by_rule,
        "held_back": found.held_back,
        "reason": found.reason or None,
        "model": model.answered if model and found.by_model else None,
        **render_model.spent_row(model.spent if model else Spent()),
    }


def _change_row(change: Proposal, names: dict[str, str]) -> dict[str, Any]:
    prompt = change.prompt
    return {
        "id": prompt.id,
        "name": prompt.name,
        "new_name": names.get(prompt.id, change.name),
        "title": prompt.title,
        "new_title": change.details.title,
        "tags": list(prompt.tags),
        "new_tags": list(change.details.tags),
        "by": change.by.value,
    }
