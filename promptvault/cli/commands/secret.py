"""`scan`, `redact`: keys and passwords in prompts."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Annotated

import typer

from promptvault.cli import completion, options, terminal
from promptvault.cli.everywhere import Vaults
from promptvault.cli.render.prompts import report_saved
from promptvault.cli.render.secret import print_secrets
from promptvault.cli.rows.prompts import holding_row, saved_row
from promptvault.cli.workspace import workspace
from promptvault.errors import InvalidInputError
from promptvault.services.prompts.redact import (
    redact_prompts,
    scan_prompts,
    undo_redaction,
)

_SECRETS_FOUND = 5
"""The exit code of `scan` if a prompt is held back."""


def scan(all_vaults: options.AllVaults = False, as_json: options.Json = False) -> None:
    """Find keys and passwords in all prompts; exit code 5 if any are held back.

    A prompt with a likely secret stays in its vault until it is redacted, or allowed
    by 'set NAME --allow-secrets'.
    """
    vaults = Vaults(everywhere=all_vaults)
    by_vault = vaults.each(lambda vault: scan_prompts(workspace(vault)))
    found = [
        replace(each, prompt=vaults.named(vault, each.prompt))
        for vault, holdings in by_vault.items()
        for each in holdings
    ]
    if as_json:
        terminal.write_json_rows(map(holding_row, found))
    else:
        print_secrets(found)
    is_held = any(holding.prompt.is_held_back for holding in found)
    vaults.end(_SECRETS_FOUND if is_held else 0)


def redact(
    names: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="[NAME]...",
            autocompletion=completion.names,
            callback=options.in_one_vault,
            help="Prompts to redact.",
            show_default=False,
        ),
    ] = None,
    everything: Annotated[
        bool, typer.Option("--all", help="All prompts that are held back.")
    ] = False,
    undo: Annotated[
        bool, typer.Option("--undo", help="Restore what 'redact' replaced.")
    ] = False,
    as_json: options.Json = False,
) -> None:
    """Replace keys and passwords in prompts by their type, as a new version.

    Older versions and the history keep them, in this vault only: --undo restores text,
    title, description and tags.
    """
    if bool(names) == everything or (undo and everything):
        raise InvalidInputError("Say which prompts: NAME…, or --all without --undo.")
    if undo:
        return _undo(names or (), as_json=as_json)
    results = redact_prompts(workspace(), names or ())
    if as_json:
        terminal.write_json_rows(map(saved_row, results))
    elif results:
        report_saved(results)
    else:
        terminal.note("No prompt is held back.")


def _undo(names: Sequence[str], *, as_json: bool) -> None:
    results = undo_redaction(workspace(), names)
    if as_json:
        terminal.write_json_rows(
            saved_row(each.saved) | {"not_restored": list(each.not_restored)}
            for each in results
        )
        return
    report_saved([each.saved for each in results])
    for each in results:
        if each.not_restored:
            fields = " and ".join(each.not_restored)
            terminal.note(
                f"Not restored: {fields} of {each.saved.prompt.name}, since no older"
                " one is known."
            )
