"""`doctor` and `backup`: check, repair and back up vaults."""

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer

from promptvault.cli import options, terminal
from promptvault.cli.context import chosen_vault, refuse_one_vault
from promptvault.cli.everywhere import Vaults
from promptvault.cli.render.format import format_count
from promptvault.cli.render.prompts import print_diagnosis
from promptvault.cli.rows.health import (
    backup_rows,
    diagnoses_row,
    diagnosis_row,
    unsaved_row,
)
from promptvault.cli.unsaved_text import find_unsaved, note_unsaved
from promptvault.cli.workspace import unsynced_workspace, workspace
from promptvault.errors import InvalidInputError, VaultError
from promptvault.home import PERSONAL
from promptvault.services.health.backup import new_backup
from promptvault.services.health.doctor import check_vault
from promptvault.services.health.restore import restore_backup


def doctor(
    repair: Annotated[
        bool, typer.Option("--repair", help="Repair what is found.")
    ] = False,
    all_vaults: options.AllVaults = False,
    as_json: options.Json = False,
) -> None:
    """Check that database, search index and history agree; --repair repairs them."""
    vaults = Vaults(everywhere=all_vaults)
    found = vaults.each(lambda vault: check_vault(workspace(vault), repair=repair))
    unsaved = find_unsaved()
    if as_json:
        texts = [unsaved_row(each.path, each.modified_at) for each in unsaved]
        only = None if all_vaults else next(iter(found.values()))
        row = diagnosis_row(only) if only else diagnoses_row(found, vaults.errors)
        terminal.write_json(row | {"unsaved": texts})
    else:
        for vault, diagnosis in found.items():
            print_diagnosis(diagnosis, vault if all_vaults else None)
        note_unsaved(unsaved)
    is_ill = any(each.problems and not each.repaired for each in found.values())
    vaults.end(VaultError.exit_code if is_ill else 0)


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
    all_vaults: options.AllVaults = False,
    as_json: options.Json = False,
) -> None:
    """Save all vaults in one file; 'backup restore PATH' restores them.

    --vault saves or restores one of them.
    """
    only = chosen_vault()
    if all_vaults:
        refuse_one_vault()
        only = None
    if path == "restore" and source is not None:
        _restore(source, only, force=force, as_json=as_json)
    elif source is None:
        _save(Path(path), only, force=force, as_json=as_json)
    else:
        raise InvalidInputError("Use 'backup PATH' or 'backup restore PATH'.")


def _save(path: Path, only: str | None, *, force: bool, as_json: bool) -> None:
    vaults = Vaults(everywhere=only is None)
    with new_backup(path, force=force) as backup:
        vaults.each(lambda vault: backup.add(workspace(vault)))
    size = path.stat().st_size
    if as_json:
        row = {"path": str(path), "bytes": size, "whole": backup.is_whole}
        terminal.write_json(row | {"vaults": backup_rows(backup.vaults, vaults.errors)})
    else:
        what = "everything"
        if only or vaults.errors:
            what = _vaults(backup.vaults)
        terminal.note(f"Saved {what} to {path} ({size / 1e6:,.1f} MB).")
    _note_damage(is_whole=backup.is_whole)
    vaults.end()


def _restore(path: Path, only: str | None, *, force: bool, as_json: bool) -> None:
    done = restore_backup(unsynced_workspace(PERSONAL), path, only, force=force)
    count = sum(done.prompts.values())
    if as_json:
        row = {"restored": str(path), "prompts": count, "whole": done.is_whole}
        rows = [{"name": name, "prompts": n} for name, n in done.prompts.items()]
        terminal.write_json(row | {"vaults": rows})
    else:
        names = list(done.prompts)
        where = "" if names == [PERSONAL] else f" in {_vaults(names)}"
        number = format_count(count, "prompt")
        terminal.note(f"Restored {number}{where} from {path}.")
    _note_damage(is_whole=done.is_whole)


def _vaults(names: Sequence[str]) -> str:
    noun = "vault" if len(names) == 1 else "vaults"
    return f"the {noun} {', '.join(names)}"


def _note_damage(*, is_whole: bool) -> None:
    if not is_whole:
        terminal.note("The activity database is damaged, and was left out.")
