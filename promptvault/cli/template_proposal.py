"""A template that is proposed: shown, asked about, changed in the editor, saved."""

from typing import NamedTuple

from promptvault.cli import terminal
from promptvault.cli.editor import EditorFile, discard_when_saved
from promptvault.cli.render.model import report_spent
from promptvault.cli.render.prompts import report_saved
from promptvault.cli.render.template import print_template
from promptvault.cli.rows.prompts import Row, saved_row
from promptvault.cli.rows.template import template_row
from promptvault.cli.workspace import workspace
from promptvault.services.asking.cost import Spent
from promptvault.services.prompts.edit import add_prompt
from promptvault.services.prompts.outcome import Saved
from promptvault.services.prompts.prompt_document import (
    DetailChanges,
    PromptDocument,
    editable_text,
    parse_document,
)
from promptvault.services.templates.check import TemplateDraft, find_fault


class TemplateProposal(NamedTuple):
    """A template, and how it is to be saved."""

    name: str
    draft: TemplateDraft
    message: str
    spent: Spent
    """What it took to make it."""
    more: Row
    """What `--json` tells of it besides."""


class SaveOptions(NamedTuple):
    """What the options say about saving."""

    edit: bool
    yes: bool
    dry_run: bool
    as_json: bool


def show_template(proposal: TemplateProposal, manner: SaveOptions) -> None:
    """Print the template as an editor shows it; with `--json` that comes later."""
    if not manner.as_json:
        print_template(editable_text(proposal.draft.content))


def save_proposal(proposal: TemplateProposal, manner: SaveOptions) -> bool:
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
        terminal.write_json(_row(proposal) | saved_row(saved))
    else:
        report_saved([saved])
        _tell_spent(proposal.spent)
    return True


def _wants_editor() -> bool:
    """Ask whether to save; raises KeyboardInterrupt for no."""
    answer = terminal.ask("Save? [y/N, e to change it first]")
    if answer not in {"y", "yes", "e", "edit"}:
        raise KeyboardInterrupt
    return answer.startswith("e")


def _edited(proposal: TemplateProposal) -> Saved:
    """Let the person change it, and save that; the text is kept where that fails."""
    file = EditorFile(editable_text(proposal.draft.content), proposal.name)
    text = file.edit()
    with discard_when_saved(file):
        written = parse_document(text)
        fault = find_fault(written.content)
        if written.content.template and fault:
            terminal.note(f"Mind: {fault}")
        return _saved(proposal, written)


def _saved(proposal: TemplateProposal, written: PromptDocument | None = None) -> Saved:
    draft = proposal.draft
    fields = DetailChanges(draft.title, draft.description, draft.tags)
    written = written or PromptDocument(draft.content, DetailChanges())
    note = proposal.message
    return add_prompt(workspace(), proposal.name, written, fields, message=note)


def _row(proposal: TemplateProposal) -> Row:
    row = template_row(proposal.name, proposal.draft, proposal.spent)
    return row | proposal.more


def _tell_nothing_saved(proposal: TemplateProposal, manner: SaveOptions) -> None:
    if manner.as_json:
        terminal.write_json(_row(proposal) | {"dry_run": True})
    else:
        terminal.note(f"Would be saved as {proposal.name}. Nothing was saved.")


def _tell_spent(taken: Spent) -> None:
    if taken.requests or taken.cached:
        report_spent(taken)
