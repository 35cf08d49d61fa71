"""Versions as they are read: prompt by prompt, in parts of a bounded length.

What a part costs depends on its own length alone, however long the histories are and
however many prompts are asked for.
"""

from collections.abc import Sequence
from typing import NamedTuple
from uuid import UUID

from promptvault.server.database import Connection
from promptvault.server.pg_array import Column, uuids

_LAST_POSITION = 2**31 - 1


class Start(NamedTuple):
    """A prompt, and the place after which its versions are read."""

    item: UUID
    seq: int = 0
    position: int = _LAST_POSITION


class HistorySize(NamedTuple):
    """How much a part may hold; one version is read if it is longer by itself."""

    versions: int
    bytes: int


class StoredVersion(NamedTuple):
    """A version as its device has sent it, and its place."""

    item: UUID
    id: UUID
    seq: int
    position: int
    number: int
    payload: bytes


class Portion(NamedTuple):
    """What was read."""

    versions: list[StoredVersion]
    complete: int
    """Of so many of the prompts, from the first on, there is no more to read."""

    def of(self, item: UUID) -> list[StoredVersion]:
        """Return the versions of one prompt."""
        return [each for each in self.versions if each.item == item]


# The walk adds one prompt after the other until they are too much for the part, and
# looks at no version beyond: a window over all of them would count each in every part.
_READ = """
WITH RECURSIVE walk AS (
    SELECT 0 AS number, NULL::uuid AS item, 0::bigint AS seq, 0 AS position,
           0::bigint AS count, 0::bigint AS bytes
    UNION ALL
    SELECT walk.number + 1, (%(items)s::uuid[])[walk.number + 1],
           (%(seqs)s::bigint[])[walk.number + 1],
           (%(positions)s::int[])[walk.number + 1],
           walk.count + found.count, walk.bytes + found.bytes
      FROM walk CROSS JOIN LATERAL (
           SELECT count(*), coalesce(sum(size), 0)::bigint AS bytes FROM (
                  SELECT octet_length(v.payload) AS size FROM versions v
                   WHERE v.vault_id = %(vault)s
                     AND v.item_id = (%(items)s::uuid[])[walk.number + 1]
                     AND (v.seq, v.position) > (
                         (%(seqs)s::bigint[])[walk.number + 1],
                         (%(positions)s::int[])[walk.number + 1])
                   ORDER BY v.seq, v.position LIMIT %(versions)s + 1) AS sizes) AS found
     WHERE walk.number < cardinality(%(items)s::uuid[])
       AND walk.count <= %(versions)s AND walk.bytes <= %(bytes)s
), counted AS (
    SELECT walk.number AS nth, v.*,
           row_number() OVER in_order AS place,
           sum(octet_length(v.payload)) OVER in_order AS sum
      FROM walk CROSS JOIN LATERAL (
           SELECT item_id, version_id, seq, position, number, payload FROM versions v
            WHERE v.vault_id = %(vault)s AND v.item_id = walk.item
              AND (v.seq, v.position) > (walk.seq, walk.position)
            ORDER BY v.seq, v.position LIMIT %(versions)s + 1) AS v
    WINDOW in_order AS (ORDER BY walk.number, v.seq, v.position)
)
SELECT (SELECT max(number) - (
               max(count) > %(versions)s OR max(bytes) > %(bytes)s)::int FROM walk),
       item_id, version_id, seq, position, number, payload
  FROM (SELECT) AS always
  LEFT JOIN counted
    ON place = 1 OR (place <= %(versions)s AND sum <= %(bytes)s)
 ORDER BY place
"""


class HistoryRepository:
    """Reads the versions of a vault's prompts; whether that is allowed was asked."""

    def __init__(self, connection: Connection, vault_id: UUID) -> None:
        self._connection, self._vault_id = connection, vault_id

    async def read(self, starts: Sequence[Start], size: HistorySize) -> Portion:
        """Return the versions after each of *starts*, as far as *size* goes.

        They come in the order of *starts*, those of a prompt in the order of their
        numbers. Of the first prompt there is at least one, if it has any.
        """
        if not starts:
            return Portion([], 0)
        values = {
            "vault": self._vault_id,
            "items": uuids([each.item for each in starts]),
            "seqs": Column("bigint", [each.seq for each in starts]),
            "positions": Column("int", [each.position for each in starts]),
            **size._asdict(),
        }
        cursor = await self._connection.execute(_READ, values)
        rows = await cursor.fetchall()
        versions = [StoredVersion(*row[1:]) for row in rows if row[1] is not None]
        return Portion(versions, rows[0][0])
