"""Sessions of Continue, of now and of older versions."""

import json

import pytest

from promptvault.importers.editors import continue_dev
from promptvault.importers.input.candidate import CandidateKind, Item
from tests.importers.build import (
    Json,
    bodies,
    candidates,
    document,
    failures,
    of_json,
    skipped,
)


def user(content: Json, *nodes: Json, **fields: Json) -> Json:
    """Return an item of a person; *nodes* is what is in the editor."""
    message = {"role": "user", "content": content, **fields}
    state = {"type": "doc", "content": list(nodes)}
    code = {"name": "a.py", "content": "not typed"}
    return {"message": message, "contextItems": [code], "editorState": state}


def assistant(said: str, model: str | None = None) -> Json:
    logs = [{"modelTitle": model, "prompt": "one and more", "completion": said}]
    return {
        "message": {"role": "assistant", "content": said},
        "promptLogs": logs if model else [],
    }


def paragraph(*nodes: Json) -> Json:
    return {"type": "paragraph", "content": list(nodes)}


def text(said: str) -> Json:
    return {"type": "text", "text": said}


def session(*items: Json, **fields: Json) -> Json:
    return {
        "sessionId": "s1",
        "title": "Loops",
        "workspaceDirectory": "/d",
        "chatModelTitle": "Usual",
        "history": list(items),
        **fields,
    }


def read(value: Json) -> list[Item]:
    found = of_json(value, "s1.json")
    assert continue_dev.probe(found)
    return list(continue_dev.read(found))


def test_prompt_carries_all_that_the_session_says() -> None:
    first, second = candidates(
        read(
            session(
                user("one", id="m1"),
                assistant("Hi.", "Sonnet"),
                {"message": {"role": "tool", "content": "ok"}, "contextItems": []},
                user("two"),
                assistant("Ho."),
            )
        )
    )
    assert (first.drafts[0].body, first.drafts[0].message_id) == ("one", "m1")
    assert (first.drafts[0].model, second.drafts[0].model) == ("Sonnet", "Usual")
    assert second.drafts[0].message_id  # made of the text
    assert (second.conversation_id, second.conversation_title) == ("s1", "Loops")
    assert (first.opening, second.opening) == (True, False)


def test_parts_of_a_message() -> None:
    image = {"type": "imageUrl", "imageUrl": {"url": "data:image/png;base64,AA"}}
    items = read(session(user([{"type": "text", "text": "one"}, image]), user([image])))
    assert bodies(items) == ["one"]
    assert skipped(items) == [{"no text": 1}]


def test_selected_code_is_not_typed() -> None:
    code = {"type": "code-block", "attrs": {"item": {"content": "x = 1"}}}
    mention = {"type": "mention", "attrs": {"id": "f", "label": "a.py"}}
    said = paragraph(text("why is "), mention, text(" slow?"))
    items = read(session(user("```py\nx = 1\n```\nwhy", code, said, paragraph())))
    assert bodies(items) == ["why is a.py slow?"]


@pytest.mark.parametrize("kind", ["prompt-block", "slashcommand"])
def test_a_prompt_file_is_not_typed(kind: str) -> None:
    command = {"type": kind, "attrs": {"item": {"name": "review"}}}
    if kind == "prompt-block":
        nodes = [[command, paragraph(text("be strict"))], [command, paragraph()]]
    else:
        nodes = [[paragraph(command, text("be strict"))], [paragraph(command)]]
    expanded = "You are a reviewer.\n\nbe strict"
    items = read(session(*(user(expanded, *each) for each in nodes)))
    (said,) = bodies(items, CandidateKind.COMMAND)
    assert said.split() == ["/review", "be", "strict"]
    assert bodies(items) == []
    assert skipped(items) == [{"slash command": 1}]


def test_a_session_of_2023() -> None:
    steps = [
        {"name": "User Input", "class_name": "UserInputStep", "user_input": "one"},
        {"name": "Edit", "class_name": "EditStep", "user_input": "one"},
        {"name": "User Input", "description": "two", "user_input": ""},
    ]
    value = {
        "history": {"timeline": [{"step": each, "depth": 0} for each in steps]},
        "session_info": {"session_id": "s0", "title": "Old"},
    }
    items = read(value)
    assert bodies(items) == ["one", "two"]
    assert candidates(items)[0].conversation_id == "s0"


def test_messages_that_are_items_themselves() -> None:
    items = [{"role": "user", "content": "one"}, {"role": "assistant", "content": "a"}]
    assert bodies(read(session(*items))) == ["one"]


def test_what_is_before_the_damage_is_read() -> None:
    whole = json.dumps(session(user("one"), assistant("Hi."), user("two")))
    cut = document(whole[: whole.index('"two"')].encode(), "s1.json")
    items = list(continue_dev.read(cut))
    assert bodies(items) == ["one"]
    assert len(failures(items)) == 1


@pytest.mark.parametrize(
    "other",
    [
        [{"sessionId": "s", "title": "x", "workspaceDirectory": "/d"}],
        {"history": [{"role": "user", "parts": [{"text": "x"}]}]},
        {"history": {"messages": {}, "currentId": "x"}},
        {"sessionId": "s", "history": [{"role": "user", "content": "x"}]},
    ],
)
def test_other_files_are_not_claimed(other: Json) -> None:
    assert not continue_dev.probe(of_json(other, "sessions.json"))
