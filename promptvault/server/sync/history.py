"""Reading versions, prompt by prompt, in batches of a bounded size.

The cost of a batch depends on its own size only, not on the length of the histories or
the number of prompts.
"""

from collections.abc import Sequence
from typing import NamedTuple
from uuid import UUID

from promptvault.server.database import Connection
from promptvault.server.pg_array import Column, uuids

_LAST_POSITION = 2**31 - 1


class Start(NamedTuple):
    """A prompt, and the position after which to read its versions."""

    item: UUID
    seq: int = 0
    position: int = _LAST_POSITION


class HistorySize(NamedTuple):
    """The limits of a batch. A single version may exceed them."""

    versions: int
    bytes: int


class StoredVersion(NamedTuple):
    """A version as a device has sent it, and its position in the history."""

    item: UUID
    id: UUID
    seq: int
    position: int
    number: int
    payload: bytes


class VersionBatch(NamedTuple):
    """Versions that were read together."""

    versions: list[StoredVersion]
    complete: int
    """The number of prompts, from the first on, whose versions are all read."""

    def of(self, item: UUID) -> list[StoredVersion]:
        """Return the versions of one prompt."""
        return [each for each in self.versions if each.item == item]


# The walk adds prompts until the batch is full, and reads no version beyond that. A
# window over all versions would count all of them again for each batch.
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
    """Reads the versions of a vault's prompts. The caller checks the membership."""

    def __init__(self, connection: Connection, vault_id: UUID) -> None:
        self._connection, self._vault_id = connection, vault_id

    async def read_versions(
        self, starts: Sequence[Start], size: HistorySize
    ) -> VersionBatch:
        """Return versions after each of *starts*, up to *size*.

        They are in the order of *starts*, and for each prompt in the order of their
        numbers. If the first prompt has any, there is at least one.
        """
        if not starts:
            return VersionBatch([], 0)
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
        return VersionBatch(versions, rows[0][0])
