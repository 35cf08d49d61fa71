"""`delete` and `trash`: removing prompts, and getting them back."""

from typing import Annotated

import typer

from promptvault.cli import completion, options, terminal
from promptvault.cli.context import open_reader
from promptvault.cli.render import prompts as render
from promptvault.cli.rows import prompts as rows
from promptvault.cli.workspace import workspace
from promptvault.services.prompts import edit
from promptvault.vault.reader import Selection, Sort

trash = typer.Typer(no_args_is_help=True, help="List, restore, empty the trash.")

TrashedName = Annotated[
    str,
    typer.Argument(
        metavar="NAME",
        autocompletion=completion.trashed,
        help="The name it had (the one deleted last), or its id.",
    ),
]


def delete(
    names: Annotated[
        list[str],
        typer.Argument(
            metavar="NAME...",
            autocompletion=completion.names,
            help="Prompts; with '/' at its end, a folder with all in it.",
        ),
    ],
    message: options.Message = None,
    yes: options.Yes = False,
    as_json: options.Json = False,
) -> None:
    """Put prompts into the trash; 'trash restore' brings them back."""
    folders = [name for name in names if name.endswith("/")]
    if folders and not yes:
        with open_reader() as reader:
            count = len(edit.named(reader, folders))
        counted, where = render.count(count, "prompt"), ", ".join(folders)
        terminal.confirm(f"Delete {counted} in {where}?", "--yes")
    results = edit.delete(workspace(), names, message)
    if as_json:
        terminal.write_json_rows(map(rows.saved_row, results))
    else:
        render.saved(results)


@trash.command("list")
def list_trash(as_json: options.Json = False) -> None:
    """List what is in the trash."""
    with open_reader() as reader:
        found = reader.prompts(Selection(trashed=True), Sort.UPDATED)
        if as_json:
            terminal.write_json_rows(map(rows.trash_row, found))
        else:
            render.trash(found)


@trash.command("restore")
def restore(
    name: TrashedName,
    new: Annotated[
        str | None, typer.Option("--as", metavar="NEW", help="Under another name.")
    ] = None,
    as_json: options.Json = False,
) -> None:
    """Take a prompt out of the trash."""
    saved = edit.restore(workspace(), name, new)
    if as_json:
        terminal.write_json(rows.saved_row(saved))
    else:
        render.saved([saved])


@trash.command("empty")
def empty(yes: options.Yes = False, as_json: options.Json = False) -> None:
    """Remove everything in the trash for good; older commits still hold it."""
    with open_reader() as reader:
        count = reader.count(Selection(trashed=True))
    if count and not yes:
        terminal.confirm(f"Remove {render.count(count, 'prompt')} for good?", "--yes")
    removed = edit.empty_trash(workspace()) if count else 0
    if as_json:
        terminal.write_json({"removed": removed})
    else:
        terminal.note(f"Removed {render.count(removed, 'prompt')}.")
