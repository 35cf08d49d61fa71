"""`export`: prompts as files for other tools."""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Annotated

import typer

from promptvault.cli import completion, options, terminal
from promptvault.cli.everywhere import Vaults
from promptvault.cli.render.format import format_count
from promptvault.cli.rows.prompts import record_row
from promptvault.domain.prompt import PromptRecord, validate_tag
from promptvault.errors import InvalidInputError
from promptvault.services.prompts.export import (
    ExportFormat,
    format_for,
    is_folder,
    is_stdout,
    no_prompts,
    read_records,
    write_file,
    write_folders,
    write_records,
)
from promptvault.vault.reader import Reader, Selection


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
    all_vaults: options.AllVaults = False,
    as_json: options.Json = False,
) -> None:
    """Write prompts as Markdown, JSON, JSON Lines or CSV; `import` reads them.

    With --all-vaults, a folder of Markdown has a folder for each vault.
    """
    if all_vaults and names:
        raise InvalidInputError("Give --all-vaults, or the names of prompts.")
    chosen = form or format_for(path)
    selection = Selection(folder, tuple(map(validate_tag, tags or ())), source)
    vaults = Vaults(everywhere=all_vaults)
    with vaults.readers() as readers:
        if names:
            selection = selection._replace(names=_full_names(readers, names))
        records = _records(vaults, readers, selection)
        if is_stdout(path):
            write_records(records, chosen, record_row, terminal.write)
            return vaults.end()
        if is_folder(path, chosen):
            folders = {_folder_of(path, v, all_vaults): r for v, r in readers.items()}
            count = write_folders(folders, selection, force=force)
        else:
            count = write_file(records, Path(path), chosen, record_row, force=force)
    if as_json:
        terminal.write_json({"path": path, "format": chosen.value, "prompts": count})
    else:
        terminal.note(f"Wrote {format_count(count, 'prompt')} to {path}.")
    return vaults.end()


def _full_names(readers: Mapping[str, Reader], names: Sequence[str]) -> tuple[str, ...]:
    return tuple(r.get(name).name for r in readers.values() for name in names)


def _folder_of(path: str, vault: str, all_vaults: bool) -> Path:
    return Path(path, vault) if all_vaults else Path(path)


def _records(
    vaults: Vaults, readers: Mapping[str, Reader], selection: Selection
) -> Iterator[PromptRecord]:
    """Yield the selected prompts of the vaults; raises NotFoundError if none."""
    found = False
    for vault, reader in readers.items():
        for record in read_records(reader, selection):
            found = True
            yield record._replace(prompt=vaults.named(vault, record.prompt))
    if not found:
        raise no_prompts()
