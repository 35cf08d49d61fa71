"""Sessions of Claude Code: the current branch, edits, and what is left out."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from promptvault.importers.claude_code import source as claude_code
from promptvault.importers.claude_code.session import TurnIndex
from promptvault.importers.input.candidate import CandidateKind
from tests.importers.build import Json, bodies, candidates, document, skipped
from tests.importers.claude_code_build import (
    IMAGE,
    answer,
    note,
    operation,
    queued,
    read,
    result,
    row,
    said,
    text_block,
    texts,
)


def test_records_that_never_name_what_they_follow() -> None:
    rows = [said(f"u{n}", None, f"no {n}") for n in range(3)]
    assert bodies(read(*rows)) == ["no 0", "no 1", "no 2"]


def rewound() -> list[Json]:
    return [
        said("u1", None, "one"),
        answer("a2", "u1"),
        result("r3", "a2"),
        said("u4", "r3", "two, draft"),
        answer("a5", "u4"),
        said("u6", "a5", "deep"),
        said("u7", "r3", "two"),
        answer("a8", "u7"),
        said("u9", "a8", "three"),
    ]


def test_prompt_sent_again_after_going_back() -> None:
    items = read(*rewound())
    assert texts(items) == [["one"], ["two, draft", "two"], ["three"]]
    assert skipped(items) == [{"abandoned branch": 1}]


def test_first_prompt_sent_again() -> None:
    items = read(
        said("u1", None, "draft"), answer("a2", "u1"), said("u3", None, "final")
    )
    assert texts(items) == [["draft", "final"]]


def test_leaf_that_is_named_last_is_current() -> None:
    leaf = note("last-prompt", lastPrompt="deep", leafUuid="u6")
    assert bodies(read(*rewound(), leaf)) == ["one", "two, draft", "deep"]


def test_leaf_named_before_the_last_prompt_does_not_count() -> None:
    rows = rewound()
    rows.insert(6, note("last-prompt", leafUuid="a2"))
    assert bodies(read(*rows)) == ["one", "two", "three"]


def test_leaf_that_is_named_last_of_two_is_current() -> None:
    leaves = [
        note("last-prompt", lastPrompt="deep", leafUuid="u6"),
        note("last-prompt", lastPrompt="thr…", leafUuid="u9"),
    ]
    assert bodies(read(*rewound(), *leaves)) == ["one", "two", "three"]


def test_leaf_of_a_prompt_that_the_last_one_begins_with() -> None:
    rows = [*rewound(), said("u10", "a2", "deeper")]
    leaf = note("last-prompt", lastPrompt="deep", leafUuid="u6")
    assert bodies(read(*rows, leaf))[-1] == "deep"


def test_leaf_from_just_before_the_prompt_it_comes_with() -> None:
    leaf = note("last-prompt", lastPrompt="three", leafUuid="a8")
    assert bodies(read(*rewound(), leaf))[-1] == "three"


def test_command_sent_after_going_back() -> None:
    command = "<command-name>/review</command-name>"
    items = read(
        said("u1", None, "one"),
        answer("a2", "u1"),
        said("u3", "a2", "two"),
        said("u4", "a2", command),
        answer("a5", "u4"),
        said("u6", "a5", "three"),
    )
    assert texts(items) == [["one"], ["three"]]
    assert skipped(items) == [{"slash command": 1, "abandoned branch": 1}]


def test_parallel_tool_calls_are_no_branches() -> None:
    items = read(
        said("u1", None, "one"),
        answer("a2", "u1"),
        answer("a3", "a2"),
        result("r4", "a2"),
        result("r5", "a3"),
        answer("a6", "r4"),
        said("u7", "a6", "two"),
        answer("a8", "r5"),
        said("u9", "a8", "three"),
    )
    assert texts(items) == [["one"], ["two"], ["three"]]


def test_session_goes_on_after_compaction() -> None:
    items = read(
        said("u1", None, "one"),
        answer("a2", "u1"),
        row("b3", None, logicalParentUuid="a2", type="system", content="Compacted"),
        said("u4", "b3", "This session is a summary", isCompactSummary=True),
        said("u5", "u4", "two"),
    )
    assert texts(items) == [["one"], ["two"]]


def test_prompts_repeated_by_resuming_or_compacting_count_once() -> None:
    again = said("u1", None, "one", slug="x")
    renamed = {**said("u1", None, "one"), "uuid": "x1"}
    items = read(
        said("u1", None, "one"), answer("a2", "u1"), said("u3", "a2", "two"),
        again, renamed, said("u4", "x1", "three"),
    )  # fmt: skip
    assert texts(items) == [["one"], ["two"], ["three"]]


def test_first_record_of_an_id_counts() -> None:
    other = {**said("u1", None, "another text"), "timestamp": "2026-03-01T11:00:00Z"}
    assert bodies(read(said("u1", None, "one"), other)) == ["one"]


def test_prompt_under_the_id_of_a_broken_record_is_not_lost() -> None:
    broken = row("u1", None, type="user", message="error")
    assert bodies(read(broken, said("u1", None, "one"))) == ["one"]


def test_copy_in_a_forked_session_keeps_its_first_place() -> None:
    origin = {"sessionId": "s0", "messageUuid": "m0"}
    (found,) = candidates(read(said("u1", None, "one", forkedFrom=origin)))
    assert (found.conversation_id, found.drafts[0].message_id) == ("s0", "m0")


@pytest.mark.parametrize(("one", "two"), [("s1", "s2"), ("s", "u")])
def test_sessions_that_alternate_in_a_file(one: str, two: str) -> None:
    """Even if the records of one session contain the name of the other."""
    items = read(
        said("u1", None, "one", sessionId=one),
        said("v1", None, "other", sessionId=two),
        answer("a2", "u1", sessionId=one),
        answer("b2", "v1", sessionId=two),
        said("u3", "a2", "two", sessionId=one),
        said("v3", "b2", "other two", sessionId=two),
    )
    assert [(c.conversation_id, c.drafts[-1].body) for c in candidates(items)] == [
        (one, "one"), (one, "two"), (two, "other"), (two, "other two"),
    ]  # fmt: skip


def test_session_that_goes_on_from_another_has_no_opening() -> None:
    items = read(
        said("u1", None, "one"),
        answer("a2", "u1"),
        answer("a3", "a2", sessionId="s2"),
        said("u4", "a3", "two", sessionId="s2"),
    )
    assert [(c.drafts[0].body, c.opening) for c in candidates(items)] == [
        ("one", True), ("two", False),
    ]  # fmt: skip


@pytest.mark.parametrize("prompt", ["wait", [text_block("wait"), IMAGE]])
def test_prompt_sent_while_the_agent_is_at_work(prompt: Json) -> None:
    items = read(
        said("u1", None, "one"),
        operation("enqueue", "wait"),
        result("r3", "u1"),
        operation("remove", reason="absorbed_mid_turn"),
        queued("q2", "r3", prompt),
        queued("q4", "q2", "<task-notification>x</task-notification>"),
        said("u5", "q4", "two"),
    )
    assert bodies(items) == ["one", "wait", "two"]


def test_queue_alone_tells_of_a_prompt() -> None:
    items = read(
        said("u1", None, "one"),
        operation("enqueue", "<task-notification>x</task-notification>"),
        operation("enqueue", [text_block("wait")]),
        operation("enqueue", "and hurry"),
        operation("dequeue"),
        operation("remove"),
        answer("a2", "u1"),
        operation("remove", "and hurry"),
        said("u3", "a2", "two"),
    )
    assert bodies(items) == ["one", "wait", "and hurry", "two"]
    assert [c.opening for c in candidates(items)] == [True, False, False, False]


def test_prompt_still_in_the_queue_at_the_end() -> None:
    waits = operation("enqueue", "wait")
    assert bodies(read(said("u1", None, "one"), waits, answer("a2", "u1"))) == [
        "one",
        "wait",
    ]


def test_queued_prompt_that_comes_as_a_record_too_counts_once() -> None:
    items = read(
        said("u1", None, "one"),
        operation("enqueue", "wait"),
        operation("enqueue", "hurry"),
        operation("dequeue"),
        operation("dequeue"),
        said("u2", "u1", "wait\nhurry"),
        operation("enqueue", "again"),
        operation("dequeue"),
        said("u3", "u2", "again"),
    )
    assert bodies(items) == ["one", "wait\nhurry", "again"]


def test_prompt_taken_back_from_the_queue_was_not_sent() -> None:
    items = read(
        said("u1", None, "one"),
        operation("enqueue", "wait"),
        operation("popAll"),
        operation("enqueue", "no"),
        operation("remove", "no", reason="cancelled"),
    )
    assert bodies(items) == ["one"]


def test_task_of_a_subagent_in_the_queue_is_none() -> None:
    task = '{"task_id":"t","tool_use_id":"x","task_type":"local_agent"}'
    assert bodies(read(said("u1", None, "one"), operation("enqueue", task))) == ["one"]


def test_many_prompts_in_the_queue_keep_their_order() -> None:
    waiting = [str(number) for number in range(2500)]
    rows = [said("u1", None, "one"), answer("a1", "u1")]
    rows += [operation("enqueue", each) for each in waiting]
    rows.append(said("u2", "a1", "two"))
    assert bodies(read(*rows)) == ["one", *waiting, "two"]


def test_command_in_the_queue_is_counted() -> None:
    items = read(said("u1", None, "one"), queued("q2", "u1", "/compact "))
    assert bodies(items) == ["one"]
    assert skipped(items) == [{"slash command": 1}]


def test_command_with_arguments_in_the_queue_is_kept_once() -> None:
    wrapped = "<command-name>/compact</command-name><command-args>now</command-args>"
    items = read(
        said("u1", None, "one"),
        operation("enqueue", "/compact now"),
        said("u2", "u1", wrapped),
        operation("enqueue", "/review it"),
    )
    assert bodies(items) == ["one"]
    kept = ["/compact now", "/review it"]
    assert bodies(items, CandidateKind.COMMAND) == kept


def test_model_is_made_fit() -> None:
    lines = [said("u1", None, "one"), answer("a2", "u1")]
    data = "\n".join(map(json.dumps, lines)).encode().replace(b"claude-x", b"a\0b")
    (found,) = candidates(claude_code.read(document(data)))
    assert found.drafts[0].model == "a\ufffdb"


@given(
    st.lists(st.tuples(st.binary(max_size=2), st.integers(-1, 9)), max_size=60),
    st.integers(1, 8),
)
def test_first_turn_of_each_record_is_found(
    put: list[tuple[bytes, int]], recent: int
) -> None:
    index = TurnIndex(recent)
    first: dict[bytes, int] = {}
    for uuid, place in put:
        index.add(uuid, place)
        first.setdefault(uuid, place)
    assert {uuid: index.turn_of(uuid) for uuid in first} == first
    assert index.turn_of(b"never put") is None
