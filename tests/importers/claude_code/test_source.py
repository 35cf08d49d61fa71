import json
from datetime import UTC, datetime

import pytest

from promptvault.importers.claude_code import source as claude_code
from promptvault.importers.input.candidate import (
    Candidate,
    CandidateKind,
    Draft,
    Skipped,
)
from tests.importers.build import (
    Json,
    bodies,
    candidates,
    document,
    failures,
    of_lines,
    skipped,
)
from tests.importers.claude_code_build import (
    SESSION,
    answer,
    note,
    read,
    result,
    row,
    said,
    text_block,
    typed,
)


def test_prompt_carries_all_that_the_source_says() -> None:
    items = read(
        said("u1", None, "hello"),
        answer("a2", "u1"),
        note("ai-title", aiTitle="A session"),
    )
    time = datetime(2026, 3, 1, 10, 0, 1, tzinfo=UTC)
    assert candidates(items) == [
        Candidate(
            (Draft("hello", time, "u1", "claude-x"),),
            opening=True,
            conversation_id=SESSION,
            conversation_title="A session",
        )
    ]


@pytest.mark.parametrize(
    "fields",
    [
        {"isMeta": True},
        {"isCompactSummary": True},
        {"isVisibleInTranscriptOnly": True},
        {"toolUseResult": "x"},
        {"origin": {"kind": "task-notification"}},
        {"turnOrigin": "cron"},
    ],
)
def test_record_marked_as_not_typed_is_passed_over(fields: Json) -> None:
    assert typed("x", **fields) == []


def test_record_marked_as_typed() -> None:
    assert typed("x", origin={"kind": "human"}, isMeta=False) == ["x"]


def test_records_without_ids() -> None:
    rows = [
        {"type": kind, "timestamp": "2024-01-01T10:00:00Z", "message": {"content": c}}
        for kind, c in (("user", "one"), ("assistant", "Hi."), ("user", "two"))
    ]
    assert claude_code.probe(of_lines(rows))
    assert bodies(read(*rows)) == ["one", "two"]


def test_subagents_are_counted() -> None:
    items = read(
        said("u1", None, "one"),
        said("s2", None, "Warmup", isSidechain=True),
        said("s3", None, "look for x", isSidechain=True),
        answer("s4", "s3", isSidechain=True),
        said("u5", "u1", "two"),
    )
    assert bodies(items) == ["one", "two"]
    assert skipped(items) == [{"subagent": 1}]


@pytest.mark.parametrize("name", ["p/agent-a1.jsonl", "p/s1/subagents/x.jsonl"])
def test_file_of_a_subagent_that_does_not_say_so_within(name: str) -> None:
    data = of_lines([said("u1", None, "look for x")]).open().read()
    items = list(claude_code.read(document(data, name)))
    assert not candidates(items)
    assert skipped(items) == [{"subagent": 1}]


@pytest.mark.parametrize(
    ("kinds", "expected"),
    [
        (["custom", "summary", "ai"], "mine"),
        (["ai", "summary"], "its"),
        (["summary"], "sum"),
        ([], None),
    ],
)
def test_titles(kinds: list[str], expected: str | None) -> None:
    titles = {
        "custom": note("custom-title", customTitle="mine"),
        "ai": note("ai-title", aiTitle="its"),
        "summary": {"type": "summary", "summary": "sum", "leafUuid": "a2"},
    }
    elsewhere = {"type": "summary", "summary": "of another", "leafUuid": "gone"}
    rows = [elsewhere, *(titles[kind] for kind in kinds)]
    (found,) = candidates(read(*rows, said("u1", None, "one"), answer("a2", "u1")))
    assert found.conversation_title == expected


def test_model_is_that_of_the_answer() -> None:
    failed = {"model": "<synthetic>", "role": "assistant", "content": []}
    inner = {"data": {"type": "assistant", "message": {"model": "inner"}}}
    items = read(
        said("u1", None, "one"),
        row("p2", "u1", type="progress", **inner),
        row("a3", "u1", type="assistant", message=failed),
        answer("s4", None, isSidechain=True, message={"model": "side"}),
        answer("a5", "a3"),
    )
    assert candidates(items)[0].drafts[0].model == "claude-x"


HELLO = of_lines([said("u1", None, "hello")]).open().read()


@pytest.mark.parametrize("tail", [b'{"type":"user","message":{"role":"us', b'{"ty'])
def test_line_still_being_written_is_no_failure(tail: bytes) -> None:
    items = list(claude_code.read(document(HELLO + b"\n" + tail)))
    assert bodies(items) == ["hello"]
    assert not failures(items)


def test_damaged_line_costs_itself() -> None:
    lines = [b'"a text"', b"42", b"[1]", b'{"silly":"this"}', b'{"type":"user" secret}']
    data = b"\n".join([*lines, b'{"parentUu', HELLO, b'{"type":"progress"}'])
    items = list(claude_code.read(document(data)))
    assert bodies(items) == ["hello"]
    assert [bad.where for bad in failures(items)] == ["file, line 5", "file, line 6"]
    assert not any("secret" in bad.reason for bad in failures(items))


def test_lines_of_megabytes() -> None:
    image = {"type": "image", "source": {"type": "base64", "data": "A" * (5 << 20)}}
    screenshot = result(
        "r2", "u1", toolUseResult={"uuid": "x", "data": "A" * (3 << 20)}
    )
    items = read(
        said("u1", None, [text_block("look"), image]),
        screenshot,
        said("u3", "r2", "so"),
    )
    assert bodies(items) == ["look", "so"]


@pytest.mark.parametrize("indent", [None, 2])
@pytest.mark.parametrize("is_array", [True, False])
def test_records_saved_as_json(indent: int | None, is_array: bool) -> None:
    rows = [said("u1", None, "one"), result("r1", "u1"), said("u2", "r1", "two")]
    value = rows if is_array else rows[0]
    session = document(json.dumps(value, indent=indent).encode())
    assert claude_code.probe(session)
    assert bodies(claude_code.read(session)) == ["one", "two"][: 2 if is_array else 1]


def test_file_without_a_prompt_is_counted() -> None:
    assert skipped(read(answer("a1", None))) == [{"empty conversation": 1}]


@pytest.mark.parametrize(
    ("row", "expected"),
    [
        ({"type": "summary", "summary": "x", "leafUuid": "y"}, True),
        ({"type": "file-history-snapshot", "messageId": "x", "snapshot": {}}, True),
        (note("mode", mode="normal"), True),
        (answer("a1", None), True),
        ({"type": "started", "key": "v2:x", "agentId": "x"}, False),
        ({"sessionId": "x", "projectHash": "y", "messages": []}, False),
        ({"sessionId": "x", "type": "user", "message": "x", "messageId": 0}, False),
        ({"type": "user", "message": {"content": "x"}}, True),
        ({"type": "user", "message": {"content": "x"}, "to": "y"}, False),
        ({"role": "user", "message": {"content": [text_block("x")]}}, False),
        ({"type": "user", "uuid": "x", "message": {"parts": [{"text": "y"}]}}, False),
        (note("system", uuid="x", systemPayload={}), False),
    ],
)
def test_probe(row: Json, expected: bool) -> None:
    assert claude_code.probe(of_lines([row])) is expected


def entry(display: str, pasted: Json = None, **fields: Json) -> dict[str, Json]:
    return {
        "display": display, "pastedContents": pasted or {},
        "timestamp": 1772359200000, "project": "/d", **fields,
    }  # fmt: skip


def test_history() -> None:
    pasted = {"1": {"id": 1, "type": "text", "content": "a log\nof \\1"}}
    hashed = {"1": {"id": 1, "type": "text", "contentHash": "f00"}}
    items = read(
        entry("one\\\ntwo", sessionId="s1"),
        entry("explain [Pasted text #1 +1 lines] now", pasted, sessionId="s1"),
        entry("[Pasted text #1 +1 lines] and more", hashed),
        entry("[Pasted text #1 +1 lines]", hashed),
        entry("/clear "),
        entry("/review [Pasted text #1 +1 lines]", pasted, sessionId="s2"),
        entry("three", sessionId="s2"),
        entry("!ls"),
        entry(""),
    )
    found = candidates(items, CandidateKind.PROMPT)
    assert [(c.drafts[0].body, c.conversation_id, c.opening) for c in found] == [
        ("one\ntwo", "s1", True),
        ("explain a log\nof \\1 now", "s1", False),
        ("[Pasted text #1 +1 lines] and more", None, False),
        ("three", "s2", True),
    ]
    assert bodies(items, CandidateKind.COMMAND) == ["/review a log\nof \\1"]
    assert found[0].drafts[0].created_at == datetime(2026, 3, 1, 10, tzinfo=UTC)
    assert sorted(item for item in items if isinstance(item, Skipped)) == [
        ("no text", 1), ("shell command", 1), ("slash command", 1),
    ]  # fmt: skip
