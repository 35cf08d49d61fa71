"""`eval`: trying a version of a prompt on cases, and comparing it with another."""

from pathlib import Path
from typing import Annotated

import typer

from promptvault.cli import options, record, terminal
from promptvault.cli.asking import Asking, DryRun, asks_model
from promptvault.cli.context import now, open_reader, paths
from promptvault.cli.model import open_model
from promptvault.cli.render import (
    evaluation as render_evaluation,
)
from promptvault.cli.render import (
    model as render_model,
)
from promptvault.cli.values import read_file
from promptvault.errors import InvalidInputError
from promptvault.services.asking.model import Model
from promptvault.services.evaluation import evaluate
from promptvault.services.evaluation.case import Suite, read_suite
from promptvault.services.evaluation.plan import Aim, Plan, plan
from promptvault.vault.activity import evaluations

_CHECK_FAILED = 5
"""The exit code where a case fails, or with --against got worse."""


@asks_model
def eval_(
    reference: options.Reference,
    cases: Annotated[
        str | None,
        typer.Option(
            metavar="FILE",
            help="The cases, in YAML, JSON or JSON Lines; '-' for stdin.",
        ),
    ] = None,
    against: Annotated[
        str | None,
        typer.Option(
            metavar="@REV",
            help="Compare with this version, as @production: only what passes there"
            " and fails here counts.",
        ),
    ] = None,
    judge: Annotated[
        str | None,
        typer.Option(
            metavar="MODEL",
            help="The model that decides 'judge' checks; else the one that answers.",
        ),
    ] = None,
    system: options.System = None,
    list_: Annotated[
        bool, typer.Option("--list", help="List earlier evaluations instead.")
    ] = False,
    *,
    asking: Asking,
    dry_run: DryRun = False,
    as_json: options.Json = False,
) -> None:
    """Try a prompt on cases; exit code 5 when one fails, or with --against got worse.

    Cases have inputs and checks (contains, regex, json_schema, judge …; see README).
    'label --require-eval' asks for an evaluation that passed.
    """
    if list_ == (cases is not None):
        raise InvalidInputError("Give --cases FILE, or --list.")
    if cases is None:
        return _list(reference, as_json=as_json)
    suite = _read(cases)
    with open_reader() as reader:
        made = plan(
            reader, suite, Aim(reference, against, system, asking.allow_secrets)
        )
    asking = asking._replace(model=asking.model or suite.model)
    model = open_model("eval", asking)
    judge_model = model.named(judge or suite.judge)
    if dry_run:
        return render_evaluation.plan(made, model, judge_model, as_json=as_json)
    return _evaluate(made, model, judge_model, as_json=as_json)


def _read(cases: str) -> Suite:
    if cases == "-":
        return read_suite(terminal.read_stdin(), "stdin", Path())
    path = Path(cases)
    return read_suite(read_file(path), path.name, path.parent)


def _evaluate(made: Plan, model: Model, judge_model: Model, *, as_json: bool) -> None:
    with render_model.progress("Asking", len(made.requests)) as advance:
        done = evaluate.evaluate(made, model, judge_model, now, advance)
    number = evaluate.keep(paths().activity, done, terminal.note)
    if as_json:
        terminal.write_json(render_evaluation.evaluation_row(number, done))
    else:
        render_evaluation.evaluation(done)
    if not done.passed:
        raise typer.Exit(_CHECK_FAILED)


def _list(reference: str, *, as_json: bool) -> None:
    with open_reader() as reader:
        name = record.names(reader)
        condition = record.condition(reader, reference)
        found = evaluations.entries(paths().activity, condition)
        if as_json:
            rows = (render_evaluation.entry_row(entry, name) for entry in found)
            return terminal.write_json_rows(rows)
        return render_evaluation.entries(reference, found)
