"""`run`, `runs`: prompts sent to a model, and what came back."""

import math
from typing import Annotated

import typer

from promptvault.cli import options, record, terminal
from promptvault.cli.asking import Asking, DryRun, asks_model
from promptvault.cli.context import open_reader, paths
from promptvault.cli.model import open_model
from promptvault.cli.pipe import read_or_tell
from promptvault.cli.render import model as render_model
from promptvault.cli.render import run as render_run
from promptvault.cli.values import read_values
from promptvault.cli.workspace import workspace
from promptvault.errors import InvalidInputError
from promptvault.services.asking import run as running
from promptvault.services.asking.model import Model, Stopped
from promptvault.services.asking.run import Composed, Done, Order
from promptvault.vault.activity import runs as run_log

_GUESSED_TOKENS = 500
"""What an answer may have, for the plan of --dry-run."""
_LARGEST_ID = 2**63 - 1


def _require_number(value: float | None) -> float | None:
    if value is not None and math.isnan(value):  # which Typer lets through
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
            "--stream/--no-stream", help="Print the answer as it comes, or when whole."
        ),
    ] = True,
    temperature: Annotated[
        float | None,
        typer.Option(
            min=0,
            max=2,
            metavar="0..2",
            callback=_require_number,
            help="How varied answers are; else as the model has it.",
        ),
    ] = None,
    max_tokens: Annotated[
        int | None,
        typer.Option(min=1, metavar="N", help="The most tokens of the answer."),
    ] = None,
    no_stdin: Annotated[
        bool, typer.Option("--no-stdin", help="Leave alone what is piped in.")
    ] = False,
    *,
    asking: Asking,
    dry_run: DryRun = False,
    as_json: options.Json = False,
) -> None:
    """Send a prompt to a model, and print the answer as it comes.

    What is piped in fills {{ stdin }}; where the prompt has none, it is the user's
    message, and the prompt the system message.
    """
    given = read_values(values, literals)
    order = Order(
        reference, given, system, temperature, max_tokens, asking.allow_secrets
    )
    with open_reader() as reader:
        read = _read_nothing if no_stdin else read_or_tell
        composed = running.compose(reader, order, read)
    model = open_model("run", asking)
    if dry_run:
        requests = [composed.request]
        estimate = model.estimate(requests, max_tokens or _GUESSED_TOKENS)
        return render_model.plan(model, requests, estimate, as_json=as_json)
    done = _run(model, composed, streams=stream and not as_json, is_shown=not as_json)
    if as_json:
        row = render_run.run_row(done.id, done.run, composed.prompt.name)
        terminal.write_json(row | {"text": done.text})
    render_run.done(done)
    return None


def _read_nothing() -> None:
    return None


def _run(model: Model, composed: Composed, *, streams: bool, is_shown: bool) -> Done:
    output = render_run.Output()
    on_text = output.write if streams else None
    try:
        done = running.run(workspace(), model, composed, terminal.note, on_text)
        if is_shown and not streams:
            output.write(done.text)
        return done
    except Stopped as stop:
        raise stop.__cause__ or stop from None
    finally:
        output.end()


def runs(
    reference: options.OptionalReference = None,
    number: Annotated[
        int | None,
        typer.Option(
            "--id", min=1, max=_LARGEST_ID, metavar="ID", help="Print what came back."
        ),
    ] = None,
    limit: options.Limit = None,
    as_json: options.Json = False,
    as_lines: options.JsonLines = False,
) -> None:
    """List what was run, newest first; --id prints what came back of one run."""
    if number is not None and reference is not None:
        raise InvalidInputError("Give NAME or --id, not both.")
    with open_reader() as reader:
        name = record.names(reader)
        if number is not None:
            return _show(name, number, as_json=as_json or as_lines)
        condition = record.condition(reader, reference)
        found = run_log.entries(paths().activity, condition, limit)
        if as_json or as_lines:
            rows = (render_run.entry_row(entry, name) for entry in found)
            return terminal.write_json_rows(rows, lines=as_lines)
        return render_run.runs(found, name)


def _show(name: record.Name, number: int, *, as_json: bool) -> None:
    entry, text = run_log.find(paths().activity, number)
    if as_json:
        terminal.write_json(render_run.entry_row(entry, name) | {"text": text})
    else:
        output = render_run.Output()
        output.write(text)
        output.end()
        if not text:
            why = entry.run.error or entry.run.status.value
            terminal.note(f"Nothing came back of run {number} ({why}).")
