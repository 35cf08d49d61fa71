"""One sync from start to end: its lock, its server, and a record of the outcome."""

import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple

from promptvault.client.address import Address
from promptvault.client.client import Client
from promptvault.errors import ConflictError
from promptvault.services.locking import locked
from promptvault.services.sync.last_sync import record_success, recording_failure
from promptvault.services.sync.rounds import (
    Direction,
    Progress,
    SyncReport,
    snapshot,
    sync_vault,
)
from promptvault.services.workspace import Workspace
from promptvault.vault.database import bulk_transaction
from promptvault.vault.lock import exclusive
from promptvault.vault.sync.conflict_copy import release_conflict_copies
from promptvault.vault.sync.item import Hold, release_held
from promptvault.vault.sync.link import Link, create_link, find_link, remove_link
from promptvault.vault.sync.pull import retry_unreadable
from promptvault.vault.sync.status import SyncStatus, sync_status
from promptvault.wire.sync import SyncAnswer

_USED = "SELECT prompt_id FROM usage.uses ORDER BY used_at DESC"


class SyncOptions(NamedTuple):
    """The options of one sync."""

    direction: Direction = Direction()
    relink: bool = False
    """Whether to link the vault to the given server, in place of another one."""
    retry: bool = False
    """Whether to send again what was held back, except for likely secrets."""


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
) -> SyncReport:
    """Sync with the server at *address*; wait for another process that syncs.

    Raise the errors of `Client`, and ConflictError if the vault is linked to another
    server.
    """
    with exclusive(workspace.paths.sync_lock, callbacks.on_other_sync):
        return sync_locked(workspace, client, address, options, callbacks)


def sync_locked(
    workspace: Workspace,
    client: Client,
    address: Address,
    options: SyncOptions,
    callbacks: SyncCallbacks,
) -> SyncReport:
    """Sync as `sync_once` does; the caller holds the lock of sync."""

    def exchange(request: bytes) -> SyncAnswer:
        return client.sync(request, callbacks.on_wait)

    record = workspace.paths.sync_record
    with recording_failure(record):
        link_vault(
            workspace,
            address.url,
            lambda: _own_vault(client),
            relink=options.relink,
        )
        if options.retry:
            _release(workspace)
        report = sync_vault(
            workspace, exchange, options.direction, callbacks.on_progress
        )
    record_success(record)
    return report


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
        return create_link(writer.connection, vault, server, used)


def read_status(workspace: Workspace) -> SyncStatus:
    """Return the sync status without asking the server."""
    with snapshot(workspace) as connection:
        return sync_status(connection)


def _own_vault(client: Client) -> str:
    return str(client.me().vaults[0].id)


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
