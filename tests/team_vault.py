"""Team vaults on a device, made without a server."""

import os

from promptvault.paths import Paths, resolve
from promptvault.vault.database import bulk_transaction, connected
from promptvault.vault.sync.team import Team, save_team


def make_team_vault(
    name: str = "acme", role: str = "editor", state: str = "active"
) -> Paths:
    """Make an empty vault of a team on this device."""
    paths = resolve(os.environ, os.getcwd).of(name)
    paths.vault_data.mkdir(parents=True)
    team = Team(name, name.title(), role, ("production",), state=state)
    set_team(paths, team)
    return paths


def set_team(paths: Paths, team: Team) -> None:
    """Change what the device knows of the team."""
    with connected(paths.database) as connection, bulk_transaction(connection):
        save_team(connection, team)
