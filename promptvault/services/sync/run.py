"""One sync from start to end: its locks, its server, and a record of the outcome."""

import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple

from promptvault.client.address import Address
from promptvault.client.client import Client
from promptvault.errors import ConflictError, NotFoundError
from promptvault.home import PERSONAL
from promptvault.services.locking import locked
from promptvault.services.sync.device_sync import (
    DeviceReport,
    DeviceSync,
    HeldVaults,
    hold_vaults,
)
from promptvault.services.sync.last_sync import recording_failure
from promptvault.services.sync.rounds import Direction, Progress, snapshot
from promptvault.services.vaults.local import in_vault, read_vault
from promptvault.services.workspace import Workspace
from promptvault.vault.database import bulk_transaction
from promptvault.vault.sync.conflict_copy import release_conflict_copies
from promptvault.vault.sync.item import Hold, release_held
from promptvault.vault.sync.link import Link, create_link, find_link, remove_link
from promptvault.vault.sync.pull import retry_unreadable
from promptvault.vault.sync.status import SyncStatus, sync_status
from promptvault.vault.sync.team import require_member
from promptvault.wire.sync import SyncAnswer

_USED = "SELECT prompt_id FROM usage.uses ORDER BY used_at DESC"


class SyncOptions(NamedTuple):
    """The options of one sync."""

    direction: Direction = Direction()
    relink: bool = False
    """Whether to link the vault to the given server, in place of another one."""
    retry: bool = False
    """Whether to send again what was held back, except for likely secrets."""
    vault: str | None = None
    """The only vault to sync, by its name on this device; None for all. `relink`
    without a name means the personal one."""

    @property
    def only(self) -> str | None:
        """The only vault to sync, None for all."""
        return self.vault or (PERSONAL if self.relink else None)


@dataclass(frozen=True, slots=True)
class SyncCallbacks:
    """Functions that are called during a sync."""

    on_progress: Callable[[Progress], None] = lambda _: None
    on_other_sync: Callable[[], None] = lambda: None
    """Called if another sync of this vault has been running for seconds."""
    on_wait: Callable[[float], None] = lambda _: None
    """Called with the seconds to wait for a busy server."""


def sync_once(
    workspace: Workspace,
    client: Client,
    address: Address,
    options: SyncOptions,
    callbacks: SyncCallbacks,
) -> DeviceReport:
    """Sync with the server at *address*; wait for another process that syncs.

    Raise the errors of `Client`, NotFoundError if there is no such vault, and
    ConflictError if the vault is linked to another server. If several vaults are
    synced, the error of one of them is in the report.
    """
    paths = workspace.paths
    with hold_vaults(paths, options.only, callbacks.on_other_sync) as held:
        return sync_held(workspace, client, address, options, callbacks, held)


def sync_held(
    workspace: Workspace,
    client: Client,
    address: Address,
    options: SyncOptions,
    callbacks: SyncCallbacks,
    held: HeldVaults,
) -> DeviceReport:
    """Sync as `sync_once` does; the caller holds the locks of sync."""

    def exchange(request: bytes) -> SyncAnswer:
        return client.sync(request, callbacks.on_wait)

    named = options.only or PERSONAL
    with recording_failure(workspace.paths.of(named).sync_record):
        _link(in_vault(workspace, named), client, address, relink=options.relink)
    if options.retry:
        for name in held.names:
            _release(in_vault(workspace, name))
    device = DeviceSync(workspace, exchange, client.vaults, address.url, held)
    return device.run(options.direction, callbacks.on_progress)


def _link(
    workspace: Workspace, client: Client, address: Address, *, relink: bool
) -> None:
    """Link a vault if it is not; raise PermissionDeniedError if the team was left."""
    if workspace.paths.vault == PERSONAL:
        find = lambda: _own_vault(client)  # noqa: E731
    else:
        with snapshot(workspace) as connection:
            require_member(connection)
        find = lambda: _team_vault(workspace, client)  # noqa: E731
    link_vault(workspace, address.url, find, relink=relink)


def link_vault(
    workspace: Workspace,
    server: str,
    find_vault: Callable[[], str],
    *,
    relink: bool = False,
) -> Link:
    """Return the link of this vault with *server*, created if there is none.

    *find_vault* returns the id of the user's vault on the server. With *relink* an
    existing link is replaced, and every prompt is sent again. Raise ConflictError if
    the vault is linked to another server.
    """
    with snapshot(workspace) as connection:
        link = find_link(connection)
    if link and not relink:
        _require_same(link, server)
        return link
    vault, used = find_vault(), _used(workspace)
    with locked(workspace) as writer, bulk_transaction(writer.connection):
        remove_link(writer.connection)
        device = link.device if link else None
        return create_link(writer.connection, vault, server, used, device)


def read_status(workspace: Workspace) -> SyncStatus:
    """Return the sync status without asking the server."""
    with snapshot(workspace) as connection:
        return sync_status(connection)


def _own_vault(client: Client) -> str:
    return str(client.me().vaults[0].id)


def _team_vault(workspace: Workspace, client: Client) -> str:
    """Return the id of the vault of the same team on another server."""
    team = read_vault(workspace.paths).team
    for row in client.vaults().items:
        if team and row.slug == team.slug:
            return str(row.id)
    raise NotFoundError("You are in no team of this name on that server.")


def _used(workspace: Workspace) -> str:
    """Return the ids of the prompts in use, most recent first, as a JSON array."""
    with snapshot(workspace) as connection:
        return json.dumps([row[0] for row in connection.execute(_USED)])


def _require_same(link: Link, server: str) -> None:
    if link.server != server:
        raise ConflictError(
            f"This vault is synced with {link.server}. To go on with {server} instead,"
            " 'promptvault sync --relink' sends it every prompt."
        )


def _release(workspace: Workspace) -> None:
    """Release what is held back, except for likely secrets: they must be allowed."""
    with locked(workspace) as writer, bulk_transaction(writer.connection):
        for hold in Hold:
            if hold not in {Hold.SECRETS, Hold.UNREADABLE}:
                release_held(writer.connection, hold)
        retry_unreadable(writer.connection)
        release_conflict_copies(writer.connection)
