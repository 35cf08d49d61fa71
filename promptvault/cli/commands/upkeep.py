"""`doctor` and `backup`: keeping the vault whole."""

from pathlib import Path
from typing import Annotated

import typer

from promptvault.cli import options, terminal
from promptvault.cli.render import prompts as render
from promptvault.cli.rows import prompts as rows
from promptvault.cli.unsaved_text import find_unsaved, tell_unsaved
from promptvault.cli.workspace import workspace
from promptvault.errors import InvalidInputError, VaultError
from promptvault.services.health import backup as archive
from promptvault.services.health import doctor as examination


def doctor(
    repair: Annotated[
        bool, typer.Option("--repair", help="Mend what is found.")
    ] = False,
    as_json: options.Json = False,
) -> None:
    """Prove that database, search index and history agree; --repair mends them."""
    diagnosis = examination.examine(workspace(), repair=repair)
    unsaved = find_unsaved()
    if as_json:
        texts = [rows.unsaved_row(each.path, each.modified_at) for each in unsaved]
        terminal.write_json(diagnosis.as_row() | {"unsaved": texts})
    else:
        render.diagnosis(diagnosis)
        tell_unsaved(unsaved)
    if diagnosis.problems and not diagnosis.repaired:
        raise typer.Exit(VaultError.exit_code)


def backup(
    path: Annotated[
        str, typer.Argument(metavar="PATH", help="The file; or the word 'restore'.")
    ],
    source: Annotated[
        Path | None,
        typer.Argument(metavar="[PATH]", help="After 'restore': the backup to read."),
    ] = None,
    force: Annotated[
        bool, typer.Option("--force", help="Write over what is there.")
    ] = False,
    as_json: options.Json = False,
) -> None:
    """Save everything in one file, or 'backup restore PATH' to get it back."""
    if path == "restore" and source is not None:
        done = archive.restore(workspace(), source, force=force)
        row: dict[str, object] = {"restored": str(source), "prompts": done.number}
        message = f"Restored {render.count(done.number, 'prompt')} from {source}."
    elif source is None:
        done = archive.create(workspace(), Path(path), force=force)
        row = {"path": path, "bytes": done.number}
        message = f"Saved everything in {path} ({done.number / 1e6:,.1f} MB)."
    else:
        raise InvalidInputError("Use 'backup PATH' or 'backup restore PATH'.")
    if as_json:
        terminal.write_json(row | {"whole": done.whole})
    else:
        terminal.note(message)
    if not done.whole:
        terminal.note("The record of runs and costs is damaged, and was left out.")
