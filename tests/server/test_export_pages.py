"""An export of long histories, which is read piece by piece."""

import contextlib
from collections.abc import AsyncIterator, Callable
from uuid import uuid4

from promptvault.server.account.export import stream
from promptvault.server.database import Connection
from tests.server.sync.conftest import (  # noqa: F401 - fixtures
    LIMITS,
    Vault,
    open_vault,
    push,
    runner,
    vault,
    version,
)

_LONG = "x" * (LIMITS.payload - 1000)


async def _read(vault: Vault) -> list[tuple[int, int]]:  # noqa: F811
    """Return the length of each piece, and how often the database was asked by then."""
    asked = 0

    @contextlib.asynccontextmanager
    async def transaction() -> AsyncIterator[Connection]:
        nonlocal asked
        asked += 1
        async with vault.connection.transaction():
            yield vault.connection

    pieces = stream(transaction, vault.bearer.user_id, vault.bearer.account_id)
    return [(len(piece), asked) async for piece in pieces]


def test_long_histories_are_read_a_few_at_a_time(
    open_vault: Callable[..., Vault],  # noqa: F811
) -> None:
    vault = open_vault()  # noqa: F811
    for _ in range(8):
        vault.say(push(str(uuid4()), [version(_LONG) for _ in range(8)]))
    pieces = vault.runner.run(_read(vault))
    read = [asked for length, asked in pieces if length > 8 * len(_LONG)]
    assert len(read) == 8
    assert max(map(read.count, read)) == 2  # of two megabytes each, in a page of four


def test_a_history_longer_than_a_page_is_exported(
    open_vault: Callable[..., Vault],  # noqa: F811
) -> None:
    vault = open_vault()  # noqa: F811
    for _ in range(2):
        vault.say(push(str(uuid4()), [version(_LONG) for _ in range(20)]))
    pieces = vault.runner.run(_read(vault))
    assert [asked for length, asked in pieces if length > 20 * len(_LONG)] == [2, 3]
