"""A proposed template: print it, ask whether to save it, edit it, save it."""

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
from promptvault.services.templates.check import find_fault
from promptvault.services.templates.draft import TemplateDraft


class TemplateProposal(NamedTuple):
    """A proposed template, and how to save it."""

    name: str
    draft: TemplateDraft
    message: str
    spent: Spent
    """What the requests for it cost."""
    more: Row
    """Further keys of its JSON row."""


class SaveOptions(NamedTuple):
    """The values of the options for saving."""

    edit: bool
    yes: bool
    dry_run: bool
    as_json: bool


def show_template(proposal: TemplateProposal, options: SaveOptions) -> None:
    """Print the template as text for an editor, unless with `--json`."""
    if not options.as_json:
        print_template(editable_text(proposal.draft.content))


def save_proposal(proposal: TemplateProposal, options: SaveOptions) -> bool:
    """Save the template, after a question on a terminal; report the result.

    Returns True if it was saved. Raises KeyboardInterrupt if the answer is no, and what
    `add_prompt` raises.
    """
    if options.dry_run:
        _report_not_saved(proposal, options)
        return False
    wants_editor = options.edit or (asks_to_save(options) and _wants_editor())
    saved = _edited(proposal) if wants_editor else _saved(proposal)
    if options.as_json:
        terminal.write_json(_row(proposal) | saved_row(saved))
    else:
        report_saved([saved])
        _report_spent(proposal.spent)
    return True


def asks_to_save(options: SaveOptions) -> bool:
    """Return whether `save_proposal` asks before it saves."""
    return terminal.can_ask() and not (options.yes or options.edit or options.as_json)


def _wants_editor() -> bool:
    """Ask whether to save; raises KeyboardInterrupt for no."""
    answer = terminal.ask("Save? [y/N, e to change it first]")
    if answer not in {"y", "yes", "e", "edit"}:
        raise KeyboardInterrupt
    return answer.startswith("e")


def _edited(proposal: TemplateProposal) -> Saved:
    """Open the template in the editor, and save the result; keep it if that fails."""
    file = EditorFile(editable_text(proposal.draft.content), proposal.name)
    text = file.edit()
    with discard_when_saved(file):
        written = parse_document(text)
        fault = find_fault(written.content)
        if written.content.template and fault:
            terminal.note(f"Warning: {fault}")
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


def _report_not_saved(proposal: TemplateProposal, options: SaveOptions) -> None:
    if options.as_json:
        terminal.write_json(_row(proposal) | {"dry_run": True})
    else:
        terminal.note(f"Would be saved as {proposal.name}. Nothing was saved.")


def _report_spent(taken: Spent) -> None:
    if taken.requests or taken.cached:
        report_spent(taken)
