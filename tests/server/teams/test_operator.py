"""`server team`: the operator lists and restores teams."""

import pytest

from tests.conftest import Pvt
from tests.server.teams.people import People


def test_a_deleted_team_is_listed_and_restored(
    pvt: Pvt, people: People, database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DATABASE_URL", database_url)
    owner, _ = people.team("bob")
    (row,) = pvt.ok("server", "team", "list", "--json").json
    found = [row[name] for name in ("slug", "owner", "members", "frozen")]
    assert found == ["acme", owner.email, 2, None]
    owner.delete("/v1/teams/acme", confirm="acme")
    assert pvt.ok("server", "team", "show", "acme", "--json").json["deleted_at"]
    assert "deleted" in pvt.ok("server", "team", "list").text
    pvt.ok("server", "team", "restore", "acme")
    assert owner.get("/v1/teams/acme").json()["members"] == 2
    assert pvt("server", "team", "restore", "acme").code == 5
    for command in ("show", "restore"):
        assert pvt("server", "team", command, "nowhere").code == 3
