"""Concurrent pushes on one database: no lost change, no deadlock, no exceeded limit."""

import asyncio
import random
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any
from uuid import UUID, uuid4

import psycopg
from psycopg.rows import args_row

from promptvault.domain.tier import Tier
from promptvault.server.database import Connection
from promptvault.server.sync.exchange import Exchange
from promptvault.server.sync.push_rules import VaultUpdate
from promptvault.server.sync.repository import (
    LockRepository,
    VaultRepository,
    VaultState,
)
from promptvault.wire.sync import SyncRequest
from tests.server.sync.conftest import LIMITS, Vault, after, new, set_limit

WRITERS = 8
ROUNDS = 15


async def _ask(
    connection: Connection,
    vault: Vault,
    *vaults: dict[str, Any],
    exchange: type[Exchange] = Exchange,
) -> list[dict[str, Any]]:
    body = {"proto": 1, "device": str(uuid4()), "vaults": [*vaults]}
    request = SyncRequest.model_validate(body)
    limits = LIMITS.model_copy(update={"items": 7})
    async with connection.transaction():
        way = exchange(
            *(connection, vault.bearer, request.device, limits), lambda plan: None
        )
        answers = await way.run(request)
    return [answer.model_dump(mode="json") for answer in answers]


class Stalling(LockRepository):
    """Waits between taking a number and the commit."""

    async def lock(
        self,
        user_id: UUID,
        device: UUID,
        marks: Mapping[UUID, UUID | None],
        token_id: UUID | None,
    ) -> list[VaultState]:
        states = await super().lock(user_id, device, marks, token_id)
        await asyncio.sleep(random.uniform(0, 0.01))
        return states


class Honest(Exchange):
    """The server's algorithm, a little slower."""

    lock_repository = Stalling


class Sequences(LockRepository):
    """Numbers from a sequence: taken before the commit, without a lock."""

    async def lock(
        self,
        user_id: UUID,
        device: UUID,
        marks: Mapping[UUID, UUID | None],
        token_id: UUID | None,
    ) -> list[VaultState]:
        cursor = self._connection.cursor(row_factory=args_row(VaultState))
        await cursor.execute(
            "SELECT id, account_id, epoch, nextval('numbers') - 2, gc_horizon, digest,"
            " mark, NULL, '', NULL, 0, 0, false, true, NULL, NULL FROM vaults"
            " WHERE id = ANY(%b::uuid[])",
            ([*marks],),
        )
        states = await cursor.fetchall()
        await asyncio.sleep(random.uniform(0, 0.01))
        return states


class SequenceVault(VaultRepository):
    """Writes as the server does, but never returns a number."""

    async def write(self, update: VaultUpdate, mark: UUID, *rest: Any) -> None:
        await super().write(update, mark, *rest)
        await self._connection.execute(
            "UPDATE vaults SET head_seq = (SELECT max(seq) FROM items"
            " WHERE vault_id = vaults.id) WHERE id = %s",
            (self._vault_id,),
        )


class Control(Exchange):
    """The error that the server must not have."""

    lock_repository = Sequences
    vault_repository = SequenceVault


def test_a_reader_misses_nothing_while_eight_write(
    vault: Vault, database_url: str
) -> None:
    assert _seen_while_eight_write(vault, database_url, Honest) == [
        2 * number for number in range(1, WRITERS * ROUNDS + 1)
    ]


def test_numbers_out_of_a_sequence_would_be_missed(
    open_vault: Callable[..., Vault], database_url: str
) -> None:
    """This shows that the test above can fail."""
    vault = open_vault()
    with psycopg.connect(database_url) as connection:
        connection.execute("CREATE SEQUENCE numbers INCREMENT 2 START 2")
    seen = _seen_while_eight_write(vault, database_url, Control)
    written = vault.rows("SELECT seq FROM items WHERE vault_id = %s")
    assert len(written) == WRITERS * ROUNDS
    assert {seq for (seq,) in written} - {*seen}


def _seen_while_eight_write(
    vault: Vault, database_url: str, exchange: type[Exchange]
) -> list[int]:
    """Return the numbers that a reader sees, page by page."""

    async def write() -> None:
        async with await Connection.connect(database_url, autocommit=True) as own:
            for _ in range(ROUNDS):
                first = new()
                pushes = [first, after(first)]
                asked = {"id": str(vault.id), "push": pushes}
                await _ask(own, vault, asked, exchange=exchange)

    async def read(writing: asyncio.Task[Any]) -> list[int]:
        seen: list[int] = []
        cursor: dict[str, Any] = {}
        async with await Connection.connect(database_url, autocommit=True) as own:
            while True:
                last = writing.done()
                request = {"id": str(vault.id), "cursor": cursor}
                (answer,) = await _ask(own, vault, request)
                seen += [each["seq"] for each in answer["feed"]]
                cursor = answer["cursor"]
                if last and not answer["more"]:
                    return seen

    async def run() -> list[int]:
        async def write_all() -> None:
            await asyncio.gather(*(write() for _ in range(WRITERS)))

        writing = asyncio.create_task(write_all())
        seen = await read(writing)
        await writing
        return seen

    return vault.runner.run(run())


def test_two_vaults_of_one_account_never_wait_for_each_other(
    open_vault: Callable[..., Vault], database_url: str
) -> None:
    """Together they never exceed the limit of the account."""
    vault = open_vault(tier=Tier.FREE)
    set_limit(vault, 20)
    with psycopg.connect(database_url) as connection:
        row = connection.execute(
            "WITH made AS (INSERT INTO vaults (account_id, name)"
            " VALUES (%s, 'Second') RETURNING id)"
            " INSERT INTO vault_members SELECT id, %s, 'owner' FROM made"
            " RETURNING vault_id",
            (vault.bearer.account_id, vault.bearer.user_id),
        ).fetchone()
    assert row is not None
    other = replace(vault, id=row[0])

    async def write(number: int) -> None:
        order = [vault.id, other.id][:: 1 if number % 2 else -1]
        ids = order[: 1 + number % 3 // 2 + number % 2]
        async with await Connection.connect(database_url, autocommit=True) as own:
            for _ in range(ROUNDS):
                await _ask(own, vault, *({"id": str(i), "push": [new()]} for i in ids))

    async def run() -> None:
        await asyncio.gather(*(write(number) for number in range(WRITERS)))

    vault.runner.run(asyncio.wait_for(run(), 100))
    with psycopg.connect(database_url) as connection:
        counts = connection.execute(
            "SELECT count(*), (SELECT prompt_count FROM accounts) FROM items"
        ).fetchone()
    assert counts == (20, 20)


def test_a_small_sync_reads_no_more_in_a_large_vault(vault: Vault) -> None:
    """Counted by PostgreSQL: rows read by scans, whatever the plan is."""
    vault.limits = LIMITS.model_copy(update={"items": 100_000})
    pushes = [new() for _ in range(2000)]
    vault.say(*pushes)
    cursor = vault.sync()["cursor"]
    cursor = {"epoch": cursor["epoch"], "seq": 2000}
    vault.limits = LIMITS
    before = _rows_read(vault)
    answer = vault.sync(new(), after(pushes[7]), pushes[8], cursor=cursor)
    assert [each["r"] for each in answer["results"]] == ["ok"] * 3
    vault.sync(cursor=answer["cursor"])
    assert _rows_read(vault) - before < 100


def _rows_read(vault: Vault) -> int:
    vault.rows("SELECT pg_stat_force_next_flush() WHERE %s IS NOT NULL")
    ((count,),) = vault.rows(
        "SELECT sum(seq_tup_read + idx_tup_fetch)::int FROM pg_stat_user_tables"
        " WHERE %s IS NOT NULL"
        " AND relname IN ('items', 'revisions', 'sides', 'versions')"
    )
    return int(count)
