"""pi: what was typed in a session, on the current branch."""

from typing import Any

from promptvault.importers.agents import pi
from promptvault.importers.input.candidate import CandidateKind
from promptvault.importers.input.field import as_time
from tests.importers.build import Json, bodies, candidates, of_lines, skipped

HEADER = {
    "type": "session",
    "version": 3,
    "id": "s1",
    "timestamp": "2026-09-06T10:00:00.000Z",
    "cwd": "/w",
}


def entry(key: str, parent: str | None, kind: str, **fields: Json) -> Json:
    return {"type": kind, "id": key, "parentId": parent, **fields}


def said(key: str, parent: str | None, text: Json, role: str = "user") -> Json:
    message = {"role": role, "content": text, "timestamp": 1784448616190}
    return entry(key, parent, "message", message=message)


def read(*records: Json) -> list[Any]:
    return list(pi.read(of_lines([HEADER, *records])))


def test_title_model_and_time() -> None:
    (only,) = candidates(
        read(
            entry("m", None, "model_change", modelId="gpt-5"),
            said("a", "m", "one"),
            entry("i", "a", "session_info", name="Counting"),
        )
    )
    assert (only.conversation_id, only.conversation_title) == ("s1", "Counting")
    assert only.drafts[0].model == "gpt-5"
    assert only.drafts[0].created_at == as_time(1784448616190)


def test_branches_are_drafts_whatever_lies_between() -> None:
    items = read(
        said("a", None, "a"),
        said("x", "a", "Hi.", "assistant"),
        said("b", "x", "b"),
        said("y", "b", "Ho.", "assistant"),
        entry("m", "x", "model_change", modelId="m"),
        entry("t", "m", "thinking_level_change", thinkingLevel="high"),
        said("c", "t", "new b"),
    )
    found = [[draft.body for draft in each.drafts] for each in candidates(items)]
    assert found == [["a"], ["b", "new b"]]


def test_what_is_no_prompt() -> None:
    items = read(
        said("a", None, "one"),
        entry("b", "a", "message", message={"role": "bashExecution", "command": "ls"}),
        said("c", "b", "a result", "toolResult"),
        said("d", "c", "a summary", "compactionSummary"),
        entry("e", "d", "custom_message", content="no", display=True),
        said("f", "e", [{"type": "image", "data": ""}]),
    )
    assert bodies(items) == ["one"]
    assert skipped(items) == [{"no text": 1, "shell command": 1}]


def test_skills_and_files_are_as_they_were_typed() -> None:
    skill = '<skill name="pdf" location="/s/SKILL.md">\nRead it.\n</skill>'
    items = read(
        said("a", None, f"{skill}\n\nthe second page"),
        said("b", "a", skill),
        said("c", "b", '<file name="/w/a.py">\nprint()\n</file>\nwhat is it?'),
    )
    assert bodies(items, CandidateKind.COMMAND) == ["/skill:pdf the second page"]
    assert bodies(items) == ["what is it?"]
    assert skipped(items) == [{"slash command": 1}]
