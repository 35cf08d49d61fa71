"""The version from before teams and shares, with this one: each syncs as before."""

import contextlib
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import psycopg
import pytest

from promptvault.domain.tier import Tier
from promptvault.server.admin import Admin
from tests.conftest import Process, Result
from tests.older_program import BEFORE_TEAMS, unpack_program
from tests.server.conftest import (
    EMAIL,
    Server,
    ServerProcess,
    server_process,  # noqa: F401 - a fixture
)
from tests.server.team import found_team
from tests.sync.machine import Machine
from tests.sync.waiting import eventually


@dataclass(frozen=True)
class OldMachine(Machine):
    """A device with an older program, which is run as a process."""

    program: Path

    @property
    def environment(self) -> dict[str, str]:
        """The environment of a process on this device."""
        return super().environment | {"PYTHONPATH": str(self.program)}

    def __call__(self, *arguments: str, stdin: bytes = b"") -> Result:
        """Run a command."""
        done = subprocess.run(
            Process().command(*arguments),
            env=self.environment,
            input=stdin,
            capture_output=True,
            check=False,
        )
        return Result(done.returncode, done.stdout, done.stderr.decode())


@contextlib.contextmanager
def watching(device: Machine) -> Iterator[None]:
    """Run `sync --watch` while the block runs."""
    process = device.start("sync", "--watch")
    try:
        yield
    finally:
        process.send_signal(signal.SIGINT)
        process.communicate()


@pytest.fixture
def old(tmp_path: Path) -> Path:
    """Return the folder of the program from before teams."""
    return unpack_program(BEFORE_TEAMS, tmp_path / "old")


def sync_everything(desk: Machine, phone: Machine) -> None:
    """Let two devices push, pull, label, merge, resolve, delete, and watch."""
    desk.ok("add", "diary", "Private words.\nMore.")
    desk.ok("label", "diary@1", "production")
    desk.sync()
    phone.sync()
    assert phone.ok("get", "diary@production").text == "Private words.\nMore."
    desk.ok("add", "diary", "Private words.\nHere.", "--upsert")
    phone.ok("add", "diary", "Private words.\nThere.", "--upsert")
    phone.sync()
    desk.sync()
    assert "diary" in desk.ok("conflicts", "list").text
    desk.ok("conflicts", "resolve", "diary", "--ours")
    desk.ok("add", "note", "To delete.")
    desk.sync()
    with watching(phone):
        eventually(lambda: "note" in names(phone))
        assert phone.ok("get", "diary").text == "Private words.\nHere."
        desk.ok("delete", "note")
        desk.sync()
        eventually(lambda: names(phone) == ["diary"])
    logs = [device.ok("log", "diary", "--json").json for device in (desk, phone)]
    assert [len(log) for log in logs] == [4, 4]


def names(device: Machine) -> list[str]:
    """Return the names of the prompts in the personal vault."""
    return device.ok("list", "--plain").lines


def test_an_older_program_syncs_the_personal_vault_alone(
    tmp_path: Path,
    home: Path,
    old: Path,
    server: Server,
    admin: Admin,
    token: str,
    database_url: str,
) -> None:
    """The team was transferred to the account and is older than it."""
    admin.add_user("bob@example.org", Tier.PRO)
    team = found_team(database_url, EMAIL, bob="editor")
    with psycopg.connect(database_url) as connection:
        connection.execute(
            "UPDATE vaults SET created_at = '2020-01-01' WHERE id = %s", (team.vault,)
        )
        connection.execute("UPDATE users SET roster_version = 3")
    desk, phone = Machine(tmp_path / "desk"), OldMachine(tmp_path / "phone", old)
    for device in (desk, phone):
        device.sign_in(server.url, token)
    sync_everything(phone, desk)
    desk.ok("add", "acme:plan", "Of the team.")
    desk.sync()
    phone.sync()
    assert names(phone) == ["diary"]
    with psycopg.connect(database_url) as connection:
        rows = connection.execute(
            "SELECT v.team_id IS NULL, count(*) FROM items i"
            "  JOIN vaults v ON v.id = i.vault_id GROUP BY 1 ORDER BY 1"
        ).fetchall()
    assert rows == [(False, 1), (True, 2)]  # the plan; the diary and the deleted note


def test_an_older_server_syncs_and_is_named_for_what_it_lacks(
    tmp_path: Path,
    old: Path,
    server_process: Callable[..., ServerProcess],  # noqa: F811
    empty_database_url: str,
) -> None:
    database = ("--database-url", empty_database_url)
    as_old = ("env", f"PYTHONPATH={old}")
    command = [*as_old, sys.executable, "-m", "promptvault", "server"]
    subprocess.run([*command, "migrate", *database], check=True)
    for arguments in (("user", "add", EMAIL), ("token", EMAIL)):
        done = subprocess.run(
            [*command, *arguments, *database], check=True, capture_output=True
        )
    token = done.stdout.decode().strip()
    server = server_process(*database, through=as_old)
    desk, phone = (Machine(tmp_path / name) for name in ("desk", "phone"))
    for device in (desk, phone):
        device.sign_in(server.url, token)
    sync_everything(desk, phone)
    for lacking in (
        ("team", "list"),
        ("team", "create", "Acme"),
        ("team", "join", f"{server.url}/join/abc"),
        ("share", "diary"),
        ("shares", "list"),
    ):
        refused = desk(*lacking)
        assert (refused.code, "update the server" in refused.err) == (6, True), lacking
