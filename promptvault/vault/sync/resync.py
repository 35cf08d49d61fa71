"""Reading everything again: begun if a cursor is void, ended when all was read."""

import sqlite3
from collections.abc import Iterator

from promptvault.vault.sync.item import Item, forget_item
from promptvault.vault.sync.link import Link
from promptvault.vault.sync.prompt_writer import Adoption
from promptvault.vault.sync.server_state import Bases
from promptvault.vault.sync.version import forget_places

EPOCH, HORIZON, REREAD = "epoch", "horizon", "reread"

_UNSEEN = """SELECT pk, item, local_rev, base_rev, base_live, hold FROM sync_items
    WHERE item NOT IN (SELECT id FROM sync_seen) ORDER BY pk"""
_ACKNOWLEDGED = """INSERT OR IGNORE INTO sync_acked
    SELECT base_rev FROM sync_items WHERE base_rev IS NOT NULL
    UNION SELECT rev FROM sync_sides WHERE status = 'open'"""


def begin(
    connection: sqlite3.Connection,
    link: Link,
    bases: Bases,
    reason: str,
    epoch: str | None,
) -> Link:
    """Return *link* at the start, for the *reason* that it is void.

    After a `horizon` the server has forgotten deletions, but what it had is still its
    past. For any other reason it may have lost what it had acknowledged: so nothing
    here gives way to what it has before it was asked, and what it lacks is sent again.
    """
    connection.execute("DELETE FROM sync_seen")
    connection.execute("DELETE FROM sync_early")
    if reason == HORIZON:
        bases.count()
    else:
        connection.execute(_ACKNOWLEDGED)
        connection.execute(
            """UPDATE sync_items SET base_rev = NULL, base_live = 0,
                hold = CASE hold WHEN 'secrets' THEN hold END"""
        )
        connection.execute("DELETE FROM sync_places")
        connection.execute("UPDATE sync_sides SET status = 'waiting'")
        bases.digest = 0
    return link._replace(
        epoch=epoch, seq=0, boot=None, since=None, part=None, resync=reason, mark=None
    )


def finish(
    connection: sqlite3.Connection,
    link: Link,
    bases: Bases,
    adoption: Adoption,
    now: str,
) -> int:
    """Decide about what was not read; return how many prompts go to the trash."""
    forgotten = 0
    for item in list(_unseen(connection)):
        if link.resync == HORIZON and item.is_clean:
            forget(connection, bases, adoption, item, now)
            forgotten += 1
        else:
            bases.set(item, None, live=False)
            forget_places(connection, item.id)
    connection.execute(
        """DELETE FROM sync_sides WHERE status = 'open'
            AND rev NOT IN (SELECT id FROM sync_seen)"""
    )
    connection.execute("DELETE FROM sync_seen")
    return forgotten


def _unseen(connection: sqlite3.Connection) -> Iterator[Item]:
    yield from (Item(*row) for row in connection.execute(_UNSEEN))


def forget(
    connection: sqlite3.Connection,
    bases: Bases,
    adoption: Adoption,
    item: Item,
    now: str,
) -> None:
    """Put a prompt into the trash that others deleted so long ago that it is forgotten.

    Taken out of there it is a new one for the server, versions and all.
    """
    pk = adoption.find(item.id)
    if pk is not None:
        adoption.trash(pk, now)
        forget_places(connection, item.id)
    bases.drop(item)
    forget_item(connection, item)
