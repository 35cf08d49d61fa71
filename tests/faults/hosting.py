"""A server process that can be restarted, and users on it."""

import contextlib
import json
import os
import signal
import subprocess
import sys
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import psycopg
from psycopg import sql
from pydantic import SecretStr

from promptvault.domain.tier import Tier
from promptvault.server.admin import Admin
from promptvault.server.postgres import database_choice, migration
from promptvault.server.postgres.embedded import Cluster
from promptvault.server.settings import Settings
from tests.server.conftest import scratch_database

_INHERITED = ("PATH", "PYTHONPATH", "LD_LIBRARY_PATH", "TMPDIR")
_TABLES = """SELECT table_name, array_agg(column_name::text) FROM
    information_schema.columns WHERE table_schema = 'public' AND table_name IN (
        SELECT table_name FROM information_schema.columns
        WHERE column_name = 'vault_id' AND table_schema = 'public')
    AND table_name NOT IN (
        'vault_members', 'invitations', 'label_rules', 'activities', 'shares')
    GROUP BY table_name"""
"""The tables of a personal vault's prompts, with their columns."""
_VAULT_OF = """SELECT v.id FROM vaults v JOIN users u USING (account_id)
    WHERE u.email = %s"""
_COPY_VAULT = """UPDATE vaults SET epoch = old.epoch, head_seq = old.head_seq,
        gc_horizon = old.gc_horizon, digest = old.digest
    FROM vaults old WHERE old.id = %s AND vaults.id = %s"""
_COPY_COUNT = """UPDATE accounts SET prompt_count = old.prompt_count
    FROM accounts old JOIN vaults o ON o.account_id = old.id, vaults n
    WHERE o.id = %s AND n.id = %s AND accounts.id = n.account_id"""
_HOLDINGS = """SELECT
    (SELECT count(*) FROM items WHERE vault_id = v.id AND NOT deleted),
    (SELECT count(*) FROM items WHERE vault_id = v.id AND deleted),
    (SELECT count(*) FROM revisions WHERE vault_id = v.id),
    (SELECT count(*) FROM versions WHERE vault_id = v.id),
    (SELECT count(*) FROM sides WHERE vault_id = v.id AND NOT resolved),
    head_seq, prompt_count
    FROM vaults v JOIN accounts a ON a.id = v.account_id WHERE v.id = %s"""


class Holdings(NamedTuple):
    """How much the server stores of one user."""

    prompts: int
    deleted: int
    revisions: int
    versions: int
    open_sides: int
    head: int
    counted: int
    """The number of prompts in the account's counter."""


@dataclass(frozen=True)
class User:
    """A user with an empty vault, or with a copy of another user's vault."""

    vault: str
    token: str


@dataclass(frozen=True)
class Host:
    """A running server and its database."""

    url: str
    database: str

    def add_user(self) -> User:
        """Make a user who may have any number of prompts."""
        admin = self.admin
        email = f"{uuid.uuid4().hex}@example.org"
        admin.add_user(email, Tier.PRO)
        with psycopg.connect(self.database) as connection:
            row = connection.execute(_VAULT_OF, (email,)).fetchone()
        assert row is not None
        return User(str(row[0]), admin.issue_token(email, "test"))

    def twin(self, original: User) -> User:
        """Make a user whose vault is a copy of the vault of *original*."""
        user = self.add_user()
        with psycopg.connect(self.database) as connection:
            pair = (original.vault, user.vault)
            connection.execute(_COPY_VAULT, pair)
            connection.execute(_COPY_COUNT, pair)
            for table, columns in connection.execute(_TABLES).fetchall():
                connection.execute(_copying(table, columns), pair[::-1])
        return user

    def holdings(self, user: User) -> Holdings:
        """Return how much the server stores of a user."""
        with psycopg.connect(self.database) as connection:
            row = connection.execute(_HOLDINGS, (user.vault,)).fetchone()
        assert row is not None
        return Holdings(*row)

    @property
    def admin(self) -> Admin:
        """What its operator does."""
        settings = Settings(database_url=SecretStr(self.database))
        return Admin(database_choice.with_secret(settings))


def _copying(table: str, columns: list[str]) -> sql.Composed:
    others = [sql.Identifier(name) for name in columns if name != "vault_id"]
    names = sql.SQL(", ").join(others)
    return sql.SQL(
        "INSERT INTO {0} (vault_id, {1}) SELECT %s, {1} FROM {0} WHERE vault_id = %s"
    ).format(sql.Identifier(table), names)


@contextlib.contextmanager
def hosted(postgres: str, folder: Path) -> Iterator[Host]:
    """Run `promptvault serve` on a database of its own while the block runs."""
    with scratch_database(postgres, "template1") as database:
        migration.upgrade(database)
        with serving(folder, "--database-url", database) as served:
            yield Host(served.url, database)


@dataclass
class Served:
    """`promptvault serve`, which can be killed and started again on the same data."""

    folder: Path
    arguments: tuple[str, ...]
    extra: dict[str, str]
    port: int = 0
    process: subprocess.Popen[str] | None = None

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def cluster(self) -> Cluster:
        """The embedded database, if the server was given no other."""
        return Cluster(self._database)

    @property
    def _database(self) -> Path:
        return self.folder / "home" / "data" / "server-postgres"

    @property
    def answers(self) -> int:
        """The number of sync requests that it has answered."""
        return (self.folder / "serve.log").read_text().count('"POST"')

    def start(self) -> None:
        """Start it, and return when it answers."""
        command = [sys.executable, "-m", "promptvault", "serve", "--json"]
        home = {"PROMPTVAULT_HOME": str(self.folder / "home")}
        kept = {key: os.environ[key] for key in _INHERITED if key in os.environ}
        with (self.folder / "serve.log").open("a") as log:
            self.process = subprocess.Popen(
                [*command, "--port", str(self.port), *self.arguments],
                stdout=subprocess.PIPE,
                stderr=log,
                text=True,
                cwd=self.folder,
                env=kept | home | self.extra,
            )
        assert self.process.stdout is not None
        told = self.process.stdout.readline()
        assert told, (self.folder / "serve.log").read_text()
        self.port = int(json.loads(told)["url"].rpartition(":")[2])

    def end(self, by: signal.Signals) -> None:
        """Send it a signal, and wait for its end."""
        assert self.process is not None
        assert self.process.stdout is not None
        self.process.send_signal(by)
        self.process.wait(60)
        self.process.stdout.close()

    def kill_database(self) -> None:
        """Kill the embedded database, as a power cut would."""
        told = self._database / "cluster" / "postmaster.pid"
        os.kill(int(told.read_text().splitlines()[0]), signal.SIGKILL)


@contextlib.contextmanager
def serving(
    folder: Path, *arguments: str, extra: dict[str, str] | None = None
) -> Iterator[Served]:
    """Run a server with its files in *folder* while the block runs."""
    folder.mkdir(parents=True, exist_ok=True)
    served = Served(folder, arguments, extra or {})
    served.start()
    try:
        yield served
    finally:
        served.end(signal.SIGTERM)
