"""`lint`, `stats`: mistakes in prompts, and numbers about the vault."""

from functools import partial
from typing import Annotated

import typer

from promptvault.cli import completion, options, terminal
from promptvault.cli.context import open_reader
from promptvault.cli.everywhere import Vaults
from promptvault.cli.render.quality import print_lint, print_statistics
from promptvault.cli.rows.quality import lint_row, statistics_row
from promptvault.services.prompts.lint import Severity, lint_prompts
from promptvault.vault.statistics import count_vault, count_vaults

_ERRORS_FOUND = 5
"""The exit code of `lint` if a prompt has an error."""


def lint(
    names: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="[NAME]...",
            autocompletion=completion.names,
            callback=options.in_one_vault,
            help="Prompts; all if none is given.",
            show_default=False,
        ),
    ] = None,
    everything: Annotated[
        bool, typer.Option("--all", help="List notes too, as for a given NAME.")
    ] = False,
    as_json: options.Json = False,
) -> None:
    """Find mistakes in all prompts, or in those given; exit code 5 if there are errors.

    Looks for templates that fail, missing includes, variables that are undeclared or
    unused, likely secrets, and very long texts.
    """
    with open_reader() as reader:
        found = lint_prompts(reader, names or ())
    if as_json:
        terminal.write_json(lint_row(found))
    else:
        print_lint(found, chosen=bool(names), notes=everything or bool(names))
    if any(linted.count(Severity.ERROR) for linted in found):
        raise typer.Exit(_ERRORS_FOUND)


def stats(all_vaults: options.AllVaults = False, as_json: options.Json = False) -> None:
    """Show the contents of the vault in numbers."""
    vaults = Vaults(everywhere=all_vaults)
    parts = vaults.read(partial(count_vault, is_part=all_vaults))
    found = count_vaults(parts) if all_vaults else parts.popitem()[1]
    if as_json:
        terminal.write_json(statistics_row(found))
    else:
        print_statistics(found)
    vaults.end()
