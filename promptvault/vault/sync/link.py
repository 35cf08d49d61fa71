"""With which vault of which server this one is synced, and how far it was read."""

import json
import sqlite3
import uuid
from typing import NamedTuple, Self
from uuid import UUID

from promptvault.domain.vault_digest import SIZE
from promptvault.errors import NotFoundError
from promptvault.wire.sync import Cursor

_COLUMNS = (
    "vault, server, device, epoch, seq, boot, since, resync, digest,"
    " prompt_limit, prompt_count, mark, part, storage_limit, storage_used"
)
_TABLES = (
    *("changes", "revs", "items", "places", "resolves", "early", "seen", "acked"),
    "link",
)
_FAVOURITES_FIRST = """INSERT OR IGNORE INTO sync_changes (item)
    SELECT p.id FROM prompts p LEFT JOIN json_each(?) u ON u.value = p.id
    WHERE p.deleted_at IS NULL ORDER BY p.favourite DESC, u.key IS NULL, u.key, p.pk"""


class Link(NamedTuple):
    """The one row that says it."""

    vault: str
    server: str
    """Address of the server."""
    device: str
    """A random id of this device, for people and for the server's upkeep."""
    epoch: str | None = None
    seq: int = 0
    boot: int | None = None
    since: int | None = None
    resync: str | None = None
    """Why everything is read anew, while it is."""
    digest: bytes = bytes(SIZE)
    """Of what the server is known to hold; see `domain.vault_digest`."""
    prompt_limit: int | None = None
    """How many prompts the account may hold; None without a limit."""
    prompt_count: int | None = None
    """How many it held at last."""
    mark: str | None = None
    """The server's mark in its last answer, by which it knows how far it was read."""
    part: str | None = None
    """The last version that was read of a prompt of which more are to come, as JSON."""
    storage_limit: int | None = None
    """How many bytes the account may store; None without a limit."""
    storage_used: int | None = None
    """How many it stored at last; None where the server does not say."""

    @property
    def cursor(self) -> dict[str, object]:
        """How far the vault was read, as it goes over the wire."""
        cursor: dict[str, object] = {
            "epoch": self.epoch,
            "seq": self.seq,
            "boot": self.boot,
            "since": self.since,
        }
        # Servers that know nothing of it refuse it; those that do have said it.
        return cursor if self.part is None else cursor | {"part": json.loads(self.part)}

    @property
    def storage_left(self) -> int | None:
        """How many bytes more the account may store, None where that is not known."""
        if self.storage_limit is None or self.storage_used is None:
            return None
        return max(0, self.storage_limit - self.storage_used)

    @property
    def is_catching_up(self) -> bool:
        """Whether there is more to read before anything may be sent.

        What the server has already need not be sent, and what it has lost is known
        only when all was read.
        """
        never = self.epoch is None
        return never or self.boot is not None or self.resync is not None

    def at(self, cursor: Cursor, mark: UUID | None) -> Self:
        """Return the link with the cursor moved, and the mark that came with it."""
        epoch = str(cursor.epoch) if cursor.epoch else None
        part = cursor.part.model_dump_json() if cursor.part else None
        return self._replace(
            epoch=epoch,
            seq=cursor.seq,
            boot=cursor.boot,
            since=cursor.since,
            mark=str(mark) if mark else None,
            part=part,
        )


def find_link(connection: sqlite3.Connection) -> Link | None:
    """Return the link, None for a vault that is not synced."""
    row = connection.execute(f"SELECT {_COLUMNS} FROM sync_link").fetchone()
    return Link(*row) if row else None


def get_link(connection: sqlite3.Connection) -> Link:
    """Return the link; raises NotFoundError for a vault that is not synced."""
    link = find_link(connection)
    if link is None:
        raise NotFoundError("This vault is not synced yet: 'promptvault sync'.")
    return link


def create_link(
    connection: sqlite3.Connection, vault: str, server: str, used: str
) -> Link:
    """Link the vault, with every prompt to be sent: favourites and used ones first.

    *used* is a JSON list of prompt ids, the latest used first.
    """
    link = Link(vault, server, str(uuid.uuid4()))
    holes = ", ".join("?" * len(link))
    connection.execute(f"INSERT INTO sync_link ({_COLUMNS}) VALUES ({holes})", link)
    connection.execute(_FAVOURITES_FIRST, (used,))
    return link


def save_link(connection: sqlite3.Connection, link: Link) -> None:
    """Write down how far the vault was read."""
    columns = ", ".join(f"{name} = ?" for name in Link._fields)
    connection.execute(f"UPDATE sync_link SET {columns}", link)


def remove_link(connection: sqlite3.Connection) -> None:
    """Forget the server; the vault itself stays as it is.

    What is in conflict stays so, and is offered to the next server.
    """
    for table in _TABLES:
        connection.execute(f"DELETE FROM sync_{table}")
    connection.execute("UPDATE sync_sides SET status = 'waiting'")
