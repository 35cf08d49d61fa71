"""Many outdated heads at once.

An answer holds one page of the heads to merge with; the device sends the rest again.
"""

import json
from typing import Any
from uuid import uuid4

import pytest

from promptvault.server.sync.feed import PAGE_BYTES
from tests.server.sync.conftest import LIMITS, Vault, push, version

_LONG = "x" * (LIMITS.payload - 1000)
_HISTORY = 4
"""Versions of each prompt, which are a megabyte together."""
_MOST = 20
"""Versions in one push."""


def _stored(
    vault: Vault, count: int, versions: int = _HISTORY, batch: int = _MOST
) -> list[str]:
    """Make *count* prompts with long histories, and return their ids."""
    ids = [str(uuid4()) for _ in range(count)]
    for item in ids:
        last: str | None = None
        for _ in range(0, versions, batch):
            sent = [version(_LONG) for _ in range(min(versions, batch))]
            head = push(item, sent, base=last)
            (result,) = vault.say(head)
            assert result["r"] == "ok"
            last = head["rev"]
    return ids


def _stale(item: str, *, is_bare: bool) -> dict[str, Any]:
    """Return a change by a device that has not read the prompt."""
    if is_bare:  # and who has deleted it permanently
        return {**push(item, [], str(uuid4())), "deleted": True, "payload": None}
    return push(item, [version("mine")])


@pytest.mark.parametrize("is_bare", [False, True], ids=["edited", "removed"])
@pytest.mark.parametrize("has_read", [False, True], ids=["unread", "read"])
def test_many_conflicts_come_one_page_at_a_time(
    vault: Vault, is_bare: bool, has_read: bool
) -> None:
    before = vault.sync(push(str(uuid4()), [version()]))["cursor"]
    ids = _stored(vault, 14)
    cursor = {**before, "seq": 15 if has_read else 1}
    left = [_stale(item, is_bare=is_bare) for item in ids]
    told: dict[str, list[Any]] = {}
    while left:
        answer = vault.sync(*left, cursor=cursor)
        assert len(json.dumps(answer)) < 3 * PAGE_BYTES  # the page, and the heads
        done = {each["rev"] for each in answer["results"] if each["r"] == "conflict"}
        assert done == {each["rev"] for each in left[: len(done)]}
        assert done
        told |= {each["item"]: each["versions"] for each in answer["feed"]}
        assert {each["item"] for each in left if each["rev"] in done} <= told.keys()
        left = left[len(done) :]
    assert [len(told[item]) for item in ids] == [_HISTORY] * 14


def test_a_history_longer_than_a_page_comes_in_parts(vault: Vault) -> None:
    """No result before the last part, which contains the head to merge with."""
    long, short = *_stored(vault, 1, 40, batch=10), *_stored(vault, 1, 1)
    both = [_stale(each, is_bare=False) for each in (long, short)]
    cursor = vault.sync()["cursor"]
    while cursor["since"] is not None:
        cursor = vault.sync(cursor=cursor)["cursor"]
    answer = vault.sync(*both, cursor=cursor)
    parts = [answer["feed"][0]]
    while parts[-1]["t"] == "versions":
        assert (len(parts), answer["results"], answer["more"]) == (len(parts), [], True)
        assert len(json.dumps(answer)) < 2 * PAGE_BYTES
        answer = vault.sync(*both, cursor=answer["cursor"])
        parts.append(answer["feed"][0])
    assert {each["item"] for each in parts} == {long}
    versions = [
        (each["seq"], each["position"]) for p in parts for each in p["versions"]
    ]
    assert len(versions) == 40
    assert versions == sorted({*versions})
    assert [each["rev"] for each in answer["results"]] == [each["rev"] for each in both]
    assert answer["feed"][1]["item"] == short
    assert "part" not in answer["cursor"]


def test_what_was_decided_is_done_and_the_rest_is_not(vault: Vault) -> None:
    """The history takes three pages: after the second, its end is still missing."""
    (first,) = _stored(vault, 1, 40, batch=10)
    made, late = push(str(uuid4()), [version()]), push(str(uuid4()), [version()])
    stale = _stale(first, is_bare=False)
    cursor = vault.sync()["cursor"]
    answer = vault.sync(made, stale, late, cursor=cursor)
    done = [made["rev"], late["rev"]]
    assert [each["rev"] for each in answer["results"]] == done
    assert answer["quota"]["used"] == 3
    (decided,) = vault.sync(stale, cursor=answer["cursor"])["results"]
    assert (decided["rev"], decided["r"]) == (stale["rev"], "conflict")
    assert vault.say(late)[0]["dup"] is True
