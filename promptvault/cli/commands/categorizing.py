"""`categorize`: folders, tags and titles from the texts of prompts."""

from typing import Annotated

import typer

from promptvault.cli import completion, options, terminal
from promptvault.cli.answer_display import AnswerDisplay
from promptvault.cli.asking import Asking, DryRun, asks_model
from promptvault.cli.category import can_ask, choose_changes, propose_changes
from promptvault.cli.context import open_reader
from promptvault.cli.model import open_model
from promptvault.cli.render.category import (
    print_proposals,
    report_applied,
    report_nothing,
)
from promptvault.cli.render.model import print_plan
from promptvault.cli.rows.category import proposals_row
from promptvault.cli.workspace import workspace
from promptvault.domain.hosted import Task
from promptvault.errors import InvalidInputError
from promptvault.services.categories.categorize import (
    EVERYTHING,
    CategorizeOptions,
    PromptScope,
    Proposals,
    apply_proposals,
    estimate_answer_tokens,
    plan_requests,
    select_prompts,
)
from promptvault.services.categories.proposal import Aspect

ImportId = Annotated[
    str | None,
    typer.Option(
        "--import",
        metavar="ID",
        help="The prompts of an import; 'last' for the latest.",
    ),
]


@asks_model
def categorize(
    names: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="[NAME]...",
            autocompletion=completion.names,
            callback=options.in_one_vault,
            help="These prompts, in any folder.",
            show_default=False,
        ),
    ] = None,
    import_id: ImportId = None,
    folder: options.Folder = None,
    everything: Annotated[bool, typer.Option("--all", help="All prompts.")] = False,
    only: Annotated[
        str | None,
        typer.Option(
            metavar="WHAT", help="Only some of folder, tags, title, as 'tags,title'."
        ),
    ] = None,
    offline: Annotated[
        bool, typer.Option("--offline", help="Use rules; ask no model.")
    ] = False,
    yes: options.Yes = False,
    *,
    asking: Asking,
    dry_run: DryRun = False,
    as_json: options.Json = False,
) -> None:
    """Propose a folder, tags and a title for prompts, and apply what you accept.

    Folders, titles and tags that you chose yourself stay. Without a key or a server,
    rules make the proposals that they are sure of.
    """
    wanted = _wanted(names, import_id, folder, everything=everything)
    aspects = _aspects(only)
    if offline and dry_run:
        raise InvalidInputError("--offline sends nothing that --dry-run could show.")
    model = None
    if not offline:
        # A bar shows the progress.
        display = AnswerDisplay(shows_tokens=False)
        model = open_model("categorize", asking, Task.CATEGORIZE, display)
    means = CategorizeOptions(model, asking.allow_secrets)
    with open_reader() as reader:
        selected = select_prompts(reader, wanted, aspects)
        if dry_run and model:
            plan = plan_requests(reader, selected.items, means)
            tokens = estimate_answer_tokens(selected.items, plan)
            estimate = model.estimate(plan, tokens)
            return print_plan(model, plan, estimate, as_json=as_json)
        found = propose_changes(reader, selected.items, means)
    if as_json:
        done = apply_proposals(workspace(), found.changes) if yes else None
        row = proposals_row(found, selected.skipped, done, means.model)
        return terminal.write_json(row)
    return _settle(found, selected.skipped, yes=yes)


def _settle(found: Proposals, passed: int, *, yes: bool) -> None:
    """Print the proposals, and apply those that are accepted."""
    if not found.changes:
        return report_nothing(found, passed)
    print_proposals(found.changes)
    changes = found.changes
    if not yes and not can_ask():
        return terminal.note("Nothing was changed; --yes applies the proposals.")
    if not yes:
        changes = choose_changes(changes)
    if not changes:
        raise KeyboardInterrupt
    return report_applied(apply_proposals(workspace(), changes))


def _wanted(
    names: list[str] | None,
    import_id: str | None,
    folder: str | None,
    *,
    everything: bool,
) -> PromptScope:
    given = [bool(names), import_id is not None, folder is not None, everything]
    if given.count(True) != 1:
        raise InvalidInputError(
            "Say which prompts: NAME…, --import ID, --folder FOLDER or --all."
        )
    return PromptScope(tuple(names or ()), import_id, folder)


def _aspects(only: str | None) -> frozenset[Aspect]:
    if only is None:
        return EVERYTHING
    try:
        return frozenset(Aspect(word.strip()) for word in only.lower().split(","))
    except ValueError:
        raise InvalidInputError(
            "--only takes folder, tags and title, as 'folder,tags'."
        ) from None
