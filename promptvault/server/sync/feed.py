"""The changes that devices read of a vault, page by page.

Each query names the vault and the user.
"""

from collections.abc import Sequence, Set
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal, NamedTuple
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
"""The most bytes of payloads and versions in a page, and in the heads sent with it."""


class FoundChange(NamedTuple):
    """A change whose versions are not read yet."""

    change: Change
    size: int
    """Bytes of its payload."""
    start: Start
    """After it, the device may lack versions of the prompt."""


class PageSize(NamedTuple):
    """The limits of a page."""

    changes: int
    versions: int
    bytes: int = PAGE_BYTES

    def history(self, changes: Sequence[FoundChange]) -> HistorySize:
        """Return the limits for the versions of *changes*."""
        return HistorySize(self.versions, self.bytes - sum(e.size for e in changes))


class FilledChanges(NamedTuple):
    """Changes with their versions, as many as fit."""

    changes: list[Change]
    part: Part | None = None
    """The last version of the next prompt, if only some of its versions fit."""
    is_whole: bool = True
    """Whether all changes that were found are included."""


@dataclass(slots=True)
class Page:
    """Changes after a cursor, and the state of the vault at the same moment."""

    epoch: UUID
    head_seq: int
    gc_horizon: int
    digest: bytes
    mark: UUID
    plan: str
    prompt_limit: int | None
    prompt_count: int
    stored_bytes: int
    pay_by: datetime | None
    """When the plan of the user ends because a payment has failed; None if none has, or
    if the vault is a team's."""
    is_note_due: bool
    """Whether the device's cursor must be stored now."""
    is_mark_known: bool
    """Whether the vault has the mark that the device sent."""
    more: bool = False
    changes: list[Change] = field(default_factory=list)
    part: Part | None = None
    """The last version of the next prompt, if only some of its versions fit."""

    def add_heads(self, heads: FilledChanges) -> list[Change]:
        """Note that *heads* are sent with this page, and return those that are.

        A device reads one long prompt at a time. If this page ends within a prompt, the
        first part of another one is left out.
        """
        self.more = self.more or not heads.is_whole
        if heads.part is None:
            return heads.changes
        if self.part is not None:
            return heads.changes[:-1]
        self.part = heads.part
        return heads.changes


# It is one statement, so that horizon and rows are of the same moment: a purge in
# between would hide a deletion. octet_length gives the size of a payload without
# reading it. A device that began while a prompt was in the trash knows no version of
# it, even if it has read everything since; live_since says when the prompt came back.
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
       CASE WHEN a.plan_notice = 'pay_by' AND v.team_id IS NULL
            THEN a.plan_notice_at END AS pay_by,
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
 WHERE v.id = %(vault)s AND v.frozen_why IS DISTINCT FROM 'deleted'
 ORDER BY page.seq
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

# The revisions that heads descend from, back to the first that the device has read.
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
INSERT INTO device_cursors (vault_id, device, user_id, seq, seen_at, label)
    VALUES (%(vault)s, %(device)s, %(user)s, %(seq)s, now(), (
        SELECT coalesce(d.label, t.name)
          FROM tokens t
          LEFT JOIN devices d ON d.id = t.device_id AND d.user_id = t.user_id
         WHERE t.id = %(token)s AND t.user_id = %(user)s))
    ON CONFLICT (vault_id, device) DO UPDATE
   SET seq = excluded.seq, seen_at = now(), label = excluded.label,
       user_id = excluded.user_id
"""

# The device's cursor proves that its user was a member: others learn nothing.
_ON_LEAVE = """
SELECT t.on_leave
  FROM device_cursors c
  JOIN vaults v ON v.id = c.vault_id
  JOIN teams t ON t.id = v.team_id
 WHERE c.vault_id = %(vault)s AND c.device = %(device)s AND c.user_id = %(user)s
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
        """Return the changes after *cursor*, with versions that the device may lack.

        Prompts in *bare* get all of their versions. Returns None if the user is not a
        member of the vault.
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
        page, found = _page(rows)
        filled = await self._with_versions(found, size, cursor.part, bare)
        page.changes, page.part = filled.changes, filled.part
        page.more = page.more or not filled.is_whole
        await self._add_lines(page.changes, rows, since)
        return page

    async def heads(
        self, items: Sequence[UUID], size: PageSize, part: Part | None
    ) -> FilledChanges:
        """Return the heads of *items*, in that order, with all of their versions.

        If the device has read one of them up to *part*, only later versions of it.
        """
        if not items:
            return FilledChanges([])
        values = {
            "vault": self._vault_id,
            "items": uuids(items),
            "bytes": size.bytes // 2,
        }
        rows = await self._rows(_HEADS, values)
        found = [_found_change(row) for row in rows]
        filled = await self._with_versions(found, size, part)
        await self._add_lines(filled.changes, rows, 0)
        is_whole = filled.is_whole and len(rows) == (rows[0]["total"] if rows else 0)
        return filled._replace(is_whole=is_whole)

    async def store_cursor(self, device: UUID, seq: int, token: UUID) -> None:
        """Store how far a device has read. Deletions that all have read may be purged.

        Its label is that of the signed-in device with *token*, else the token's name.
        """
        values = {
            "vault": self._vault_id,
            "user": self._user_id,
            "device": device,
            "seq": seq,
            "token": token,
        }
        await self._connection.execute(_NOTE, values)

    async def read_on_leave(self, device: UUID) -> Literal["keep", "wipe"] | None:
        """Return what devices do with the vault when their user has left the team.

        None if it is no vault of a team, or the user has not synced it with *device*.
        """
        values = {"vault": self._vault_id, "user": self._user_id, "device": device}
        rows = await self._rows(_ON_LEAVE, values)
        return rows[0]["on_leave"] if rows else None

    async def is_member(self) -> bool:
        """Return True if the user is a member of the vault."""
        cursor = await self._connection.execute(
            "SELECT 1 FROM vault_members m JOIN vaults v ON v.id = m.vault_id"
            " WHERE m.vault_id = %s AND m.user_id = %s"
            "   AND v.frozen_why IS DISTINCT FROM 'deleted'",
            (self._vault_id, self._user_id),
        )
        return await cursor.fetchone() is not None

    async def _with_versions(
        self,
        found: Sequence[FoundChange],
        size: PageSize,
        part: Part | None,
        bare: Set[UUID] = frozenset(),
    ) -> FilledChanges:
        """Add each prompt's versions to the first of its changes.

        If they do not fit, that change and all later ones are left for the next page:
        a device must not get a prompt before it has all of its versions.
        """
        first: dict[UUID, int] = {}
        for index, each in enumerate(found):
            first.setdefault(each.change.item, index)
        starts = [_start(found[index], part, bare) for index in first.values()]
        batch = await self._history.read_versions(starts, size.history(found))
        for version in batch.versions:
            change = found[first[version.item]].change
            change.versions.append(version_read(version))
        changes = [each.change for each in found]
        if batch.complete == len(starts):
            return FilledChanges(changes)
        return _cut(changes, [*first.values()][batch.complete])

    async def _add_lines(
        self, changes: list[Change], rows: list[dict[str, Any]], since: int
    ) -> None:
        """Add to each head the revisions that it descends from."""
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
    """Return a stored version as it is sent to devices."""
    place = {"id": version.id, "seq": version.seq, "position": version.position}
    return VersionRead.model_validate({**decode(version.payload), **place})


def _start(found: FoundChange, part: Part | None, bare: Set[UUID]) -> Start:
    item = found.change.item
    if part is not None and part.item == item:
        return Start(item, part.seq, part.position)
    return Start(item) if item in bare else found.start


def _cut(changes: list[Change], index: int) -> FilledChanges:
    """Return the changes before *index*, and the versions of that one that are read.

    The part records the last of these versions; the next page goes on after it.
    """
    cut, before = changes[index], changes[:index]
    if not cut.versions:
        return FilledChanges(before, is_whole=False)
    last = cut.versions[-1]
    some = Change(
        seq=cut.seq,
        t="versions",
        item=cut.item,
        rev=cut.rev,
        versions=cut.versions,
    )
    part = Part(item=cut.item, seq=last.seq, position=last.position)
    return FilledChanges([*before, some], part, is_whole=False)


def _page(rows: list[dict[str, Any]]) -> tuple[Page, list[FoundChange]]:
    vault = rows[0]
    found = [_found_change(row) for row in rows if row["seq"] is not None]
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
        pay_by=vault["pay_by"],
        is_note_due=vault["is_note_due"],
        is_mark_known=bool(vault["is_mark_known"]),
        more=len(found) < (vault["total"] or 0),
    )
    return page, found


def _found_change(row: dict[str, Any]) -> FoundChange:
    return FoundChange(_change(row), row["size"], Start(row["item"], row["start"]))


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
