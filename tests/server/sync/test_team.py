"""Sync of a team's vault: roles, freezes, protected labels, and former members."""

import threading
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any
from uuid import uuid4

import psycopg
import pytest

from tests.server.conftest import EMAIL
from tests.server.sync.conftest import Vault, after, beside, gone, new
from tests.server.team import TeamIds, found_team

BOB = "bob@example.org"

Execute = Callable[..., list[tuple[Any, ...]]]

WRITING = ("owner", "admin", "editor")


@pytest.fixture
def execute(database_url: str) -> Iterator[Execute]:
    """Return what reads and changes the database."""
    with psycopg.connect(database_url, autocommit=True) as connection:

        def run(query: str, *values: Any) -> list[tuple[Any, ...]]:
            cursor = connection.execute(query.encode(), values)
            return cursor.fetchall() if cursor.description else []

        yield run


@pytest.fixture
def ids(open_vault: Callable[..., Vault], database_url: str) -> TeamIds:
    """Return a team of Ada, the owner, and Bob, an editor."""
    open_vault(EMAIL)
    open_vault(BOB)
    return found_team(database_url, EMAIL, bob="editor")


@pytest.fixture
def ada(open_vault: Callable[..., Vault], ids: TeamIds) -> Iterator[Vault]:
    """Return Ada's access to the vault of the team; it is checked at the end."""
    vault = replace(open_vault(EMAIL), id=ids.vault)
    yield vault
    vault.check()


@pytest.fixture
def bob(open_vault: Callable[..., Vault], ids: TeamIds) -> Vault:
    """Return Bob's access to it."""
    return replace(open_vault(BOB), id=ids.vault)


def _labelled(push: dict[str, Any], *labels: str) -> dict[str, Any]:
    push["payload"]["labels"] = dict.fromkeys(labels, push["payload"]["version"])
    return push


def _renamed(push: dict[str, Any], name: str) -> dict[str, Any]:
    push["payload"]["name"] = name
    return push


def _refusals(vault: Vault, *pushes: dict[str, Any]) -> list[str | None]:
    """Push, and return for each push why it was forbidden; None if it was accepted."""
    results = vault.say(*pushes)
    assert {each["r"] for each in results} <= {"ok", "forbidden"}, results
    return [each["why"] if each["r"] == "forbidden" else None for each in results]


class TestRoles:
    @pytest.mark.parametrize("role", ["admin", "editor", "viewer"])
    def test_decide_who_may_push(
        self, ada: Vault, bob: Vault, execute: Execute, role: str
    ) -> None:
        ada.say(_labelled(new("of ada")))
        execute("UPDATE vault_members SET role = %s WHERE role <> 'owner'", role)
        answer = bob.sync(new("of bob"))
        if role in WRITING:
            assert (answer["status"], answer["results"][0]["r"]) == ("ok", "ok")
        else:
            (result,) = answer["results"]
            assert (answer["status"], result["r"]) == ("forbidden", "forbidden")
            assert result["why"] == "role"
        assert len(answer["feed"]) == 1  # each may read

    def test_a_token_that_may_only_read_gets_no_reason(self, ada: Vault) -> None:
        """Programs from before teams do not know the reason."""
        only = replace(ada, bearer=replace(ada.bearer, scopes=["sync:read"]))
        (result,) = only.say(new())
        assert (result["r"], result["why"]) == ("forbidden", None)

    def test_a_removal_during_the_wait_for_the_lock_counts(
        self, ada: Vault, bob: Vault, ids: TeamIds, database_url: str
    ) -> None:
        answer = _meanwhile(
            bob, database_url, ids, "DELETE FROM vault_members WHERE role = 'editor'"
        )
        assert answer == {"id": str(ids.vault), "status": "gone"}
        assert ada.sync()["feed"] == []

    def test_a_demotion_during_the_wait_for_the_lock_counts(
        self, ada: Vault, bob: Vault, ids: TeamIds, database_url: str
    ) -> None:
        change = "UPDATE vault_members SET role = 'viewer' WHERE role = 'editor'"
        answer = _meanwhile(bob, database_url, ids, change)
        assert answer["results"][0]["why"] == "role"
        assert ada.sync()["feed"] == []

    def test_a_freeze_during_the_wait_for_the_lock_counts(
        self, ada: Vault, bob: Vault, ids: TeamIds, database_url: str
    ) -> None:
        change = "UPDATE vaults SET frozen_why = 'plan' WHERE team_id IS NOT NULL"
        answer = _meanwhile(bob, database_url, ids, change)
        assert answer["results"][0]["why"] == "plan"
        assert ada.sync()["feed"] == []

    def test_a_deletion_during_the_wait_for_the_lock_counts(
        self, bob: Vault, ids: TeamIds, database_url: str
    ) -> None:
        change = "UPDATE vaults SET frozen_why = 'deleted' WHERE team_id IS NOT NULL"
        assert _meanwhile(bob, database_url, ids, change)["status"] == "gone"


def _meanwhile(
    vault: Vault, database_url: str, ids: TeamIds, change: str
) -> dict[str, Any]:
    """Push to the team's vault, and make *change* while the push waits for the lock."""
    answers: list[dict[str, Any]] = []
    with psycopg.connect(database_url) as other:
        other.execute("SELECT 1 FROM vaults WHERE id = %s FOR UPDATE", (ids.vault,))
        other.execute(change.encode())
        push = threading.Thread(target=lambda: answers.append(vault.sync(new())))
        push.start()
        with psycopg.connect(database_url, autocommit=True) as looking:
            while not looking.execute(
                "SELECT 1 FROM pg_stat_activity WHERE wait_event_type = 'Lock'"
                "   AND datname = current_database()"
            ).fetchall():
                assert push.is_alive()
        other.commit()
        push.join()
    return answers[0]


class TestFreezes:
    @pytest.mark.parametrize(
        ("role", "why", "refusal"),
        [
            ("editor", "plan", "plan"),
            ("admin", "plan", None),
            ("viewer", "plan", "role"),
            ("editor", "owner_gone", "owner_gone"),
            ("admin", "owner_gone", "owner_gone"),
        ],
    )
    def test_hold_back_changes_of_editors(
        self,
        ada: Vault,
        bob: Vault,
        execute: Execute,
        role: str,
        why: str,
        refusal: str | None,
    ) -> None:
        ada.say(new())
        execute("UPDATE vault_members SET role = %s WHERE role <> 'owner'", role)
        execute("UPDATE vaults SET frozen_why = %s WHERE team_id IS NOT NULL", why)
        push = new()
        assert _refusals(bob, push) == [refusal]
        assert len(bob.sync()["feed"]) == (1 if refusal else 2)
        execute("UPDATE vaults SET frozen_why = NULL")
        execute("UPDATE vault_members SET role = 'editor' WHERE role <> 'owner'")
        assert _refusals(bob, push) == [None]  # thawed

    def test_a_deleted_team_is_gone_for_all(
        self, ada: Vault, bob: Vault, execute: Execute
    ) -> None:
        ada.say(new())
        execute("UPDATE vaults SET frozen_why = 'deleted' WHERE team_id IS NOT NULL")
        for each in (ada, bob):
            gone_answer = {"id": str(each.id), "status": "gone"}
            assert each.sync() == gone_answer
            assert each.sync(new()) == gone_answer


class TestProtectedLabels:
    def test_are_moved_by_admins_alone(self, ada: Vault, bob: Vault) -> None:
        first = _labelled(new(), "production")
        assert _refusals(bob, first) == ["label:production"]
        assert ada.sync()["feed"] == []  # the whole push is refused
        assert _refusals(ada, first) == [None]
        kept = after(first)
        kept["payload"]["labels"] = first["payload"]["labels"]
        assert _refusals(bob, kept) == [None]
        moved = _labelled(after(kept), "production")
        assert _refusals(bob, moved) == ["label:production"]
        taken = after(kept)
        assert _refusals(bob, taken) == ["label:production"]
        assert _refusals(bob, _labelled(new(), "draft")) == [None]
        assert _refusals(ada, moved) == [None]

    def test_stop_deletions_and_new_names(self, ada: Vault, bob: Vault) -> None:
        first = _labelled(new(), "production")
        ada.say(first)
        assert _refusals(bob, gone(first)) == ["label:production"]
        renamed = _renamed(after(first), "farewell")
        renamed["payload"]["labels"] = first["payload"]["labels"]
        assert _refusals(bob, renamed) == ["label:production"]
        assert _refusals(ada, renamed) == [None]
        assert _refusals(ada, gone(renamed)) == [None]

    def test_a_prompt_from_the_trash_comes_back_without_them(
        self, ada: Vault, bob: Vault
    ) -> None:
        first = _labelled(new(), "production")
        last = gone(first)
        ada.say(first, last)
        back = after(last)
        assert _refusals(bob, _labelled(dict(back), "production")) == [
            "label:production"
        ]
        back["payload"]["labels"] = {}
        assert _refusals(bob, back) == [None]

    def test_each_push_of_a_request_is_compared_with_the_one_before(
        self, ada: Vault, bob: Vault
    ) -> None:
        plain = new()
        labelled = _labelled(after(plain), "production")
        assert _refusals(bob, plain, labelled) == [None, "label:production"]
        last = gone(labelled)
        assert _refusals(ada, labelled, last) == [None, None]

    def test_a_conflict_is_reported_before_a_label(
        self, ada: Vault, bob: Vault
    ) -> None:
        """The device merges, keeps their label, and sends again."""
        first = new()
        ada.say(first, _labelled(after(first), "production"))
        (result,) = bob.say(after(first))
        assert result["r"] == "conflict"

    def test_a_side_and_a_repetition_move_nothing(self, ada: Vault, bob: Vault) -> None:
        first = _labelled(new(), "production")
        ada.say(first)
        assert _refusals(bob, _labelled(beside(first), "production")) == [None]
        assert _refusals(bob, first) == [None]

    def test_without_a_rule_labels_are_free(
        self, ada: Vault, bob: Vault, execute: Execute
    ) -> None:
        execute("DELETE FROM label_rules")
        first = _labelled(new(), "production")
        assert _refusals(bob, first, gone(first)) == [None, None]
        assert execute("SELECT 1 FROM activities") == []

    def test_a_rule_of_another_vault_does_not_count(
        self, open_vault: Callable[..., Vault], ids: TeamIds, execute: Execute
    ) -> None:
        own = open_vault(BOB)
        first = _labelled(new(), "production")
        assert _refusals(own, first, gone(first)) == [None, None]
        assert execute("SELECT 1 FROM activities") == []

    def test_a_move_is_in_the_activity(
        self, ada: Vault, ids: TeamIds, execute: Execute
    ) -> None:
        first = _labelled(_renamed(new(), "a\0b"), "production")
        kept = after(first)
        kept["payload"] |= {"labels": first["payload"]["labels"], "name": "a\0b"}
        last = gone(kept)
        ada.say(first, kept, last)
        rows = execute(
            "SELECT vault_id, account_id, actor_email, action, subject, details"
            "  FROM activities ORDER BY id"
        )
        who = (ids.vault, ids.account, EMAIL, "label.moved")
        details = {"label": "production", "item": first["item"]}
        version = first["payload"]["version"]
        assert rows == [
            (*who, "ab", details | {"version": version}),
            (*who, "ab", details | {"version": None}),
        ]


class TestWhoHasLeft:
    def _read_twice(self, vault: Vault, device: str) -> dict[str, Any]:
        cursor: dict[str, Any] = {}
        for _ in range(2):
            request = {"id": str(vault.id), "cursor": cursor, "push": []}
            body = {"proto": 1, "device": device, "vaults": [request]}
            answer: dict[str, Any] = vault.ask(body)["vaults"][0]
            cursor = answer.get("cursor", {})
        return answer

    @pytest.mark.parametrize("on_leave", ["keep", "wipe"])
    def test_learns_what_to_do_with_the_copy(
        self, bob: Vault, execute: Execute, on_leave: str
    ) -> None:
        device = str(uuid4())
        self._read_twice(bob, device)
        execute("UPDATE teams SET on_leave = %s", on_leave)
        execute("DELETE FROM vault_members WHERE role = 'editor'")
        answer = self._read_twice(bob, device)
        expected = {"id": str(bob.id), "status": "gone"}
        assert answer == expected | {"on_leave": on_leave}
        assert self._read_twice(bob, str(uuid4())) == expected

    def test_a_stranger_with_the_id_of_a_device_does_not(
        self, ada: Vault, bob: Vault, execute: Execute
    ) -> None:
        device = str(uuid4())
        self._read_twice(ada, device)
        execute("DELETE FROM vault_members WHERE role = 'editor'")
        expected = {"id": str(bob.id), "status": "gone"}
        assert self._read_twice(bob, device) == expected


def test_the_answer_has_the_number_of_the_roster(bob: Vault) -> None:
    later = replace(bob, bearer=replace(bob.bearer, roster=5))
    body = {"proto": 1, "device": str(uuid4()), "vaults": []}
    assert later.ask(body)["roster"] == 5
