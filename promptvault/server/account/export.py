"""A user's prompts as JSON, in the format of `promptvault export --format json`."""

import json
from collections.abc import AsyncIterator, Callable, Iterable, Sequence
from contextlib import AbstractAsyncContextManager
from typing import Any, NamedTuple
from uuid import UUID

from psycopg.rows import args_row

from promptvault.server.account.repository import AccountRepository
from promptvault.server.database import Connection
from promptvault.server.pg_array import uuids
from promptvault.server.sync.feed import FeedRepository
from promptvault.server.sync.history import (
    HistoryRepository,
    HistorySize,
    Start,
    StoredVersion,
    VersionBatch,
)
from promptvault.server.sync.payload import named_versions

_PAGE_PROMPTS = 20
_PAGE_HISTORY = HistorySize(versions=2000, bytes=4 * 1024 * 1024)
"""The limit for one read of versions, over all prompts of a page."""
_BEFORE_ALL = UUID(int=0)
"""Lower than any random id."""

_PROMPTS = """
SELECT i.item_id, i.payload, last.number
  FROM items i
  JOIN vault_members m ON m.vault_id = i.vault_id
 CROSS JOIN LATERAL (
       SELECT number FROM versions v
        WHERE v.vault_id = %(vault)s AND v.item_id = i.item_id
        ORDER BY v.seq DESC, v.position DESC LIMIT 1) AS last
 WHERE i.vault_id = %(vault)s AND m.user_id = %(user)s
   AND i.item_id > %(after)s AND NOT i.deleted AND i.payload IS NOT NULL
 ORDER BY i.item_id LIMIT %(prompts)s
"""

_NAMED = """
SELECT version_id, number,
       CASE WHEN version_id = ANY(%(current)s::uuid[]) THEN payload END
  FROM versions WHERE vault_id = %(vault)s AND version_id = ANY(%(named)s::uuid[])
"""

Transaction = Callable[[], AbstractAsyncContextManager[Connection]]


class StoredPrompt(NamedTuple):
    """A prompt as a device has sent it."""

    id: UUID
    payload: bytes
    length: int
    """The number of its versions."""

    @property
    def state(self) -> dict[str, Any]:
        """The decoded payload."""
        state: dict[str, Any] = json.loads(self.payload)
        return state


class NamedVersion(NamedTuple):
    """A version that is current or has a label."""

    number: int
    payload: bytes | None
    """None if it is not a current version."""


class Page(NamedTuple):
    """Prompts in the order of their ids, and their named versions, each by id."""

    prompts: dict[UUID, StoredPrompt]
    named: dict[UUID, NamedVersion]


async def stream(
    transaction: Transaction, user_id: UUID, account_id: UUID
) -> AsyncIterator[str]:
    """Yield all prompts of a user as one JSON array, in pieces.

    *transaction* opens a transaction. Each page is read in one of its own, so a client
    that reads slowly holds no connection. A long history is never in memory as a whole.
    """
    async with transaction() as connection:
        vaults = await AccountRepository(connection).vaults(user_id, account_id)
    array = _Array()
    for vault in vaults:
        async for page, versions in _VaultReader(
            transaction, user_id, vault.id
        ).pages():
            for version in versions:
                array.add(page, version)
            yield array.take()
    yield array.end()


class _Array:
    """A JSON array of prompts while it is written."""

    def __init__(self) -> None:
        self._written: list[str] = []
        self._is_empty = True
        self._open: UUID | None = None
        """The prompt whose versions are being written."""

    def add(self, page: Page, version: StoredVersion) -> None:
        """Write a version, and the prompt itself before its first version.

        Versions newer than the page are left out, because the prompt does not count
        them.
        """
        prompt = page.prompts[version.item]
        if version.number > prompt.length:
            return
        if self._open == version.item:
            self._written.append(", ")
        else:
            self._close()
            self._written += (
                "[\n" if self._is_empty else ",\n",
                _beginning(prompt, page),
            )
            self._is_empty, self._open = False, version.item
        row = _decoded(version.payload)
        row |= {"id": str(version.id), "version": version.number}
        self._written.append(json.dumps(row, ensure_ascii=False))

    def take(self) -> str:
        """Return and remove what was written since the last call."""
        written, self._written = "".join(self._written), []
        return written

    def end(self) -> str:
        """Return the end of the array."""
        self._close()
        return self.take() + ("[]\n" if self._is_empty else "\n]\n")

    def _close(self) -> None:
        if self._open is not None:
            self._written.append("]}")
        self._open = None


class _VaultReader:
    """A vault that one of its members reads."""

    def __init__(self, transaction: Transaction, user_id: UUID, vault_id: UUID) -> None:
        self._transaction = transaction
        self._user_id, self._vault_id = user_id, vault_id

    async def pages(self) -> AsyncIterator[tuple[Page, list[StoredVersion]]]:
        """Yield pages with some of their versions, until all are read."""
        last = _BEFORE_ALL
        while (page := await self._page(last)).prompts:
            starts = [Start(id) for id in page.prompts]
            while starts:
                found = await self._versions(starts)
                yield page, found.versions
                starts = _after(starts, found)
            last = max(page.prompts)

    async def _page(self, after: UUID) -> Page:
        """Return the prompts after the id *after*, if the user is still a member."""
        values = {
            "vault": self._vault_id,
            "user": self._user_id,
            "after": after,
            "prompts": _PAGE_PROMPTS,
        }
        async with self._transaction() as connection:
            cursor = connection.cursor(row_factory=args_row(StoredPrompt))
            await cursor.execute(_PROMPTS, values)
            prompts = {each.id: each for each in await cursor.fetchall()}
            return Page(prompts, await self._named(connection, prompts.values()))

    async def _named(
        self, connection: Connection, prompts: Iterable[StoredPrompt]
    ) -> dict[UUID, NamedVersion]:
        states = [each.state for each in prompts]
        values = {
            "vault": self._vault_id,
            "current": uuids(UUID(state["version"]) for state in states),
            "named": uuids({id for state in states for id in named_versions(state)}),
        }
        cursor = await connection.execute(_NAMED, values)
        return {id: NamedVersion(*row) for id, *row in await cursor.fetchall()}

    async def _versions(self, starts: Sequence[Start]) -> VersionBatch:
        """Return the next versions of the prompts, if the user is still a member."""
        async with self._transaction() as connection:
            members = FeedRepository(connection, self._vault_id, self._user_id)
            if not await members.is_member():
                return VersionBatch([], len(starts))
            history = HistoryRepository(connection, self._vault_id)
            return await history.read_versions(starts, _PAGE_HISTORY)


def _after(starts: Sequence[Start], found: VersionBatch) -> list[Start]:
    """Return the prompts, with positions, that are left to read after *found*."""
    left = list(starts[found.complete :])
    if left and found.versions and found.versions[-1].item == left[0].item:
        last = found.versions[-1]
        left[0] = Start(last.item, last.seq, last.position)
    return left


def _beginning(prompt: StoredPrompt, page: Page) -> str:
    """Return a prompt's JSON up to its versions.

    The format is that of `promptvault export --format json`.
    """
    state = prompt.state
    current = page.named[UUID(state["version"])]
    content = _decoded(current.payload)
    labels: dict[str, str] = state.get("labels", {})
    row = state | {
        "id": str(prompt.id),
        "version": current.number,
        "versions": prompt.length,
        "labels": {label: page.named[UUID(id)].number for label, id in labels.items()},
        "template": content.get("template"),
        "body": content.get("body"),
        "variables": content.get("variables"),
    }
    return json.dumps(row, ensure_ascii=False)[:-1] + ', "history": ['


def _decoded(payload: bytes | None) -> dict[str, Any]:
    return {} if payload is None else json.loads(payload)
