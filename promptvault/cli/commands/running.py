"""`run`, `runs`: prompts sent to a model, and the answers."""

import math
from typing import Annotated

import typer

from promptvault.cli import options, terminal
from promptvault.cli.answer_display import AnswerDisplay
from promptvault.cli.asking import Asking, DryRun, asks_model
from promptvault.cli.context import open_reader, paths
from promptvault.cli.model import open_model
from promptvault.cli.pipe import read_pipe
from promptvault.cli.record import FindName, name_lookup, record_condition
from promptvault.cli.render.model import print_plan
from promptvault.cli.render.run import AnswerOutput, print_runs, run_notes
from promptvault.cli.rows.run import run_entry_row, run_row
from promptvault.cli.values import read_values
from promptvault.cli.workspace import workspace
from promptvault.errors import InvalidInputError, PromptVaultError
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
    thinking: Annotated[
        bool, typer.Option("--thinking", help="Show on stderr what the model thinks.")
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
    display = AnswerDisplay(shows_thoughts=thinking)
    model = open_model("run", asking, display=display)
    if dry_run:
        requests = [composed.request]
        estimate = model.estimate(requests, max_tokens or _GUESSED_TOKENS)
        return print_plan(model, requests, estimate, as_json=as_json)
    output = AnswerOutput()
    if as_json:
        done = run_prompt(workspace(), model, composed, terminal.note)
        row = run_row(done.id, done.run, composed.prompt.name)
        terminal.write_json(row | {"text": done.text})
    else:
        done = _run(model, composed, output, display, streams=stream)
    notes = run_notes(done, max_tokens)
    output.end(message_follows=bool(notes))
    for note in notes:
        terminal.note(note)
    return None


def _read_nothing() -> None:
    return None


def _run(
    model: Model,
    composed: PreparedRun,
    output: AnswerOutput,
    display: AnswerDisplay,
    *,
    streams: bool,
) -> FinishedRun:
    """Run the prompt, and write the answer to *output*."""

    def show(text: str) -> None:
        display.begin_answer()
        output.write(text)

    on_text = show if streams else None
    try:
        done = run_prompt(workspace(), model, composed, terminal.note, on_text)
    except AnswerInterrupted as stop:
        output.end()
        raise stop.__cause__ or stop from None
    except PromptVaultError:
        output.end(message_follows=True)
        raise
    if not streams:
        show(done.text)
    return done


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
