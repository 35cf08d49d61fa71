"""`export`: prompts as files that other tools read."""

from pathlib import Path
from typing import Annotated

import typer

from promptvault.cli import completion, options, terminal
from promptvault.cli.context import open_reader
from promptvault.cli.render import prompts as render
from promptvault.cli.rows import prompts as rows
from promptvault.domain.prompt import validate_tag
from promptvault.services.prompts import export as exporting
from promptvault.services.prompts.export import Format
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
            help="Only these prompts; without them, everything.",
        ),
    ] = None,
    form: Annotated[
        Format | None,
        typer.Option(
            "--format", help="Without it, by the ending of PATH.", show_default=False
        ),
    ] = None,
    folder: options.Folder = None,
    tags: options.Tags = None,
    source: options.Source = None,
    force: Annotated[
        bool, typer.Option("--force", help="Write over files that are there.")
    ] = False,
    as_json: options.Json = False,
) -> None:
    """Write prompts out as Markdown, JSON, JSON lines or CSV; `import` reads them."""
    target = Path(path)
    chosen = form or exporting.format_for(path)
    to_stdout = exporting.is_stdout(path)
    with open_reader() as reader:
        wanted = tuple(reader.get(name).name for name in names or ())
        tag_list = tuple(map(validate_tag, tags or ()))
        selection = Selection(folder, tag_list, source, names=wanted)
        if to_stdout:
            found = exporting.records(reader, selection)
            exporting.write(found, chosen, rows.record_row, terminal.write)
            return
        if exporting.is_folder(path, chosen):
            count = exporting.write_folder(reader, selection, target, force=force)
        else:
            found = exporting.records(reader, selection)
            count = exporting.write_file(
                found, target, chosen, rows.record_row, force=force
            )
    if as_json:
        terminal.write_json({"path": path, "format": chosen.value, "prompts": count})
    else:
        terminal.note(f"Wrote {render.count(count, 'prompt')} to {path}.")
