"""The link of this vault to a vault on a server, and how far that one was read."""

import json
import sqlite3
import uuid
from typing import TYPE_CHECKING, NamedTuple, Self
from uuid import UUID

from promptvault.domain.vault_digest import SIZE
from promptvault.errors import NotFoundError

if TYPE_CHECKING:  # pydantic, which commands that only list vaults do not need
    from promptvault.wire.sync import Cursor

_COLUMNS = (
    "vault, server, device, epoch, seq, boot, since, resync, digest,"
    " prompt_limit, prompt_count, mark, part, storage_limit, storage_used,"
    " roster"
)
_TABLES = (
    *("changes", "revs", "items", "places", "resolves", "early", "seen", "acked"),
    "link",
)
_FAVOURITES_FIRST = """INSERT OR IGNORE INTO sync_changes (item)
    SELECT p.id FROM prompts p LEFT JOIN json_each(?) u ON u.value = p.id
    WHERE p.deleted_at IS NULL ORDER BY p.favourite DESC, u.key IS NULL, u.key, p.pk"""


COMPARE_AGAIN = -1
"""Not the number of any roster: with it, the next sync compares the vaults."""


class Link(NamedTuple):
    """The row of `sync_link`."""

    vault: str
    """Id of the vault on the server."""
    server: str
    """Address of the server."""
    device: str
    """A random id of this device."""
    epoch: str | None = None
    seq: int = 0
    boot: int | None = None
    since: int | None = None
    """These four are the fields of `wire.sync.Cursor`."""
    resync: str | None = None
    """While the whole vault is read again: the reason, see `resync`."""
    digest: bytes = bytes(SIZE)
    """Digest of the prompts known to be on the server; see `domain.vault_digest`."""
    prompt_limit: int | None = None
    """Prompts that the account may hold; None for no limit."""
    prompt_count: int | None = None
    """Prompts that it held at the last sync."""
    mark: str | None = None
    """The mark of the server's last answer; see `wire.sync.VaultRequest.mark`."""
    part: str | None = None
    """`wire.sync.Cursor.part` as JSON."""
    storage_limit: int | None = None
    """Bytes that the account may store; None for no limit."""
    storage_used: int | None = None
    """Bytes that it stored at the last sync; None if the server does not say."""
    roster: int = 0
    """In the personal vault, the `wire.sync.SyncAnswer.roster` at which the vaults of
    this device were last compared with those of the server."""

    @property
    def cursor(self) -> dict[str, object]:
        """The cursor as it is sent."""
        cursor: dict[str, object] = {
            "epoch": self.epoch,
            "seq": self.seq,
            "boot": self.boot,
            "since": self.since,
        }
        # An older server refuses the field; only a server that knows it has sent one.
        return cursor if self.part is None else cursor | {"part": json.loads(self.part)}

    @property
    def storage_left(self) -> int | None:
        """Bytes that the account may still store, None if that is not known."""
        if self.storage_limit is None or self.storage_used is None:
            return None
        return max(0, self.storage_limit - self.storage_used)

    @property
    def is_catching_up(self) -> bool:
        """Whether the whole vault must be read before anything may be sent.

        Only then it is known which prompts the server already has, and which it lost.
        """
        never = self.epoch is None
        return never or self.boot is not None or self.resync is not None

    def with_cursor(self, cursor: "Cursor", mark: UUID | None) -> Self:
        """Return the link after an answer with this cursor and mark."""
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
    """Return the link, None if the vault is not linked."""
    row = connection.execute(f"SELECT {_COLUMNS} FROM sync_link").fetchone()
    return Link(*row) if row else None


def get_link(connection: sqlite3.Connection) -> Link:
    """Return the link; raise NotFoundError if the vault is not linked."""
    link = find_link(connection)
    if link is None:
        raise NotFoundError("This vault is not synced yet: 'promptvault sync'.")
    return link


def create_link(
    connection: sqlite3.Connection,
    vault: str,
    server: str,
    used: str,
    device: str | None = None,
) -> Link:
    """Link the vault and queue every prompt: favourites first, then by last use.

    *vault* is the id of the server's vault, *server* its address. *used* is a JSON
    array of prompt ids, the most recently used first. *device* is the id of this
    device if it has one: all of its vaults have the same.
    """
    link = Link(vault, server, device or str(uuid.uuid4()))
    insert_link(connection, link)
    connection.execute(_FAVOURITES_FIRST, (used,))
    return link


def insert_link(connection: sqlite3.Connection, link: Link) -> None:
    """Link an empty vault."""
    holes = ", ".join("?" * len(link))
    connection.execute(f"INSERT INTO sync_link ({_COLUMNS}) VALUES ({holes})", link)


def save_link(connection: sqlite3.Connection, link: Link) -> None:
    """Store the fields of *link*."""
    columns = ", ".join(f"{name} = ?" for name in Link._fields)
    connection.execute(f"UPDATE sync_link SET {columns}", link)


def remove_link(connection: sqlite3.Connection) -> None:
    """Delete the link and all that is known of the server; no prompt changes.

    Conflict copies stay and are sent to the next server.
    """
    for table in _TABLES:
        connection.execute(f"DELETE FROM sync_{table}")
    connection.execute("UPDATE sync_sides SET status = 'waiting'")
