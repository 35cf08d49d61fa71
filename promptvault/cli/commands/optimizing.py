"""`optimize`, `optimizations`: better versions of a prompt, and their record."""

from typing import Annotated

import typer

from promptvault.cli import options, terminal
from promptvault.cli.asking import Asking, DryRun, asks_model
from promptvault.cli.context import open_reader, paths
from promptvault.cli.model import open_model
from promptvault.cli.record import name_lookup, record_condition
from promptvault.cli.render.model import print_plan, report_spent
from promptvault.cli.render.optimization import print_optimization, print_optimizations
from promptvault.cli.render.prompts import report_saved
from promptvault.cli.rows.model import spent_row
from promptvault.cli.rows.optimization import optimization_entry_row, optimization_row
from promptvault.cli.workspace import workspace
from promptvault.domain.hosted import Task
from promptvault.errors import InvalidInputError
from promptvault.services.asking.model import Model
from promptvault.services.optimization.optimize import (
    OptimizationResult,
    optimize_prompt,
    plan_optimization,
    save_winner,
)
from promptvault.services.optimization.rewrite import prepare_task
from promptvault.services.prompts import retrieval
from promptvault.vault.activity.optimizations import read_optimizations

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
            min=1, max=_MOST_CANDIDATES, metavar="N", help="Number of texts to ask for."
        ),
    ] = 3,
    judge: Annotated[
        str | None,
        typer.Option(
            metavar="MODEL", help="The model that rates them; else the same model."
        ),
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
    """Rate a prompt, let a model rewrite it, and show the best text.

    A text that drops, renames or moves a variable, a condition, an include or a
    literal block is refused. With @REV an older version is rewritten; the result is
    saved as the newest version.
    """
    if apply and dry_run:
        raise InvalidInputError("--dry-run saves nothing: omit --apply.")
    with open_reader() as reader:
        prompt, version = retrieval.resolve(reader, reference)
    task = prepare_task(
        prompt, version, goal, candidates, allow_secrets=asking.allow_secrets
    )
    model = open_model("optimize", asking, Task.OPTIMIZE)
    judge_model = model.named(judge)
    if dry_run:
        first, estimate = plan_optimization(model, judge_model, task)
        return print_plan(judge_model, [first], estimate, as_json=as_json)
    result = optimize_prompt(workspace(), model, judge_model, task, terminal.note)
    return _finish(result, model, message, saves=apply, as_json=as_json)


def _finish(
    result: OptimizationResult,
    model: Model,
    message: str | None,
    *,
    saves: bool,
    as_json: bool,
) -> None:
    """Print the result, and save it if the user wants that."""
    if not as_json:
        print_optimization(result)
        report_spent(model.spent)
    saved = None
    if result.winner and (saves or (not as_json and _wants(result))):
        saved = save_winner(workspace(), result, message, terminal.note)
        report_saved([saved])
    if as_json:
        row = optimization_row(result, saved)
        terminal.write_json(row | spent_row(model.spent))
    if result.winner and saved is None:
        terminal.note("Nothing was saved; --apply saves it.")


def _wants(result: OptimizationResult) -> bool:
    number = result.task.prompt.versions + 1
    return terminal.can_ask() and terminal.agrees(f"Save it as version {number}?")


def optimizations(
    reference: options.OptionalReference = None,
    limit: options.Limit = None,
    as_json: options.Json = False,
    as_lines: options.JsonLines = False,
) -> None:
    """List optimizations, newest first; --json has every score and reason."""
    with open_reader() as reader:
        name = name_lookup(reader)
        condition = record_condition(reader, reference)
        found = read_optimizations(paths().activity, condition, limit)
        if as_json or as_lines:
            rows = (optimization_entry_row(entry, name) for entry in found)
            return terminal.write_json_rows(rows, lines=as_lines)
        return print_optimizations(found, name)
