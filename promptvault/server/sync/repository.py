"""Vaults in the database, as pushes read and write them; each query names the vault."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from psycopg.rows import args_row

from promptvault.domain.team import Right, has_right
from promptvault.server.database import Connection
from promptvault.server.pg_array import Column, uuids
from promptvault.server.sync.cost import ROW_BYTES
from promptvault.server.sync.push_rules import (
    Head,
    LabelMove,
    Revision,
    Rows,
    Side,
    Sizes,
    VaultUpdate,
    Version,
)
from promptvault.server.sync.pushed_ids import PushedIds
from promptvault.server.token.repository import VALID_ROSTER


class VaultState(NamedTuple):
    """A locked vault, and the limits and usage of its account."""

    id: UUID
    account_id: UUID
    epoch: UUID
    head_seq: int
    gc_horizon: int
    digest: bytes
    mark: UUID
    frozen_why: str | None
    plan: str
    prompt_limit: int | None
    prompt_count: int
    stored_bytes: int
    is_note_due: bool
    """Whether the device's cursor must be stored now."""
    is_mark_known: bool
    """Whether the vault has the mark that the device sent."""
    pay_by: datetime | None
    """When the plan ends because a payment has failed; None if none has."""
    roster: int | None
    """Of the user, if the request had to be confirmed and its token is valid."""


class Standing(NamedTuple):
    """What a user may do in a vault."""

    role: str | None
    """None if the user is not a member."""
    rules: frozenset[str]
    """The protected labels of the vault."""

    def has(self, right: Right) -> bool:
        """Return True if the user may do what *right* says."""
        return self.role is not None and has_right(self.role, right)


# Vaults are locked before accounts, both in the order of their ids, so that no deadlock
# is possible. The ARRAY makes PostgreSQL lock all vaults before the first account.
_LOCK = f"""
WITH locked AS MATERIALIZED (
    SELECT id, account_id, epoch, head_seq, gc_horizon, digest, mark, frozen_why
      FROM vaults
     WHERE id = ANY(%(vaults)s::uuid[]) AND id IN (
           SELECT vault_id FROM vault_members WHERE user_id = %(user)s)
       AND frozen_why IS DISTINCT FROM 'deleted'
     ORDER BY id FOR NO KEY UPDATE OF vaults
), paying AS MATERIALIZED (
    SELECT id, plan, prompt_limit, prompt_count, stored_bytes,
           CASE WHEN plan_notice = 'pay_by' THEN plan_notice_at END AS pay_by
      FROM accounts
     WHERE id = ANY(ARRAY(SELECT account_id FROM locked))
     ORDER BY id FOR NO KEY UPDATE
)
SELECT locked.*, paying.plan, paying.prompt_limit, paying.prompt_count,
       paying.stored_bytes,
       coalesce(noted.seen_at < now() - interval '1 minute', true),
       locked.mark = ANY(%(marks)s::uuid[]) OR EXISTS (
           SELECT FROM marks WHERE vault_id = locked.id
              AND vault_id = ANY(%(vaults)s::uuid[]) AND mark = ANY(%(marks)s::uuid[])),
       paying.pay_by,
       CASE WHEN %(token)s::uuid IS NOT NULL THEN ({VALID_ROSTER}) END
  FROM locked
  JOIN paying ON paying.id = locked.account_id
  LEFT JOIN device_cursors noted
    ON noted.vault_id = locked.id AND noted.device = %(device)s
   AND noted.vault_id = ANY(%(vaults)s::uuid[])
"""

# One statement, because the time of a small push depends on the number of statements.
# Only a vault with protected labels needs the payloads of heads.
_KNOWN = """
SELECT 'role' AS kind, user_id AS id, NULL::uuid AS item_id, NULL::uuid AS rev,
       NULL::bool AS flag, NULL::bigint AS seq, NULL::int AS position,
       NULL::bytea AS hash, role AS word, NULL::bigint AS size
  FROM vault_members WHERE vault_id = %(vault)s AND user_id = %(user)s
UNION ALL
SELECT 'rule', NULL, NULL, NULL, NULL, NULL, NULL, NULL, label, NULL
  FROM label_rules WHERE vault_id = %(vault)s
UNION ALL
SELECT 'head', item_id, item_id, head_rev, deleted, seq, NULL,
       CASE WHEN EXISTS (SELECT FROM label_rules WHERE vault_id = %(vault)s)
            THEN payload END, NULL,
       octet_length(payload)
  FROM items WHERE vault_id = %(vault)s AND item_id = ANY(%(items)s::uuid[])
UNION ALL
SELECT 'revision', rev, item_id, base_rev, NULL, seq, NULL, payload_hash, kind,
       NULL
  FROM revisions WHERE vault_id = %(vault)s AND rev = ANY(%(revisions)s::uuid[])
UNION ALL
SELECT 'side', rev, item_id, NULL, resolved, seq, NULL, NULL, NULL,
       octet_length(payload)
  FROM sides WHERE vault_id = %(vault)s AND rev = ANY(%(sides)s::uuid[])
UNION ALL
SELECT 'version', version_id, item_id, NULL, NULL, seq, position, NULL, NULL, NULL
  FROM versions
 WHERE vault_id = %(vault)s AND version_id = ANY(%(versions)s::uuid[])
UNION ALL
SELECT 'history', item, item, NULL, NULL, NULL, NULL, NULL, NULL, last.number
  FROM unnest(%(items)s::uuid[]) AS named (item)
 CROSS JOIN LATERAL (
       SELECT number FROM versions v
        WHERE v.vault_id = %(vault)s AND v.item_id = named.item
        ORDER BY v.seq DESC, v.position DESC LIMIT 1) AS last
"""

_WRITE = """
WITH new_heads AS (
    INSERT INTO items
           (vault_id, item_id, head_rev, deleted, seq, payload, live_since)
    SELECT %(vault)s, h.*, h.seq FROM unnest(
           %(heads_0)s::uuid[], %(heads_1)s::uuid[], %(heads_2)s::bool[],
           %(heads_3)s::bigint[], %(heads_4)s::bytea[])
           AS h (item_id, head_rev, deleted, seq, payload)
        ON CONFLICT (vault_id, item_id) DO UPDATE
       SET head_rev = excluded.head_rev, deleted = excluded.deleted,
           seq = excluded.seq, payload = excluded.payload, live_since =
           CASE WHEN items.deleted THEN excluded.seq ELSE items.live_since END
), new_revisions AS (
    INSERT INTO revisions (vault_id, author_user, device,
                           rev, item_id, base_rev, kind, seq, payload_hash)
    SELECT %(vault)s, %(user)s, %(device)s, * FROM unnest(
           %(revisions_0)s::uuid[], %(revisions_1)s::uuid[], %(revisions_2)s::uuid[],
           %(revisions_3)s::text[], %(revisions_4)s::bigint[],
           %(revisions_5)s::bytea[])
), new_versions AS (
    INSERT INTO versions
           (vault_id, version_id, item_id, seq, position, payload, number)
    SELECT %(vault)s, * FROM unnest(
           %(versions_0)s::uuid[], %(versions_1)s::uuid[], %(versions_2)s::bigint[],
           %(versions_3)s::int[], %(versions_4)s::bytea[], %(versions_5)s::int[])
), new_mark AS (
    INSERT INTO marks (vault_id, mark, seq) VALUES (%(vault)s, %(mark)s, %(seq)s)
), new_count AS (
    UPDATE accounts SET prompt_count = %(count)s, stored_bytes = %(stored)s
     WHERE id = %(account)s
)
UPDATE vaults SET head_seq = %(seq)s, digest = %(digest)s, mark = %(mark)s
 WHERE id = %(vault)s
"""
_WRITE_SIDES = """
INSERT INTO sides (vault_id, rev, item_id, resolved, seq, payload)
SELECT %(vault)s, * FROM unnest(
       %(sides_0)s::uuid[], %(sides_1)s::uuid[], %(sides_2)s::bool[],
       %(sides_3)s::bigint[], %(sides_4)s::bytea[])
    ON CONFLICT (vault_id, rev) DO UPDATE
   SET resolved = excluded.resolved, seq = excluded.seq, payload = excluded.payload
"""
_NOTE_MOVES = """
INSERT INTO activities
       (account_id, vault_id, actor, actor_email, action, subject, details)
SELECT %(account)s, %(vault)s, %(user)s,
       (SELECT email FROM users WHERE id = %(user)s), 'label.moved', moved.name,
       jsonb_build_object('label', label, 'item', item, 'version', version)
  FROM unnest(%(labels)s::text[], %(items)s::uuid[], %(names)s::text[],
              %(versions)s::text[]) AS moved (label, item, name, version)
"""
_HEAD_TYPES = ("uuid", "uuid", "bool", "bigint", "bytea")
_REVISION_TYPES = ("uuid", "uuid", "uuid", "text", "bigint", "bytea")
_SIDE_TYPES = ("uuid", "uuid", "bool", "bigint", "bytea")
_VERSION_TYPES = ("uuid", "uuid", "bigint", "int", "bytea", "int")

# What it frees is counted as in `cost`.
_PURGE = f"""
WITH gone AS (
    DELETE FROM items WHERE vault_id = %(vault)s AND deleted AND seq <= %(below)s
    RETURNING item_id, octet_length(payload) AS size
), settled AS (
    DELETE FROM sides WHERE vault_id = %(vault)s AND resolved AND seq <= %(below)s
    RETURNING item_id, octet_length(payload) AS size
), unneeded AS (
    DELETE FROM versions v USING (
           SELECT item_id FROM gone UNION SELECT item_id FROM settled) done
     WHERE v.vault_id = %(vault)s AND v.item_id = done.item_id
       AND NOT EXISTS (
           SELECT 1 FROM items i
            WHERE i.vault_id = %(vault)s AND i.item_id = v.item_id
              AND NOT (i.deleted AND i.seq <= %(below)s))
       AND NOT EXISTS (
           SELECT 1 FROM sides s
            WHERE s.vault_id = %(vault)s AND s.item_id = v.item_id AND NOT s.resolved)
    RETURNING octet_length(v.payload) AS size
), freed AS (
    UPDATE accounts a SET stored_bytes = stored_bytes - (
           SELECT coalesce(sum({ROW_BYTES} + coalesce(size, 0)), 0) FROM (
                  SELECT size FROM gone UNION ALL SELECT size FROM settled
                  UNION ALL SELECT size FROM unneeded) AS deleted)
      FROM vaults v WHERE v.id = %(vault)s AND a.id = v.account_id
)
SELECT (SELECT count(*) FROM gone) + (SELECT count(*) FROM settled)
"""


class LockRepository:
    """Locks the vaults that a request writes to, and their accounts."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    async def lock(
        self,
        user_id: UUID,
        device: UUID,
        marks: Mapping[UUID, UUID | None],
        token_id: UUID | None,
    ) -> list[VaultState]:
        """Lock those vaults of *marks* that the user is a member of.

        *marks* holds the mark that the device sent, by vault; *token_id* is a token of
        the user that must be confirmed.
        """
        cursor = self._connection.cursor(row_factory=args_row(VaultState))
        values = {
            "vaults": uuids(marks),
            "user": user_id,
            "device": device,
            "token": token_id,
            "marks": uuids(mark for mark in marks.values() if mark),
        }
        await cursor.execute(_LOCK, values)
        return await cursor.fetchall()


class VaultRepository:
    """Reads and writes one locked vault, all rows of a kind at once."""

    def __init__(self, connection: Connection, vault_id: UUID) -> None:
        self._connection, self._vault_id = connection, vault_id

    async def read_known(
        self, ids: PushedIds, user_id: UUID
    ) -> tuple[Standing, Rows, Sizes]:
        """Return the user's standing, the rows with *ids*, and their sizes.

        Call it when the vault is locked: until then another request may change them.
        """
        sets = {name: uuids(each) for name, each in ids._asdict().items()}
        cursor = await self._connection.execute(
            _KNOWN,
            {"vault": self._vault_id, "user": user_id, **sets},
        )
        role, rules, known, sizes = None, set[str](), Rows(), Sizes()
        rows = await cursor.fetchall()
        for kind, id, item, rev, flag, seq, position, hash, word, size in rows:
            match kind:
                case "role":
                    role = word
                case "rule":
                    rules.add(word)
                case "head":
                    known.heads[id] = Head(rev, flag, seq, hash)
                    sizes.heads[id] = size or 0
                case "revision":
                    known.revisions[id] = Revision(item, rev, word, seq, hash)
                case "side":
                    known.sides[id] = Side(item, flag, seq)
                    sizes.sides[id] = size or 0
                case "version":
                    known.versions[id] = Version(item, seq, position)
                case "history":
                    sizes.histories[id] = size
        return Standing(role, frozenset(rules)), known, sizes

    async def write(
        self,
        update: VaultUpdate,
        mark: UUID,
        account_id: UUID,
        author: UUID,
        device: UUID,
    ) -> None:
        """Store what was accepted, and the vault's new sequence number and digest.

        *mark* is a new random id of this write.
        """
        written = update.written
        values = {
            "vault": self._vault_id,
            "account": account_id,
            "user": author,
            "device": device,
            "seq": update.seq,
            "digest": update.digest_bytes,
            "mark": mark,
            "count": update.account.count,
            "stored": update.account.stored,
            **_columns("heads", _HEAD_TYPES, written.heads),
            **_columns("revisions", _REVISION_TYPES, written.revisions),
            **_columns("versions", _VERSION_TYPES, written.versions),
        }
        await self._connection.execute(_WRITE, values)
        if written.sides:
            columns = _columns("sides", _SIDE_TYPES, written.sides)
            await self._connection.execute(
                _WRITE_SIDES, {"vault": self._vault_id, **columns}
            )

    async def note_moves(
        self, moves: Sequence[LabelMove], account_id: UUID, author: UUID
    ) -> None:
        """Record in the team's activity which protected labels a user has moved."""
        labels, items, names, versions = zip(*moves, strict=True)
        values = {
            "vault": self._vault_id,
            "account": account_id,
            "user": author,
            "labels": Column("text", labels),
            "items": uuids(items),
            "names": Column("text", names),
            "versions": Column("text", versions),
        }
        await self._connection.execute(_NOTE_MOVES, values)

    async def purge(self, below: int) -> int:
        """Delete tombstones and resolved sides up to the sequence number *below*.

        Returns their number. Call it when the vault is locked. A device that has not
        read up to *below* must read the vault again.
        """
        await self._connection.execute(
            "UPDATE vaults SET gc_horizon = greatest(gc_horizon, %s) WHERE id = %s",
            (below, self._vault_id),
        )
        cursor = await self._connection.execute(
            _PURGE, {"vault": self._vault_id, "below": below}
        )
        ((count,),) = await cursor.fetchall()
        return int(count)


def _columns(
    name: str, types: Sequence[str], rows: Mapping[UUID, tuple[object, ...]]
) -> dict[str, Column]:
    """Return *rows*, with their ids as the first column, as one array a column."""
    whole = [(id, *row) for id, row in rows.items()]
    columns = zip(*whole, strict=True) if whole else [()] * len(types)
    return {
        f"{name}_{number}": Column(type, values)
        for number, (type, values) in enumerate(zip(types, columns, strict=True))
    }
