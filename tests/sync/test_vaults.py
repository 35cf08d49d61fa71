"""Several vaults on one device: teams that users join, leave, rename and freeze."""

import json
import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import httpx
import psycopg
import pytest

from promptvault.client.address import parse_address
from promptvault.client.client import Client, connect
from promptvault.domain.tier import Tier
from promptvault.errors import NotFoundError, PermissionDeniedError
from promptvault.home import PERSONAL
from promptvault.paths import Paths
from promptvault.server.admin import Admin
from promptvault.services.prompts.edit import (
    move_prompts,
    purge_trash,
    remove_label,
    set_label,
)
from promptvault.services.sync.run import SyncCallbacks, SyncOptions, sync_once
from promptvault.services.vaults import leaving
from promptvault.services.vaults.local import read_vault, vault_names
from promptvault.vault.database import connected
from promptvault.vault.lock import exclusive
from promptvault.wire.vault import VaultsRead
from tests.server.conftest import Server
from tests.sync.crash import KilledError
from tests.sync.laptop import Laptop
from tests.sync.machine import Machine
from tests.sync.teams import Teams


@dataclass
class Member:
    """A user with a device."""

    user: UUID
    machine: Machine

    def __post_init__(self) -> None:
        home = self.machine.home
        self.paths = Paths(home, home / "data", home / "cache", home / "state")

    def sync(self, *arguments: str) -> Any:
        """Sync, and return the report, whatever the exit code is."""
        result = self.machine("sync", *arguments, "--json")
        return json.loads(result.out)

    def vault(self, name: str) -> Any:
        """Sync, and return the row of one vault in the report."""
        return {row["name"]: row for row in self.sync()["vaults"]}[name]

    @property
    def names(self) -> list[str]:
        """The names of the vaults on the device."""
        return vault_names(self.paths)

    def copy(self, name: str) -> "TeamCopy":
        """Return the copy of a vault on the device."""
        return TeamCopy(self.machine.home, "", "", vault=name)


@dataclass
class TeamCopy(Laptop):
    """The vault of a team on a device."""

    vault: str = "acme"

    @property
    def paths(self) -> Paths:
        """The files of the vault."""
        home = self.home
        return Paths(home, home / "data", home / "cache", home / "state", self.vault)


@pytest.fixture
def rows(database_url: str) -> Iterator[Callable[..., list[tuple[Any, ...]]]]:
    """Return a function that runs a query on the server's database."""
    with psycopg.connect(database_url, autocommit=True) as connection:

        def run(query: str, *values: Any) -> list[tuple[Any, ...]]:
            cursor = connection.execute(query, values)
            return cursor.fetchall() if cursor.description else []

        yield run


@pytest.fixture
def teams(
    rows: Callable[..., list[tuple[Any, ...]]], admin: Admin, server: Server
) -> Iterator[Teams]:
    """Return the teams of the server."""
    with httpx.Client(base_url=server.url, timeout=60) as client:
        yield Teams(rows, admin, client.request)


NewMember = Callable[[str], Member]


@pytest.fixture
def new_member(
    tmp_path: Path, home: Path, server: Server, admin: Admin, teams: Teams
) -> NewMember:
    """Return a function that adds a user with a device, by name."""

    def make(name: str) -> Member:
        email = f"{name}@example.com"
        admin.add_user(email, Tier.PRO)
        machine = Machine(tmp_path / name)
        machine.sign_in(server.url, admin.issue_token(email, name))
        ((user,),) = teams.rows("SELECT id FROM users WHERE email = %s", email)
        return Member(user, machine)

    return make


@pytest.fixture
def ada(new_member: NewMember) -> Member:
    """Return the owner of the team."""
    return new_member("ada")


@pytest.fixture
def bob(new_member: NewMember) -> Member:
    """Return another user."""
    return new_member("bob")


@pytest.fixture
def acme(teams: Teams, ada: Member, bob: Member) -> UUID:
    """Return the vault of a team of Ada, with Bob as an editor."""
    vault = teams.create(ada.user, "acme", "production")
    teams.join(vault, bob.user, "editor")
    return vault


def test_a_team_vault_appears_with_the_next_sync(
    ada: Member, bob: Member, acme: UUID
) -> None:
    assert ada.machine.sync().err == "Everything is up to date.\n"
    assert ada.names == ["personal", "acme"]
    team = read_vault(ada.paths.of("acme")).team
    assert team is not None
    assert (team.slug, team.name, team.role) == ("acme", "Acme", "owner")
    assert team.protected == ("production",)
    assert bob.names == ["personal"]
    bob.sync()
    assert bob.names == ["personal", "acme"]
    assert not list((ada.paths.data / "vaults").glob(".*"))


def test_nothing_new_in_all_vaults_is_one_request(
    ada: Member, teams: Teams, acme: UUID
) -> None:
    teams.create(ada.user, "beta")
    ada.sync()
    report = ada.sync()
    assert report["round_trips"] == 1
    assert [row["name"] for row in report["vaults"]] == ["personal", "acme", "beta"]


def test_a_team_that_changes_during_a_sync_is_due_again(
    *,
    bob: Member,
    acme: UUID,
    teams: Teams,
    server: Server,
    admin: Admin,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    bob.sync()
    teams.set_role(acme, bob.user, "viewer")  # so the vault is synced once more
    read = Client.vaults

    def read_just_before(client: Client) -> VaultsRead:
        found = read(client)
        teams.set_role(acme, bob.user, "admin")
        return found

    monkeypatch.setattr(Client, "vaults", read_just_before)
    token = admin.issue_token("bob@example.com", "another")
    address = parse_address(server.url)
    with connect(address, token) as client:
        workspace = bob.copy(PERSONAL).workspace
        report = sync_once(workspace, client, address, SyncOptions(), SyncCallbacks())
    # A watching device compares it with the number in the events of the server.
    ((roster,),) = teams.rows(
        "SELECT roster_version FROM users WHERE id = %s", bob.user
    )
    assert report.roster == roster - 1


def test_a_user_without_teams_sends_no_other_request(ada: Member) -> None:
    ada.machine.ok("add", "a", "text")
    assert ada.sync()["round_trips"] == 2
    report = ada.sync()
    assert (report["round_trips"], len(report["vaults"])) == (1, 1)
    assert not (ada.paths.data / "vaults").exists()


def test_members_share_prompts_and_nothing_else(
    ada: Member, bob: Member, acme: UUID
) -> None:
    ada.sync()
    bob.sync()
    ada.machine.ok("add", "private", "of Ada alone")
    ada.copy("acme").add("review", "Review this.")
    assert ada.vault("acme")["pushed"] == 1
    assert bob.vault("acme")["received"] == 1
    assert bob.copy("acme").body("review") == "Review this."
    assert bob.copy("acme").names() == ["review"]
    assert bob.copy("personal").names() == []
    assert ada.copy("personal").names() == ["private"]


def test_only_the_named_vault_is_synced(
    ada: Member, acme: UUID, monkeypatch: pytest.MonkeyPatch
) -> None:
    ada.sync()
    ada.machine.ok("add", "a", "text")
    ada.copy("acme").add("b", "text")
    with monkeypatch.context() as patch:
        patch.setenv("PROMPTVAULT_VAULT", "acme")
        report = ada.sync()
    assert [(row["name"], row["pushed"]) for row in report["vaults"]] == [("acme", 1)]
    report = ada.sync("--vault", "personal")
    names = [(row["name"], row["pushed"]) for row in report["vaults"]]
    assert names == [("personal", 1)]
    assert ada.machine("sync", "--vault", "nothing").code == 3


def test_a_busy_vault_is_left_out_and_named(ada: Member, acme: UUID) -> None:
    ada.sync()
    with exclusive(ada.paths.of("acme").sync_lock, lambda: None):
        result = ada.machine("sync", "--json")
    rows = {row["name"]: row for row in json.loads(result.out)["vaults"]}
    assert rows["acme"]["error"]["code"] == "conflict"
    assert rows["personal"]["error"] is None
    assert result.code == 5
    assert "acme: Another process is syncing this vault." in result.err


def test_a_damaged_vault_is_one_line_and_the_others_are_synced(
    ada: Member, acme: UUID, teams: Teams
) -> None:
    ada.sync()
    ada.machine.ok("add", "a", "text")
    for each in ada.paths.of("acme").vault_data.glob("vault.db*"):
        each.write_bytes(b"no database" * 100)
    teams.create(ada.user, "beta")  # so that the vaults are compared
    result = ada.machine("sync", "--json")
    rows = {row["name"]: row for row in json.loads(result.out)["vaults"]}
    assert rows["personal"]["pushed"] == 1
    assert rows["acme"]["error"]["code"] == "vault_unusable"
    assert result.code == 7
    assert ada.names == ["personal", "acme"]  # no second acme


def test_a_new_slug_renames_the_folder_and_keeps_the_usage(
    ada: Member, acme: UUID, teams: Teams
) -> None:
    ada.sync()
    ada.copy("acme").add("review", "text")
    ada.paths.of("acme").usage.write_text("counts")
    teams.rename(acme, "umbrella")
    ada.sync()
    assert ada.names == ["personal", "umbrella"]
    assert ada.copy("umbrella").names() == ["review"]
    assert ada.paths.of("umbrella").usage.read_text() == "counts"
    assert not ada.paths.of("acme").vault_data.exists()


def test_a_change_that_waits_while_its_vault_is_renamed_makes_no_other_vault(
    ada: Member, acme: UUID, teams: Teams
) -> None:
    ada.sync()
    teams.rename(acme, "umbrella")
    old = ada.copy("acme")
    ada.sync()
    with pytest.raises(NotFoundError, match="no vault 'acme'"):
        old.add("late", "text")
    assert ada.names == ["personal", "umbrella"]
    assert not old.paths.vault_data.exists()


def test_a_taken_name_gets_a_number(ada: Member, acme: UUID, teams: Teams) -> None:
    ada.sync()
    with connected(ada.paths.of("acme").database) as connection:
        connection.execute("UPDATE sync_link SET server = 'https://other.example'")
    teams.protect(acme, "draft")  # so that the vaults are compared
    ada.sync()
    assert ada.names == ["personal", "acme", "acme-2"]


def test_who_is_removed_keeps_a_copy_that_can_only_be_read(
    ada: Member, bob: Member, acme: UUID, teams: Teams
) -> None:
    ada.sync()
    ada.copy("acme").add("review", "text")
    ada.sync()
    bob.sync()
    bob.copy("acme").add("mine", "unsent")
    teams.remove(acme, bob.user)
    result = bob.machine("sync", "--json")
    assert result.code == 0
    assert {row["name"]: row["state"] for row in json.loads(result.out)["vaults"]} == {
        "personal": "active",
        "acme": "left",
    }
    assert "You are not in this team any more" in result.err
    assert bob.copy("acme").names() == ["mine", "review"]
    with pytest.raises(PermissionDeniedError, match="not in the team Acme"):
        bob.copy("acme").add("more", "text")
    ada.copy("acme").edit("review", "for members only")
    ada.sync()
    assert [row["name"] for row in bob.sync()["vaults"]] == ["personal"]
    assert bob.copy("acme").body("review") == "text"


def test_who_joins_again_goes_on_with_the_same_vault(
    ada: Member, bob: Member, acme: UUID, teams: Teams
) -> None:
    ada.sync()
    bob.sync()
    teams.remove(acme, bob.user)
    bob.copy("acme").add("mine", "unsent")
    bob.sync()
    teams.join(acme, bob.user, "editor")
    assert bob.vault("acme")["pushed"] == 1
    assert bob.names == ["personal", "acme"]
    ada.sync()
    assert ada.copy("acme").body("mine") == "unsent"


def test_a_wiped_vault_leaves_nothing_but_the_unsent_edits(
    ada: Member, bob: Member, acme: UUID, teams: Teams
) -> None:
    teams.set_on_leave(acme, "wipe")
    ada.sync()
    ada.copy("acme").add("review", "text")
    ada.sync()
    bob.sync()
    bob.sync()  # the server notes that the device has the vault
    bob.copy("acme").add("coding/mine", "unsent")
    bob.copy("acme").edit("review", "edited")
    teams.remove(acme, bob.user)
    row = bob.vault("acme")
    assert (row["state"], row["saved"]) == ("wiped", 2)
    assert bob.names == ["personal"]
    assert not list((bob.paths.data / "vaults").iterdir())
    own = bob.copy("personal")
    assert own.names() == ["from-acme/coding/mine", "from-acme/review"]
    assert own.body("from-acme/review") == "edited"
    assert own.problems() == []
    report = bob.sync()
    assert (report["pushed"], report["held_back_for"]) == (0, {"left": 2})
    own.edit("from-acme/review", "edited again")
    assert bob.sync()["pushed"] == 0
    assert bob.sync("--retry")["pushed"] == 2


@pytest.mark.parametrize("on_leave", ["keep", "wipe"])
def test_a_device_that_was_offline_for_a_month_loses_nothing(
    ada: Member, bob: Member, acme: UUID, teams: Teams, admin: Admin, on_leave: str
) -> None:
    ada.sync()
    bob.sync()
    bob.sync()
    teams.remove(acme, bob.user)
    teams.set_on_leave(acme, on_leave)
    teams.rename(acme, "umbrella")
    admin.purge(datetime.now(UTC) + timedelta(days=32))
    for number in range(3):
        bob.copy("acme").add(f"offline/{number}", f"text {number}")
    bob.machine.ok("add", "own", "text")
    row = bob.vault("acme")
    names = bob.copy("personal").names()
    if on_leave == "keep":
        assert (row["state"], names) == ("left", ["own"])
        assert bob.copy("acme").body("offline/2") == "text 2"
    else:
        assert (row["state"], row["saved"]) == ("wiped", 3)
        assert len(names) == 4
        assert bob.copy("personal").body("from-acme/offline/2") == "text 2"


def test_a_kill_while_a_vault_is_wiped_is_made_good(
    ada: Member, bob: Member, acme: UUID, teams: Teams, monkeypatch: pytest.MonkeyPatch
) -> None:
    teams.set_on_leave(acme, "wipe")
    bob.sync()
    bob.sync()
    bob.copy("acme").add("mine", "unsent")
    teams.remove(acme, bob.user)
    with monkeypatch.context() as patch:
        patch.setattr(leaving, "delete_vault", _killed)
        with pytest.raises(KilledError):
            bob.machine("sync")
    row = bob.vault("acme")
    assert (row["state"], row["saved"]) == ("wiped", 1)
    assert bob.copy("personal").names() == ["from-acme/mine"]


def test_doctor_deletes_what_a_killed_sync_left(ada: Member, acme: UUID) -> None:
    ada.sync()
    left = ada.paths.data / "vaults" / ".new-1"
    shutil.copytree(ada.paths.of("acme").vault_data, left)
    assert ada.names == ["personal", "acme"]
    result = ada.machine("doctor", "--json")
    assert [each["part"] for each in result.json["problems"]] == ["vaults"]
    ada.machine.ok("doctor", "--repair")
    assert not left.exists()
    assert ada.copy("personal").problems() == []


def _killed(*_: object) -> None:
    raise KilledError


def test_an_edit_of_a_frozen_vault_waits_and_goes_when_it_is_thawed(
    ada: Member, bob: Member, acme: UUID, teams: Teams
) -> None:
    ada.sync()
    bob.sync()
    teams.freeze(acme)
    bob.copy("acme").add("mine", "text")
    result = bob.machine("sync", "--json")
    report = json.loads(result.out)
    assert report["held_back_for"] == {"plan": 1}
    assert result.code == 9
    assert read_vault(bob.paths.of("acme")).state == "frozen"
    ada.copy("acme").add("of-the-owner", "text")
    assert ada.vault("acme")["pushed"] == 1
    teams.thaw(acme)
    assert bob.vault("acme")["pushed"] == 1
    ada.sync()
    assert ada.copy("acme").names() == ["mine", "of-the-owner"]


def test_an_edit_of_a_viewer_is_sent_once_the_role_allows_it(
    ada: Member, bob: Member, acme: UUID, teams: Teams
) -> None:
    bob.sync()
    bob.copy("acme").add("mine", "text")
    teams.set_role(acme, bob.user, "viewer")
    assert bob.sync()["held_back_for"] == {"forbidden": 1}
    teams.set_role(acme, bob.user, "editor")
    assert bob.vault("acme")["pushed"] == 1


def test_a_viewer_is_refused_every_change_at_once(
    ada: Member, bob: Member, acme: UUID, teams: Teams, tmp_path: Path
) -> None:
    ada.sync()
    ada.copy("acme").add("review", "text")
    ada.sync()
    teams.set_role(acme, bob.user, "viewer")
    bob.sync()
    (tmp_path / "new.md").write_text("New.")
    for words in (
        ("add", "acme:new", "text"),
        ("edit", "acme:review"),
        ("label", "acme:review", "draft"),
        ("set", "acme:review", "--title", "T"),
        ("delete", "acme:review"),
        ("import", str(tmp_path / "new.md"), "--vault", "acme"),
    ):
        refused = bob.machine(*words)
        assert refused.code == 4, words
        assert "may only read the prompts of the team Acme" in refused.err
    assert bob.machine("copy", "acme:review", "mine").code == 0
    assert bob.sync()["held_back"] == 0
    assert bob.copy("acme").names() == ["review"]


def _labelled(ada: Member, bob: Member) -> None:
    """Give both devices a prompt whose first version has the label production."""
    ada.sync()
    ada.copy("acme").add("review", "one")
    set_label(ada.copy("acme").workspace, "review@1", "production")
    ada.sync()
    bob.sync()


def test_an_editor_is_refused_a_protected_label_at_once(
    ada: Member, bob: Member, acme: UUID
) -> None:
    _labelled(ada, bob)
    mine = bob.copy("acme")
    mine.edit("review", "two")
    with pytest.raises(PermissionDeniedError, match="production"):
        set_label(mine.workspace, "review@2", "production")
    with pytest.raises(PermissionDeniedError, match="production"):
        remove_label(mine.workspace, "review", "production")
    with pytest.raises(PermissionDeniedError, match="production"):
        move_prompts(mine.workspace, "review", "other")
    with pytest.raises(PermissionDeniedError, match="production"):
        mine.delete("review")
    set_label(mine.workspace, "review@2", "draft")
    set_label(ada.copy("acme").workspace, "review@1", "production")
    assert bob.vault("acme")["pushed"] == 1


def test_an_edit_is_not_stuck_behind_a_label_that_was_protected_since(
    ada: Member, bob: Member, acme: UUID, teams: Teams
) -> None:
    _labelled(ada, bob)
    teams.unprotect(acme, "production")
    bob.sync()
    mine = bob.copy("acme")
    mine.edit("review", "two")
    set_label(mine.workspace, "review@2", "production")
    move_prompts(mine.workspace, "review", "other")
    teams.protect(acme, "production")
    row = bob.vault("acme")
    assert (row["pushed"], row["held_back"]) == (1, 0)
    ada.sync()
    for member in (ada, bob):
        prompt = member.copy("acme").get("review")
        assert member.copy("acme").body("review") == "two"
        assert prompt.labels == {"production": 1}


@pytest.mark.parametrize("is_purged", [False, True])
def test_a_deletion_that_a_label_forbids_is_undone(
    ada: Member, bob: Member, acme: UUID, teams: Teams, is_purged: bool
) -> None:
    _labelled(ada, bob)
    teams.unprotect(acme, "production")
    bob.sync()
    bob.copy("acme").delete("review")
    if is_purged:
        purge_trash(bob.copy("acme").workspace)
    teams.protect(acme, "production")
    assert bob.vault("acme")["held_back"] == 0
    ada.sync()
    for member in (ada, bob):
        assert member.copy("acme").body("review") == "one"
        assert member.copy("acme").get("review").labels == {"production": 1}
        assert member.copy("acme").problems() == []


def test_a_merge_keeps_the_protected_label_of_the_server(
    ada: Member, bob: Member, acme: UUID, teams: Teams
) -> None:
    _labelled(ada, bob)
    teams.unprotect(acme, "production")
    bob.sync()
    bob.copy("acme").edit("review", "two")
    set_label(bob.copy("acme").workspace, "review@2", "production")
    teams.protect(acme, "production")
    ada.copy("acme").set("review", title="Review")
    ada.sync()
    bob.sync()
    ada.sync()
    for member in (ada, bob):
        prompt = member.copy("acme").get("review")
        assert (prompt.details.title, prompt.labels) == ("Review", {"production": 1})
        assert member.copy("acme").body("review") == "two"


def test_vaults_cannot_be_made_in_a_folder_that_cannot_be_written(
    ada: Member, acme: UUID
) -> None:
    ada.machine.ok("add", "own", "text")
    (ada.paths.data / "vaults").write_text("in the way")
    result = ada.machine("sync", "--json")
    rows = {row["name"]: row for row in json.loads(result.out)["vaults"]}
    assert rows["personal"]["pushed"] == 1
    assert rows["acme"]["error"]["code"] == "vault_unusable"
    assert result.code == 7
    (ada.paths.data / "vaults").unlink()
    ada.sync()
    assert ada.names == ["personal", "acme"]


def test_another_user_on_the_device_gets_nothing_of_the_team(
    ada: Member, bob: Member, acme: UUID, server: Server, admin: Admin
) -> None:
    ada.sync()
    admin.add_user("carol@example.com", Tier.PRO)
    ada.machine.sign_in(server.url, admin.issue_token("carol@example.com", "x"))
    result = ada.machine("sync", "--json")
    assert result.code == 4
    assert read_vault(ada.paths.of("acme")).state == "active"
