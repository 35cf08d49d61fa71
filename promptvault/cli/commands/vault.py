"""`vaults`: the vaults of this device."""

from datetime import datetime
from typing import Annotated

import typer

from promptvault.cli import completion, options, terminal
from promptvault.cli.context import open_reader, paths
from promptvault.cli.render import sync as render_sync
from promptvault.cli.render.format import format_time
from promptvault.cli.render.table import Column, print_table
from promptvault.cli.rows.prompts import time_row
from promptvault.cli.workspace import unsynced_workspace
from promptvault.domain.team import Role
from promptvault.errors import ConflictError
from promptvault.home import PERSONAL
from promptvault.services.sync.last_sync import read_last_sync
from promptvault.services.vaults.leaving import leave_vault
from promptvault.services.vaults.local import (
    LocalVault,
    find_vault,
    in_vault,
    local_vaults,
    read_vault,
)
from promptvault.vault.reader import Selection

vaults = typer.Typer(no_args_is_help=True, help="List the vaults of this device.")


@vaults.command("list")
def list_vaults(as_json: options.Json = False) -> None:
    """List your own vault, and the vaults of teams that are on this device."""
    rows = [_row(vault) for vault in local_vaults(paths())]
    if as_json:
        return terminal.write_json_rows(rows)
    columns = (
        Column("Vault", "cyan", wrap=False),
        Column("Kind"),
        Column("Role"),
        Column("Prompts", numeric=True),
        Column("Synced", "dim", wrap=False),
        Column("State"),
    )
    return print_table(columns, map(_cells, rows), "")


def _row(vault: LocalVault) -> dict[str, object]:
    with open_reader(vault.name) as reader:
        count = reader.count(Selection())
    return {
        "name": vault.name,
        "kind": "team" if vault.team else "personal",
        "role": vault.team.role if vault.team else Role.OWNER.value,
        "prompts": count,
        "synced_at": time_row(_synced_at(vault.name)),
        "state": vault.state,
    }


def _synced_at(name: str) -> datetime | None:
    return read_last_sync(paths().of(name).sync_record).succeeded_at


def _cells(row: dict[str, object]) -> tuple[str, ...]:
    shown = row | {"synced_at": format_time(_synced_at(str(row["name"])))}
    return tuple(map(str, shown.values()))


@vaults.command("remove")
def remove(
    name: Annotated[
        str,
        typer.Argument(
            metavar="VAULT",
            autocompletion=completion.team_vaults,
            help="The vault of a team that you have left.",
        ),
    ],
    yes: options.Yes = False,
    as_json: options.Json = False,
) -> None:
    """Delete the copy of a team's vault, after you have left the team.

    Edits that were not sent are copied into your own vault first.
    """
    own = unsynced_workspace(PERSONAL)
    vault = read_vault(find_vault(own.paths, name))
    if vault.state != "left":
        raise ConflictError(
            f"{name} is still in use; only the vault of a team that you have left can"
            " be removed: 'promptvault team leave --wipe'."
        )
    if not yes:
        terminal.confirm(f"Delete the vault {name} from this device?", "--yes")
    saved = leave_vault(in_vault(own, name), wipe=True)
    if as_json:
        terminal.write_json({"name": name, "saved": saved})
    else:
        render_sync.wiped(name, saved)
