"""What devices read of a vault, page by page; every query names vault and user."""

from collections.abc import Set
from dataclasses import dataclass, field
from typing import Any, NamedTuple
from uuid import UUID

from psycopg.rows import dict_row

from promptvault.server.column import uuids
from promptvault.server.database import Connection
from promptvault.server.sync.payload import decode
from promptvault.wire.sync import By, Change, VersionRead

PAGE_BYTES = 4 * 1024 * 1024
"""A page holds no more, but for a single change that is longer by itself."""


class PageSize(NamedTuple):
    """How much a page may hold."""

    changes: int
    bytes: int = PAGE_BYTES


@dataclass(slots=True)
class Page:
    """Changes after a cursor, and the vault as it was in the same moment."""

    epoch: UUID
    head_seq: int
    gc_horizon: int
    digest: bytes
    prompt_limit: int | None
    prompt_count: int
    is_note_due: bool
    """Whether it is to be written down how far the device has read."""
    more: bool = False
    changes: list[Change] = field(default_factory=list)


# One statement, so one moment: a purge between the horizon and the rows would hide that
# something was deleted. Sizes are known without reading what is long.
_PAGE = """
WITH candidates AS (
    (SELECT seq, 'item' AS t, item_id AS item, head_rev AS rev, deleted, payload
       FROM items
      WHERE vault_id = %(vault)s AND seq > %(seq)s AND (NOT deleted OR %(seq)s > 0)
      ORDER BY seq LIMIT %(changes)s + 1)
    UNION ALL
    (SELECT seq, CASE WHEN resolved THEN 'resolved' ELSE 'side' END, item_id, rev,
            false, payload
       FROM sides WHERE vault_id = %(vault)s AND seq > %(seq)s
      ORDER BY seq LIMIT %(changes)s + 1)
    ORDER BY seq LIMIT %(changes)s + 1
), sized AS (
    SELECT candidates.*, coalesce(octet_length(candidates.payload), 0) + coalesce((
               SELECT sum(octet_length(v.payload)) FROM versions v
                WHERE v.vault_id = %(vault)s AND v.item_id = item
                  AND v.seq > CASE WHEN i.live_since > %(since)s THEN 0
                                   ELSE %(since)s END), 0) AS size
      FROM candidates
      LEFT JOIN items i ON i.vault_id = %(vault)s AND i.item_id = item
), counted AS (
    SELECT sized.*, row_number() OVER (ORDER BY seq) AS number,
           sum(size) OVER (ORDER BY seq) AS sum, count(*) OVER () AS total
      FROM sized
), page AS (
    SELECT counted.*, r.author_user, r.device, named.label
      FROM counted LEFT JOIN revisions r
        ON r.vault_id = %(vault)s AND r.rev = counted.rev
      LEFT JOIN device_cursors named
        ON named.vault_id = %(vault)s AND named.device = r.device
     WHERE number = 1 OR (number <= %(changes)s AND sum <= %(bytes)s)
)
SELECT v.epoch, v.head_seq, v.gc_horizon, v.digest, a.prompt_limit, a.prompt_count,
       coalesce(noted.seen_at < now() - interval '1 minute', true) AS is_note_due,
       page.*
  FROM vaults v
  JOIN vault_members m ON m.vault_id = v.id AND m.user_id = %(user)s
  JOIN accounts a ON a.id = v.account_id
  LEFT JOIN device_cursors noted
    ON noted.vault_id = v.id AND noted.device = %(device)s
  LEFT JOIN page ON true
 WHERE v.id = %(vault)s ORDER BY page.seq
"""

_HEADS = """
SELECT i.seq, 'item' AS t, i.item_id AS item, i.head_rev AS rev, i.deleted, i.payload,
       r.author_user, r.device, named.label
  FROM items i
  LEFT JOIN revisions r ON r.vault_id = i.vault_id AND r.rev = i.head_rev
  LEFT JOIN device_cursors named
    ON named.vault_id = i.vault_id AND named.device = r.device
 WHERE i.vault_id = %s AND i.item_id = ANY(%s::uuid[]) ORDER BY i.seq
"""

_SIZES = """
SELECT i.item_id, coalesce(octet_length(i.payload), 0) + coalesce((
           SELECT sum(octet_length(v.payload)) FROM versions v
            WHERE v.vault_id = i.vault_id AND v.item_id = i.item_id), 0)
  FROM items i WHERE i.vault_id = %s AND i.item_id = ANY(%s::uuid[])
"""

# Of a prompt that came back from the trash a device may know nothing, even if it has
# read all that there is: who begins is not told of what is in the trash.
_VERSIONS = """
SELECT v.item_id, v.version_id, v.seq, v.position, v.payload
  FROM versions v
  LEFT JOIN items i ON i.vault_id = v.vault_id AND i.item_id = v.item_id
 WHERE v.vault_id = %(vault)s AND v.item_id = ANY(%(items)s::uuid[])
   AND v.seq > CASE WHEN i.live_since > %(since)s THEN 0 ELSE %(since)s END
 ORDER BY v.item_id, v.seq, v.position
"""


_NOTE = """
INSERT INTO device_cursors (vault_id, device, seq, seen_at, label)
    VALUES (%s, %s, %s, now(), (
        SELECT coalesce(d.label, t.name)
          FROM tokens t
          LEFT JOIN devices d ON d.id = t.device_id AND d.user_id = t.user_id
         WHERE t.id = %s AND t.user_id = %s))
    ON CONFLICT (vault_id, device) DO UPDATE
   SET seq = excluded.seq, seen_at = now(), label = excluded.label
"""


class FeedRepository:
    """Reads a vault for one of its members."""

    def __init__(self, connection: Connection, vault_id: UUID, user_id: UUID) -> None:
        self._connection = connection
        self._vault_id, self._user_id = vault_id, user_id

    async def page(
        self, device: UUID, seq: int, since: int, size: PageSize, bare: Set[UUID]
    ) -> Page | None:
        """Return what follows *seq*, with the versions that follow *since*.

        Of prompts in *bare*, with every version. None where the user is no member.
        """
        values = {
            "vault": self._vault_id,
            "user": self._user_id,
            "device": device,
            "seq": seq,
            "since": since,
            **size._asdict(),
        }
        rows = await self._rows(_PAGE, values)
        if not rows:
            return None
        page = _page(rows)
        await self._add_versions(page.changes, since, bare)
        return page

    async def heads(self, items: set[UUID]) -> list[Change]:
        """Return the heads of prompts, with every version of theirs."""
        if not items:
            return []
        rows = await self._rows(_HEADS, (self._vault_id, uuids(items)))
        changes = [_change(row) for row in rows]
        await self._add_versions(changes, 0)
        return changes

    async def sizes(self, items: set[UUID]) -> dict[UUID, int]:
        """Return how many bytes the head of each prompt is, with all its versions."""
        cursor = await self._connection.execute(_SIZES, (self._vault_id, uuids(items)))
        return {item: int(size) for item, size in await cursor.fetchall()}

    async def note(self, device: UUID, seq: int, token: UUID) -> None:
        """Write down how far a device has read: what all have read may be purged.

        It is called what the *token* is, or the device that signed in by it.
        """
        values = (self._vault_id, device, seq, token, self._user_id)
        await self._connection.execute(_NOTE, values)

    async def is_member(self) -> bool:
        """Whether the user is a member of the vault."""
        cursor = await self._connection.execute(
            "SELECT 1 FROM vault_members WHERE vault_id = %s AND user_id = %s",
            (self._vault_id, self._user_id),
        )
        return await cursor.fetchone() is not None

    async def versions(self, items: set[UUID], since: int) -> list[dict[str, Any]]:
        """Return the versions after *since*, in their order, item by item."""
        values = {"vault": self._vault_id, "items": uuids(items), "since": since}
        return await self._rows(_VERSIONS, values)

    async def _add_versions(
        self, changes: list[Change], since: int, bare: Set[UUID] = frozenset()
    ) -> None:
        """Give each prompt's versions to the first change that tells of it."""
        first = {change.item: change for change in reversed(changes)}
        for items, after in (({*first} - bare, since), ({*first} & bare, 0)):
            for row in await self.versions(items, after) if items else ():
                change = first[row["item_id"]]
                change.versions = [*change.versions, version_read(row)]

    async def _rows(self, query: str, values: Any) -> list[dict[str, Any]]:
        cursor = self._connection.cursor(row_factory=dict_row)
        await cursor.execute(query, values)
        return await cursor.fetchall()


def version_read(row: dict[str, Any]) -> VersionRead:
    """Return a stored version as it goes over the wire."""
    place = {"id": row["version_id"], "seq": row["seq"], "position": row["position"]}
    return VersionRead.model_validate({**decode(row["payload"]), **place})


def _page(rows: list[dict[str, Any]]) -> Page:
    vault = rows[0]
    changes = [_change(row) for row in rows if row["seq"] is not None]
    return Page(
        epoch=vault["epoch"],
        head_seq=vault["head_seq"],
        gc_horizon=vault["gc_horizon"],
        digest=vault["digest"],
        prompt_limit=vault["prompt_limit"],
        prompt_count=vault["prompt_count"],
        is_note_due=vault["is_note_due"],
        more=len(changes) < (vault["total"] or 0),
        changes=changes,
    )


def _change(row: dict[str, Any]) -> Change:
    by = By(user=row["author_user"], device=row["device"])
    if row["label"]:
        by.name = row["label"]
    return Change(
        seq=row["seq"],
        t=row["t"],
        item=row["item"],
        rev=row["rev"],
        deleted=row["deleted"],
        payload=decode(row["payload"]),
        by=by,
    )
