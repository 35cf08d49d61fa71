"""What a device reads: pages, versions, deletions, and when it starts again."""

from collections.abc import Callable
from typing import Any
from uuid import uuid4

import pytest

from tests.server.sync.conftest import (
    LIMITS,
    Vault,
    after,
    beside,
    gone,
    new,
    push,
    version,
)


def _read(vault: Vault, cursor: dict[str, Any] | None = None) -> list[dict[str, Any]]:
    """Return everything after *cursor*, page by page."""
    changes, more = [], True
    while more:
        answer = vault.sync(cursor=cursor)
        assert answer["status"] == "ok"
        changes += answer["feed"]
        cursor, more = answer["cursor"], answer["more"]
    return changes


def _small_pages(vault: Vault, size: int = 2) -> Vault:
    vault.limits = LIMITS.model_copy(update={"items": size})
    return vault


def test_pages_hold_everything_in_order(vault: Vault) -> None:
    pushes = [new() for _ in range(5)]
    vault.say(*pushes, beside(pushes[0]), after(pushes[1]))
    seqs = [each["seq"] for each in _read(_small_pages(vault))]
    assert seqs == [1, 3, 4, 5, 6, 7]


def test_a_page_holds_so_many_bytes(vault: Vault) -> None:
    large = "x" * (LIMITS.payload - 1000)
    vault.say(*[new(large) for _ in range(20)])
    answer = vault.sync()
    assert answer["more"]
    assert 10 <= len(answer["feed"]) <= 16
    assert len(_read(vault)) == 20


def test_a_change_names_its_author(vault: Vault) -> None:
    vault.say(new())
    assert vault.sync()["feed"][0]["by"]["user"] == str(vault.bearer.user_id)


def test_the_answer_leaves_out_what_the_request_brought(vault: Vault) -> None:
    first, second = new(), new()
    vault.say(first)
    answer = vault.sync(second)
    assert [each["rev"] for each in answer["feed"]] == [first["rev"]]
    assert vault.sync(cursor=answer["cursor"])["feed"] == []


# Deletions, the horizon and the epoch


def test_a_deletion_reaches_those_who_had_it(vault: Vault) -> None:
    first = new()
    vault.say(first)
    cursor = vault.sync()["cursor"]
    vault.say(gone(first))
    (change,) = vault.sync(cursor=cursor)["feed"]
    assert (change["deleted"], change["payload"]) == (True, None)
    assert vault.sync()["feed"] == []


def test_a_device_that_missed_a_purged_deletion_starts_again(vault: Vault) -> None:
    first = new()
    vault.say(first, new())
    cursor = vault.sync()["cursor"]
    vault.say(gone(first))
    vault.purge(3)
    pending = new()
    answer = vault.sync(pending, cursor=cursor)
    assert (answer["status"], answer["reason"]) == ("resync", "horizon")
    assert (answer["cursor"]["seq"], answer.get("results", [])) == (0, [])
    assert vault.sync()["status"] == "ok"
    assert vault.say(pending)[0].get("dup", False) is False
    assert vault.say(after(first))[0]["head"] is None


def test_3_a_bootstrap_passes_the_horizon_on_its_way(vault: Vault) -> None:
    pushes = [new() for _ in range(5)]
    vault.say(*pushes, gone(pushes[0]))
    vault.purge(6)
    assert len(_read(_small_pages(vault))) == 4
    cursor = vault.sync()["cursor"]
    last = after(pushes[1])
    vault.say(last, gone(last))
    vault.purge(8)
    answer = vault.sync(cursor=cursor)
    assert (answer["status"], answer["reason"]) == ("resync", "horizon")


@pytest.mark.parametrize("how", ["restored", "behind", "nameless"])
def test_data_from_before_are_noticed(vault: Vault, how: str) -> None:
    vault.say(new())
    cursor = vault.sync()["cursor"]
    if how == "restored":
        vault.rows("UPDATE vaults SET epoch = gen_random_uuid() WHERE id = %s")
    elif how == "behind":
        cursor["seq"] = 7
    else:
        cursor["epoch"] = None
    answer = vault.sync(new(), cursor=cursor)
    assert (answer["status"], answer["reason"]) == ("resync", "epoch")
    epoch = answer["cursor"]["epoch"]
    assert vault.sync(cursor={"epoch": epoch, "seq": 0})["status"] == "ok"


# Found by models


def test_1_a_deletion_answers_a_stale_replay(vault: Vault) -> None:
    """A copied vault sends again what was deleted elsewhere."""
    first = new()
    vault.say(first)
    vault.say(gone(first))
    answer = vault.sync(first)
    assert answer["results"][0]["dup"]
    assert [each["deleted"] for each in answer["feed"]] == [True]


def test_2_the_head_that_won_comes_whatever_the_cursor_says(vault: Vault) -> None:
    first = new()
    vault.say(first)
    theirs = after(first)
    vault.say(theirs)
    cursor = vault.sync()["cursor"]
    answer = vault.sync(after(first), cursor=cursor)
    (change,) = answer["feed"]
    assert change["rev"] == theirs["rev"]
    ids = [first["versions"][0]["id"], theirs["versions"][0]["id"]]
    assert [each["id"] for each in change["versions"]] == ids
    assert answer["cursor"]["seq"] == 2


def test_4_a_settlement_that_loses_settles_nothing(vault: Vault) -> None:
    first = new()
    side = beside(first)
    vault.say(first, side)
    vault.say(after(first))
    assert vault.say(after(first, resolves=[side["rev"]]))[0]["r"] == "conflict"
    assert "side" in [each["t"] for each in vault.sync()["feed"]]


def test_8_a_side_that_was_resolved_and_purged_is_reported(vault: Vault) -> None:
    first = new()
    side = beside(first)
    vault.say(first, side, after(first, resolves=[side["rev"]]))
    vault.purge(4)
    (result,) = vault.say(side)
    assert (result["dup"], result["open"]) == (True, False)


# Versions


def test_versions_come_in_one_order_for_all_devices(vault: Vault) -> None:
    item = str(uuid4())
    old = [version(f"draft {number}") for number in range(3)]
    first = push(item, old)
    vault.say(first)
    side, second = beside(first), after(first)
    vault.say(side, second)
    (change, other) = vault.sync()["feed"]
    sent = [*old, *side["versions"], *second["versions"]]
    found = [*change["versions"], *other.get("versions", [])]
    assert [each["id"] for each in found] == [each["id"] for each in sent]
    places = [(each["seq"], each["position"]) for each in found]
    assert places == [(1, 0), (1, 1), (1, 2), (2, 0), (3, 0)]
    bare = [{k: v for k, v in e.items() if k not in {"seq", "position"}} for e in found]
    assert bare == sent


def test_a_device_reads_only_versions_it_lacks(vault: Vault) -> None:
    first = new()
    vault.say(first)
    cursor = vault.sync()["cursor"]
    second = after(first)
    vault.say(second)
    (change,) = vault.sync(cursor=cursor)["feed"]
    assert [each["id"] for each in change["versions"]] == [second["versions"][0]["id"]]


def test_a_version_is_stored_once_and_its_position_returned(vault: Vault) -> None:
    first = new()
    vault.say(first)
    both = [*first["versions"], version("Hi!")]
    second = push(first["item"], both, chain=[first["rev"]])
    (result,) = vault.say(second)
    place = {"id": both[0]["id"], "seq": 1, "position": 0}
    assert (result["seq"], result["known"]) == (2, [place])
    assert len(vault.sync()["feed"][0]["versions"]) == 2


def test_versions_of_a_prompt_that_moves_between_pages_are_not_missed(
    vault: Vault,
) -> None:
    """The prompt moves to a later page, with its older versions."""
    cursor = vault.sync()["cursor"]
    early, moving = [new() for _ in range(3)], new()
    vault.say(early[0], moving, early[1], early[2])
    _small_pages(vault, 1)
    answer = vault.sync(cursor=cursor)
    assert answer["more"]
    moved = after(moving)
    vault.say(moved)
    answer = vault.sync(cursor=answer["cursor"])
    changes = answer["feed"] + _read(vault, answer["cursor"])
    versions = [each["id"] for c in changes for each in c.get("versions", [])]
    assert {moving["versions"][0]["id"], moved["versions"][0]["id"]} <= {*versions}


def test_versions_of_a_prompt_that_moves_are_not_missed_later_either(
    vault: Vault,
) -> None:
    vault.say(new())
    cursor = vault.sync()["cursor"]
    moving, early = new(), new()
    vault.say(moving, early, new())
    vault.say(after(moving))
    _small_pages(vault, 1)
    versions = [v["id"] for c in _read(vault, cursor) for v in c.get("versions", [])]
    assert moving["versions"][0]["id"] in versions
    assert vault.sync(cursor=cursor)["cursor"]["since"] == 1


def test_pages_read_each_version_a_few_times_at_most(vault: Vault) -> None:
    """Not all later versions, in every page."""
    for _ in range(20):
        vault.say(push(str(uuid4()), [version(str(n)) for n in range(100)]))
    vault.limits.page_versions = 150
    before = _versions_read(vault)
    read = [each for change in _read(vault) for each in change.get("versions", [])]
    assert len(read) == 2000
    assert _versions_read(vault) - before < 4 * len(read)


def _versions_read(vault: Vault) -> int:
    """Return the number of version rows that PostgreSQL has read so far."""
    vault.rows("SELECT pg_stat_force_next_flush() WHERE %s IS NOT NULL")
    ((count,),) = vault.rows(
        "SELECT seq_tup_read + idx_tup_fetch FROM pg_stat_user_tables"
        " WHERE %s IS NOT NULL AND relname = 'versions'"
    )
    return int(count)


def test_a_prompt_that_moves_while_it_is_read_comes_whole(vault: Vault) -> None:
    vault.limits.page_versions = 40
    first = push(str(uuid4()), [version(str(n)) for n in range(100)])
    vault.say(first, new())
    answer = vault.sync()
    assert [each["t"] for each in answer["feed"]] == ["versions"]
    part = answer["cursor"]["part"]
    assert part == {"item": first["item"], "seq": 1, "position": 39}
    vault.say(after(first))
    changes = answer["feed"] + _read(vault, answer["cursor"])
    read = [each["id"] for c in changes for each in c.get("versions", [])]
    assert len({*read}) == len(read) == 102
    assert "item" in [each["t"] for each in changes if each["item"] == first["item"]]


# Several vaults


def test_a_request_holds_several_vaults(open_vault: Callable[..., Vault]) -> None:
    vault, other = open_vault(), open_vault("bob@example.org")
    vault.rows(
        "INSERT INTO vault_members VALUES (%s, %s, 'editor')",
        other.bearer.user_id,
    )
    both = [{"id": str(each.id), "push": [new()]} for each in (vault, other)]
    answer = other.ask({"proto": 1, "device": str(uuid4()), "vaults": both})
    assert [each["id"] for each in answer["vaults"]] == [each["id"] for each in both]
    assert [each["cursor"]["seq"] for each in answer["vaults"]] == [1, 1]
    assert [each["quota"]["used"] for each in answer["vaults"]] == [1, 1]
    vault.check()
    other.check()
