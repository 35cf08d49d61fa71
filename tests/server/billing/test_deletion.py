"""An account that is deleted pays no more, and is erased after that."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta
from typing import Any, TypeVar

import httpx
import psycopg
import pytest

from promptvault.server.account.erasure import delete_user, erase_due
from promptvault.server.database import Connection
from tests.server.billing.conftest import Buyer
from tests.sync.waiting import eventually
from tests.till.app import Till

GRACE = timedelta(days=30)
_T = TypeVar("_T")

pytestmark = pytest.mark.usefixtures("courier")


class Operations:
    """What a server does with accounts, each in its own transaction."""

    def __init__(self, url: str, connection: psycopg.Connection[Any]) -> None:
        self._url, self._connection = url, connection

    def _run(self, function: Callable[..., Awaitable[_T]], *arguments: object) -> _T:
        async def call() -> _T:
            async with await Connection.connect(self._url) as connection:
                return await function(connection, *arguments)

        return asyncio.run(call())

    def delete(self) -> datetime:
        """Delete the one user, and return when to erase what is left."""
        ((user,),) = self._connection.execute("SELECT id FROM users").fetchall()
        self._run(delete_user, user, GRACE)
        found = self._connection.execute("SELECT erase_at FROM users").fetchall()
        due: datetime = found[0][0]
        return due

    def erase(self, now: datetime) -> int:
        """Erase who is due at a time, and return the number."""
        return self._run(erase_due, now)

    def restore(self) -> None:
        """Undo the deletion."""
        for table in ("users", "accounts"):
            self._connection.execute(f"UPDATE {table} SET deleted_at = NULL".encode())

    def retry(self) -> None:
        """Make the job that ends subscriptions due, as after two days of failures."""
        self._connection.execute(
            "UPDATE jobs SET run_at = now(), attempts = 60"
            " WHERE kind = 'cancel_subscriptions'"
        )

    def jobs(self, condition: str = "true") -> int:
        """Return the number of jobs that end subscriptions."""
        query = (
            "SELECT count(*) FROM jobs WHERE kind = 'cancel_subscriptions'"
            f" AND {condition}"
        )
        found = self._connection.execute(query.encode()).fetchall()
        return int(found[0][0])


@pytest.fixture
def operations(database_url: str, connection: psycopg.Connection[Any]) -> Operations:
    """Return what a server does."""
    return Operations(database_url, connection)


@pytest.fixture
def paying(buyer: Buyer) -> Buyer:
    """Return the buyer, who has a plan."""
    buyer.pay()
    buyer.waits_for("pro")
    return buyer


def _status(till: Till) -> str:
    (found,) = till.books.all("subscription")
    return str(found["status"])


def test_a_deleted_account_pays_no_more_at_once(
    operations: Operations, paying: Buyer, till: Till
) -> None:
    due = operations.delete()
    eventually(lambda: _status(till) == "canceled")
    eventually(lambda: not operations.jobs())
    assert operations.erase(due - timedelta(seconds=1)) == 0
    assert operations.erase(due) == 1


def test_erasing_waits_three_days_for_stripe(
    operations: Operations,
    paying: Buyer,
    till: Till,
    capsys: pytest.CaptureFixture[str],
) -> None:
    till.is_down = True
    due = operations.delete()
    assert operations.erase(due) == 0
    assert operations.erase(due + timedelta(days=3, seconds=-1)) == 0
    assert "its subscription is not ended" not in capsys.readouterr().err
    assert operations.erase(due + timedelta(days=3)) == 1
    till.is_down = False
    operations.retry()
    eventually(lambda: _status(till) == "canceled")


def test_a_page_that_was_open_buys_nothing_for_good(
    buyer: Buyer, operations: Operations, till: Till
) -> None:
    url = buyer.checkout().json()["url"]
    till.is_down = True
    operations.delete()
    eventually(lambda: operations.jobs("error IS NOT NULL") == 1)
    assert httpx.post(url, data={"action": "pay"}).status_code == 303
    till.is_down = False
    operations.retry()
    eventually(lambda: _status(till) == "canceled")


def test_an_account_that_is_there_again_keeps_its_plan(
    operations: Operations, paying: Buyer, till: Till
) -> None:
    till.is_down = True
    operations.delete()
    eventually(lambda: operations.jobs("error IS NOT NULL") == 1)
    operations.restore()
    till.is_down = False
    operations.retry()
    eventually(lambda: not operations.jobs())
    assert _status(till) == "active"
