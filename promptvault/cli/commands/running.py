"""`run`, `runs`: prompts sent to a model, and the answers."""

import math
from typing import Annotated

import typer

from promptvault.cli import options, terminal
from promptvault.cli.asking import Asking, DryRun, asks_model
from promptvault.cli.context import open_reader, paths
from promptvault.cli.model import open_model
from promptvault.cli.pipe import read_pipe
from promptvault.cli.record import FindName, name_lookup, record_condition
from promptvault.cli.render.model import print_plan
from promptvault.cli.render.run import AnswerOutput, print_runs, report_run
from promptvault.cli.rows.run import run_entry_row, run_row
from promptvault.cli.values import read_values
from promptvault.cli.workspace import workspace
from promptvault.errors import InvalidInputError
from promptvault.services.asking.model import AnswerInterrupted, Model
from promptvault.services.asking.run import (
    FinishedRun,
    PreparedRun,
    RunOptions,
    prepare_run,
    run_prompt,
)
from promptvault.vault.activity.runs import find_run, read_runs

_GUESSED_TOKENS = 500
"""Estimated tokens of an answer, for --dry-run."""
_LARGEST_ID = 2**63 - 1


def _require_number(value: float | None) -> float | None:
    if value is not None and math.isnan(value):  # which Typer accepts
        raise InvalidInputError("--temperature must be a number from 0 to 2.")
    return value


@asks_model
def run(
    reference: options.Reference,
    values: options.Values = None,
    literals: options.Literals = None,
    system: options.System = None,
    stream: Annotated[
        bool,
        typer.Option(
            "--stream/--no-stream",
            help="Print the answer as it arrives, or when it is complete.",
        ),
    ] = True,
    temperature: Annotated[
        float | None,
        typer.Option(
            min=0,
            max=2,
            metavar="0..2",
            callback=_require_number,
            help="How varied answers are; else the model's default.",
        ),
    ] = None,
    max_tokens: Annotated[
        int | None,
        typer.Option(min=1, metavar="N", help="Maximum tokens of the answer."),
    ] = None,
    no_stdin: Annotated[
        bool, typer.Option("--no-stdin", help="Do not read standard input.")
    ] = False,
    *,
    asking: Asking,
    dry_run: DryRun = False,
    as_json: options.Json = False,
) -> None:
    """Send a prompt to a model, and print the answer as it arrives.

    Text on standard input fills {{ stdin }}. If the prompt does not use that variable,
    the text is the user message, and the prompt the system message.
    """
    given = read_values(values, literals)
    run_options = RunOptions(
        reference, given, system, temperature, max_tokens, asking.allow_secrets
    )
    with open_reader() as reader:
        read = _read_nothing if no_stdin else read_pipe
        composed = prepare_run(reader, run_options, read)
    model = open_model("run", asking)
    if dry_run:
        requests = [composed.request]
        estimate = model.estimate(requests, max_tokens or _GUESSED_TOKENS)
        return print_plan(model, requests, estimate, as_json=as_json)
    done = _run(model, composed, streams=stream and not as_json, is_shown=not as_json)
    if as_json:
        row = run_row(done.id, done.run, composed.prompt.name)
        terminal.write_json(row | {"text": done.text})
    report_run(done)
    return None


def _read_nothing() -> None:
    return None


def _run(
    model: Model, composed: PreparedRun, *, streams: bool, is_shown: bool
) -> FinishedRun:
    output = AnswerOutput()
    on_text = output.write if streams else None
    try:
        done = run_prompt(workspace(), model, composed, terminal.note, on_text)
        if is_shown and not streams:
            output.write(done.text)
        return done
    except AnswerInterrupted as stop:
        raise stop.__cause__ or stop from None
    finally:
        output.end()


def runs(
    reference: options.OptionalReference = None,
    number: Annotated[
        int | None,
        typer.Option(
            "--id",
            min=1,
            max=_LARGEST_ID,
            metavar="ID",
            help="Print the answer of one run.",
        ),
    ] = None,
    limit: options.Limit = None,
    as_json: options.Json = False,
    as_lines: options.JsonLines = False,
) -> None:
    """List runs, newest first; --id prints the answer of one run."""
    if number is not None and reference is not None:
        raise InvalidInputError("Give NAME or --id, not both.")
    with open_reader() as reader:
        name = name_lookup(reader)
        if number is not None:
            return _show(name, number, as_json=as_json or as_lines)
        condition = record_condition(reader, reference)
        found = read_runs(paths().activity, condition, limit)
        if as_json or as_lines:
            rows = (run_entry_row(entry, name) for entry in found)
            return terminal.write_json_rows(rows, lines=as_lines)
        return print_runs(found, name)


def _show(name: FindName, number: int, *, as_json: bool) -> None:
    entry, text = find_run(paths().activity, number)
    if as_json:
        terminal.write_json(run_entry_row(entry, name) | {"text": text})
    else:
        output = AnswerOutput()
        output.write(text)
        output.end()
        if not text:
            why = entry.run.error or entry.run.status.value
            terminal.note(f"Run {number} has no answer ({why}).")
