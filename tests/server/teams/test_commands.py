"""`team` and `vaults`, with a real server: from the creation of a team to its end."""

import os
from pathlib import Path

import pytest

from promptvault.domain.tier import Tier
from promptvault.server.admin import Admin
from tests.conftest import Pvt, Result
from tests.server.conftest import Server


class Device:
    """A device of a user, with a home of its own."""

    def __init__(self, home: Path, server: Server, token: str) -> None:
        self._home = home
        self._pvt = Pvt()
        login = ("login", "--server", server.url, "--token", "-")
        self._run(*login, stdin=token.encode())

    def __call__(self, *arguments: str) -> Result:
        """Run the program on this device."""
        return self._run(*arguments)

    def ok(self, *arguments: str) -> Result:
        """Run it, and require that it succeeds."""
        result = self._run(*arguments)
        assert result.code == 0, result.err
        return result

    def _run(self, *arguments: str, stdin: bytes = b"") -> Result:
        former = os.environ.get("PROMPTVAULT_HOME")
        os.environ["PROMPTVAULT_HOME"] = str(self._home)
        try:
            return self._pvt(*arguments, stdin=stdin)
        finally:
            os.environ["PROMPTVAULT_HOME"] = former or ""


@pytest.fixture
def devices(
    home: Path, tmp_path: Path, server: Server, admin: Admin
) -> tuple[Device, Device]:
    """Return a device of an owner, and one of a user with a small plan."""
    tokens = []
    for name, tier in (("ada", Tier.PRO), ("bob", Tier.FREE)):
        email = f"{name}@example.org"
        admin.add_user(email, tier)
        tokens.append(admin.issue_token(email, "test", manage=True))
    return (
        Device(tmp_path / "ada", server, tokens[0]),
        Device(tmp_path / "bob", server, tokens[1]),
    )


def test_a_team_from_its_making_to_its_end(
    devices: tuple[Device, Device], monkeypatch: pytest.MonkeyPatch
) -> None:
    ada, bob = devices
    assert ada.ok("team", "create", "Acme").text == "acme\n"
    assert ada("team", "create", "Other", "--slug", "acme").code == 5
    rows = ada.ok("vaults", "list", "--json").json
    assert [row["name"] for row in rows] == ["personal", "acme"]
    ada.ok("add", "acme:coding/review", "Ours.")
    ada.ok("sync")

    (url,) = ada.ok("team", "invite", "--link", "--uses", "2").lines
    with monkeypatch.context() as patch:
        patch.setenv("PROMPTVAULT_VAULT", "acme")  # it is not on this device yet
        joined = bob.ok("team", "join", url, "--json").json
    assert (joined["slug"], joined["role"]) == ("acme", "editor")
    assert bob.ok("get", "acme:review").text == "Ours."
    assert bob("get", "review").code == 3
    assert bob("team", "join", f"{url}x").code == 3
    assert bob("team", "invite", "--link").code == 4

    members = ada.ok("team", "members", "--json").json
    assert {row["email"]: row["role"] for row in members} == {
        "ada@example.org": "owner",
        "bob@example.org": "editor",
    }
    shown = ada.ok("team", "show", "acme", "--json").json
    assert (shown["members"], shown["limit"]) == (2, 5)
    assert shown["protected"] == ["production"]
    ada.ok("team", "protect", "staging")
    ada.ok("team", "unprotect", "production")
    assert ada.ok("team", "show", "--json").json["protected"] == ["staging"]
    ada.ok("team", "role", "bob@example.org", "admin")
    assert ada("team", "role", "ada@example.org", "editor").code == 5
    assert ada("team", "leave", "--yes").code == 5
    assert bob.ok("team", "log", "--json").json

    (row,) = ada.ok("team", "invitations", "list", "--json").json
    ada.ok("team", "invitations", "revoke", row["id"][:8])
    assert ada.ok("team", "invitations", "list", "--json").json == []

    ada.ok("team", "remove", "bob@example.org", "--yes")
    bob.ok("sync")
    assert bob.ok("vaults", "list", "--json").json[1]["state"] == "left"
    assert bob.ok("get", "acme:review").text == "Ours."
    assert bob("add", "acme:new", "Text.").code == 4
    assert bob("team", "show", "acme").code == 3
    bob.ok("vaults", "remove", "acme", "--yes")
    assert bob("get", "acme:review").code == 3


def test_the_settings_of_a_team(devices: tuple[Device, Device]) -> None:
    ada, _ = devices
    ada.ok("team", "create", "Acme")
    assert ada("team", "set").code == 2
    assert ada("team", "set", "--on-leave", "burn").code == 2
    assert ada("team", "set", "--slug", "me").code == 2
    changed = ada.ok(
        *("team", "set", "--name", "Acme Labs", "--slug", "labs"),
        *("--shares-by", "admin", "--on-leave", "wipe", "--json"),
    ).json
    assert (changed["name"], changed["slug"]) == ("Acme Labs", "labs")
    assert ada.ok("vaults", "list", "--json").json[1]["name"] == "labs"
    shown = ada.ok("team", "show").text
    assert "wipe" in shown
    refused = ada("team", "protect", "Bad Label")
    assert refused.code == 2
    assert "'Bad Label' is no label" in refused.err


def test_leaving_deletes_the_vault_if_wanted(devices: tuple[Device, Device]) -> None:
    ada, bob = devices
    ada.ok("team", "create", "Acme")
    url = ada.ok("team", "invite", "--link", "--json").json["url"]
    bob.ok("team", "join", url)
    bob.ok("add", "acme:unsent", "Mine.")
    bob.ok("team", "leave", "--wipe", "--yes")
    assert len(bob.ok("vaults", "list", "--json").json) == 1
    assert bob.ok("get", "from-acme/unsent").text == "Mine."
