"""Gemini CLI: what was typed is imported; what the CLI and tools add is not."""

import json
from datetime import UTC, datetime
from pathlib import Path

import pytest

from promptvault.importers.gemini import cli
from promptvault.importers.input.candidate import (
    Candidate,
    CandidateKind,
    Draft,
    Item,
    Skipped,
)
from tests.importers.build import (
    Json,
    bodies,
    candidates,
    document,
    failures,
    imported,
    of_json,
    skipped,
)

START = {"sessionId": "s", "projectHash": "h", "startTime": "2026-05-04T09:00:00.000Z"}
CONTEXT = "<session_context>\nThis is the Gemini CLI.\n</session_context>"
FILES = "\n--- Content from referenced files ---\nContent from @a.py:\nsecret\n"


def typed(key: str, content: Json, second: int = 0, **fields: Json) -> dict[str, Json]:
    return {
        "id": key,
        "timestamp": f"2026-05-04T09:00:{second:02}.000Z",
        "type": "user",
        "content": content,
        **fields,
    }


def answer(key: str, **fields: Json) -> dict[str, Json]:
    return typed(key, "not typed", 0, **{"type": "gemini", **fields})


def lines(*records: Json) -> bytes:
    """Return records as the CLI writes them, without blanks."""
    texts = [json.dumps(record, separators=(",", ":")) for record in records]
    return "".join(text + "\n" for text in texts).encode()


def of_log(*records: Json) -> list[Item]:
    return list(cli.read(document(lines(START, *records))))


def of_session(*messages: Json, **fields: Json) -> list[Item]:
    session = {**START, "messages": list(messages), **fields}
    return list(cli.read(of_json(session)))


def drafts(items: list[Item]) -> list[list[str]]:
    return [[draft.body for draft in each.drafts] for each in candidates(items)]


@pytest.mark.parametrize("as_lines", [False, True])
def test_prompt_carries_all_that_the_source_says(as_lines: bool) -> None:
    messages = [typed("u", "hello", 5), answer("a", model="gemini-3-pro")]
    summary = {"summary": "A greeting"}
    items = (
        of_log(*messages, {"$set": summary})
        if as_lines
        else of_session(*messages, **summary)
    )
    time = datetime(2026, 5, 4, 9, 0, 5, tzinfo=UTC)
    assert candidates(items) == [
        Candidate(
            (Draft("hello", time, "u", "gemini-3-pro"),),
            opening=True,
            conversation_id="s",
            conversation_title="A greeting",
        )
    ]


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        ("one", ["one"]),
        (["one"], ["one"]),
        ([{"text": "o"}, {"text": "ne"}], ["one"]),
        ({"text": "one"}, ["one"]),
        ([{"text": "one"}, {"inlineData": {"data": "AA=="}}], ["one"]),
        ([{"text": "plan", "thought": True}, {"text": "one"}], ["one"]),
        ([{"functionResponse": {"response": {"output": "x"}}}], []),
        (f"see @a.py{FILES}--- End of content ---", ["see @a.py"]),
        ([{"text": "see @a.py"}, {"text": FILES}, {"text": "secret"}], ["see @a.py"]),
        ("say --- Content from referenced files ---", None),
        (f"{CONTEXT}\none", ["one"]),
        ([{"text": CONTEXT}, {"text": "one"}], ["one"]),
        (CONTEXT, []),
        ("one\n\n<hook_context>secret</hook_context>", ["one"]),
        ("This is the Gemini CLI. We are setting up the context for our chat.", []),
        ("Here is the user's editor context as a JSON object. {}", []),
        ("I ran the following shell command:\n```sh\nls\n```", []),
        ("<state_snapshot>what was said</state_snapshot>", []),
        ("This is the Gemini CLI prompt of mine", None),
        ("  indented\n", None),
        (None, []),
        (7, []),
        ([None, 7, {}], []),
    ],
)
def test_text_of_a_message(content: Json, expected: list[str] | None) -> None:
    items = of_session(typed("u", content))
    assert bodies(items) == ([content] if expected is None else expected)


def test_what_was_shown_comes_before_what_was_sent() -> None:
    items = of_session(
        typed("a", "see @a.py and secret", displayContent=[{"text": "see @a.py"}]),
        typed("b", "two", displayContent=[]),
        typed("c", "expanded, secret", displayContent="/review a.py"),
    )
    assert bodies(items) == ["see @a.py", "two"]
    assert bodies(items, CandidateKind.COMMAND) == ["/review a.py"]


def test_image_alone_is_counted() -> None:
    items = of_session(typed("u", [{"inlineData": {"mimeType": "image/png"}}]))
    assert skipped(items) == [{"no text": 1}]


def test_message_written_again_keeps_its_place_and_last_text() -> None:
    items = of_log(
        typed("a", "one, cut"), typed("b", "two"), typed("a", "one"), answer("c")
    )
    assert bodies(items) == ["one", "two"]


def test_going_back_makes_drafts_of_one_prompt() -> None:
    items = of_log(
        typed("a", "one"),
        answer("x"),
        typed("b", "two, draft"),
        answer("y"),
        typed("c", "lost"),
        {"$rewindTo": "b"},
        typed("d", "two"),
    )
    assert drafts(items) == [["one"], ["two, draft", "two"]]
    assert skipped(items) == [{"abandoned branch": 1}]


def test_first_prompt_rewound() -> None:
    items = of_log(typed("a", "draft"), {"$rewindTo": "a"}, typed("b", "final"))
    assert drafts(items) == [["draft", "final"]]


def test_going_back_to_an_answer() -> None:
    items = of_log(
        typed("a", "one"), answer("x"), typed("b", "two"), {"$rewindTo": "x"}
    )
    assert bodies(items) == ["one"]
    assert skipped(items) == [{"abandoned branch": 1}]


def test_going_back_to_what_is_not_there_clears_all() -> None:
    items = of_log(
        typed("a", "one"), typed("b", "two"), {"$rewindTo": "?"}, typed("c", "three")
    )
    assert drafts(items) == [["one", "three"]]
    assert skipped(items) == [{"abandoned branch": 1}]


def test_list_of_messages_may_be_replaced() -> None:
    whole = [typed("a", "one, again"), answer("x"), typed("c", "three")]
    items = of_log(typed("a", "one"), typed("b", "two"), {"$set": {"messages": whole}})
    assert bodies(items) == ["one, again", "three"]
    assert skipped(items) == [{"abandoned branch": 1}]


def test_message_taken_out_of_the_middle_is_not_on_the_way() -> None:
    whole = [typed("a", "one"), answer("x"), typed("c", "three")]
    items = of_log(
        typed("a", "one"),
        typed("b", "two"),
        answer("x"),
        typed("c", "three"),
        {"$set": {"messages": whole}},
    )
    assert bodies(items) == ["one", "three"]


def test_prompts_that_were_summed_up_are_still_prompts() -> None:
    whole = [typed("z", "<state_snapshot>all</state_snapshot>"), typed("b", "two")]
    items = of_log(
        typed("a", "one"),
        typed("b", "two"),
        {"$set": {"messages": whole}},
        typed("c", "three"),
    )
    assert bodies(items) == ["one", "two", "three"]


def test_fresh_session_holds_nothing() -> None:
    file = document(lines({**START, "kind": "main"}))
    assert cli.probe(file)
    assert skipped(cli.read(file)) == [{"empty conversation": 1}]


@pytest.mark.parametrize("late", [False, True])
def test_subagents_are_counted(late: bool) -> None:
    kind = {"kind": "subagent"}
    first, last = ({}, {"$set": kind}) if late else (kind, {})
    data = lines({**START, **first}, typed("a", "Look around."), last or answer("x"))
    items = list(cli.read(document(data)))
    assert items == [Skipped("subagent", 1)]


def test_info_errors_and_warnings_stay() -> None:
    kinds = ("info", "error", "warning")
    items = of_session(*(typed(kind, "x", type=kind) for kind in kinds))
    assert bodies(items) == []


def entry(message: str, number: int = 0, **fields: Json) -> dict[str, Json]:
    time = f"2026-05-04T09:00:{number:02}.000Z"
    return {
        "sessionId": "s",
        "messageId": number,
        "type": "user",
        "message": message,
        "timestamp": time,
        **fields,
    }


def test_log_holds_prompts_of_several_sessions() -> None:
    file = of_json(
        [
            entry("/stats"),
            entry("one", 1),
            entry("other", 2, sessionId="t"),
            entry("two", 3),
            entry("/home/me/a.py is broken", 4),
        ],
        "logs.json",
    )
    items = list(cli.read(file))
    found = [
        (c.conversation_id, c.drafts[0].body, c.opening) for c in candidates(items)
    ]
    assert found == [
        ("s", "one", True),
        ("s", "two", False),
        ("s", "/home/me/a.py is broken", False),
        ("t", "other", True),
    ]
    assert skipped(items) == [{"slash command": 1}, {}]
    assert candidates(items)[0].drafts[0].created_at == datetime(
        2026, 5, 4, 9, 0, 1, tzinfo=UTC
    )


def turn(text: str, role: str = "user") -> dict[str, Json]:
    return {"role": role, "parts": [{"text": text}]}


@pytest.mark.parametrize("shape", ["list", "history", "clientHistory"])
def test_checkpoint(shape: str) -> None:
    history = [
        turn(CONTEXT),
        turn("one"),
        {"role": "model", "parts": [{"functionCall": {"name": "ls"}}]},
        {"role": "user", "parts": [{"functionResponse": {"name": "ls"}}]},
        turn("two"),
        turn("done", "model"),
    ]
    ui = [{"type": "user", "text": "one"}]
    values: dict[str, Json] = {
        "list": history,
        "history": {"history": history, "authType": "oauth"},
        "clientHistory": {"history": ui, "clientHistory": history},
    }
    file = of_json(values[shape], "h/checkpoint-my%20tag.json")
    assert cli.probe(file)
    items = list(cli.read(file))
    found = [
        (c.conversation_title, c.drafts[0].body, c.opening) for c in candidates(items)
    ]
    assert found == [("my tag", "one", True), ("my tag", "two", False)]


@pytest.mark.parametrize(
    "value",
    [
        {"sessionId": "s", "uuid": "u", "type": "user"},
        {"sessionId": "s", "messages": []},
        {"role": "user", "parts": [{"type": "text", "text": "x"}]},
        {"role": "user", "content": "x"},
        {"history": [{"role": "user", "content": "x"}]},
        {"history": []},
    ],
)
def test_other_json_is_not_claimed(value: Json) -> None:
    assert not cli.probe(of_json([value]))


def test_line_cut_off_while_it_is_written() -> None:
    data = lines(START, typed("a", "one")) + b'{"id":"b","timestamp":"2026'
    items = list(cli.read(document(data)))
    assert bodies(items) == ["one"]
    assert [bad.where for bad in failures(items)] == ["file, record 3"]


def test_broken_records_cost_themselves() -> None:
    session = {**START, "messages": [None, 7, typed("a", "one"), {"type": "user"}]}
    items = list(cli.read(of_json([session, 7, {"x": 1}])))
    assert bodies(items) == ["one"]
    assert len(failures(items)) == 2


def test_folder_of_a_project(tmp_path: Path) -> None:
    chats = tmp_path / "tmp" / "my-project" / "chats"
    chats.mkdir(parents=True)
    old = {**START, "messages": [typed("a", "one")]}
    (chats / "session-2026-05-04T09-00-s.json").write_text(json.dumps(old))
    new = lines(START, typed("a", "one"), typed("b", "two"))
    (chats / "session-2026-05-04T09-00-s.jsonl").write_bytes(new)
    (chats.parent / "logs.json").write_text(json.dumps([entry("one"), entry("two", 1)]))
    items = imported(tmp_path)
    ids = {(c.conversation_id, c.drafts[0].message_id) for c in candidates(items)}
    assert ids == {("s", "a"), ("s", "b"), ("s", None)}
    assert not failures(items)
