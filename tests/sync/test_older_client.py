"""A program from before teams syncs its user's own vault only."""

import io
import os
import subprocess
import sys
import tarfile
from collections.abc import Callable
from pathlib import Path

import psycopg
import pytest

from promptvault.domain.tier import Tier
from promptvault.server.admin import Admin
from tests.server.conftest import EMAIL, Server
from tests.server.team import found_team

ROOT = Path(__file__).parents[2]
FIRST = "promptvault/domain/protected_label.py"
"""The first file of the feature teams."""

Run = Callable[..., str]


def _git(*arguments: str) -> bytes:
    command = ["git", "-C", str(ROOT), *arguments]
    return subprocess.run(command, check=True, capture_output=True).stdout


@pytest.fixture
def old_program(tmp_path: Path) -> Path:
    """Return the folder of the program from before teams."""
    added = _git("log", "--diff-filter=A", "--format=%H", "--", FIRST).split()[-1]
    archive = _git("archive", f"{added.decode()}^", "promptvault")
    with tarfile.open(fileobj=io.BytesIO(archive)) as files:
        files.extractall(tmp_path / "old", filter="data")
    return tmp_path / "old"


@pytest.fixture
def run(tmp_path: Path, old_program: Path) -> Run:
    """Return a function that runs the program of *folder* on a device."""

    def start(device: str, *command: str, folder: Path = old_program) -> str:
        home = tmp_path / device
        variables = {"PYTHONPATH": str(folder), "PROMPTVAULT_HOME": str(home)}
        done = subprocess.run(
            [sys.executable, "-m", "promptvault", *command],
            env=os.environ | variables,
            cwd=folder,
            capture_output=True,
            text=True,
        )
        assert done.returncode == 0, done.stderr
        return done.stdout

    return start


def test_it_syncs_the_personal_vault_beside_an_older_team(
    run: Run, server: Server, admin: Admin, token: str, database_url: str
) -> None:
    """The team was transferred to the account and is older than it."""
    admin.add_user("bob@example.org", Tier.PRO)
    team = found_team(database_url, EMAIL, bob="editor")
    with psycopg.connect(database_url) as connection:
        connection.execute(
            "UPDATE vaults SET created_at = '2020-01-01' WHERE id = %s", (team.vault,)
        )
        connection.execute("UPDATE users SET roster_version = 3")
    for device, folder in (("desk", None), ("laptop", None), ("new", ROOT)):
        given = {"folder": folder} if folder else {}
        run(device, "login", "--server", server.url, "--token", token, **given)
    run("desk", "add", "diary", "Private words.")
    run("desk", "sync")
    run("laptop", "sync")
    assert run("laptop", "get", "diary").strip() == "Private words."
    run("laptop", "add", "diary", "More private words.", "--upsert")
    run("laptop", "sync")
    run("desk", "sync")
    assert run("desk", "get", "diary").strip() == "More private words."
    run("new", "sync", folder=ROOT)
    assert run("new", "get", "diary", folder=ROOT).strip() == "More private words."
    with psycopg.connect(database_url) as connection:
        vaults = connection.execute(
            "SELECT v.team_id FROM items i JOIN vaults v ON v.id = i.vault_id"
        ).fetchall()
    assert vaults == [(None,)]
