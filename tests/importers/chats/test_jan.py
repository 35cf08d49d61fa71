"""Jan's threads: sorted messages, titles beside them, instructions a person wrote."""

import json
from pathlib import Path

import pytest

from promptvault.importers.chats import jan
from promptvault.importers.input.candidate import CandidateKind
from tests.importers.build import (
    Json,
    bodies,
    candidates,
    document,
    failures,
    imported,
    of_json,
    of_lines,
    skipped,
)

THREAD = {
    "id": "t1",
    "object": "thread",
    "title": "Counting",
    "assistants": [
        {
            "assistant_id": "jan",
            "assistant_name": "Jan",
            "instructions": "You are a helpful AI assistant. Your primary goal is to "
            "assist users with their questions",
            "model": {"id": "qwen"},
        },
        {"assistant_name": "Mine", "instructions": "Be terse."},
    ],
}


def message(key: str, made: Json, said: str, **fields: Json) -> Json:
    return {
        "id": key,
        "object": "thread.message",
        "thread_id": "t1",
        "role": "user",
        "content": [{"type": "text", "text": {"value": said, "annotations": []}}],
        "created_at": made,
        **fields,
    }


def test_messages_are_sorted_by_seconds_or_milliseconds() -> None:
    lines = [
        message("3", 1772359400, "third"),
        message("2", 1772359300000, "second", content="second"),
        message("1", 1772359200.5, "first"),
        message("4", 1772359500, "no", role="assistant"),
    ]
    found = candidates(jan.read(of_lines(lines)))
    assert [each.drafts[0].body for each in found] == ["first", "second", "third"]
    assert found[0].drafts[0].message_id == "1"
    assert {each.conversation_id for each in found} == {"t1"}


def test_a_folder_of_threads(tmp_path: Path) -> None:
    folder = tmp_path / "threads" / "t1"
    folder.mkdir(parents=True)
    (folder / "thread.json").write_text(json.dumps(THREAD))
    (folder / "messages.jsonl").write_text(json.dumps(message("1", 1, "said")) + "\n")
    items = imported(tmp_path / "threads")
    (found,) = candidates(items)
    assert found.conversation_title == "Counting"
    assert found.drafts[0].model == "qwen"
    (own,) = candidates(items, CandidateKind.INSTRUCTIONS)
    assert (own.drafts[0].body, own.title) == ("Be terse.", "Mine")


@pytest.mark.parametrize("thread", ["{", "[]", '{"assistants": [3]}', "[" * 9000])
def test_broken_thread_beside_the_messages(tmp_path: Path, thread: str) -> None:
    (tmp_path / "thread.json").write_text(thread)
    (tmp_path / "messages.jsonl").write_text(json.dumps(message("1", 1, "said")))
    found = candidates(imported(tmp_path / "messages.jsonl"))
    assert [each.conversation_title for each in found] == ["said"]


def test_what_jan_adds_for_files_is_left_out() -> None:
    files = "\n\n[ATTACHED_FILES]\n- file_id: 1, name: a.pdf\n[/ATTACHED_FILES]"
    lines = [
        message("1", 1, f"sum it{files}"),
        message("2", 2, files),
        message("3", 3, "", content=[{"type": "image_url", "image_url": {"url": "x"}}]),
        message("4", 4, "gone", deleted_at=5),
    ]
    items = list(jan.read(of_lines(lines)))
    assert bodies(items) == ["sum it"]
    assert skipped(items) == [{"no text": 2, "deleted": 1}]


def test_damaged_lines_stop_nothing() -> None:
    lines = [json.dumps(message("1", 1, "one")), '{"id": "2", "obj', "3", '{"x": 1}']
    data = "\n".join([*lines, json.dumps(message("4", 4, "two"))]).encode()
    items = list(jan.read(document(data)))
    assert bodies(items) == ["one", "two"]
    assert len(failures(items)) == 3


def test_strange_threads_have_no_instructions() -> None:
    for assistants in ([None, 3], [{"instructions": 3}], []):
        value = {"object": "thread", "assistants": assistants}
        assert jan.probe(of_json(value))
        assert bodies(jan.read(of_json(value)), CandidateKind.INSTRUCTIONS) == []
