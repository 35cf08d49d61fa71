"""`optimize`, `optimizations`: better versions of a prompt, and their record."""

from dataclasses import replace
from typing import Annotated

import typer

from promptvault.cli import options, terminal
from promptvault.cli.asking import Asking, DryRun, asks_model
from promptvault.cli.case_file import read_suite
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
from promptvault.services.evaluation.case import Suite
from promptvault.services.optimization.case_set import CaseTester, split_cases
from promptvault.services.optimization.optimize import (
    Optimization,
    optimize_prompt,
    save_winner,
)
from promptvault.services.optimization.result import OptimizationResult
from promptvault.services.optimization.rewrite import OptimizationTask, prepare_task
from promptvault.services.prompts import retrieval
from promptvault.vault.activity.optimizations import read_optimizations

_MOST_CANDIDATES = 10
_MOST_ROUNDS = 10


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
    cases: Annotated[
        str | None,
        typer.Option(
            metavar="FILE",
            help="Test cases, as for 'eval', that the texts must pass; '-' for stdin.",
        ),
    ] = None,
    rounds: Annotated[
        int,
        typer.Option(
            min=1,
            max=_MOST_ROUNDS,
            metavar="N",
            help="With --cases: how often the model may learn from those that fail.",
        ),
    ] = 1,
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
    literal block is refused. Half of the --cases are shown to the model; a text that
    passes fewer of the other half is never recommended. With @REV an older version is
    rewritten; the result is saved as the newest version.
    """
    if apply and dry_run:
        raise InvalidInputError("--dry-run saves nothing: omit --apply.")
    if rounds > 1 and cases is None:
        raise InvalidInputError("--rounds needs --cases: a round learns from them.")
    suite = read_suite(cases) if cases is not None else None
    with open_reader() as reader:
        prompt, version = retrieval.resolve(reader, reference)
    task = prepare_task(
        OptimizationTask(prompt, version, goal, candidates, rounds),
        allow_secrets=asking.allow_secrets,
    )
    model = open_model("optimize", asking, Task.OPTIMIZE)
    judge_model = model.named(judge or (suite.judge if suite else None))
    optimization = Optimization(task, model, judge_model, terminal.note)
    if suite:
        tester = _tester(optimization, suite, allow_secrets=asking.allow_secrets)
        optimization = replace(optimization, tester=tester)
    if dry_run:
        return _print_plan(optimization, as_json=as_json)
    result = optimize_prompt(workspace(), optimization)
    return _finish(result, model, message, saves=apply, as_json=as_json)


def _tester(
    optimization: Optimization, suite: Suite, *, allow_secrets: bool
) -> CaseTester:
    return CaseTester(
        split_cases(suite),
        optimization.task,
        optimization.model.named(suite.model),
        optimization.judge,
        open_reader,
        allow_secrets,
    )


def _print_plan(optimization: Optimization, *, as_json: bool) -> None:
    plan = optimization.plan()
    estimate = plan.total(optimization.task.rounds)
    print_plan(optimization.judge, plan.requests, estimate, as_json=as_json)
    if optimization.tester and not as_json:
        terminal.note(
            "That is the most: a text that is refused is not tried on cases, and no"
            " further round begins if the best text passes all that are shown."
        )


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
