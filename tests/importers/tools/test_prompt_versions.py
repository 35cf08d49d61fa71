"""Versions of a prompt, part by part."""

from promptvault.importers.input.candidate import CandidateKind
from promptvault.importers.input.json_stream import JsonValue
from promptvault.importers.tools.prompt_versions import (
    SYSTEM,
    StoredPrompt,
    StoredVersion,
    candidates,
    message_parts,
)


def test_messages_are_separated_by_role() -> None:
    messages: list[JsonValue] = [
        {"role": "system", "content": "a"},
        {"role": "developer", "content": [{"text": "b"}, {"text": " "}, 7]},
        {"role": "user", "content": "c"},
        {"role": "assistant", "content": "d"},
        {"role": "user", "content": None},
        {"role": "user", "content": "e"},
        "f",
    ]
    assert message_parts(messages) == {SYSTEM: "a\n\nb", "": "c", "2": "e"}


def test_part_that_only_some_versions_have() -> None:
    versions = (
        StoredVersion(2, {"": "b", SYSTEM: "s"}, ("new",)),
        StoredVersion(1, {"": "a"}, ("old",)),
    )
    prompt, standing = candidates(StoredPrompt("k", "n", versions))
    assert [draft.body for draft in prompt.drafts] == ["a", "b"]
    assert prompt.labels == {"old": 1, "new": 2}
    assert (standing.name, standing.kind) == ("n-system", CandidateKind.INSTRUCTIONS)
    assert standing.labels == {"new": 1}
