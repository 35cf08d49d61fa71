"""Codex's log of typed prompts."""

import json
from pathlib import Path

from promptvault.importers.codex import source
from promptvault.importers.input.candidate import Skipped
from promptvault.importers.input.document import Document, documents_at
from tests.importers.build import Json, bodies, candidates, document, failures

RECORDED, GONE = (f"019f0000-0000-7000-8000-00000000000{n}" for n in (1, 2))
ROLLOUT = f"rollout-2026-09-01T10-00-00-{RECORDED}.jsonl"


def entries(*texts: tuple[str, str]) -> bytes:
    rows: list[Json] = [
        {"session_id": session, "ts": 1788256801 + number, "text": text}
        for number, (session, text) in enumerate(texts)
    ]
    return "".join(json.dumps(row) + "\n" for row in rows).encode()


DATA = entries((RECORDED, "one"), (GONE, "two"), (GONE, "/model"), (GONE, "three"))


def test_first_prompt_of_a_session_opens_it() -> None:
    items = list(source.read(document(DATA, "history.jsonl")))
    assert [each.opening for each in candidates(items)] == [True, True, False]
    assert items[-1] == Skipped("slash command")
    time = candidates(items)[0].drafts[0].created_at
    assert time
    assert time.timestamp() == 1788256801


def test_sessions_with_a_file_in_the_same_folder_are_left_out() -> None:
    siblings = ("history.jsonl", f"sessions/2026/09/01/{ROLLOUT}")
    items = list(source.read(document(DATA, "history.jsonl", siblings)))
    assert bodies(items) == ["two", "three"]
    assert Skipped("in a session file") in items


def test_log_given_alone_looks_for_the_files_of_sessions(tmp_path: Path) -> None:
    log = tmp_path / "history.jsonl"
    log.write_bytes(DATA)
    archived = tmp_path / "archived_sessions" / ROLLOUT
    archived.parent.mkdir()
    archived.touch()
    (found,) = documents_at(log)
    assert isinstance(found, Document)
    assert bodies(source.read(found)) == ["two", "three"]


def test_damaged_line() -> None:
    data = DATA.replace(b'"two"', b'"two')
    items = list(source.read(document(data, "history.jsonl")))
    assert bodies(items) == ["one", "three"]
    assert failures(items)[0].where == "history.jsonl, line 2"
