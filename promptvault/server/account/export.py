"""A user's prompts as JSON, which `promptvault import` reads."""

import json
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager
from typing import Any, NamedTuple
from uuid import UUID

from psycopg.rows import args_row

from promptvault.server.account.repository import AccountRepository
from promptvault.server.database import Connection

_PAGE_PROMPTS = 20
_PAGE_BYTES = 4 * 1024 * 1024
"""Read at a time, but for a single prompt whose history is longer by itself."""
_BEFORE_ALL = UUID(int=0)
"""No device draws this one by lot."""

# Sizes are known without reading what is long.
_PAGE = """
WITH candidates AS (
    SELECT items.vault_id, item_id, payload
      FROM items JOIN vault_members m ON m.vault_id = items.vault_id
     WHERE items.vault_id = %(vault)s AND m.user_id = %(user)s
       AND item_id > %(after)s AND NOT deleted AND payload IS NOT NULL
     ORDER BY item_id LIMIT %(prompts)s
), sized AS (
    SELECT candidates.*, octet_length(payload) + coalesce((
               SELECT sum(octet_length(v.payload)) FROM versions v
                WHERE v.vault_id = %(vault)s
                  AND v.item_id = candidates.item_id), 0) AS size
      FROM candidates
), counted AS (
    SELECT sized.*, row_number() OVER (ORDER BY item_id) AS number,
           sum(size) OVER (ORDER BY item_id) AS sum
      FROM sized
)
SELECT i.item_id, i.payload,
       array_agg(v.version_id ORDER BY v.seq, v.position),
       array_agg(v.payload ORDER BY v.seq, v.position)
  FROM counted i
  JOIN versions v ON v.vault_id = %(vault)s AND v.item_id = i.item_id
 WHERE number = 1 OR sum <= %(bytes)s
 GROUP BY i.item_id, i.payload ORDER BY i.item_id
"""

Transaction = Callable[[], AbstractAsyncContextManager[Connection]]


class StoredPrompt(NamedTuple):
    """A prompt as devices have sent it, its versions in the order of their numbers."""

    id: UUID
    payload: bytes
    version_ids: list[UUID]
    versions: list[bytes]


async def stream(
    transaction: Transaction, user_id: UUID, account_id: UUID
) -> AsyncIterator[str]:
    """Yield all prompts of a user as one JSON array, piece by piece.

    Each page is read in a *transaction* of its own: somebody who reads slowly holds no
    connection.
    """
    mark = "[\n"
    async for prompt in _prompts(transaction, user_id, account_id):
        yield mark + json.dumps(prompt_row(prompt), ensure_ascii=False)
        mark = ",\n"
    yield "\n]\n" if mark == ",\n" else "[]\n"


async def _prompts(
    transaction: Transaction, user_id: UUID, account_id: UUID
) -> AsyncIterator[StoredPrompt]:
    async with transaction() as connection:
        vaults = await AccountRepository(connection).vaults(user_id, account_id)
    for vault in vaults:
        last: UUID | None = _BEFORE_ALL
        while last is not None:
            async with transaction() as connection:
                page = await _page(connection, user_id, vault.id, last)
            for prompt in page:
                yield prompt
            last = page[-1].id if page else None


async def _page(
    connection: Connection, user_id: UUID, vault_id: UUID, after: UUID
) -> list[StoredPrompt]:
    """Return the prompts that follow *after*, if the user still is a member."""
    values = {
        "vault": vault_id,
        "user": user_id,
        "after": after,
        "prompts": _PAGE_PROMPTS,
        "bytes": _PAGE_BYTES,
    }
    cursor = connection.cursor(row_factory=args_row(StoredPrompt))
    await cursor.execute(_PAGE, values)
    return await cursor.fetchall()


def prompt_row(prompt: StoredPrompt) -> dict[str, Any]:
    """Return a prompt as `promptvault export --format json` writes it."""
    state: dict[str, Any] = json.loads(prompt.payload)
    numbers = {id: number for number, id in enumerate(prompt.version_ids, 1)}
    history = [
        json.loads(payload) | {"id": str(id), "version": numbers[id]}
        for id, payload in zip(prompt.version_ids, prompt.versions, strict=True)
    ]
    number = numbers[UUID(state["version"])]
    current = history[number - 1]
    return state | {
        "id": str(prompt.id),
        "version": number,
        "versions": len(history),
        "labels": _numbered(state.get("labels", {}), numbers),
        "template": current.get("template"),
        "body": current.get("body"),
        "variables": current.get("variables"),
        "history": history,
    }


def _numbered(labels: dict[str, str], numbers: dict[UUID, int]) -> dict[str, int]:
    return {label: numbers[UUID(id)] for label, id in labels.items()}
