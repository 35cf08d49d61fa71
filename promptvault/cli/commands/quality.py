"""`lint`, `stats`: how good the prompts are, and how many."""

from typing import Annotated, Any

import typer

from promptvault.cli import completion, options, terminal
from promptvault.cli.context import open_reader
from promptvault.cli.render import quality as render_quality
from promptvault.services.prompts import lint as linting
from promptvault.services.prompts.lint import Linted, Severity
from promptvault.vault.statistics import Counts, Statistics, statistics

_ERRORS_FOUND = 5
"""The exit code of `lint` when a prompt has an error."""


def lint(
    names: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="[NAME]...",
            autocompletion=completion.names,
            help="Prompts; without any, all.",
            show_default=False,
        ),
    ] = None,
    everything: Annotated[
        bool, typer.Option("--all", help="List notes too, as for a given NAME.")
    ] = False,
    as_json: options.Json = False,
) -> None:
    """Find mistakes in prompts: all, or those given; exit code 5 when one has errors.

    Looks for templates that fail, includes that are not there, variables that are
    not declared or not used, likely secrets, and texts that are very long.
    """
    with open_reader() as reader:
        found = linting.lint(reader, names or ())
    if as_json:
        terminal.write_json(_lint_row(found))
    else:
        render_quality.lint(found, chosen=bool(names), notes=everything or bool(names))
    if any(linted.count(Severity.ERROR) for linted in found):
        raise typer.Exit(_ERRORS_FOUND)


def _lint_row(found: list[Linted]) -> dict[str, Any]:
    findings = [finding._asdict() for linted in found for finding in linted.findings]
    prompts = [
        {
            "name": linted.name,
            "tokens": linted.tokens,
            "errors": linted.count(Severity.ERROR),
            "warnings": linted.count(Severity.WARNING),
        }
        for linted in found
    ]
    return {"findings": findings, "prompts": prompts}


def stats(as_json: options.Json = False) -> None:
    """Draw what is in the vault."""
    with open_reader() as reader:
        found = statistics(reader)
    if as_json:
        terminal.write_json(_statistics_row(found))
    else:
        render_quality.statistics(found)


def _statistics_row(found: Statistics) -> dict[str, Any]:
    return found.totals._asdict() | {
        "tokens": found.tokens,
        "average_tokens": found.average_tokens,
        "by_source": _count_rows(found.by_source, "source", "prompts"),
        "by_folder": _count_rows(found.by_folder, "folder", "prompts"),
        "by_month": _count_rows(found.by_month, "month", "prompts"),
        "most_used": _count_rows(found.most_used, "name", "uses"),
        "most_changed": _count_rows(found.most_changed, "name", "versions"),
        "tags": _count_rows(found.tags, "tag", "prompts"),
    }


def _count_rows(counts: Counts, name: str, number: str) -> list[dict[str, Any]]:
    return [{name: count.name, number: count.number} for count in counts]
