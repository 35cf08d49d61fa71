"""`delete` and `trash`: delete prompts, and restore them."""

from typing import Annotated

import typer

from promptvault.cli import completion, options, terminal
from promptvault.cli.context import open_reader
from promptvault.cli.render.format import format_count
from promptvault.cli.render.prompts import print_trash, report_saved
from promptvault.cli.rows.prompts import saved_row, trash_row
from promptvault.cli.workspace import workspace
from promptvault.services.prompts.edit import (
    delete_prompts,
    find_prompts,
    purge_trash,
    restore_prompt,
)
from promptvault.vault.reader import Selection, Sort

trash = typer.Typer(no_args_is_help=True, help="List, restore, empty the trash.")

TrashedName = Annotated[
    str,
    typer.Argument(
        metavar="NAME",
        autocompletion=completion.trashed,
        callback=options.in_one_vault,
        help="Its former name (the latest deletion counts), or its id.",
    ),
]


def delete(
    names: Annotated[
        list[str],
        typer.Argument(
            metavar="NAME...",
            autocompletion=completion.names,
            callback=options.in_one_vault,
            help="Prompts; with a trailing '/', a folder with all its prompts.",
        ),
    ],
    message: options.Message = None,
    yes: options.Yes = False,
    as_json: options.Json = False,
) -> None:
    """Move prompts to the trash; 'trash restore' restores them."""
    folders = [name for name in names if name.endswith("/")]
    if folders and not yes:
        with open_reader() as reader:
            count = len(find_prompts(reader, folders))
        counted, where = format_count(count, "prompt"), ", ".join(folders)
        terminal.confirm(f"Delete {counted} in {where}?", "--yes")
    results = delete_prompts(workspace(), names, message)
    if as_json:
        terminal.write_json_rows(map(saved_row, results))
    else:
        report_saved(results)


@trash.command("list")
def list_trash(as_json: options.Json = False) -> None:
    """List the prompts in the trash."""
    with open_reader() as reader:
        found = reader.prompts(Selection(trashed=True), Sort.UPDATED)
        if as_json:
            terminal.write_json_rows(map(trash_row, found))
        else:
            print_trash(found)


@trash.command("restore")
def restore(
    name: TrashedName,
    new: Annotated[
        str | None, typer.Option("--as", metavar="NEW", help="Under another name.")
    ] = None,
    as_json: options.Json = False,
) -> None:
    """Restore a prompt from the trash."""
    saved = restore_prompt(workspace(), name, new)
    if as_json:
        terminal.write_json(saved_row(saved))
    else:
        report_saved([saved])


@trash.command("empty")
def empty(yes: options.Yes = False, as_json: options.Json = False) -> None:
    """Delete everything in the trash permanently; older commits still hold it."""
    with open_reader() as reader:
        count = reader.count(Selection(trashed=True))
    if count and not yes:
        terminal.confirm(
            f"Remove {format_count(count, 'prompt')} permanently?", "--yes"
        )
    removed = purge_trash(workspace()) if count else 0
    if as_json:
        terminal.write_json({"removed": removed})
    else:
        terminal.note(f"Removed {format_count(removed, 'prompt')}.")
