"""Finding the vaults of a device."""

from pathlib import Path

import pytest

from promptvault.errors import NotFoundError
from promptvault.home import is_vault_name
from promptvault.paths import Paths
from promptvault.services.vaults.local import (
    find_vault,
    local_vaults,
    read_vault,
    vault_names,
)
from promptvault.vault.database import connected
from promptvault.vault.sync.team import Team, find_team, save_team


@pytest.fixture
def paths(tmp_path: Path) -> Paths:
    """Return the folders of a device."""
    home = tmp_path
    return Paths(home / "config", home / "data", home / "cache", home / "state")


def make_vault(paths: Paths, name: str, team: Team) -> None:
    with connected(paths.of(name).database) as connection:
        save_team(connection, team)


def test_a_device_has_a_personal_vault_even_if_nothing_was_saved(paths: Paths) -> None:
    assert vault_names(paths) == ["personal"]
    assert find_vault(paths, "personal") == paths
    (personal,) = local_vaults(paths)
    assert (personal.team, personal.link, personal.state) == (None, None, "active")


def test_a_team_vault_has_its_own_files_and_shares_the_settings(paths: Paths) -> None:
    acme = paths.of("acme")
    assert acme.database == paths.data / "vaults" / "acme" / "vault.db"
    assert acme.history == paths.data / "vaults" / "acme" / "history.git"
    assert acme.lock == paths.data / "vaults" / "acme" / "vault.lock"
    assert acme.sync_lock == paths.data / "vaults" / "acme" / "sync.lock"
    assert acme.usage == paths.state / "vaults" / "acme" / "usage.db"
    assert acme.sync_record == paths.state / "vaults" / "acme" / "sync"
    assert acme.config_file == paths.config_file
    assert acme.credentials == paths.credentials
    assert acme.activity == paths.activity
    assert acme.log == paths.log


def test_team_vaults_are_found_by_name(paths: Paths) -> None:
    for name in ("beta", "acme"):
        make_vault(paths, name, Team(name, name.title(), "editor", ("production",)))
    assert vault_names(paths) == ["personal", "acme", "beta"]
    assert read_vault(find_vault(paths, "acme")).team == Team(
        "acme", "Acme", "editor", ("production",)
    )


def test_a_folder_that_is_being_made_or_is_no_vault_is_not_found(paths: Paths) -> None:
    make_vault(paths, "acme", Team("acme", "Acme", "viewer"))
    for name in (".new-1", "Upper", "empty"):
        (paths.data / "vaults" / name).mkdir()
    (paths.data / "vaults" / ".new-1" / "vault.db").touch()
    (paths.data / "vaults" / "Upper" / "vault.db").touch()
    assert vault_names(paths) == ["personal", "acme"]


@pytest.mark.parametrize("name", ["nothing", "../acme", ".", "", "vaults/acme"])
def test_a_vault_that_is_not_there(paths: Paths, name: str) -> None:
    with pytest.raises(NotFoundError, match="vaults list"):
        find_vault(paths, name)


@pytest.mark.parametrize(
    ("team", "state"),
    [
        (Team("a", "A", "editor"), "active"),
        (Team("a", "A", "editor", frozen="plan"), "frozen"),
        (Team("a", "A", "editor", state="left"), "left"),
        (Team("a", "A", "editor", frozen="plan", state="left"), "left"),
    ],
)
def test_the_state_of_a_vault(paths: Paths, team: Team, state: str) -> None:
    make_vault(paths, "a", team)
    assert read_vault(paths.of("a")).state == state


def test_only_admins_and_the_owner_move_protected_labels() -> None:
    labels = {
        role: Team("a", "A", role, ("production",)).locked_labels
        for role in ("owner", "admin", "editor", "viewer")
    }
    locked = ("production",)
    assert labels == {"owner": (), "admin": (), "editor": locked, "viewer": locked}


def test_a_team_is_stored_as_a_whole(paths: Paths) -> None:
    new = Team("a", "A", "admin", ("production", "stable"), "plan", "left")
    with connected(paths.of("a").database) as connection:
        save_team(connection, Team("old", "Old", "viewer"))
        save_team(connection, new)
        assert find_team(connection) == new


@pytest.mark.parametrize(
    ("name", "is_valid"),
    [
        ("acme", True),
        ("acme-2", True),
        ("a" * 40, True),
        ("a" * 41, False),
        ("", False),
        ("2acme", False),
        ("-acme", False),
        ("Acme", False),
        ("acme/x", False),
        ("..", False),
        ("ac me", False),
        ("äcme", False),
    ],
)
def test_names_of_vaults(name: str, is_valid: bool) -> None:
    assert is_vault_name(name) is is_valid
