"""`server ai`, and the purge of what is old."""

from datetime import UTC, datetime

import pytest

from promptvault.server.admin import Admin
from tests.conftest import Pvt
from tests.server.ai.conftest import Asker, Connection
from tests.server.conftest import EMAIL, SECRET


@pytest.fixture(autouse=True)
def on_this_database(database_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let each command work on this test's database."""
    monkeypatch.setenv("DATABASE_URL", database_url)
    monkeypatch.setenv("PROMPTVAULT_SERVER_SECRET", SECRET)


def test_usage_and_block(asker: Asker, pvt: Pvt) -> None:
    assert pvt.ok("server", "ai", "usage", "--json").json == []
    asker.ask()
    (row,) = pvt.ok("server", "ai", "usage", "--json").json
    assert row == {
        "email": EMAIL,
        "tier": "pro",
        "requests": 1,
        "optimizations": 1,
        "spent_usd": 0.00004,
        "reserved_usd": 0,
        "cap_usd": 5,
        "blocked": False,
    }
    assert EMAIL in pvt.ok("server", "ai", "usage", "--account", EMAIL).text
    pvt.ok("server", "ai", "block", EMAIL)
    assert asker.ask().status_code == 403
    undone = pvt.ok("server", "ai", "block", EMAIL, "--undo", "--json").json
    assert undone == {"email": EMAIL, "blocked": False}
    assert asker.ask().status_code == 200
    assert pvt("server", "ai", "block", "no-one@example.org").code == 3


def test_old_rows_are_purged(
    asker: Asker, admin: Admin, connection: Connection
) -> None:
    asker.once("k")
    left = "SELECT (SELECT count(*) FROM ai_{}), (SELECT count(*) FROM ai_{})"
    admin.purge(datetime.now(UTC))
    query = left.format("requests", "answers").encode()
    assert connection.execute(query).fetchall() == [(1, 1)]
    connection.execute(
        "UPDATE ai_requests SET created_at = now() - interval '91 days';"
        "UPDATE ai_answers SET created_at = now() - interval '25 hours'"
    )
    admin.purge(datetime.now(UTC))
    assert connection.execute(query).fetchall() == [(0, 0)]
    assert asker.usage()["spent_usd"] == 0.00004  # the month keeps the sum
