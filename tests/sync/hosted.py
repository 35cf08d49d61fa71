"""The server that simulated devices sync with: the real one, in this process."""

import asyncio
import contextlib
import copy
import logging
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any
from uuid import UUID, uuid4

import httpx
import psycopg
import structlog
from pydantic import SecretStr, TypeAdapter

from promptvault.domain.tier import Tier
from promptvault.domain.vault_digest import vault_digest
from promptvault.errors import AuthenticationError, TooLargeError
from promptvault.server.admin import Admin
from promptvault.server.app import create_app
from promptvault.server.database import Connection
from promptvault.server.settings import Settings
from promptvault.server.sync.repository import VaultRepository
from promptvault.wire.sync import SyncAnswer, SyncRequest
from promptvault.wire.vault import VaultsRead
from tests.server.sync.conftest import MISNUMBERED, STORED
from tests.sync.teams import Teams

_ANSWER = TypeAdapter(SyncAnswer)
_TABLES = ("items", "revisions", "sides", "versions", "marks")
_ERRORS = {401: AuthenticationError, 413: TooLargeError}
_SILENT = logging.ERROR
_MANY = 10_000_000
"""Requests: the rate limit must not delay a test."""

Send = Callable[[bytes, str], httpx.Response]
"""Sends the body of a request with a token, and returns the answer."""


class Host:
    """An app over ASGI, whose database is a real PostgreSQL."""

    def __init__(self, runner: asyncio.Runner, address: str, page: int) -> None:
        self.settings = Settings(
            database_url=SecretStr(address),
            secret=SecretStr("the-secret-of-the-simulator-0123456789"),
            items_limit=page,
            versions_limit=max(2 * page, 4),
            request_burst=_MANY,
        )
        self.runner = runner
        self.database = psycopg.connect(address, autocommit=True)
        app = create_app(self.settings)
        structlog.configure(
            wrapper_class=structlog.make_filtering_bound_logger(_SILENT)
        )
        self.client = httpx.AsyncClient(
            transport=httpx.ASGITransport(app), base_url="http://simulated"
        )
        self._stack = contextlib.AsyncExitStack()
        runner.run(self._stack.enter_async_context(app.router.lifespan_context(app)))

    def close(self) -> None:
        """Stop."""
        self.runner.run(self.client.aclose())
        self.runner.run(self._stack.aclose())
        self.database.close()

    def send(self, body: bytes, token: str) -> httpx.Response:
        """Post the request of a sync."""
        headers = {
            "Authorization": f"Bearer {token}",
            "Content-Type": "application/json",
        }
        return self.runner.run(
            self.client.post("/v1/sync", content=body, headers=headers)
        )

    def get(self, path: str, token: str) -> httpx.Response:
        """Send a request without a body."""
        headers = {"Authorization": f"Bearer {token}"}
        return self.request("GET", path, headers=headers)

    def request(self, method: str, path: str, **more: Any) -> httpx.Response:
        """Send any request."""
        return self.runner.run(self.client.request(method, path, **more))


@contextlib.contextmanager
def hosting(address: str, page: int = 500) -> Iterator[Host]:
    """Run the app on the database at *address*."""
    with asyncio.Runner() as runner:
        host = Host(runner, address, page)
        with contextlib.closing(host):
            yield host


@dataclass(frozen=True, slots=True)
class Backup:
    """A backup of a vault."""

    rows: dict[str, list[tuple[Any, ...]]]
    vault: tuple[Any, ...]
    account: tuple[Any, ...]


class Hosted:
    """The vault of one new user."""

    def __init__(self, host: Host, limit: int | None = None) -> None:
        self._host, self._admin = host, Admin(host.settings)
        self.email = f"{uuid4().hex}@example.org"
        self._admin.add_user(self.email, Tier.PRO)
        self._user, self._account, self.id = self.rows(
            "SELECT u.id, u.account_id, v.id FROM users u"
            " JOIN vaults v USING (account_id) WHERE email = %s",
            self.email,
        )[0]
        self.grant()
        self.set_limit(limit)

    @property
    def user(self) -> UUID:
        """The id of the user."""
        return UUID(str(self._user))

    def roster(self) -> VaultsRead:
        """Return the vaults of the user, as the client reads them."""
        answer = self._host.get("/v1/vaults", self.token)
        if answer.status_code != 200:
            raise _ERRORS[answer.status_code](answer.text)
        return VaultsRead.model_validate_json(answer.content)

    @property
    def account(self) -> UUID:
        """The id of the user's account."""
        return UUID(str(self._account))

    def teams(self) -> Teams:
        """Return what changes teams on the server."""
        return Teams(self.rows, self._admin, self._host.request)

    def team(self, vault: UUID) -> "Hosted":
        """Return the vault of a team."""
        found = copy.copy(self)
        found.id = vault
        return found

    def rows(self, query: str, *values: Any) -> list[tuple[Any, ...]]:
        """Return rows."""
        cursor = self._host.database.execute(query, values)
        return cursor.fetchall() if cursor.description else []

    def ask(self, body: bytes) -> SyncAnswer:
        """Answer a request as the client does; a device must send this form."""
        SyncRequest.model_validate_json(body)
        answer = self._host.send(body, self.token)
        if answer.status_code not in {200, 402}:
            raise _ERRORS[answer.status_code](answer.text)
        return _ANSWER.validate_json(answer.content)

    def grant(self) -> None:
        """Give the user a new token."""
        self.token = self._admin.issue_token(self.email, "simulated")

    def revoke(self) -> None:
        """Revoke every token of the user."""
        self.rows("UPDATE tokens SET revoked_at = now() WHERE user_id = %s", self._user)

    def set_limit(self, limit: int | None) -> None:
        """Set how many prompts the account may hold."""
        self.rows(
            "UPDATE accounts SET prompt_limit = %s WHERE id = %s", limit, self._account
        )

    def purge(self, fraction: float) -> None:
        """Purge deletions, up to a *fraction* of the sequence."""
        ((head,),) = self.rows("SELECT head_seq FROM vaults WHERE id = %s", self.id)
        self._host.runner.run(self._purge(int(head * fraction)))

    async def _purge(self, below: int) -> None:
        address = self._host.settings.address
        async with await Connection.connect(address) as connection:
            await VaultRepository(connection, self.id).purge(below)

    def backup(self) -> Backup:
        """Return the vault as it is."""
        rows = {
            table: self.rows(f"SELECT * FROM {table} WHERE vault_id = %s", self.id)
            for table in _TABLES
        }
        query = "SELECT head_seq, gc_horizon, digest, mark FROM vaults WHERE id = %s"
        account = "SELECT prompt_count, stored_bytes FROM accounts WHERE id = %s"
        return Backup(
            rows, self.rows(query, self.id)[0], self.rows(account, self._account)[0]
        )

    def restore(self, backup: Backup, *, renew: bool = True) -> None:
        """Restore a backup; *renew* the epoch as an operator does, or not."""
        with self._host.database.transaction():
            for table, rows in backup.rows.items():
                self.rows(f"DELETE FROM {table} WHERE vault_id = %s", self.id)
                for row in rows:
                    holes = ", ".join(["%s"] * len(row))
                    self.rows(f"INSERT INTO {table} VALUES ({holes})", *row)
            self.rows(
                "UPDATE vaults SET head_seq = %s, gc_horizon = %s, digest = %s,"
                " mark = %s WHERE id = %s",
                *(*backup.vault, self.id),
            )
            if renew:
                self.rows(
                    "UPDATE vaults SET epoch = gen_random_uuid() WHERE id = %s", self.id
                )
            self.rows(
                "UPDATE accounts SET prompt_count = %s, stored_bytes = %s"
                " WHERE id = %s",
                *(*backup.account, self._account),
            )

    def heads(self) -> dict[str, dict[str, Any]]:
        """Return the state of every live prompt, by its id."""
        query = """SELECT item_id::text, convert_from(payload, 'UTF8')::json FROM items
            WHERE vault_id = %s AND NOT deleted"""
        return dict(self.rows(query, self.id))

    def head_revs(self) -> dict[str, str]:
        """Return the revision of each prompt, deleted or not, by its id."""
        query = "SELECT item_id::text, head_rev::text FROM items WHERE vault_id = %s"
        return dict(self.rows(query, self.id))

    def known(self) -> set[str]:
        """Return the revisions of the vault, and its resolutions."""
        query = """SELECT rev::text FROM revisions
             WHERE vault_id = %s AND kind = 'head'
            UNION SELECT rev::text FROM sides WHERE vault_id = %s AND resolved"""
        return {rev for (rev,) in self.rows(query, self.id, self.id)}

    def sides(self) -> dict[str, dict[str, Any]]:
        """Return the state of every open conflict copy, by its revision."""
        query = """SELECT rev::text, convert_from(payload, 'UTF8')::json FROM sides
            WHERE vault_id = %s AND NOT resolved"""
        return dict(self.rows(query, self.id))

    def bodies(self) -> dict[str, str]:
        """Return the text of every version, by its id."""
        query = """SELECT version_id::text,
            convert_from(payload, 'UTF8')::json ->> 'body'
            FROM versions WHERE vault_id = %s"""
        return dict(self.rows(query, self.id))

    def check(self) -> None:
        """Assert what holds after every request."""
        ((head_seq, digest, limit, count),) = self.rows(
            "SELECT head_seq, digest, prompt_limit, prompt_count FROM vaults v"
            " JOIN accounts a ON a.id = account_id WHERE v.id = %s",
            self.id,
        )
        items = self.rows(
            "SELECT item_id, head_rev, seq, deleted FROM items WHERE vault_id = %s",
            self.id,
        )
        sides = self.rows("SELECT seq FROM sides WHERE vault_id = %s", self.id)
        seqs = [row[2] for row in items] + [row[0] for row in sides]
        assert len({*seqs}) == len(seqs), "two changes bear one sequence number"
        assert all(0 < seq <= head_seq for seq in seqs)
        live = [(item, rev) for item, rev, _, deleted in items if not deleted]
        assert digest == vault_digest(live)
        assert count == len(live)
        self._check_limit(limit, count)
        self._check_line([(row[0], row[1]) for row in items])
        self._check_versions()
        self._check_storage()

    def _check_storage(self) -> None:
        """The stored bytes of the account are those of its rows."""
        ((counted,),) = self.rows(STORED, self.id)
        ((stored,),) = self.rows(
            "SELECT stored_bytes FROM accounts WHERE id = %s", self._account
        )
        assert stored == counted
        assert self.rows(MISNUMBERED, self.id) == []

    _most = 0

    def _check_limit(self, limit: int | None, count: int) -> None:
        """If the limit is lower than what is stored, nothing is added."""
        assert limit is None or count <= max(limit, self._most), "over the limit"
        self._most = count

    def _check_line(self, heads: list[tuple[UUID, UUID]]) -> None:
        """The revisions of a prompt form one line, which ends in its head."""
        rows = self.rows(
            "SELECT item_id, rev, base_rev FROM revisions"
            " WHERE vault_id = %s AND kind = 'head' ORDER BY seq",
            self.id,
        )
        last: dict[UUID, UUID] = {}
        for item, rev, base in rows:
            assert base is None or base == last.get(item)
            last[item] = rev
        assert all(last[item] == rev for item, rev in heads)

    def _check_versions(self) -> None:
        """Every version that a head or an open conflict copy names exists."""
        missing = self.rows(
            """
            WITH named AS (
                SELECT item_id, convert_from(payload, 'UTF8')::json AS state
                  FROM items WHERE vault_id = %(vault)s AND payload IS NOT NULL
                UNION ALL
                SELECT item_id, convert_from(payload, 'UTF8')::json
                  FROM sides WHERE vault_id = %(vault)s AND NOT resolved
            ), wanted AS (
                SELECT item_id, state ->> 'version' AS version FROM named
                UNION ALL
                SELECT item_id, value FROM named, json_each_text(state -> 'labels')
            )
            SELECT wanted.* FROM wanted LEFT JOIN versions v
                ON v.vault_id = %(vault)s AND v.item_id = wanted.item_id
               AND v.version_id = wanted.version::uuid
             WHERE v.version_id IS NULL
            """.replace("%(vault)s", f"'{self.id}'")
        )
        assert not missing, "a version is named that is not there"
