"""`export`: prompts as files for other tools."""

from pathlib import Path
from typing import Annotated

import typer

from promptvault.cli import completion, options, terminal
from promptvault.cli.context import open_reader
from promptvault.cli.render.format import format_count
from promptvault.cli.rows.prompts import record_row
from promptvault.domain.prompt import validate_tag
from promptvault.services.prompts.export import (
    ExportFormat,
    format_for,
    is_folder,
    is_stdout,
    read_records,
    write_file,
    write_folder,
    write_records,
)
from promptvault.vault.reader import Selection


def export(
    path: Annotated[
        str,
        typer.Argument(
            metavar="PATH",
            help="A file (.json, .jsonl, .csv, .md), a folder for Markdown, or '-'.",
        ),
    ],
    names: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="[NAME...]",
            autocompletion=completion.names,
            callback=options.in_one_vault,
            help="Only these prompts; else all.",
        ),
    ] = None,
    form: Annotated[
        ExportFormat | None,
        typer.Option(
            "--format",
            help="The format; else by the suffix of PATH.",
            show_default=False,
        ),
    ] = None,
    folder: options.Folder = None,
    tags: options.Tags = None,
    source: options.Source = None,
    force: Annotated[
        bool, typer.Option("--force", help="Overwrite existing files.")
    ] = False,
    as_json: options.Json = False,
) -> None:
    """Write prompts as Markdown, JSON, JSON Lines or CSV; `import` reads them."""
    target = Path(path)
    chosen = form or format_for(path)
    to_stdout = is_stdout(path)
    with open_reader() as reader:
        wanted = tuple(reader.get(name).name for name in names or ())
        tag_list = tuple(map(validate_tag, tags or ()))
        selection = Selection(folder, tag_list, source, names=wanted)
        if to_stdout:
            found = read_records(reader, selection)
            write_records(found, chosen, record_row, terminal.write)
            return
        if is_folder(path, chosen):
            count = write_folder(reader, selection, target, force=force)
        else:
            found = read_records(reader, selection)
            count = write_file(found, target, chosen, record_row, force=force)
    if as_json:
        terminal.write_json({"path": path, "format": chosen.value, "prompts": count})
    else:
        terminal.note(f"Wrote {format_count(count, 'prompt')} to {path}.")
