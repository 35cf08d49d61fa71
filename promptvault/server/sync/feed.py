"""What devices read of a vault, page by page; every query names vault and user."""

from collections.abc import Sequence, Set
from dataclasses import dataclass, field
from typing import Any, NamedTuple
from uuid import UUID

from psycopg.rows import dict_row

from promptvault.server.database import Connection
from promptvault.server.pg_array import uuids
from promptvault.server.sync.history import (
    HistoryRepository,
    HistorySize,
    Start,
    StoredVersion,
)
from promptvault.server.sync.payload import decode
from promptvault.wire.sync import MAX_CHAIN, By, Change, Cursor, Part, VersionRead

PAGE_BYTES = 4 * 1024 * 1024
"""Of payloads and versions, a page holds no more, nor do the heads beside it."""


class Listed(NamedTuple):
    """A change as it was found, whose versions are still to be read."""

    change: Change
    size: int
    """Bytes of its payload."""
    start: Start
    """From where on a device may lack versions of its prompt."""


class PageSize(NamedTuple):
    """How much a page may hold."""

    changes: int
    versions: int
    bytes: int = PAGE_BYTES

    def history(self, changes: Sequence[Listed]) -> HistorySize:
        """Return what the versions of *changes* may take, the changes being read."""
        return HistorySize(self.versions, self.bytes - sum(e.size for e in changes))


class Told(NamedTuple):
    """Changes with their versions, as far as those go."""

    changes: list[Change]
    part: Part | None = None
    """Where the versions broke off of the prompt that comes next."""
    is_whole: bool = True
    """Whether all the changes that were found are among them."""


@dataclass(slots=True)
class Page:
    """Changes after a cursor, and the vault as it was in the same moment."""

    epoch: UUID
    head_seq: int
    gc_horizon: int
    digest: bytes
    mark: UUID
    plan: str
    prompt_limit: int | None
    prompt_count: int
    stored_bytes: int
    is_note_due: bool
    """Whether it is to be written down how far the device has read."""
    is_mark_known: bool
    """Whether the vault has the mark that the device sent."""
    more: bool = False
    changes: list[Change] = field(default_factory=list)
    part: Part | None = None
    """Where the versions broke off of the prompt that comes next."""

    def take_in(self, heads: Told) -> list[Change]:
        """Note that *heads* go along, and return those that do.

        A device reads one long prompt at a time: while it is in the middle of one on
        this page, the first part of another waits.
        """
        self.more = self.more or not heads.is_whole
        if heads.part is None:
            return heads.changes
        if self.part is not None:
            return heads.changes[:-1]
        self.part = heads.part
        return heads.changes


# One statement, so one moment: a purge between the horizon and the rows would hide that
# something was deleted. Sizes are known without reading what is long. Of a prompt that
# came back from the trash a device may know nothing, even if it has read all that there
# is: who begins is not told of what is in the trash.
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
    SELECT candidates.*, coalesce(octet_length(candidates.payload), 0) AS size,
           CASE WHEN i.live_since > %(since)s THEN 0 ELSE %(since)s END AS start
      FROM candidates
      LEFT JOIN items i ON i.vault_id = %(vault)s AND i.item_id = item
), counted AS (
    SELECT sized.*, row_number() OVER (ORDER BY seq) AS number,
           sum(size) OVER (ORDER BY seq) AS sum, count(*) OVER () AS total
      FROM sized
), page AS (
    SELECT counted.*, r.base_rev, r.author_user, r.device, named.label
      FROM counted LEFT JOIN revisions r
        ON r.vault_id = %(vault)s AND r.rev = counted.rev
      LEFT JOIN device_cursors named
        ON named.vault_id = %(vault)s AND named.device = r.device
     WHERE number = 1 OR (number <= %(changes)s AND sum <= %(bytes)s)
)
SELECT v.epoch, v.head_seq, v.gc_horizon, v.digest, v.mark,
       a.plan, a.prompt_limit, a.prompt_count, a.stored_bytes,
       coalesce(noted.seen_at < now() - interval '1 minute', true) AS is_note_due,
       v.mark = %(mark)s::uuid OR EXISTS (
           SELECT FROM marks WHERE vault_id = %(vault)s AND mark = %(mark)s::uuid)
           AS is_mark_known,
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
WITH found AS (
    SELECT i.*, named.number, coalesce(octet_length(i.payload), 0) AS size
      FROM unnest(%(items)s::uuid[]) WITH ORDINALITY AS named (item, number)
      JOIN items i ON i.vault_id = %(vault)s AND i.item_id = named.item
), counted AS (
    SELECT found.*, row_number() OVER (ORDER BY number) AS nth,
           sum(size) OVER (ORDER BY number) AS sum, count(*) OVER () AS total
      FROM found
)
SELECT counted.seq, 'item' AS t, counted.item_id AS item, head_rev AS rev, deleted,
       payload, size, 0 AS start, r.base_rev, r.author_user, r.device, named.label,
       total
  FROM counted
  LEFT JOIN revisions r ON r.vault_id = %(vault)s AND r.rev = head_rev
  LEFT JOIN device_cursors named
    ON named.vault_id = %(vault)s AND named.device = r.device
 WHERE nth = 1 OR sum <= %(bytes)s
 ORDER BY nth
"""

# The revisions from which heads descend, back to the first that the device has read.
_LINES = """
WITH RECURSIVE line AS (
    SELECT item_id, rev, base_rev, seq, 1 AS depth FROM revisions
     WHERE vault_id = %(vault)s AND rev = ANY(%(bases)s::uuid[])
    UNION ALL
    SELECT r.item_id, r.rev, r.base_rev, r.seq, depth + 1
      FROM line JOIN revisions r
        ON r.vault_id = %(vault)s AND r.rev = line.base_rev
     WHERE line.seq > %(since)s AND depth < %(most)s
)
SELECT item_id, rev FROM line ORDER BY item_id, depth
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
        self._history = HistoryRepository(connection, vault_id)

    async def page(
        self,
        device: UUID,
        cursor: Cursor,
        mark: UUID | None,
        size: PageSize,
        bare: Set[UUID],
    ) -> Page | None:
        """Return what follows *cursor*, with the versions that the device may lack.

        Of prompts in *bare*, with every version. None where the user is no member.
        """
        since = cursor.seq if cursor.since is None else cursor.since
        values = {
            "vault": self._vault_id,
            "user": self._user_id,
            "device": device,
            "seq": cursor.seq,
            "since": since,
            "mark": mark,
            "changes": size.changes,
            "bytes": size.bytes // 2,
        }
        rows = await self._rows(_PAGE, values)
        if not rows:
            return None
        page, listed = _page(rows)
        told = await self._with_versions(listed, size, cursor.part, bare)
        page.changes, page.part = told.changes, told.part
        page.more = page.more or not told.is_whole
        await self._add_lines(page.changes, rows, since)
        return page

    async def heads(
        self, items: Sequence[UUID], size: PageSize, part: Part | None
    ) -> Told:
        """Return the heads of prompts, in that order, with every version of theirs.

        Where the device stands in the middle of one, at *part*, with those that follow.
        """
        if not items:
            return Told([])
        values = {
            "vault": self._vault_id,
            "items": uuids(items),
            "bytes": size.bytes // 2,
        }
        rows = await self._rows(_HEADS, values)
        listed = [_listed(row) for row in rows]
        told = await self._with_versions(listed, size, part)
        await self._add_lines(told.changes, rows, 0)
        is_whole = told.is_whole and len(rows) == (rows[0]["total"] if rows else 0)
        return told._replace(is_whole=is_whole)

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

    async def _with_versions(
        self,
        listed: Sequence[Listed],
        size: PageSize,
        part: Part | None,
        bare: Set[UUID] = frozenset(),
    ) -> Told:
        """Give each prompt's versions to the first change that tells of it.

        Where they do not fit, that change and what follows are left for the next page:
        no device has a prompt before it has all of its versions.
        """
        first: dict[UUID, int] = {}
        for index, each in enumerate(listed):
            first.setdefault(each.change.item, index)
        starts = [_start(listed[index], part, bare) for index in first.values()]
        found = await self._history.read(starts, size.history(listed))
        for version in found.versions:
            change = listed[first[version.item]].change
            change.versions.append(version_read(version))
        changes = [each.change for each in listed]
        if found.complete == len(starts):
            return Told(changes)
        return _broken_off(changes, [*first.values()][found.complete])

    async def _add_lines(
        self, changes: list[Change], rows: list[dict[str, Any]], since: int
    ) -> None:
        """Say from which revisions each head descends."""
        bases = {row["base_rev"] for row in rows if row["t"] == "item"} - {None}
        if not bases:
            return
        values = {"vault": self._vault_id, "bases": uuids(bases), "since": since}
        lines: dict[UUID, list[UUID]] = {}
        for row in await self._rows(_LINES, {**values, "most": MAX_CHAIN}):
            lines.setdefault(row["item_id"], []).append(row["rev"])
        for change in changes:
            if change.t == "item" and change.item in lines:
                change.line = lines[change.item]

    async def _rows(self, query: str, values: Any) -> list[dict[str, Any]]:
        cursor = self._connection.cursor(row_factory=dict_row)
        await cursor.execute(query, values)
        return await cursor.fetchall()


def version_read(version: StoredVersion) -> VersionRead:
    """Return a stored version as it goes over the wire."""
    place = {"id": version.id, "seq": version.seq, "position": version.position}
    return VersionRead.model_validate({**decode(version.payload), **place})


def _start(listed: Listed, part: Part | None, bare: Set[UUID]) -> Start:
    item = listed.change.item
    if part is not None and part.item == item:
        return Start(item, part.seq, part.position)
    return Start(item) if item in bare else listed.start


def _broken_off(changes: list[Change], index: int) -> Told:
    """Return what comes before the change at *index*, and the versions it has so far.

    What a device knows of the prompt is where the last of them stands.
    """
    broken, before = changes[index], changes[:index]
    if not broken.versions:
        return Told(before, is_whole=False)
    last = broken.versions[-1]
    some = Change(
        seq=broken.seq,
        t="versions",
        item=broken.item,
        rev=broken.rev,
        versions=broken.versions,
    )
    part = Part(item=broken.item, seq=last.seq, position=last.position)
    return Told([*before, some], part, is_whole=False)


def _page(rows: list[dict[str, Any]]) -> tuple[Page, list[Listed]]:
    vault = rows[0]
    listed = [_listed(row) for row in rows if row["seq"] is not None]
    page = Page(
        epoch=vault["epoch"],
        head_seq=vault["head_seq"],
        gc_horizon=vault["gc_horizon"],
        digest=vault["digest"],
        mark=vault["mark"],
        plan=vault["plan"],
        prompt_limit=vault["prompt_limit"],
        prompt_count=vault["prompt_count"],
        stored_bytes=vault["stored_bytes"],
        is_note_due=vault["is_note_due"],
        is_mark_known=bool(vault["is_mark_known"]),
        more=len(listed) < (vault["total"] or 0),
    )
    return page, listed


def _listed(row: dict[str, Any]) -> Listed:
    return Listed(_change(row), row["size"], Start(row["item"], row["start"]))


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
        versions=[],
    )
