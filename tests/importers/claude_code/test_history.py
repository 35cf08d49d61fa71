from datetime import UTC, datetime

from promptvault.importers.input.candidate import CandidateKind, Skipped
from tests.importers.build import Json, candidates
from tests.importers.claude_code_build import read


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
        entry("/model opus"),
        entry("!ls"),
        entry(""),
    )
    found = candidates(items, CandidateKind.PROMPT)
    assert [(c.drafts[0].body, c.conversation_id, c.opening) for c in found] == [
        ("one\ntwo", "s1", True),
        ("explain a log\nof \\1 now", "s1", False),
        ("[Pasted text #1 +1 lines] and more", None, False),
    ]
    assert found[0].drafts[0].created_at == datetime(2026, 3, 1, 10, tzinfo=UTC)
    assert sorted(item for item in items if isinstance(item, Skipped)) == [
        ("no text", 1), ("shell command", 1), ("slash command", 2),
    ]  # fmt: skip
