"""One sync from end to end: its turn, its server, and a note of how it went."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple

from promptvault.client.address import Address
from promptvault.client.client import Client
from promptvault.services.locking import locked
from promptvault.services.sync.linking import linked
from promptvault.services.sync.rounds import (
    Direction,
    Progress,
    SyncReport,
    snapshot,
    synchronise,
)
from promptvault.services.sync.sync_record import note_success, noting_failure
from promptvault.services.workspace import Workspace
from promptvault.vault.database import bulk_transaction
from promptvault.vault.lock import exclusive
from promptvault.vault.sync.conflict_copy import set_status, sides
from promptvault.vault.sync.item import Hold, release
from promptvault.vault.sync.pull import read_unreadable_again
from promptvault.vault.sync.status import Standing, standing
from promptvault.wire.sync import SyncAnswer


class Order(NamedTuple):
    """What a sync is to do."""

    direction: Direction = Direction()
    relink: bool = False
    """Whether another server may take the place of the one it was synced with."""
    retry: bool = False
    """Whether what was held back is tried again, but for likely secrets."""


@dataclass(frozen=True, slots=True)
class Tell:
    """What a person hears of a sync under way."""

    progress: Callable[[Progress], None] = lambda _: None
    other_sync: Callable[[], None] = lambda: None
    """Called when another sync of this vault has been waited for for seconds."""
    pause: Callable[[float], None] = lambda _: None
    """Called with the seconds to wait for a server that is busy."""


def sync_once(
    workspace: Workspace, client: Client, address: Address, order: Order, tell: Tell
) -> SyncReport:
    """Sync with the server at *address*, once no other process does.

    Raises what the server tells, and ConflictError where the vault is synced with
    another server.
    """
    with exclusive(workspace.paths.sync_lock, tell.other_sync):
        return sync_in_turn(workspace, client, address, order, tell)


def sync_in_turn(
    workspace: Workspace, client: Client, address: Address, order: Order, tell: Tell
) -> SyncReport:
    """Do what `sync_once` does, by whoever holds the lock of sync already."""

    def exchange(request: bytes) -> SyncAnswer:
        return client.sync(request, tell.pause)

    record = workspace.paths.sync_record
    with noting_failure(record):
        linked(workspace, address.url, lambda: _vault(client), relink=order.relink)
        if order.retry:
            _release(workspace)
        report = synchronise(workspace, exchange, order.direction, tell.progress)
    note_success(record)
    return report


def where_it_stands(workspace: Workspace) -> Standing:
    """Return what is known here, without asking the server."""
    with snapshot(workspace) as connection:
        return standing(connection)


def _vault(client: Client) -> str:
    """Return the id of the user's own vault on the server."""
    return str(client.me().vaults[0].id)


def _release(workspace: Workspace) -> None:
    """Let go what was held back; likely secrets stay until somebody allows them."""
    with locked(workspace) as writer, bulk_transaction(writer.connection):
        for hold in Hold:
            if hold not in {Hold.SECRETS, Hold.UNREADABLE}:
                release(writer.connection, hold)
        read_unreadable_again(writer.connection)
        for side in list(sides(writer.connection)):
            if side.status == "held":
                set_status(writer.connection, side.rev, "waiting")
