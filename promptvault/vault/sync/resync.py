"""Reading the whole vault again, after the cursor has become void."""

import sqlite3
from collections.abc import Iterator

from promptvault.vault.sync.item import Item, delete_item
from promptvault.vault.sync.link import Link, get_link, save_link
from promptvault.vault.sync.prompt_writer import PromptWriter
from promptvault.vault.sync.server_state import ServerState
from promptvault.vault.sync.version import delete_places

EPOCH, HORIZON, REREAD = "epoch", "horizon", "reread"

_UNSEEN = """SELECT pk, item, local_rev, base_rev, base_live, hold FROM sync_items
    WHERE item NOT IN (SELECT id FROM sync_seen) ORDER BY pk"""
_ADD_ACKNOWLEDGED = """INSERT OR IGNORE INTO sync_acked
    SELECT base_rev FROM sync_items WHERE base_rev IS NOT NULL
    UNION SELECT rev FROM sync_sides WHERE status = 'open'"""


def restart_pull(connection: sqlite3.Connection) -> None:
    """Move the cursor to the beginning, within the current transaction."""
    link = get_link(connection)
    server_state = ServerState(connection, int.from_bytes(link.digest))
    begun = begin(connection, link, server_state, REREAD, link.epoch)
    save_link(connection, begun._replace(digest=server_state.digest_bytes))


def begin(
    connection: sqlite3.Connection,
    link: Link,
    server_state: ServerState,
    reason: str,
    epoch: str | None,
) -> Link:
    """Return *link* with a cursor at the beginning; *reason* says why it became void.

    With `HORIZON` the server has purged deletions, but all it acknowledged is still
    part of its past. With `EPOCH` and `REREAD` it may have lost acknowledged changes.
    Then no prompt counts as acknowledged: the device pushes each difference and lets
    the server decide, and sends again what the server lacks.
    """
    connection.execute("DELETE FROM sync_seen")
    connection.execute("DELETE FROM sync_early")
    if reason == HORIZON:
        server_state.recompute_digest()
    else:
        connection.execute(_ADD_ACKNOWLEDGED)
        connection.execute(
            """UPDATE sync_items SET base_rev = NULL, base_live = 0,
                hold = CASE hold WHEN 'secrets' THEN hold END"""
        )
        connection.execute("DELETE FROM sync_places")
        connection.execute("UPDATE sync_sides SET status = 'waiting'")
        server_state.digest = 0
    return link._replace(
        epoch=epoch, seq=0, boot=None, since=None, part=None, resync=reason, mark=None
    )


def finish(
    connection: sqlite3.Connection,
    link: Link,
    server_state: ServerState,
    prompt_writer: PromptWriter,
    now: str,
) -> int:
    """Handle the prompts that the server does not have; return how many were trashed.

    *now* is an RFC 3339 time, see `domain.timestamp`.
    """
    trashed = 0
    for item in list(_unseen(connection)):
        if link.resync == HORIZON and item.is_clean:
            trash_purged(connection, server_state, prompt_writer, item, now)
            trashed += 1
        else:
            server_state.set(item, None, live=False)
            delete_places(connection, item.id)
    connection.execute(
        """DELETE FROM sync_sides WHERE status = 'open'
            AND rev NOT IN (SELECT id FROM sync_seen)"""
    )
    connection.execute("DELETE FROM sync_seen")
    return trashed


def _unseen(connection: sqlite3.Connection) -> Iterator[Item]:
    yield from (Item(*row) for row in connection.execute(_UNSEEN))


def trash_purged(
    connection: sqlite3.Connection,
    server_state: ServerState,
    prompt_writer: PromptWriter,
    item: Item,
    now: str,
) -> None:
    """Trash a prompt whose deletion on another device the server has purged.

    If it is restored, it is sent as a new prompt with all of its versions.
    """
    pk = prompt_writer.find_pk(item.id)
    if pk is not None:
        prompt_writer.trash(pk, now)
        delete_places(connection, item.id)
    server_state.drop(item)
    delete_item(connection, item)
