"""What the server accepts and refuses, rule by rule."""

import json
from collections.abc import Callable
from typing import Any
from uuid import uuid4

import pytest

from promptvault.domain.tier import Tier
from promptvault.errors import TooLargeError
from tests.server.sync.conftest import (
    LIMITS,
    Vault,
    after,
    beside,
    gone,
    new,
    push,
    set_limit,
    version,
)


def _words(results: list[dict[str, Any]]) -> list[str]:
    return [result["r"] for result in results]


def test_sequence_numbers_have_no_gaps(vault: Vault) -> None:
    first, second = new(), new()
    results = vault.say(first, second, after(first), beside(second))
    assert [result["seq"] for result in results] == [1, 2, 3, 4]
    assert vault.sync()["cursor"]["seq"] == 4


def test_what_was_accepted_is_accepted_again_and_changes_nothing(vault: Vault) -> None:
    first = new()
    side = beside(first)
    before = vault.say(first, side)
    again = vault.say(first, side)
    assert [result["seq"] for result in again] == [result["seq"] for result in before]
    assert all(result["dup"] for result in again)
    assert again[1]["open"] is True
    assert vault.say(first, first)[1]["dup"] is True
    assert vault.sync()["cursor"]["seq"] == 2


@pytest.mark.parametrize("change", ["item", "payload", "kind", "deleted"])
def test_a_revision_is_never_another_one(vault: Vault, change: str) -> None:
    first = new()
    vault.say(first)
    other = {
        "item": {**first, "item": str(uuid4())},
        "payload": {**first, "payload": {**first["payload"], "name": "other"}},
        "kind": {**first, "kind": "side"},
        "deleted": {**first, "deleted": True},
    }[change]
    assert _words(vault.say(other)) == ["rev_reuse"]


def test_a_head_follows_any_of_its_ancestors(vault: Vault) -> None:
    """An earlier push whose answer was lost, and then another edit."""
    first = new()
    vault.say(first)
    second = after(first)
    vault.say(second)
    third = after(second, base=first["rev"], chain=[second["rev"], first["rev"]])
    assert _words(vault.say(third)) == ["ok"]


def test_the_second_push_gets_the_current_head(vault: Vault) -> None:
    first = new()
    vault.say(first)
    mine, theirs = after(first), after(first)
    vault.say(theirs)
    (result,) = vault.say(mine)
    assert (result["r"], result["head"]) == ("conflict", theirs["rev"])
    assert result["common"] == first["rev"]


def test_a_new_prompt_has_no_base(vault: Vault) -> None:
    (result,) = vault.say(new(base=str(uuid4())))
    assert (result["r"], result["head"]) == ("conflict", None)


def test_common_is_the_newest_revision_that_is_known(vault: Vault) -> None:
    first = new()
    second = after(first)
    third = after(second)
    vault.say(first, second, third)
    chain = [str(uuid4()), second["rev"], first["rev"]]
    (result,) = vault.say(after(first, chain=chain))
    assert result["common"] == second["rev"]


def test_of_one_prompt_the_later_push_in_a_request_stays(vault: Vault) -> None:
    first = new()
    second = after(first)
    assert _words(vault.say(first, second)) == ["ok", "ok"]
    (change,) = vault.sync()["feed"]
    assert (change["rev"], change["seq"]) == (second["rev"], 2)


# Sides


def test_a_side_changes_no_head_and_counts_for_nothing(vault: Vault) -> None:
    set_limit(vault, 1)
    first = new()
    answer = vault.sync(first, beside(first), beside(first))
    assert _words(answer["results"]) == ["ok"] * 3
    assert answer["quota"] == {"limit": 1, "used": 1, "over": []}
    kinds = [(each["t"], each["rev"] == first["rev"]) for each in vault.sync()["feed"]]
    assert kinds == [("item", True), ("side", False), ("side", False)]


@pytest.mark.parametrize("how", ["head", "side", "resolve"])
def test_a_side_is_settled(vault: Vault, how: str) -> None:
    first = new()
    side = beside(first)
    vault.say(first, side)
    settling = {
        "head": after(first, resolves=[side["rev"]]),
        "side": beside(first, resolves=[side["rev"]]),
        "resolve": _resolve(first, side),
    }[how]
    vault.say(settling)
    changes = {each["rev"]: each for each in vault.sync()["feed"]}
    assert changes[side["rev"]]["t"] == "resolved"
    assert changes[side["rev"]]["payload"] is None
    seq = vault.sync()["cursor"]["seq"]
    vault.say(settling)
    assert vault.sync()["cursor"]["seq"] == seq


def _resolve(head: dict[str, Any], side: dict[str, Any]) -> dict[str, Any]:
    return {
        "kind": "resolve",
        "item": head["item"],
        "rev": str(uuid4()),
        "resolves": [side["rev"]],
    }


def test_a_side_is_settled_by_its_own_prompt_alone(vault: Vault) -> None:
    first, other = new(), new()
    side = beside(first)
    vault.say(first, other, side, _resolve(other, side))
    assert [each["t"] for each in vault.sync()["feed"]] == ["item", "item", "side"]


def test_a_replayed_push_settles_too(vault: Vault) -> None:
    first = new()
    side = beside(first)
    vault.say(first, side)
    vault.say({**first, "resolves": [side["rev"]]})
    assert vault.sync()["feed"][-1]["t"] == "resolved"


def test_a_side_and_its_settlement_in_one_request(vault: Vault) -> None:
    first = new()
    side = beside(first)
    answer = vault.sync(first, side, _resolve(first, side))
    assert [(each["t"], each["rev"]) for each in answer["feed"]] == [
        ("resolved", side["rev"])
    ]


# Limits of a plan


def test_over_the_limit_only_what_is_new_is_refused(
    open_vault: Callable[..., Vault],
) -> None:
    vault = open_vault(tier=Tier.FREE)
    kept = [new() for _ in range(50)]
    over = new()
    answer = vault.sync(*kept, over, after(kept[0]))
    assert answer["status"] == "quota"
    assert _words(answer["results"]) == ["ok"] * 50 + ["quota", "ok"]
    assert answer["quota"] == {"limit": 50, "used": 50, "over": [over["item"]]}
    answer = vault.sync(gone(kept[1]), over)
    assert (answer["status"], answer["quota"]["used"]) == ("ok", 50)
    vault.check()


def test_deleting_makes_room_and_undeleting_takes_it(vault: Vault) -> None:
    set_limit(vault, 1)
    first = new()
    deletion = gone(first)
    assert _words(vault.say(first, deletion, new())) == ["ok"] * 3
    assert _words(vault.say(after(deletion))) == ["quota"]


def test_after_a_downgrade_all_stays_usable(vault: Vault) -> None:
    first, second = new(), new()
    vault.say(first, second)
    set_limit(vault, 1)
    changed = after(first)
    answer = vault.sync(changed, beside(second))
    assert _words(answer["results"]) == ["ok", "ok"]
    assert _words(vault.say(new())) == ["quota"]
    assert _words(vault.say(gone(changed))) == ["ok"]
    set_limit(vault, None)
    assert _words(vault.say(new())) == ["ok"]


# Invalid requests


@pytest.mark.parametrize(
    "payload",
    [
        None,
        {},
        {"version": 1},
        {"version": "production"},
        {"labels": []},
        {"labels": {"production": None}},
        {"text": "\ud800"},
        {"number": float("nan")},
        {"deep": json.loads("[" * 300 + "]" * 300)},
    ],
)
def test_a_payload_that_is_none_is_refused_alone(vault: Vault, payload: Any) -> None:
    bad = new()
    if payload is None or payload == {}:
        bad["payload"] = payload
    else:
        bad["payload"].update(payload)
    assert _words(vault.say(bad, new())) == ["invalid", "ok"]


def test_a_version_that_was_never_sent_is_requested(vault: Vault) -> None:
    first = new()
    unknown = str(uuid4())
    bad = after(first)
    bad["payload"]["labels"] = {"production": unknown}
    results = vault.say(first, bad, new())
    assert _words(results) == ["ok", "invalid", "ok"]
    assert results[1]["missing"] == [unknown]
    bad["payload"]["labels"] = {"production": first["versions"][0]["id"]}
    assert _words(vault.say(bad)) == ["ok"]


def test_a_version_of_another_prompt_is_none_of_this_one(vault: Vault) -> None:
    first = new()
    stolen = first["versions"][0]["id"]
    by_name = push(str(uuid4()), [], current=stolen)
    by_id = push(str(uuid4()), [version(id=stolen)])
    results = vault.say(first, by_name, by_id)
    assert _words(results) == ["ok", "invalid", "invalid"]


def test_what_a_newer_program_adds_stays(vault: Vault) -> None:
    first = new()
    first["payload"] |= {"mood": None, "number": 10**30}
    first["versions"][0] |= {"seq": 99, "position": "last", "language": "en"}
    vault.say(first)
    (change,) = vault.sync()["feed"]
    assert change["payload"] == first["payload"]
    assert change["versions"] == [{**first["versions"][0], "seq": 1, "position": 0}]


@pytest.mark.parametrize("where", ["payload", "version"])
def test_a_push_that_is_too_large_is_refused_alone(vault: Vault, where: str) -> None:
    large = new("x" * LIMITS.payload) if where == "version" else new()
    if where == "payload":
        large["payload"]["description"] = "x" * LIMITS.payload
    assert _words(vault.say(large, new())) == ["too_large", "ok"]


def test_too_many_at_once_are_refused_together(vault: Vault) -> None:
    vault.limits = LIMITS.model_copy(update={"items": 2})
    with pytest.raises(TooLargeError):
        vault.sync(new(), new(), new())
    assert vault.sync()["cursor"]["seq"] == 0


@pytest.mark.parametrize("by", ["role", "scope"])
def test_who_may_only_read_pushes_nothing(vault: Vault, by: str) -> None:
    first = new()
    vault.say(first)
    if by == "role":
        vault.rows("UPDATE vault_members SET role = 'viewer' WHERE vault_id = %s")
    else:
        vault.bearer.scopes.remove("sync:write")
    answer = vault.sync(after(first), beside(first))
    assert answer["status"] == "forbidden"
    assert _words(answer["results"]) == ["forbidden", "forbidden"]
    assert [each["rev"] for each in answer["feed"]] == [first["rev"]]
