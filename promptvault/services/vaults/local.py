"""Finding the vaults of this device, and what is known of each."""

from contextlib import closing
from dataclasses import replace
from typing import NamedTuple

from promptvault.errors import NotFoundError
from promptvault.home import PERSONAL, has_vault, team_vaults
from promptvault.paths import Paths
from promptvault.services.workspace import Workspace
from promptvault.vault.database import connect_read_only, translated_errors
from promptvault.vault.sync.link import Link, find_link
from promptvault.vault.sync.team import WIPING, Team, find_team


class LocalVault(NamedTuple):
    """A vault of this device."""

    name: str
    """`home.PERSONAL`, or the name of its folder: the team's slug, unless that was
    taken on this device."""
    team: Team | None
    """None for the personal vault."""
    link: Link | None
    """The vault on the server, None if there is none."""

    @property
    def state(self) -> str:
        """'active', 'left', or 'frozen'."""
        if self.team and self.team.has_left:
            return "left"
        return "frozen" if self.team and self.team.frozen else "active"

    @property
    def is_wiping(self) -> bool:
        """Whether a killed sync was about to delete the vault."""
        return self.team is not None and self.team.state == WIPING


def vault_names(paths: Paths) -> list[str]:
    """Return the names of all vaults of this device, the personal one first."""
    return [PERSONAL, *team_vaults(str(paths.data))]


def find_vault(paths: Paths, name: str) -> Paths:
    """Return the paths of the vault called *name*; raise NotFoundError."""
    if not has_vault(str(paths.data), name):
        raise NotFoundError(
            f"There is no vault {name!r} on this device: 'promptvault vaults list'."
        )
    return paths.of(name)


def in_vault(workspace: Workspace, name: str) -> Workspace:
    """Return the workspace of another vault of this device; raise NotFoundError."""
    return replace(workspace, paths=find_vault(workspace.paths, name))


def read_vault(paths: Paths) -> LocalVault:
    """Return the vault at *paths*; raise VaultError if it cannot be read."""
    with translated_errors(), closing(connect_read_only(paths.database)) as connection:
        return LocalVault(paths.vault, find_team(connection), find_link(connection))


def local_vaults(paths: Paths) -> list[LocalVault]:
    """Return all vaults of this device, the personal one first."""
    return [read_vault(paths.of(name)) for name in vault_names(paths)]
