"""A template that is proposed: shown, asked about, changed in the editor, saved."""

from typing import Any, NamedTuple

from promptvault.cli import terminal
from promptvault.cli.editor import Draft as EditedFile
from promptvault.cli.editor import keeping
from promptvault.cli.render import (
    model as render_model,
)
from promptvault.cli.render import (
    prompts as render,
)
from promptvault.cli.render import (
    template as render_template,
)
from promptvault.cli.rows import prompts as rows
from promptvault.cli.workspace import workspace
from promptvault.services.asking.cost import Spent
from promptvault.services.prompts import edit as saving
from promptvault.services.prompts.outcome import Saved
from promptvault.services.prompts.prompt_document import (
    Fields,
    Written,
    editable_text,
    read_written,
)
from promptvault.services.templates import check
from promptvault.services.templates.draft import Draft


class Proposal(NamedTuple):
    """A template, and how it is to be saved."""

    name: str
    draft: Draft
    message: str
    spent: Spent
    """What it took to make it."""
    more: dict[str, Any]
    """What `--json` tells of it besides."""


class Manner(NamedTuple):
    """What the options say about saving."""

    edit: bool
    yes: bool
    dry_run: bool
    as_json: bool


def show(proposal: Proposal, manner: Manner) -> None:
    """Print the template as an editor shows it; with `--json` that comes later."""
    if not manner.as_json:
        render_template.template(editable_text(proposal.draft.content))


def settle(proposal: Proposal, manner: Manner) -> bool:
    """Save the template, on a terminal if the person wants it; tell what was done.

    Returns whether it was saved. Raises KeyboardInterrupt where the answer is no, and
    what saving raises.
    """
    if manner.dry_run:
        _tell_nothing_saved(proposal, manner)
        return False
    asks = terminal.can_ask() and not (manner.yes or manner.edit or manner.as_json)
    wants_editor = manner.edit or (asks and _wants_editor())
    saved = _edited(proposal) if wants_editor else _saved(proposal)
    if manner.as_json:
        terminal.write_json(_row(proposal) | rows.saved_row(saved))
    else:
        render.saved([saved])
        _tell_spent(proposal.spent)
    return True


def _wants_editor() -> bool:
    """Ask whether to save; raises KeyboardInterrupt for no."""
    answer = terminal.ask("Save? [y/N, e to change it first]")
    if answer not in {"y", "yes", "e", "edit"}:
        raise KeyboardInterrupt
    return answer.startswith("e")


def _edited(proposal: Proposal) -> Saved:
    """Let the person change it, and save that; the text is kept where that fails."""
    file = EditedFile(editable_text(proposal.draft.content), proposal.name)
    text = file.edit()
    with keeping(file):
        written = read_written(text)
        fault = check.fault_of(written.content)
        if written.content.template and fault:
            terminal.note(f"Mind: {fault}")
        return _saved(proposal, written)


def _saved(proposal: Proposal, written: Written | None = None) -> Saved:
    draft = proposal.draft
    fields = Fields(draft.title, draft.description, draft.tags)
    written = written or Written(draft.content, Fields())
    note = proposal.message
    return saving.add(workspace(), proposal.name, written, fields, message=note)


def _row(proposal: Proposal) -> dict[str, Any]:
    draft = proposal.draft
    return {
        "name": proposal.name,
        "title": draft.title,
        "description": draft.description,
        "tags": list(draft.tags),
        "body": draft.content.body,
        "variables": [rows.variable_row(each) for each in draft.content.variables],
        **render_model.spent_row(proposal.spent),
        **proposal.more,
    }


def _tell_nothing_saved(proposal: Proposal, manner: Manner) -> None:
    if manner.as_json:
        terminal.write_json(_row(proposal) | {"dry_run": True})
    else:
        terminal.note(f"Would be saved as {proposal.name}. Nothing was saved.")


def _tell_spent(taken: Spent) -> None:
    if taken.requests or taken.cached:
        render_model.spent(taken)
