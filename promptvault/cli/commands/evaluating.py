"""`eval`: trying a version of a prompt on cases, and comparing it with another."""

from pathlib import Path
from typing import Annotated

import typer

from promptvault.cli import completion, options, render_evaluation, terminal
from promptvault.cli import model as ai
from promptvault.cli.commands.text import read_file
from promptvault.cli.context import now, open_reader, paths
from promptvault.errors import InvalidInputError
from promptvault.services import evaluating, retrieval
from promptvault.services.eval_case import Suite, read_suite
from promptvault.services.eval_plan import Aim, Plan, plan
from promptvault.services.model import Model
from promptvault.vault.evaluation_log import evaluations

_CHECK_FAILED = 5
"""The exit code where a case fails, or with --against got worse."""


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
    system: Annotated[
        str | None,
        typer.Option(
            metavar="NAME[@REV]",
            autocompletion=completion.names,
            help="A prompt to send as the system message.",
        ),
    ] = None,
    list_: Annotated[
        bool, typer.Option("--list", help="List earlier evaluations instead.")
    ] = False,
    model: ai.ModelName = None,
    base_url: ai.BaseUrl = None,
    api_key: ai.ApiKey = None,
    no_cache: ai.NoCache = False,
    budget: ai.BudgetOption = None,
    dry_run: ai.DryRun = False,
    allow_secrets: ai.AllowSecrets = False,
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
        made = plan(reader, suite, Aim(reference, against, system, allow_secrets))
    asked = ai.open_model(
        "eval",
        name=model or suite.model,
        base_url=base_url,
        api_key=api_key,
        no_cache=no_cache,
        budget=budget,
    )
    judging = asked.named(judge or suite.judge)
    if dry_run:
        return render_evaluation.plan(made, asked, judging, as_json=as_json)
    return _evaluate(made, asked, judging, as_json=as_json)


def _read(cases: str) -> Suite:
    if cases == "-":
        return read_suite(terminal.read_stdin(), "stdin", Path())
    path = Path(cases)
    return read_suite(read_file(path), path.name, path.parent)


def _evaluate(made: Plan, asked: Model, judging: Model, *, as_json: bool) -> None:
    with render_evaluation.progress() as tell:
        done = evaluating.evaluate(made, asked, judging, now, tell)
    number = evaluating.keep(paths().activity, done, terminal.note)
    if as_json:
        terminal.write_json(render_evaluation.evaluation_row(number, done))
    else:
        render_evaluation.evaluation(done)
    if not done.passed:
        raise typer.Exit(_CHECK_FAILED)


def _list(reference: str, *, as_json: bool) -> None:
    with open_reader() as reader:
        prompt, version = retrieval.resolve(reader, reference)
    only = version.id if "@" in reference else None
    found = evaluations(paths().activity, prompt.id, only)
    if as_json:
        terminal.write_json_rows(map(render_evaluation.entry_row, found))
    else:
        render_evaluation.entries(prompt.name, found)
