"""What is deleted after a time, and what is kept; the tests set the clock."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import psycopg
import pytest

from promptvault.domain.tier import Tier
from promptvault.server.admin import Admin
from promptvault.server.retention.service import Purged, purge
from promptvault.server.settings import Settings
from promptvault.wire.device_code import CLIENT_ID
from tests.conftest import Pvt
from tests.server.conftest import EMAIL, Server, ServerProcess
from tests.server.sync.conftest import Vault, after, beside, gone, new

DEVICE = {"client_id": CLIENT_ID, "device_label": "laptop", "device_os": "Linux"}
DAY = timedelta(days=1)
TODAY = datetime.now(UTC)


class Device:
    """A device that reads, and so reports how far it has read."""

    def __init__(self, vault: Vault) -> None:
        self.id, self._vault = str(uuid4()), vault
        self.cursor: dict[str, Any] = {}

    def sync(self, *pushes: dict[str, Any]) -> dict[str, Any]:
        """Push and read; the server stores the cursor that was sent."""
        request = {"id": str(self._vault.id), "cursor": self.cursor, "push": [*pushes]}
        body = {"proto": 1, "device": self.id, "vaults": [request]}
        answer: dict[str, Any] = self._vault.ask(body)["vaults"][0]
        self.cursor = answer["cursor"]
        return answer

    def acknowledge(self) -> None:
        """Sync again, as if a minute had passed."""
        self._vault.rows(
            "UPDATE device_cursors SET seen_at = seen_at - interval '2 minutes'"
            " WHERE vault_id = %s"
        )
        self.sync()


def _purge(vault: Vault, days: float) -> Purged:
    settings = Settings(pro_storage_mb=1)

    async def run() -> Purged:
        # With a connection like the pool's: not every statement commits.
        await vault.connection.set_autocommit(False)
        try:
            return await purge(vault.connection, settings, TODAY + days * DAY)
        finally:
            await vault.connection.commit()
            await vault.connection.set_autocommit(True)

    return vault.runner.run(run())


def _counts(vault: Vault) -> tuple[Any, ...]:
    return vault.rows(
        "SELECT (SELECT count(*) FROM items i WHERE i.vault_id = v.id),"
        " (SELECT count(*) FROM versions i WHERE i.vault_id = v.id),"
        " (SELECT count(*) FROM sides i WHERE i.vault_id = v.id),"
        " gc_horizon FROM vaults v WHERE v.id = %s"
    )[0]


@pytest.fixture
def device(vault: Vault) -> Device:
    """Return a device that has deleted a prompt, resolved a conflict, and kept one."""
    first, second, third = new(), new(), new()
    device = Device(vault)
    side, open_side = beside(second), beside(third)
    device.sync(first, second, third, side, open_side)
    device.sync(after(second, resolves=[side["rev"]]), gone(first))
    return device


def test_what_every_device_has_read_is_forgotten_after_a_month(
    vault: Vault, device: Device
) -> None:
    other = Device(vault)
    for each in (other, device):
        each.sync()
        each.acknowledge()
    before = _counts(vault)
    assert _purge(vault, 29).deletions == 0
    assert _counts(vault) == before
    assert _purge(vault, 31)[:2] == (1, 2)
    items, versions, sides, horizon = _counts(vault)
    assert (items, versions, sides) == (before[0] - 1, before[1] - 1, before[2] - 1)
    assert 0 < horizon <= device.cursor["seq"]
    assert device.sync()["status"] == other.sync()["status"] == "ok"
    assert _purge(vault, 31).deletions == 0


def test_a_device_that_has_not_read_so_far_is_waited_for(
    vault: Vault, device: Device
) -> None:
    late = Device(vault)
    late.sync()
    late.acknowledge()
    third = new()
    device.sync(third)
    device.sync(gone(third))
    device.acknowledge()
    _purge(vault, 31)
    assert vault.rows("SELECT 1 FROM items WHERE deleted AND vault_id = %s")
    assert late.sync()["status"] == "ok"
    late.acknowledge()
    _purge(vault, 31)
    assert not vault.rows("SELECT 1 FROM items WHERE deleted AND vault_id = %s")


def test_a_device_that_was_away_for_half_a_year_starts_again(
    vault: Vault, device: Device
) -> None:
    late = Device(vault)
    late.sync()
    late.acknowledge()
    third = new()
    device.sync(third)
    device.sync(gone(third))
    _purge(vault, 179)
    assert vault.rows("SELECT 1 FROM items WHERE deleted AND vault_id = %s")
    _purge(vault, 181)
    assert not vault.rows("SELECT 1 FROM items WHERE deleted AND vault_id = %s")
    answer = late.sync()
    assert (answer["status"], answer["reason"]) == ("resync", "horizon")
    assert {each["item"] for each in late.sync()["feed"]}


def test_an_old_push_is_known_after_years(vault: Vault, device: Device) -> None:
    first = new()
    device.sync(first)
    device.sync(gone(first))
    _purge(vault, 1000)
    (result,) = device.sync(first)["results"]
    assert (result["r"], result["dup"]) == ("ok", True)


def test_no_device_starts_again_if_nothing_is_purged(vault: Vault) -> None:
    device = Device(vault)
    device.sync(new(), new())
    assert _purge(vault, 1000).deletions == 0
    assert _counts(vault)[3] == 0
    assert device.sync()["status"] == "ok"


def test_many_deletions_are_forgotten_piece_by_piece(vault: Vault) -> None:
    device = Device(vault)
    prompts = [new() for _ in range(1200)]
    vault.limits = vault.limits.model_copy(update={"items": 1200})
    device.sync(*prompts)
    device.sync(*map(gone, prompts))
    device.acknowledge()
    assert _purge(vault, 31).deletions == 1200
    assert _counts(vault)[:2] == (0, 0)


def test_what_expired_goes_and_what_did_not_stays(
    server: Server, admin: Admin, token: str, database_url: str
) -> None:
    with server.client() as visitor:
        assert visitor.post("/v1/device/code", data=DEVICE).status_code == 200
    with psycopg.connect(database_url) as connection:
        connection.execute(
            "INSERT INTO sessions (user_id, hash, expires_at)"
            " SELECT id, n, now() + n * interval '1 day'"
            " FROM users, generate_series(1, 9, 8) n"
        )
        connection.execute(
            "INSERT INTO sign_ups (hash, email, password_hash, expires_at)"
            " SELECT n, n, '', now() + n * interval '1 day'"
            " FROM generate_series(1, 9, 8) n"
        )
    admin.purge(TODAY + 2 * DAY)
    with psycopg.connect(database_url) as connection:
        left = connection.execute(
            "SELECT (SELECT count(*) FROM sessions), (SELECT count(*) FROM sign_ups),"
            " (SELECT count(*) FROM device_codes), (SELECT count(*) FROM rate_limits),"
            " (SELECT count(*) FROM tokens)"
        ).fetchone()
    assert left == (1, 1, 0, 0, 1)


def test_expired_rows_are_deleted_a_month_later(
    admin: Admin, token: str, database_url: str
) -> None:
    with psycopg.connect(database_url) as connection:
        for label in ("in use", "revoked", "expired"):
            connection.execute(
                "WITH device AS (INSERT INTO devices (user_id, label, os)"
                " SELECT id, %(label)s, '' FROM users RETURNING id, user_id)"
                " INSERT INTO tokens (user_id, device_id, name, hash, scopes,"
                " expires_at, revoked_at) SELECT user_id, id, '', %(label)s, '{}',"
                " now() + %(life)s, CASE %(label)s WHEN 'revoked' THEN now() END"
                " FROM device",
                {"label": label, "life": DAY if label == "expired" else 90 * DAY},
            )
        connection.execute(
            "INSERT INTO external_events (source, external_id, kind)"
            " VALUES ('clerk', 'msg_1', 'user.created')"
        )
    left = []
    for days in (29, 32):
        admin.purge(TODAY + days * DAY)
        with psycopg.connect(database_url) as connection:
            devices = connection.execute("SELECT label FROM devices").fetchall()
            counts = connection.execute(
                "SELECT (SELECT count(*) FROM tokens),"
                " (SELECT count(*) FROM external_events)"
            ).fetchone()
        left.append((sorted(label for (label,) in devices), counts))
    assert left == [(["expired", "in use", "revoked"], (4, 1)), (["in use"], (2, 0))]


def test_the_operator_purges(admin: Admin, database_url: str, pvt: Pvt) -> None:
    admin.add_user(EMAIL, Tier.FREE)
    with psycopg.connect(database_url) as connection:
        connection.execute(
            "INSERT INTO sessions (user_id, hash, expires_at)"
            " SELECT id, 'x', now() - interval '1 day' FROM users"
        )
    purge = ("server", "purge", "--database-url", database_url)
    told = pvt.ok(*purge, "--json").json
    expected = {"vaults": 0, "teams": 0, "deletions": 0, "users": 0, "expired": 1}
    assert told == expected
    assert pvt.ok(*purge).text == ""


def test_a_server_with_a_database_of_its_own_purges_by_itself(
    server_process: Callable[..., ServerProcess],
) -> None:
    process = server_process()
    while '"event": "purged"' not in process.log.read_text():
        assert process.process.poll() is None
    assert process.stop() == 0
