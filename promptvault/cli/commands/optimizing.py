"""`optimize`, `optimizations`: better versions of a prompt, and what came of them."""

from typing import Annotated

import typer

from promptvault.cli import options, record, terminal
from promptvault.cli.asking import Asking, DryRun, asks_model
from promptvault.cli.context import open_reader, paths
from promptvault.cli.model import open_model
from promptvault.cli.render import (
    model as render_model,
)
from promptvault.cli.render import (
    optimization as render_optimization,
)
from promptvault.cli.render import (
    prompts as render,
)
from promptvault.cli.workspace import workspace
from promptvault.errors import InvalidInputError
from promptvault.services.asking.model import Model
from promptvault.services.optimization import optimize as optimizing
from promptvault.services.optimization.optimize import Result
from promptvault.services.prompts import retrieval
from promptvault.vault.activity import optimizations as optimization_log

_MOST_CANDIDATES = 10


@asks_model
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
    *,
    asking: Asking,
    dry_run: DryRun = False,
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
        prompt, version, goal, candidates, allow_secrets=asking.allow_secrets
    )
    model = open_model("optimize", asking)
    judge_model = model.named(judge)
    if dry_run:
        first, estimate = optimizing.plan(model, judge_model, task)
        return render_model.plan(judge_model, [first], estimate, as_json=as_json)
    result = optimizing.optimize(workspace(), model, judge_model, task, terminal.note)
    return _finish(result, model, message, is_asked_for=apply, as_json=as_json)


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
    number = result.task.prompt.versions + 1
    return terminal.can_ask() and terminal.agrees(f"Save it as version {number}?")


def optimizations(
    reference: options.OptionalReference = None,
    limit: options.Limit = None,
    as_json: options.Json = False,
    as_lines: options.JsonLines = False,
) -> None:
    """List what was optimized, newest first; --json has every score and reason."""
    with open_reader() as reader:
        name = record.names(reader)
        condition = record.condition(reader, reference)
        found = optimization_log.entries(paths().activity, condition, limit)
        if as_json or as_lines:
            rows = (render_optimization.entry_row(entry, name) for entry in found)
            return terminal.write_json_rows(rows, lines=as_lines)
        return render_optimization.entries(found, name)
