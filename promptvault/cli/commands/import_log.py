"""`imports`: the log of imports, and taking one back."""

from typing import Annotated

import typer

from promptvault.cli import options, terminal
from promptvault.cli.context import open_reader
from promptvault.cli.render.imports import print_import, print_imports, print_undo
from promptvault.cli.rows.prompts import import_row
from promptvault.cli.workspace import workspace
from promptvault.services.imports import log

imports = typer.Typer(no_args_is_help=True, help="List, show, undo imports.")

ImportId = Annotated[
    str, typer.Argument(metavar="ID", help="Its number, or 'last'.", show_default=False)
]


@imports.command("list")
def list_imports(as_json: options.Json = False) -> None:
    """List imports, newest first."""
    with open_reader() as reader:
        records = log.read_imports(reader)
        if as_json:
            terminal.write_json_rows(map(import_row, records))
        else:
            print_imports(records)


@imports.command("show")
def show(key: ImportId, as_json: options.Json = False) -> None:
    """Show an import: its counts and reasons, and the prompts it added."""
    with open_reader() as reader:
        record = log.find_import(reader, key)
        names = log.imported_names(reader, record)
        files = log.imported_files(reader, record)
    if as_json:
        more = {"prompts": names, "files_read": files}
        terminal.write_json(import_row(record) | more)
    else:
        print_import(record, names)


@imports.command("undo")
def undo(key: ImportId, as_json: options.Json = False) -> None:
    """Remove what an import added, except what changed since."""
    record, result = log.undo(workspace(), key)
    if as_json:
        terminal.write_json({"id": record.id, **result._asdict()})
    else:
        print_undo(record, result)
