"""An export of long histories, which is read piece by piece."""

import contextlib
import json
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


async def _read(vault: Vault) -> list[str]:  # noqa: F811
    """Return the pieces in which everything is exported."""

    @contextlib.asynccontextmanager
    async def transaction() -> AsyncIterator[Connection]:
        async with vault.connection.transaction():
            yield vault.connection

    pieces = stream(transaction, vault.bearer.user_id, vault.bearer.account_id)
    return [piece async for piece in pieces]


def test_long_histories_are_read_in_parts(
    open_vault: Callable[..., Vault],  # noqa: F811
) -> None:
    vault = open_vault()  # noqa: F811
    pushes = {}
    for count in (20, 1, 35, 3):
        sent = [version(_LONG) for _ in range(min(count, 18))]
        head = push(str(uuid4()), sent)
        vault.say(head)
        if rest := [version(_LONG) for _ in range(count - 18)]:
            head = push(head["item"], rest, base=head["rev"])
            sent += rest
            vault.say(head)
        pushes[head["item"]] = sent
    pieces = vault.runner.run(_read(vault))
    assert max(map(len, pieces)) < 5 * 1024 * 1024
    rows = {row["id"]: row for row in json.loads("".join(pieces))}
    assert rows.keys() == pushes.keys()
    for item, sent in pushes.items():
        row = rows[item]
        assert [each["id"] for each in row["history"]] == [each["id"] for each in sent]
        numbers = [each["version"] for each in row["history"]]
        assert numbers == [*range(1, len(sent) + 1)]
        assert (row["version"], row["versions"]) == (len(sent), len(sent))
        assert row["body"] == _LONG


def test_short_histories_are_read_together(
    open_vault: Callable[..., Vault],  # noqa: F811
) -> None:
    vault = open_vault()  # noqa: F811
    vault.say(*[push(str(uuid4()), [version("Hi.")]) for _ in range(40)])
    pieces = vault.runner.run(_read(vault))
    assert len(json.loads("".join(pieces))) == 40
    assert len(pieces) == 3
