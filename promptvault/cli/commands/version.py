"""`log`, `diff`, `revert`, `label`: the versions of a prompt."""

from typing import Annotated

import typer

from promptvault.cli import completion, options, terminal
from promptvault.cli.context import open_reader
from promptvault.cli.pager import paged
from promptvault.cli.render.prompts import (
    print_diff,
    print_versions,
    report_label,
    report_saved,
)
from promptvault.cli.rows.prompts import difference_row, log_row, saved_row
from promptvault.cli.workspace import workspace
from promptvault.domain.name import parse_reference
from promptvault.errors import InvalidInputError
from promptvault.services.prompts.diff import diff_versions
from promptvault.services.prompts.edit import remove_label, revert_prompt, set_label
from promptvault.services.prompts.outcome import Saved


def log(
    name: options.Name,
    limit: options.Limit = None,
    as_json: options.Json = False,
    as_lines: options.JsonLines = False,
) -> None:
    """List a prompt's versions, newest first."""
    with open_reader() as reader:
        prompt = reader.get(parse_reference(name).name)
        versions = list(reader.versions(prompt))[::-1][:limit]
    if as_json or as_lines:
        found = (log_row(prompt, version) for version in versions)
        terminal.write_json_rows(found, lines=as_lines)
    else:
        with paged():
            print_versions(prompt, versions)


def _newer(text: str | None) -> str | None:
    """Return what is compared; `@B` means the prompt that was named first."""
    return text if text and text.startswith("@") else options.in_one_vault(text)


def diff(
    old: Annotated[
        str,
        typer.Argument(
            metavar="NAME[@A]",
            autocompletion=completion.names,
            callback=options.in_one_vault,
            help="The older version; without @A, the one before the current.",
        ),
    ],
    new: Annotated[
        str | None,
        typer.Argument(
            metavar="[@B]",
            autocompletion=completion.names,
            callback=_newer,
            help="The newer version, as @4, or another NAME; else the current.",
        ),
    ] = None,
    as_json: options.Json = False,
) -> None:
    """Compare two versions of a prompt, or two prompts."""
    with open_reader() as reader:
        difference = diff_versions(reader, old, new)
    if as_json:
        terminal.write_json(difference_row(difference))
    else:
        with paged():
            print_diff(difference.lines)


def revert(
    reference: options.Reference,
    message: options.Message = None,
    as_json: options.Json = False,
) -> None:
    """Make a new version with the text of an older one."""
    _report(revert_prompt(workspace(), reference, message), as_json=as_json)


def label(
    reference: options.Reference,
    name: Annotated[
        str,
        typer.Argument(
            metavar="LABEL", autocompletion=completion.labels, help="As 'production'."
        ),
    ],
    remove: Annotated[bool, typer.Option("--remove", help="Remove it.")] = False,
    require_eval: Annotated[
        bool,
        typer.Option(
            "--require-eval", help="Only if the version passed its latest 'eval'."
        ),
    ] = False,
    message: options.Message = None,
    as_json: options.Json = False,
) -> None:
    """Label a version, so that 'get NAME@LABEL' prints it; --remove removes it."""
    if remove and require_eval:
        raise InvalidInputError("--require-eval cannot be used with --remove.")
    if remove:
        saved = remove_label(workspace(), reference, name, message)
    else:
        saved = set_label(
            workspace(), reference, name, message, require_eval=require_eval
        )
    if as_json:
        terminal.write_json(saved_row(saved))
    else:
        report_label(saved.prompt, name)


def _report(saved: Saved, *, as_json: bool) -> None:
    if as_json:
        terminal.write_json(saved_row(saved))
    else:
        report_saved([saved])
