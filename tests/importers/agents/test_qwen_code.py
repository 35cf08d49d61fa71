"""Qwen Code: what was typed in a session, with rewinds."""

from typing import Any

from promptvault.importers.agents import qwen_code
from promptvault.importers.input.candidate import CandidateKind, Skipped
from tests.importers.build import Json, bodies, candidates, document, of_lines, skipped


def record(key: str, parent: str | None, kind: str, **fields: Json) -> Json:
    return {
        "uuid": key,
        "parentUuid": parent,
        "sessionId": "s1",
        "timestamp": "2026-08-01T10:00:00.000Z",
        "type": kind,
        **fields,
    }


def said(key: str, parent: str | None, *texts: str, **fields: Json) -> Json:
    message = {"role": "user", "parts": [{"text": text} for text in texts]}
    return record(key, parent, "user", message=message, **fields)


def answer(key: str, parent: str) -> Json:
    message = {"role": "model", "parts": [{"text": "Hi."}]}
    return record(key, parent, "assistant", message=message, model="qwen3")


def note(key: str, parent: str | None, subtype: str, **payload: Json) -> Json:
    return record(key, parent, "system", subtype=subtype, systemPayload=payload)


def read(*records: Json) -> list[Any]:
    return list(qwen_code.read(of_lines(records)))


def test_ids_title_and_model() -> None:
    title = note("t", "a1", "custom_title", customTitle="Counting")
    (only,) = candidates(read(said("u1", None, "one"), answer("a1", "u1"), title))
    assert (only.conversation_id, only.conversation_title) == ("s1", "Counting")
    assert (only.drafts[0].message_id, only.drafts[0].model) == ("u1", "qwen3")


def test_rewind_makes_drafts() -> None:
    items = read(
        said("u1", None, "a"),
        answer("a1", "u1"),
        said("u2", "a1", "b"),
        answer("a2", "u2"),
        note("r", "a1", "rewind", truncatedCount=2),
        said("u3", "r", "new b"),
    )
    found = [[draft.body for draft in each.drafts] for each in candidates(items)]
    assert found == [["a"], ["b", "new b"]]


def test_what_was_typed_comes_before_what_was_sent() -> None:
    files = "\n--- Content from referenced files ---"
    shown = {"displayText": "save logs", "hookContext": ""}
    items = read(
        said("u1", None, "<system-reminder>x</system-reminder>", "read @a.py", files),
        said("u2", "u1", "[User message received]: save logs",
             subtype="mid_turn_user_message", systemPayload=shown),
    )  # fmt: skip
    assert bodies(items) == ["read @a.py", "save logs"]


def test_what_no_person_typed_is_left_out() -> None:
    items = read(
        said("u1", None, "one", provenance="real_user"),
        said("u2", "u1", "a job ran", subtype="cron"),
        said("u3", "u2", "go on", provenance="goal_runtime"),
        said("u4", "u3", "look around", isSidechain=True, agentId="x"),
    )
    assert bodies(items) == ["one"]
    assert skipped(items) == [{"subagent": 1}]


def test_commands() -> None:
    sent = {"phase": "invocation", "rawCommand": "/fix the build", "sentToModel": True}
    items = read(
        note("c1", None, "slash_command", phase="invocation", rawCommand="/about"),
        note("c2", None, "slash_command", phase="invocation", rawCommand="/x me out"),
        note("c3", None, "slash_command", **sent),
        said("u1", "c3", "The whole text of the command, with: the build"),
        said("u2", "u1", "one"),
    )
    assert bodies(items, CandidateKind.COMMAND) == ["/x me out", "/fix the build"]
    assert bodies(items) == ["one"]


def test_log_of_a_subagent_is_counted() -> None:
    data = of_lines([said("u1", None, "one")]).opener().read()
    agent = document(data, "subagents/s1/agent-explore-7f3c.jsonl")
    assert list(qwen_code.read(agent)) == [Skipped("subagent", 1)]


def test_records_of_claude_code_are_not_claimed() -> None:
    message = {"role": "user", "content": "one"}
    assert not qwen_code.probe(of_lines([record("u", None, "user", message=message)]))
