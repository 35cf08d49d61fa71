"""Codex session files: which prompts are read, with their ids, times and drafts."""

import json
from pathlib import Path
from typing import Any

import pytest

from promptvault.importers.codex import source
from promptvault.importers.input.candidate import (
    Candidate,
    CandidateKind,
    Conversation,
    Failure,
    Skipped,
)
from promptvault.importers.input.document import Document
from promptvault.importers.input.field import as_time
from tests.importers.build import (
    Json,
    bodies,
    candidates,
    document,
    failures,
    imported,
    skipped,
)

SESSION = "019f0000-0000-7000-8000-000000000001"


def line(kind: str, payload: Json, second: int = 0) -> Json:
    time = f"2026-09-01T10:{second // 60:02}:{second % 60:02}.000Z"
    return {"timestamp": time, "type": kind, "payload": payload}


def meta(**fields: Json) -> Json:
    return line("session_meta", {"id": SESSION, "cwd": "/w", "source": "cli", **fields})


def item(*texts: str, role: str = "user", second: int = 1, **part: Json) -> Json:
    content = [{"type": "input_text", "text": text} for text in texts]
    payload = {"type": "message", "role": role, "content": [*content, *part.values()]}
    return line("response_item", payload, second)


def event(kind: str, second: int = 1, /, **fields: Json) -> Json:
    return line("event_msg", {"type": kind, **fields}, second)


def typed(text: str, second: int = 1) -> list[Json]:
    """Return the two records of a prompt."""
    return [item(text, second=second), event("user_message", second, message=text)]


def rollout(*records: Json) -> Document:
    data = "".join(json.dumps(record) + "\n" for record in records)
    return document(data.encode(), f"rollout-2026-09-01T10-00-00-{SESSION}.jsonl")


def read(*records: Json) -> list[Any]:
    return list(source.read(rollout(*records)))


def test_prompt_of_two_records_is_read_once() -> None:
    items = read(meta(), *typed("one", 1), *typed("two", 2))
    assert bodies(items) == ["one", "two"]
    first, second = candidates(items)
    assert (first.opening, second.opening) == (True, False)
    assert first.conversation_id == SESSION
    assert second.drafts[0].created_at == as_time("2026-09-01T10:00:02Z")


def test_prompts_that_only_one_kind_of_record_has() -> None:
    paginated = {
        "type": "UserMessage",
        "content": [{"type": "text", "text": "three"}],
    }
    records = [
        item("one"),
        event("user_message", 2, message="two"),
        event("item_completed", 3, item=paginated),
        event("item_completed", 4, item={"type": "Plan", "text": "no"}),
    ]
    assert bodies(read(meta(), *records)) == ["one", "two", "three"]


@pytest.mark.parametrize("text", ['say "é"\\n', "a\nb\t\\", "# Plan\n\n- one"])
@pytest.mark.parametrize("separators", [(",", ":"), (", ", ": ")])
def test_records_are_equal_whatever_is_escaped(
    text: str, separators: tuple[str, str]
) -> None:
    for is_ascii in (True, False):
        rows = [
            json.dumps(row, ensure_ascii=is_ascii, separators=separators)
            for row in (meta(), *typed(text), *typed("two", 2))
        ]
        data = "\n".join(rows).encode()
        assert bodies(source.read(document(data))) == [text.strip("\n"), "two"]


def test_records_of_two_prompts_that_interleave() -> None:
    one, one_again = typed("one")
    two, two_again = typed("two")
    assert bodies(read(meta(), one, two, one_again, two_again)) == ["one", "two"]


def test_prompt_sent_again_after_an_interruption_is_read_once() -> None:
    aborted = item("<turn_aborted>\nThe user interrupted.\n</turn_aborted>")
    items = read(meta(), *typed("one"), aborted, item("one"), *typed("two"))
    assert bodies(items) == ["one", "two"]


def test_answers_and_developer_messages_are_left_out() -> None:
    records = [
        item("Be brief.", role="developer"),
        item("I am done.", role="assistant"),
        event("agent_message", message="I am done."),
        line("compacted", {"message": "", "replacement_history": [{"role": "user"}]}),
    ]
    assert skipped(read(meta(), *records)) == [{"empty conversation": 1}]


def test_events_of_context_are_left_out() -> None:
    kinds = ("environment_context", "user_instructions")
    events = [event("user_message", message="no", kind=kind) for kind in kinds]
    plain = event("user_message", message="one", kind="plain")
    assert bodies(read(meta(), *events, plain)) == ["one"]


@pytest.mark.parametrize("before", [True, False])
def test_model_from_the_context_before_or_after_the_prompt(before: bool) -> None:
    context = line("turn_context", {"model": "gpt-5.6"})
    records = [context, *typed("one")] if before else [*typed("one"), context]
    (candidate,) = candidates(read(meta(), *records))
    assert candidate.drafts[0].model == "gpt-5.6"


def test_edited_prompt_has_the_text_before_as_draft() -> None:
    back = event("thread_rolled_back", num_turns=2)
    items = read(meta(), *typed("a"), *typed("b"), *typed("c"), back, *typed("new b"))
    found = [[draft.body for draft in each.drafts] for each in candidates(items)]
    assert found == [["a"], ["b", "new b"]]
    assert skipped(items) == [{"abandoned branch": 1}]


def test_first_prompt_edited() -> None:
    back = event("thread_rolled_back", num_turns=1)
    (only,) = candidates(read(meta(), *typed("a"), back, *typed("b")))
    assert [draft.body for draft in only.drafts] == ["a", "b"]
    assert only.opening


@pytest.mark.parametrize(
    "fields",
    [
        {"thread_source": "subagent"},
        {"source": {"subagent": {"thread_spawn": {"parent_thread_id": "x"}}}},
        {"source": {"subagent": "review"}},
        {"source": {"internal": "memory_consolidation"}},
    ],
)
def test_prompts_of_subagents_are_counted(fields: dict[str, Json]) -> None:
    replayed = meta(thread_source="user")
    items = read(meta(**fields), replayed, *typed("one"), *typed("two"))
    assert items == [Skipped("subagent", 2)]


@pytest.mark.parametrize("kind", ["cli", "vscode", "exec", "mcp", {"custom": "x"}])
def test_other_sources_are_read(kind: Json) -> None:
    assert bodies(read(meta(source=kind), *typed("one"))) == ["one"]


def test_ids_of_turns_let_a_fork_be_recognized() -> None:
    turn = "019f0000-0000-7000-8000-0000000000aa"
    begin = line("turn_context", {"turn_id": turn, "model": "m"})
    records = [begin, *typed("one"), *typed("sent while it worked", 2)]
    ids = [each.drafts[0].message_id for each in candidates(read(meta(), *records))]
    assert ids == [turn, "2026-09-01T10:00:02+00:00"]
    fork = {"id": SESSION[:-1] + "2", "forked_from_id": SESSION}
    forked = read(meta(**fork), meta(), *records, *typed("three", 3))
    assert bodies(forked) == ["one", "sent while it worked", "three"]
    assert candidates(forked)[0].drafts[0].message_id == turn
    assert candidates(forked)[0].conversation_id == fork["id"]


def test_same_time_gives_two_ids() -> None:
    found = candidates(read(meta(), *typed("one"), *typed("two"), *typed("three")))
    assert len({each.drafts[0].message_id for each in found}) == 3


def test_message_of_an_image_alone() -> None:
    image = {"type": "input_image", "image_url": "data:image/png;base64,AAAA"}
    tags = ('<image name=[Image #1] path="/tmp/a.png">', "</image>")
    records = [
        item(*tags, image=image),
        event("user_message", message="", images=["x"]),
    ]
    assert skipped(read(meta(), *records)) == [{"no text": 1}]


def test_shell_command_is_counted() -> None:
    command = item("<user_shell_command>\n<command>\nls\n</command>")
    assert skipped(read(meta(), *typed("one"), command)) == [{"shell command": 1}]


def test_review_with_instructions_is_a_command() -> None:
    custom = {"type": "custom", "instructions": "look at the names"}
    items = read(
        meta(),
        event("entered_review_mode", target=custom),
        event("entered_review_mode", target={"type": "uncommittedChanges"}),
        item("<user_action>\n  <action>review</action>\n</user_action>"),
        *typed("one"),
    )
    assert bodies(items, CandidateKind.COMMAND) == ["/review look at the names"]
    assert bodies(items) == ["one"]


def test_name_of_the_session_is_its_title() -> None:
    named = event("thread_name_updated", thread_id=SESSION, thread_name="Counting")
    (candidate,) = candidates(read(meta(), *typed("one"), named))
    assert candidate.conversation_title == "Counting"


def test_line_that_is_being_written_is_no_failure() -> None:
    whole = rollout(meta(), *typed("one")).opener().read()
    items = list(source.read(document(whole + b'{"timestamp":"2026', "rollout.jsonl")))
    assert bodies(items) == ["one"]
    assert not failures(items)


def test_damaged_line_is_a_failure_that_loses_nothing_else() -> None:
    whole = rollout(meta(), *typed("one"), *typed("two")).opener().read()
    broken = whole.replace(b'"text": "one"', b'"text": "one', 1)
    items = list(source.read(document(broken, "rollout.jsonl")))
    assert bodies(items) == ["one", "two"]
    (failure,) = failures(items)
    assert failure.where == "rollout.jsonl, line 2"
    assert "one" not in failure.reason


def test_old_session_has_the_time_of_its_header() -> None:
    header = {"id": "s", "timestamp": "2025-08-18T10:00:00Z", "instructions": None}
    bare = [item(text)["payload"] for text in ("one", "two")]
    items = list(source.read(document(_lines(header, *bare))))
    assert [each.drafts[0].created_at for each in candidates(items)] == [
        as_time("2025-08-18T10:00:00Z")
    ] * 2
    assert {each.conversation_id for each in candidates(items)} == {"s"}


def test_session_of_one_object_has_its_id() -> None:
    session = {"id": "a1", "timestamp": "2025-04-20T10:00:00Z", "instructions": ""}
    whole = {"session": session, "items": [item("one")["payload"]]}
    data = json.dumps(whole, indent=2).encode()
    (candidate,) = candidates(source.read(document(data, "rollout.json")))
    assert candidate.conversation_id == "a1"
    assert candidate.drafts[0].created_at == as_time("2025-04-20T10:00:00Z")


def test_folder_with_archived_sessions_and_links(tmp_path: Path) -> None:
    home, outside = tmp_path / "codex", tmp_path / "other.jsonl"
    outside.write_bytes(_lines(meta(), *typed("not ours")))
    for folder in ("sessions/2026/09/01", "archived_sessions"):
        path = home / folder / f"rollout-2026-09-01T10-00-00-{SESSION}.jsonl"
        path.parent.mkdir(parents=True)
        path.write_bytes(_lines(meta(), *typed(folder)))
    (home / "sessions" / "linked.jsonl").symlink_to(outside)
    assert sorted(bodies(imported(home))) == [
        "archived_sessions",
        "sessions/2026/09/01",
    ]


def test_items_of_a_session_are_typed() -> None:
    assert all(
        isinstance(each, Conversation | Candidate | Failure)
        for each in read(meta(), *typed("one"))
    )


def _lines(*records: Json) -> bytes:
    return "".join(json.dumps(record) + "\n" for record in records).encode()
