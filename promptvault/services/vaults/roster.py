"""The roster: the vaults of the user on the server, carried over to this device."""

from collections.abc import Collection
from dataclasses import dataclass, field

from promptvault.errors import PromptVaultError
from promptvault.home import PERSONAL, team_vaults
from promptvault.services.locking import locked
from promptvault.services.vaults.folders import (
    free_vault_name,
    make_vault,
    remove_leftovers,
    rename_vault,
)
from promptvault.services.vaults.local import LocalVault, in_vault, read_vault
from promptvault.services.workspace import Workspace
from promptvault.vault.database import bulk_transaction
from promptvault.vault.sync.conflict_copy import release_conflict_copies
from promptvault.vault.sync.item import Hold, release_held
from promptvault.vault.sync.link import Link, get_link, save_link
from promptvault.vault.sync.team import Team, save_team
from promptvault.wire.vault import VaultRead, VaultsRead


@dataclass(slots=True)
class RosterChanges:
    """What a comparison with the roster led to."""

    to_sync: list[str] = field(default_factory=list)
    """Vaults that are new, or that may send more than before."""
    renamed: dict[str, str] = field(default_factory=dict)
    """By old name, the new one."""
    errors: dict[str, PromptVaultError] = field(default_factory=dict)
    """By name, why a vault could not be changed."""


def apply_roster(
    workspace: Workspace, personal: Link, roster: VaultsRead, held: Collection[str]
) -> RosterChanges:
    """Make the team vaults of this device those of *roster*.

    *personal* is the link of the personal vault. *held* are the vaults whose lock of
    sync the caller holds, among them the personal one; others are left as they are, and
    the next sync compares again. So does it after an error.
    """
    return _Comparison(workspace, personal, roster, held).run()


def store_roster(workspace: Workspace, roster: int) -> None:
    """Store in the personal vault at which roster the vaults were compared."""
    with locked(in_vault(workspace, PERSONAL)) as writer:
        with bulk_transaction(writer.connection):
            link = get_link(writer.connection)
            save_link(writer.connection, link._replace(roster=roster))


class _Comparison:
    """One comparison of the vaults of this device with the roster."""

    def __init__(
        self,
        workspace: Workspace,
        personal: Link,
        roster: VaultsRead,
        held: Collection[str],
    ) -> None:
        self._workspace, self._paths = workspace, workspace.paths
        self._personal, self._roster, self._held = personal, roster, held
        self._changes = RosterChanges()
        self._is_complete = True
        self._is_unreadable = False

    def run(self) -> RosterChanges:
        remove_leftovers(self._paths)
        known = self._known()
        for row in self._roster.items:
            if row.kind == "team":
                self._compare(row, known.get(str(row.id)))
        if self._is_complete:
            store_roster(self._workspace, self._roster.roster)
        return self._changes

    def _known(self) -> dict[str, LocalVault]:
        """Return the team vaults of this device by their ids on the server."""
        known = {}
        for name in team_vaults(str(self._paths.data)):
            try:
                found = read_vault(self._paths.of(name))
            except PromptVaultError as error:
                # It may be any vault of the roster, so no vault is created.
                self._is_unreadable, self._is_complete = True, False
                self._changes.errors[name] = error
            else:
                if found.link and found.link.server == self._personal.server:
                    known[found.link.vault] = found
        return known

    def _compare(self, row: VaultRead, local: LocalVault | None) -> None:
        name = local.name if local else row.slug or row.name
        try:
            if local is None:
                if not self._is_unreadable:
                    self._make(row)
            elif local.name in self._held:
                self._change(row, local)
            else:
                self._is_complete = False
        except PromptVaultError as error:
            self._is_complete = False
            self._changes.errors[name] = error

    def _make(self, row: VaultRead) -> None:
        name = free_vault_name(self._paths, row.slug or "", str(row.id))
        server, device = self._personal.server, self._personal.device
        link = Link(str(row.id), server, device)
        make_vault(self._paths, name, link, _team(row))
        self._changes.to_sync.append(name)

    def _change(self, row: VaultRead, local: LocalVault) -> None:
        old, new = local.team, _team(row)
        if old is None or old == new:
            return
        name = local.name
        if new.slug != old.slug:
            name = free_vault_name(self._paths, new.slug, str(row.id), local.name)
        if name != local.name:
            rename_vault(self._paths, local.name, name, self._workspace.on_wait)
            self._changes.renamed[local.name] = name
        is_released = (old.role, old.frozen, old.state) != (
            *(new.role, new.frozen, new.state),
        )
        vault = in_vault(self._workspace, name)
        with locked(vault, even_if_left=True) as writer:
            with bulk_transaction(writer.connection):
                save_team(writer.connection, new)
                if is_released:
                    for hold in (Hold.FORBIDDEN, Hold.PLAN):
                        release_held(writer.connection, hold)
                        release_conflict_copies(writer.connection, hold)
        if is_released:
            self._changes.to_sync.append(name)


def _team(row: VaultRead) -> Team:
    return Team(
        row.slug or "", row.name, row.role, tuple(sorted(row.protected)), row.frozen
    )
