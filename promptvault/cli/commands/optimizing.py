"""`optimize`, `optimizations`: better versions of a prompt, and what came of them."""

from functools import cache, partial
from typing import Annotated

import typer

from promptvault.cli import (
    completion,
    options,
    render,
    render_model,
    render_optimization,
    terminal,
)
from promptvault.cli import model as ai
from promptvault.cli.context import open_reader, paths
from promptvault.cli.workspace import workspace
from promptvault.errors import InvalidInputError, NotFoundError
from promptvault.services import optimizing, retrieval
from promptvault.services.model import Model
from promptvault.services.optimizing import Result
from promptvault.vault import optimization_log
from promptvault.vault.reader import Reader

_MOST_CANDIDATES = 10


def optimize(
    reference: options.Reference,
    goal: Annotated[
        str, typer.Option(metavar="TEXT", help="What to improve, in your own words.")
    ] = "",
    candidates: Annotated[
        int,
        typer.Option(
            min=1, max=_MOST_CANDIDATES, metavar="N", help="How many texts to ask for."
        ),
    ] = 3,
    judge: Annotated[
        str | None,
        typer.Option(metavar="MODEL", help="Who rates them; else the model itself."),
    ] = None,
    apply: Annotated[
        bool, typer.Option("--apply", help="Save the best as a new version.")
    ] = False,
    message: options.Message = None,
    model: ai.ModelName = None,
    base_url: ai.BaseUrl = None,
    api_key: ai.ApiKey = None,
    no_cache: ai.NoCache = False,
    budget: ai.BudgetOption = None,
    allow_secrets: ai.AllowSecrets = False,
    dry_run: ai.DryRun = False,
    as_json: options.Json = False,
) -> None:
    """Rate a prompt, have it rewritten, and show the best text that loses nothing.

    A text that drops, renames or moves a variable, a condition, an include or a
    literal block is refused. With @REV an older version is what is rewritten; it is
    saved as the newest.
    """
    if apply and dry_run:
        raise InvalidInputError("--dry-run saves nothing: leave out --apply.")
    with open_reader() as reader:
        prompt, version = retrieval.resolve(reader, reference)
    task = optimizing.prepare(
        prompt, version, goal, candidates, secrets_allowed=allow_secrets
    )
    author = ai.open_model(
        "optimize",
        name=model,
        base_url=base_url,
        api_key=api_key,
        no_cache=no_cache,
        budget=budget,
    )
    critic = author.named(judge)
    if dry_run:
        first, estimate = optimizing.plan(author, critic, task)
        return render_model.plan(critic, [first], estimate, as_json=as_json)
    result = optimizing.optimize(workspace(), author, critic, task, terminal.note)
    return _finish(result, author, message, is_asked_for=apply, as_json=as_json)


def _finish(
    result: Result,
    model: Model,
    message: str | None,
    *,
    is_asked_for: bool,
    as_json: bool,
) -> None:
    """Show what came of it, and save it if the person wants that."""
    if not as_json:
        render_optimization.result(result)
        render_model.spent(model.spent)
    saved = None
    if result.winner and (is_asked_for or (not as_json and _wants(result))):
        saved = optimizing.apply(workspace(), result, message, terminal.note)
        render.saved([saved])
    if as_json:
        row = render_optimization.result_row(result, saved)
        terminal.write_json(row | render_model.spent_row(model.spent))
    if result.winner and saved is None:
        terminal.note("Nothing was saved; --apply saves it.")


def _wants(result: Result) -> bool:
    number = result.task.prompt.version + 1
    return terminal.can_ask() and terminal.agrees(f"Save it as version {number}?")


def optimizations(
    reference: Annotated[
        str | None,
        typer.Argument(
            metavar="[NAME[@REV]]",
            autocompletion=completion.names,
            help="Only of this prompt, or of this version of it.",
        ),
    ] = None,
    limit: options.Limit = None,
    as_json: options.Json = False,
    as_lines: options.JsonLines = False,
) -> None:
    """List what was optimized, newest first; --json has every score and reason."""
    with open_reader() as reader:
        name = cache(partial(_name, reader))
        condition = _condition(reader, reference)
        found = optimization_log.entries(paths().activity, condition, limit)
        if as_json or as_lines:
            rows = (render_optimization.entry_row(entry, name) for entry in found)
            return terminal.write_json_rows(rows, lines=as_lines)
        return render_optimization.entries(found, name)


def _condition(reader: Reader, reference: str | None) -> dict[str, str]:
    """Return which optimizations are those of ``NAME`` or ``NAME@REV``."""
    if reference is None:
        return {}
    prompt, version = retrieval.resolve(reader, reference)
    return {"version_id": version.id} if "@" in reference else {"prompt_id": prompt.id}


def _name(reader: Reader, prompt_id: str) -> str | None:
    """Return what a prompt is called now, None where it was deleted for good."""
    try:
        return reader.by_id(prompt_id).name
    except NotFoundError:
        return None
