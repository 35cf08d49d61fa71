"""`categorize`: folders, tags and titles from what prompts say."""

from typing import Annotated

import typer

from promptvault.cli import category, completion, options, terminal
from promptvault.cli.asking import Asking, DryRun, asks_model
from promptvault.cli.context import open_reader
from promptvault.cli.model import open_model
from promptvault.cli.render import category as render_category
from promptvault.cli.render import model as render_model
from promptvault.cli.workspace import workspace
from promptvault.errors import InvalidInputError
from promptvault.services.categories import categorize as categorizing
from promptvault.services.categories.categorize import Proposals, Wanted, Way
from promptvault.services.categories.proposal import Aspect


@asks_model
def categorize(
    names: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="[NAME]...",
            autocompletion=completion.names,
            help="These prompts, wherever they lie.",
            show_default=False,
        ),
    ] = None,
    import_id: Annotated[
        str | None,
        typer.Option(
            "--import", metavar="ID", help="What an import brought, or 'last'."
        ),
    ] = None,
    folder: options.Folder = None,
    everything: Annotated[bool, typer.Option("--all", help="All prompts.")] = False,
    only: Annotated[
        str | None,
        typer.Option(
            metavar="WHAT", help="Of folder, tags, title only these, as 'tags,title'."
        ),
    ] = None,
    offline: Annotated[
        bool, typer.Option("--offline", help="By rules, without asking a model.")
    ] = False,
    yes: options.Yes = False,
    *,
    asking: Asking,
    dry_run: DryRun = False,
    as_json: options.Json = False,
) -> None:
    """Propose a folder, tags and a title for prompts, and apply what you accept.

    Prompts that you have filed, titled or tagged yourself keep that. Without a key or
    a server, rules propose what they are sure of.
    """
    wanted = _wanted(names, import_id, folder, everything=everything)
    aspects = _aspects(only)
    if offline and dry_run:
        raise InvalidInputError("--offline sends nothing that --dry-run could show.")
    model = open_model("categorize", asking)
    means = Way(None if offline else model, asking.allow_secrets)
    with open_reader() as reader:
        selected = categorizing.select(reader, wanted, aspects)
        if dry_run:
            plan = categorizing.plan(reader, selected.items, means)
            tokens = categorizing.answer_tokens(selected.items, plan)
            estimate = model.estimate(plan, tokens)
            return render_model.plan(model, plan, estimate, as_json=as_json)
        found = category.proposed(reader, selected.items, means)
    if as_json:
        done = categorizing.apply(workspace(), found.changes) if yes else None
        row = render_category.row(found, selected.passed, done, means.model)
        return terminal.write_json(row)
    return _settle(found, selected.passed, yes=yes)


def _settle(found: Proposals, passed: int, *, yes: bool) -> None:
    """Show what is proposed, and make the changes that are accepted."""
    if not found.changes:
        return render_category.nothing(found, passed)
    render_category.proposals(found.changes)
    changes = found.changes
    if not yes and not category.can_ask():
        return terminal.note("Nothing was changed; --yes makes these changes.")
    if not yes:
        changes = category.accepted(changes)
    if not changes:
        raise KeyboardInterrupt
    return render_category.applied(categorizing.apply(workspace(), changes))


def _wanted(
    names: list[str] | None,
    import_id: str | None,
    folder: str | None,
    *,
    everything: bool,
) -> Wanted:
    given = [bool(names), import_id is not None, folder is not None, everything]
    if given.count(True) != 1:
        raise InvalidInputError(
            "Say which prompts: NAME…, --import ID, --folder FOLDER or --all."
        )
    return Wanted(tuple(names or ()), import_id, folder)


def _aspects(only: str | None) -> frozenset[Aspect]:
    if only is None:
        return categorizing.EVERYTHING
    try:
        return frozenset(Aspect(word.strip()) for word in only.lower().split(","))
    except ValueError:
        raise InvalidInputError(
            "--only takes folder, tags and title, as 'folder,tags'."
        ) from None
