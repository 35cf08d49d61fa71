"""A vault, and the service of sync on a connection of its own."""

import asyncio
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID, uuid4

import psycopg
import pytest

from promptvault.domain.tier import Tier
from promptvault.domain.vault_digest import vault_digest
from promptvault.server.admin import Admin
from promptvault.server.database import Connection
from promptvault.server.sync.repository import VaultRepository
from promptvault.server.sync.service import synchronise
from promptvault.server.token.repository import Bearer
from promptvault.wire.sync import Limits, SyncRequest
from tests.server.conftest import EMAIL

LIMITS = Limits(items=500, bytes=1 << 20, inflated=4 << 20, payload=256 * 1024)


STORED = """
SELECT sum(bytes) FROM (
       SELECT vault_id, 200 + coalesce(octet_length(payload), 0) AS bytes FROM items
       UNION ALL
       SELECT vault_id, 200 + coalesce(octet_length(payload), 0) FROM sides
       UNION ALL SELECT vault_id, 200 + octet_length(payload) FROM versions
       UNION ALL SELECT vault_id, 200 FROM revisions
       UNION ALL SELECT id, 0 FROM vaults) kept
 WHERE vault_id IN (SELECT id FROM vaults WHERE account_id = (
       SELECT account_id FROM vaults WHERE id = %s))
"""
"""The stored bytes of an account, summed over its rows; by one of its vaults."""

MISNUMBERED = """
SELECT version_id FROM (
       SELECT version_id, number, row_number() OVER (
                  PARTITION BY item_id ORDER BY seq, position) AS place
         FROM versions WHERE vault_id = %s) numbered
 WHERE number <> place
"""
"""Versions whose number does not match their place."""


def version(text: str = "Say hello.", id: str | None = None) -> dict[str, Any]:
    """Return a version as devices send it."""
    return {
        "id": id or str(uuid4()),
        "body": text,
        "template": False,
        "variables": {},
        "message": "",
        "author": {"name": "Ada", "email": EMAIL},
        "created_at": "2026-05-01T09:30:00.000Z",
    }


def push(
    item: str,
    versions: list[dict[str, Any]],
    current: str | None = None,
    **fields: Any,
) -> dict[str, Any]:
    """Return the push of a head; `current` names the version if none is sent."""
    made: dict[str, Any] = {
        "kind": "head",
        "item": item,
        "rev": str(uuid4()),
        "base": None,
        "payload": {
            "name": "greeting",
            "labels": {},
            "version": current or versions[-1]["id"],
        },
        "versions": versions,
    }
    return {**made, **fields}


def new(text: str = "Say hello.", **fields: Any) -> dict[str, Any]:
    """Return the push of a new prompt."""
    return push(str(uuid4()), [version(text)], **fields)


def after(earlier: dict[str, Any], text: str = "Hi!", **fields: Any) -> dict[str, Any]:
    """Return a push based on *earlier*, of the same prompt."""
    line = {"base": earlier["rev"], "chain": [earlier["rev"]]}
    return {**push(earlier["item"], [version(text)], **line), **fields}


def beside(head: dict[str, Any], text: str = "Ho!", **fields: Any) -> dict[str, Any]:
    """Return the push of a side of a prompt."""
    made = push(head["item"], [version(text)], kind="side", base=head["rev"], **fields)
    return made


def gone(earlier: dict[str, Any]) -> dict[str, Any]:
    """Return the push that deletes."""
    return {**after(earlier), "deleted": True, "payload": None, "versions": []}


@dataclass
class Vault:
    """A vault, and the access of one user through the service."""

    runner: asyncio.Runner
    connection: Connection
    bearer: Bearer
    id: UUID
    limits: Limits = field(default_factory=LIMITS.model_copy)
    storage: int | None = None
    """Bytes that its account may store."""

    def ask(self, request: dict[str, Any]) -> dict[str, Any]:
        """Send a whole request."""
        return self.runner.run(self._ask(SyncRequest.model_validate(request)))

    async def _ask(self, request: SyncRequest) -> dict[str, Any]:
        async with self.connection.transaction():
            answer, _ = await synchronise(
                *(self.connection, self.bearer, request, self.limits),
                lambda plan: self.storage,
            )
        return answer.model_dump(mode="json", exclude_unset=True)

    def sync(
        self, *pushes: dict[str, Any], cursor: dict[str, Any] | None = None
    ) -> dict[str, Any]:
        """Push to the vault, read from *cursor*, and return the vault's answer."""
        request = {"id": str(self.id), "cursor": cursor or {}, "push": [*pushes]}
        body = {"proto": 1, "device": str(uuid4()), "vaults": [request]}
        answer: dict[str, Any] = self.ask(body)["vaults"][0]
        return answer

    def say(self, *pushes: dict[str, Any]) -> list[dict[str, Any]]:
        """Push and return the results."""
        results: list[dict[str, Any]] = self.sync(*pushes)["results"]
        return results

    def purge(self, below: int) -> None:
        """Forget what was deleted."""
        self.runner.run(self._purge(below))

    async def _purge(self, below: int) -> None:
        async with self.connection.transaction():
            await VaultRepository(self.connection, self.id).purge(below)

    def rows(self, query: str, *values: Any) -> list[tuple[Any, ...]]:
        """Return rows; the first value of every query is the vault."""
        return self.runner.run(self._rows(query, values))

    async def _rows(self, query: str, values: Any) -> list[tuple[Any, ...]]:
        async with self.connection.transaction():
            cursor = await self.connection.execute(query, (self.id, *values))
            return await cursor.fetchall() if cursor.description else []

    def check(self) -> None:
        """Assert the invariants that hold after every request."""
        ((head_seq, digest, limit, count),) = self.rows(
            "SELECT head_seq, digest, prompt_limit, prompt_count FROM vaults v"
            " JOIN accounts a ON a.id = account_id WHERE v.id = %s"
        )
        items = self.rows(
            "SELECT item_id, head_rev, seq, deleted FROM items WHERE vault_id = %s"
        )
        sides = self.rows("SELECT seq FROM sides WHERE vault_id = %s")
        seqs = [row[2] for row in items] + [row[0] for row in sides]
        assert len({*seqs}) == len(seqs)  # I1
        assert all(0 < seq <= head_seq for seq in seqs)
        live = [(item, rev) for item, rev, _, deleted in items if not deleted]
        assert digest == vault_digest(live)  # I7
        assert count == len(live)  # I4
        assert limit is None or count <= limit
        self._check_lines([(row[0], row[1]) for row in items])
        assert self.stored() == self.counted()
        assert self.rows(MISNUMBERED) == []

    def stored(self) -> int:
        """Return the stored bytes of the account, as its counter says."""
        ((bytes,),) = self.rows(
            "SELECT stored_bytes FROM vaults v JOIN accounts a ON a.id = account_id"
            " WHERE v.id = %s"
        )
        return int(bytes)

    def counted(self) -> int:
        """Return the stored bytes of the account, counted from the tables."""
        ((bytes,),) = self.rows(STORED)
        return int(bytes)

    def _check_lines(self, heads: list[tuple[UUID, UUID]]) -> None:
        """Assert that a prompt's revisions form one line that ends in its head."""
        rows = self.rows(
            "SELECT item_id, rev, base_rev FROM revisions"
            " WHERE vault_id = %s AND kind = 'head' ORDER BY seq"
        )
        last: dict[UUID, UUID] = {}
        for item, rev, base in rows:
            assert base is None or base == last.get(item)
            last[item] = rev
        assert all(last[item] == rev for item, rev in heads)


@pytest.fixture
def runner() -> Iterator[asyncio.Runner]:
    """Return a runner of coroutines."""
    with asyncio.Runner() as runner:
        yield runner


@pytest.fixture
def open_vault(
    runner: asyncio.Runner, admin: Admin, database_url: str
) -> Iterator[Callable[..., Vault]]:
    """Return a function that opens the vault of a user, who is created if needed."""
    opened: list[Connection] = []

    def open(email: str = EMAIL, tier: Tier = Tier.PRO) -> Vault:
        if email not in {user.email for user in admin.users()}:
            admin.add_user(email, tier)
        opened.append(runner.run(Connection.connect(database_url, autocommit=True)))
        bearer, vault_id = _whose(database_url, email)
        return Vault(runner, opened[-1], bearer, vault_id)

    yield open
    for connection in opened:
        runner.run(connection.close())


def _whose(database_url: str, email: str) -> tuple[Bearer, UUID]:
    with psycopg.connect(database_url) as connection:
        row = connection.execute(
            "SELECT u.id, u.account_id, v.id FROM users u"
            " JOIN vaults v USING (account_id) WHERE email = %s AND team_id IS NULL",
            (email,),
        ).fetchone()
    assert row is not None
    scopes = ["sync:read", "sync:write"]
    bearer = Bearer(uuid4(), row[0], row[1], None, email, "owner", scopes, False, 0)
    return bearer, row[2]


@pytest.fixture
def vault(open_vault: Callable[..., Vault]) -> Iterator[Vault]:
    """Return the vault of a user without limits; it is checked at the end."""
    vault = open_vault()
    yield vault
    vault.check()


def set_limit(vault: Vault, limit: int | None) -> None:
    """Set the limit of prompts of the account of *vault*."""
    vault.rows(
        "WITH v AS (SELECT account_id FROM vaults WHERE id = %s)"
        " UPDATE accounts SET prompt_limit = %s FROM v WHERE id = v.account_id",
        limit,
    )
