"""Versions of a prompt, part by part."""

from promptvault.importers.input.candidate import Kind
from promptvault.importers.input.json_stream import JsonValue
from promptvault.importers.tools.prompt_versions import (
    SYSTEM,
    Prompt,
    Version,
    candidates,
    parts_of_messages,
)


def test_messages_are_told_apart_by_role() -> None:
    messages: list[JsonValue] = [
        {"role": "system", "content": "a"},
        {"role": "developer", "content": [{"text": "b"}, {"text": " "}, 7]},
        {"role": "user", "content": "c"},
        {"role": "assistant", "content": "d"},
        {"role": "user", "content": None},
        {"role": "user", "content": "e"},
        "f",
    ]
    assert parts_of_messages(messages) == {SYSTEM: "a\n\nb", "": "c", "2": "e"}


def test_part_that_only_some_versions_have() -> None:
    versions = (
        Version(2, {"": "b", SYSTEM: "s"}, ("new",)),
        Version(1, {"": "a"}, ("old",)),
    )
    prompt, standing = candidates(Prompt("k", "n", versions))
    assert [draft.body for draft in prompt.drafts] == ["a", "b"]
    assert prompt.labels == {"old": 1, "new": 2}
    assert (standing.name, standing.kind) == ("n-system", Kind.INSTRUCTIONS)
    assert standing.labels == {"new": 1}
