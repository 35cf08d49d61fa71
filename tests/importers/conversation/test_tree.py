"""Every human turn of the current branch is found once, with its edits as drafts."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from promptvault.importers.conversation import tree
from promptvault.importers.conversation.tree import Node
from promptvault.importers.input.candidate import Draft

START = datetime(2026, 1, 1, tzinfo=UTC)


def at(second: int) -> datetime:
    return START + timedelta(seconds=second)


def human(parent: str | None, body: str, second: int | None = None) -> Node:
    made = None if second is None else at(second)
    return Node(parent, made, Draft(body, made))


def worded(nodes: dict[str, Node], leaf: str | None) -> tuple[list[list[str]], int]:
    found, elsewhere = tree.human_turns(nodes, leaf)
    return [[draft.body for draft in drafts] for drafts in found], elsewhere


@st.composite
def trees(draw: st.DrawFn) -> dict[str, Node]:
    """Draw messages whose parent is any other one, an unknown one, or none."""
    nodes: dict[str, Node] = {}
    size = draw(st.integers(1, 12))
    keys = [*map(str, range(size)), "unknown", None]
    for n in range(size):
        made = draw(st.none() | st.integers(0, 5).map(at))
        draft = Draft(f"text {n}", made) if draw(st.booleans()) else None
        nodes[str(n)] = Node(draw(st.sampled_from(keys)), made, draft)
    return nodes


@given(trees(), st.data())
@settings(deadline=None)
def test_each_turn_of_the_branch_comes_once(
    nodes: dict[str, Node], data: st.DataObject
) -> None:
    leaf = data.draw(st.sampled_from(sorted(nodes)))
    found, elsewhere = tree.human_turns(nodes, leaf)
    branch = [nodes[key].draft for key in tree.path_to(nodes, leaf)]
    assert [drafts[-1] for drafts in found] == [draft for draft in branch if draft]
    every = [draft for drafts in found for draft in drafts]
    assert len(set(every)) == len(every)
    assert len(every) + elsewhere == sum(bool(node.draft) for node in nodes.values())


@given(trees())
@settings(deadline=None)
def test_newest_leaf_is_a_leaf_unless_all_run_in_circles(
    nodes: dict[str, Node],
) -> None:
    leaf = tree.newest_leaf(nodes)
    leaves = set(nodes) - {node.parent for node in nodes.values()}
    assert leaf in (leaves or nodes)


def test_edits_come_before_the_wording_in_use_in_order_of_time() -> None:
    nodes = {
        "root": Node(None),
        "late": human("root", "third", 30),
        "used": human("root", "used", 20),
        "early": human("root", "first", 10),
        "untimed": human("root", "untimed"),
    }
    assert worded(nodes, "used") == ([["untimed", "first", "third", "used"]], 0)


def test_draft_that_says_the_same_as_the_next_is_dropped() -> None:
    nodes = {
        "root": Node(None),
        "a": human("root", "same", 1),
        "b": human("root", "same  \r\n", 2),
        "c": human("root", "other", 3),
        "d": human("root", "same", 4),
    }
    assert worded(nodes, "d") == ([["same  \r\n", "other", "same"]], 0)


def test_roots_are_no_edits_of_each_other() -> None:
    nodes = {"a": human(None, "one"), "b": human(None, "two")}
    assert worded(nodes, "b") == ([["two"]], 1)


def test_turns_in_a_row_stay_apart_and_deep_branches_are_counted() -> None:
    nodes = {
        "a": human(None, "one"),
        "b": human("a", "two"),
        "answer": Node("b"),
        "edited": human("answer", "three, first"),
        "its answer": Node("edited"),
        "deep": human("its answer", "lost"),
        "c": human("answer", "three"),
    }
    assert worded(nodes, "c") == ([["one"], ["two"], ["three, first", "three"]], 1)


@pytest.mark.parametrize(
    ("nodes", "leaf"),
    [
        ({}, None),
        ({"a": Node(None), "b": Node(None)}, "a"),
        ({"a": Node(None, at(1)), "b": Node(None, at(2))}, "b"),
        ({"old": Node(None, at(1)), "a": Node(None, at(9)), "b": Node("a")}, "b"),
        ({"a": Node("b", at(1)), "b": Node("a", at(2))}, "b"),
    ],
)
def test_newest_leaf(nodes: dict[str, Node], leaf: str | None) -> None:
    assert tree.newest_leaf(nodes) == leaf


def test_empty_conversation_is_counted() -> None:
    chat = tree.build_conversation({}, None, key=None, title=None, url=None)
    assert chat.candidates == ()
    assert chat.skipped == {"empty conversation": 1}
