"""Sessions of VS Code's chat: what was typed, in whichever form they are stored."""

import json
from datetime import UTC, datetime
from pathlib import Path

import pytest

from promptvault.importers.copilot import chat
from promptvault.importers.input.candidate import CandidateKind, Item, Skipped
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

KEY = "11111111-2222-4333-8444-55555555555"


def request(number: int, said: str, **fields: Json) -> Json:
    """Return a request as VS Code stores it."""
    return {
        "requestId": f"request_{KEY}{number}",
        "message": {"text": said, "parts": [{"kind": "text", "text": said}]},
        "variableData": {"variables": []},
        "response": [{"value": 'An answer: {"text": "not typed"}'}],
        "agent": {"id": "github.copilot.editsAgent"},
        "timestamp": 1_787_000_000_000 + 1000 * number,
        "modelId": "copilot/claude-sonnet-5",
        **fields,
    }


def session(*requests: Json, **fields: Json) -> Json:
    return {
        "version": 3,
        "requesterUsername": "ada",
        "requesterAvatarIconUri": {"$mid": 1, "path": "/u/1"},
        "responderUsername": "GitHub Copilot",
        "responderAvatarIconUri": {"id": "copilot"},
        "initialLocation": "panel",
        "requests": list(requests),
        "sessionId": "s1",
        "creationDate": 1_787_000_000_000,
        "customTitle": "Hooks",
        **fields,
    }


def change(kind: int, *path: Json, **fields: Json) -> Json:
    """Return a line of a log."""
    return {"kind": kind, "k": list(path), **fields}


def log(*changes: Json, start: Json | None = None) -> bytes:
    first = {"kind": 0, "v": start or session(inputState={"inputText": "half a"})}
    return "".join(f"{json.dumps(line)}\n" for line in [first, *changes]).encode()


def read(value: Json | bytes, name: str = "s1.json") -> list[Item]:
    data = value if isinstance(value, bytes) else json.dumps(value).encode()
    assert chat.probe(document(data, name))
    return list(chat.read(document(data, name)))


def test_prompt_carries_all_that_the_session_says() -> None:
    first, second = candidates(read(session(request(1, "one"), request(2, "two"))))
    (draft,) = second.drafts
    assert draft.body == "two"
    assert draft.created_at == datetime(2026, 8, 17, 20, 53, 22, tzinfo=UTC)
    assert draft.model == "claude-sonnet-5"
    assert draft.message_id == f"{KEY}2"  # which copies of the session share
    assert (second.conversation_id, second.conversation_title) == ("s1", "Hooks")
    assert (first.opening, second.opening) == (True, False)


@pytest.mark.parametrize("indent", [None, 2])
def test_a_session_and_an_export_have_the_same_prompts(indent: int | None) -> None:
    whole = session(request(1, "one\nmore"), request(2, 'two é \\ " ]}'))
    exported = {key: whole[key] for key in list(whole)[1:7]}
    for value in (whole, exported, [whole]):
        data = json.dumps(value, indent=indent, ensure_ascii=False).encode()
        assert bodies(read(data)) == ["one\nmore", 'two é \\ " ]}']


def test_a_message_of_the_first_version_is_a_string() -> None:
    old = {"providerRequestId": "1", "message": "one", "response": [{"value": "Hi."}]}
    value = session(old, version=1, sessionId="s1")
    (found,) = candidates(read(value))
    assert (found.drafts[0].body, found.drafts[0].message_id) == ("one", "1")


def test_what_no_person_typed_is_left_out() -> None:
    items = read(
        session(
            request(1, "one"),
            request(2, '@agent Continue: "Go on?"', confirmation="Continue"),
            request(3, "The terminal ended.", isSystemInitiated=True),
            request(4, "hidden", hiddenFromTranscript=True),
            request(5, "  ", variableData={"variables": [{"name": "a.png"}]}),
            request(6, "two"),
        )
    )
    assert bodies(items) == ["one", "two"]
    assert skipped(items) == [{"no text": 1}]


def test_commands_and_agents_stay_in_the_text() -> None:
    items = read(
        session(
            request(1, "/clear"),
            request(2, "/explain why is it slow?"),
            request(3, "@workspace where is #file:a.py used?"),
        )
    )
    assert bodies(items) == ["@workspace where is #file:a.py used?"]
    assert bodies(items, CandidateKind.COMMAND) == ["/explain why is it slow?"]
    assert skipped(items) == [{"slash command": 1}]


@pytest.mark.parametrize(
    "undone", [{"isHidden": True}, {"shouldBeRemovedOnSend": {"requestId": "x"}}]
)
def test_an_undone_request_is_a_draft_of_the_next_one(undone: Json) -> None:
    chat_ = session(request(1, "one"), request(2, "tow", **undone), request(3, "two"))
    first, second = candidates(read(chat_))
    assert [draft.body for draft in first.drafts] == ["one"]
    assert [draft.body for draft in second.drafts] == ["tow", "two"]
    last = read(session(request(1, "one"), request(2, "tow", **undone)))
    assert bodies(last) == ["one"]
    assert skipped(last) == [{"abandoned branch": 1}]


def test_a_request_of_which_a_part_was_undone_stays() -> None:
    part = {"shouldBeRemovedOnSend": {"requestId": "x", "afterUndoStop": "y"}}
    assert bodies(read(session(request(1, "one", **part)))) == ["one"]


class TestLog:
    def test_changes_are_applied_in_order(self) -> None:
        items = read(
            log(
                change(2, "requests", v=[request(1, "one")]),
                change(1, "customTitle", v="Later"),
                change(2, "requests", 0, "response", v=[{"value": "More."}], i=0),
                change(1, "requests", 0, "result", v={"metadata": {"text": "x"}}),
                change(2, "requests", v=[request(2, "tow"), request(3, "three")]),
                change(1, "requests", 1, "message", "text", v="two"),
                change(1, "requests", 2, "confirmation", v="Continue"),
                change(3, "requests", 2, "confirmation"),
                change(1, "inputState", "inputText", v="a draft"),
            ),
            "s1.jsonl",
        )
        assert bodies(items) == ["one", "two", "three"]
        assert candidates(items)[0].conversation_title == "Later"

    @pytest.mark.parametrize("is_one_step", [True, False])
    def test_an_edit_is_a_draft(self, is_one_step: bool) -> None:
        sent = [request(1, "one"), request(2, "tow"), request(3, "three")]
        edits = [change(2, "requests", v=[request(4, "two")], i=1)]
        if not is_one_step:
            cut = change(2, "requests", i=1)
            edits = [cut, change(2, "requests", v=[request(4, "two")])]
        items = read(log(*edits, start=session(*sent)))
        _, second = candidates(items)
        assert [draft.body for draft in second.drafts] == ["tow", "two"]
        assert skipped(items) == [{"abandoned branch": 1}]

    def test_the_same_text_sent_again_is_one_prompt(self) -> None:
        again = change(2, "requests", v=[request(2, "one")], i=0)
        (found,) = candidates(read(log(again, start=session(request(1, "one")))))
        assert len(found.drafts) == 1

    def test_a_replaced_request(self) -> None:
        other = change(1, "requests", 0, v=request(2, "two"))
        (found,) = candidates(read(log(other, start=session(request(1, "one")))))
        assert [draft.body for draft in found.drafts] == ["one", "two"]

    def test_a_line_that_is_being_written(self) -> None:
        whole = log(change(2, "requests", v=[request(1, "one")]))
        items = read(whole + json.dumps(change(2, "requests")).encode()[:-1])
        assert bodies(items) == ["one"]
        assert not failures(items)

    def test_a_damaged_line_loses_no_other(self) -> None:
        cut = json.dumps(change(2, "requests", v=[request(1, "one")]))[:200]
        more = json.dumps(change(2, "requests", v=[request(2, "two")]))
        items = read(log() + f"{cut}\n{more}\n".encode())
        assert bodies(items) == ["two"]
        assert [each.where for each in failures(items)] == ["s1.json, line 2"]

    @pytest.mark.parametrize(
        "path", [[], ["requests", 9], ["requests", -1], [0, "x"], ["requests", "x", 1]]
    )
    @pytest.mark.parametrize("kind", [1, 2, 3, 4, None])
    def test_a_strange_change(self, path: list[Json], kind: int) -> None:
        odd = {"kind": kind, "k": path, "v": ["x"], "i": 7}
        items = read(log(odd, start=session(request(1, "one"))))
        assert bodies(items) == ["one"]


def test_a_session_in_both_forms_is_read_once(tmp_path: Path) -> None:
    folder = tmp_path / "chatSessions"
    folder.mkdir()
    (folder / "s1.json").write_text(json.dumps(session(request(1, "old"))))
    (folder / "s1.jsonl").write_bytes(log(start=session(request(1, "new"))))
    items = imported(tmp_path)
    assert bodies(items) == ["new"]
    assert Skipped("older copy of a session") in items


def test_what_is_before_the_damage_is_read() -> None:
    whole = json.dumps(session(request(1, "one"), request(2, "two")), indent=2)
    items = read(whole[: whole.index('"two"')].encode())
    assert bodies(items) == ["one"]
    (bad,) = failures(items)
    assert "two" not in bad.reason
    assert candidates(items)[0].conversation_id == "s1"  # the name of the file


@pytest.mark.parametrize(
    "other",
    [
        {"name": "API tests", "requests": [{"url": "/", "message": {"text": "x"}}]},
        {"sessionId": "s", "projectHash": "h", "messages": []},
        {"version": 3, "sessionId": "s", "creationDate": 1},
        [{"text": '"requests": [ "sessionId": "responderUsername":'}],
    ],
)
def test_other_files_are_not_claimed(other: Json) -> None:
    assert not chat.probe(of_json(other))
