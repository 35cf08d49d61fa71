"""Many at once on one database: nothing missed, nothing stuck, never over the limit."""

import asyncio
from collections.abc import Callable
from dataclasses import replace
from typing import Any
from uuid import uuid4

import psycopg

from promptvault.domain.tier import Tier
from promptvault.server.database import Connection
from promptvault.server.sync.service import synchronise
from promptvault.wire.sync import SyncRequest
from tests.server.sync.conftest import LIMITS, Vault, after, new, set_limit

WRITERS = 8
ROUNDS = 15


async def _ask(
    connection: Connection, vault: Vault, *vaults: dict[str, Any]
) -> list[dict[str, Any]]:
    request = {"proto": 1, "device": str(uuid4()), "vaults": [*vaults]}
    async with connection.transaction():
        answer = await synchronise(
            connection,
            vault.bearer,
            SyncRequest.model_validate(request),
            LIMITS.model_copy(update={"items": 7}),
        )
    found: list[dict[str, Any]] = answer.model_dump(mode="json")["vaults"]
    return found


def test_a_reader_misses_nothing_while_eight_write(
    vault: Vault, database_url: str
) -> None:
    async def write() -> None:
        async with await Connection.connect(database_url, autocommit=True) as own:
            for _ in range(ROUNDS):
                first = new()
                pushes = [first, after(first)]
                await _ask(own, vault, {"id": str(vault.id), "push": pushes})

    async def read(writing: asyncio.Task[Any]) -> list[dict[str, Any]]:
        seen: list[dict[str, Any]] = []
        cursor: dict[str, Any] = {}
        async with await Connection.connect(database_url, autocommit=True) as own:
            while True:
                last = writing.done()
                request = {"id": str(vault.id), "cursor": cursor}
                (answer,) = await _ask(own, vault, request)
                seen += answer["feed"]
                cursor = answer["cursor"]
                if last and not answer["more"]:
                    return seen

    async def run() -> list[dict[str, Any]]:
        async def write_all() -> None:
            await asyncio.gather(*(write() for _ in range(WRITERS)))

        writing = asyncio.create_task(write_all())
        seen = await read(writing)
        await writing
        return seen

    seqs = [each["seq"] for each in vault.runner.run(run())]
    assert seqs == sorted(seqs)
    assert seqs == [2 * number for number in range(1, WRITERS * ROUNDS + 1)]


def test_two_vaults_of_one_account_never_wait_for_each_other(
    open_vault: Callable[..., Vault], database_url: str
) -> None:
    """And together they never hold more than the account may."""
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
    """Counted by PostgreSQL: rows that scans read, whatever the plan."""
    vault.limits = LIMITS.model_copy(update={"items": 100_000})
    pushes = [new() for _ in range(8000)]
    vault.say(*pushes)
    cursor = vault.sync()["cursor"]
    cursor = {"epoch": cursor["epoch"], "seq": 8000}
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
