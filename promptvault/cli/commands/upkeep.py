"""`doctor` and `backup`: check, repair and back up the vault."""

from pathlib import Path
from typing import Annotated

import typer

from promptvault.cli import options, terminal
from promptvault.cli.render.format import format_count
from promptvault.cli.render.prompts import print_diagnosis
from promptvault.cli.rows.health import diagnosis_row, unsaved_row
from promptvault.cli.unsaved_text import find_unsaved, note_unsaved
from promptvault.cli.workspace import workspace
from promptvault.errors import InvalidInputError, VaultError
from promptvault.services.health.backup import create_backup, restore_backup
from promptvault.services.health.doctor import check_vault


def doctor(
    repair: Annotated[
        bool, typer.Option("--repair", help="Repair what is found.")
    ] = False,
    as_json: options.Json = False,
) -> None:
    """Check that database, search index and history agree; --repair repairs them."""
    diagnosis = check_vault(workspace(), repair=repair)
    unsaved = find_unsaved()
    if as_json:
        texts = [unsaved_row(each.path, each.modified_at) for each in unsaved]
        terminal.write_json(diagnosis_row(diagnosis) | {"unsaved": texts})
    else:
        print_diagnosis(diagnosis)
        note_unsaved(unsaved)
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
        bool, typer.Option("--force", help="Overwrite existing files.")
    ] = False,
    as_json: options.Json = False,
) -> None:
    """Save everything in one file; 'backup restore PATH' restores it."""
    if path == "restore" and source is not None:
        done = restore_backup(workspace(), source, force=force)
        row: dict[str, object] = {"restored": str(source), "prompts": done.number}
        message = f"Restored {format_count(done.number, 'prompt')} from {source}."
    elif source is None:
        done = create_backup(workspace(), Path(path), force=force)
        row = {"path": path, "bytes": done.number}
        message = f"Saved everything to {path} ({done.number / 1e6:,.1f} MB)."
    else:
        raise InvalidInputError("Use 'backup PATH' or 'backup restore PATH'.")
    if as_json:
        terminal.write_json(row | {"whole": done.whole})
    else:
        terminal.note(message)
    if not done.whole:
        terminal.note("The activity database is damaged, and was left out.")
