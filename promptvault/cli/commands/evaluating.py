"""`eval`: a version of a prompt on test cases, compared with a baseline."""

from typing import Annotated

import typer

from promptvault.cli import options, terminal
from promptvault.cli.answer_display import AnswerDisplay
from promptvault.cli.asking import Asking, DryRun, asks_model
from promptvault.cli.case_file import read_suite
from promptvault.cli.context import now, open_reader, paths
from promptvault.cli.model import open_model
from promptvault.cli.record import name_lookup, record_condition
from promptvault.cli.render.evaluation import (
    print_evaluation,
    print_evaluation_plan,
    print_evaluations,
)
from promptvault.cli.render.model import show_progress
from promptvault.cli.rows.evaluation import evaluation_entry_row, evaluation_row
from promptvault.errors import InvalidInputError
from promptvault.services.asking.model import Model
from promptvault.services.evaluation.evaluate import evaluate_plan, record_evaluation
from promptvault.services.evaluation.plan import (
    EvaluationOptions,
    EvaluationPlan,
    plan_evaluation,
)
from promptvault.vault.activity.evaluations import read_evaluations

_CHECK_FAILED = 5
"""The exit code if a case fails, or with --against if one regresses."""


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
            help="Compare with this version, as @production: only cases that pass there"
            " and fail here count.",
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
    """Test a prompt on cases; exit code 5 if one fails, or with --against regresses.

    Cases have inputs and checks (contains, regex, json_schema, judge …): 'help
    evaluate' explains them. 'label --require-eval' requires an evaluation that passed.
    """
    if list_ == (cases is not None):
        raise InvalidInputError("Give --cases FILE, or --list.")
    if cases is None:
        return _list(reference, as_json=as_json)
    suite = read_suite(cases)
    with open_reader() as reader:
        plan = plan_evaluation(
            reader,
            suite,
            EvaluationOptions(reference, against, system, asking.allow_secrets),
        )
    asking = asking._replace(model=asking.model or suite.model)
    model = open_model("eval", asking, display=AnswerDisplay(shows_tokens=False))
    judge_model = model.named(judge or suite.judge)
    if dry_run:
        return print_evaluation_plan(plan, model, judge_model, as_json=as_json)
    return _evaluate(plan, model, judge_model, as_json=as_json)


def _evaluate(
    plan: EvaluationPlan, model: Model, judge_model: Model, *, as_json: bool
) -> None:
    with show_progress("Asking", len(plan.requests)) as advance:
        done = evaluate_plan(plan, model, judge_model, now, advance)
    number = record_evaluation(paths().activity, done, terminal.note)
    if as_json:
        terminal.write_json(evaluation_row(number, done))
    else:
        print_evaluation(done)
    if not done.passed:
        raise typer.Exit(_CHECK_FAILED)


def _list(reference: str, *, as_json: bool) -> None:
    with open_reader() as reader:
        name = name_lookup(reader)
        condition = record_condition(reader, reference)
        found = read_evaluations(paths().activity, condition)
        if as_json:
            rows = (evaluation_entry_row(entry, name) for entry in found)
            return terminal.write_json_rows(rows)
        return print_evaluations(reference, found)
