"""A file has one reader: that of its source, and none if it holds no prompts."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from promptvault.importers import registry
from promptvault.importers.input.document import Document, documents_at
from tests.importers.build import Json, document, of_json, of_lines
from tests.importers.examples import EXAMPLES

SAMPLES = Path(__file__).parent / "data" / "samples"
FOLDERS = {"claude_ai": "claude", "gemini_aistudio": "ai-studio"}
"""Sources of the folders of samples, unless they have the same name."""


def claims(file: Document) -> list[str]:
    """Return the sources that claim *file*, in the order in which they are asked."""
    return [each.source for each in registry.importers() if each.probe(file)]


def structured(sources: list[str]) -> list[str]:
    return [source for source in sources if not registry.is_generic(source)]


def examples() -> Iterator[tuple[str, Document]]:
    """Yield each example and each sample, with its source."""
    for example in EXAMPLES:
        yield example.source, document(example.data, example.name)
    for path in filter(Path.is_file, SAMPLES.rglob("*")):
        folder = path.relative_to(SAMPLES).parts[0]
        source = FOLDERS.get(folder, folder.removesuffix("_takeout").replace("_", "-"))
        for found in documents_at(path):
            assert isinstance(found, Document)
            if structured(claims(found)):  # an export has other files too
                yield source, found


def test_each_file_is_claimed_by_its_source_alone() -> None:
    wrong = []
    seen = set()
    for source, file in examples():
        seen.add(source)
        found = claims(file)
        own = [] if registry.is_generic(source) else [source]
        if found[:1] != [source] or structured(found) != own:
            wrong.append((source, file.name, found))
    assert wrong == []
    assert seen == set(registry.source_names())


@pytest.mark.parametrize(
    "value",
    [
        {"name": "p", "version": "1.0.0", "scripts": {"test": "x"}, "prompt": "x"},
        {"compilerOptions": {}, "include": ["src"], "files": ["a.ts"]},
        {"editor.fontSize": 12, "prompt": "> ", "model": "m", "theme": "dark"},
        {"model": "opus", "permissions": {"allow": []}, "hooks": {}},
        {"projects": {"/w": {"history": [{"display": "x", "pastedContents": {}}]}}},
        {"mcpServers": {"a": {"command": "npx", "args": ["x"], "type": "stdio"}}},
        {"version": "2", "inputs": [{"id": "a", "type": "promptString"}]},
        [{"url": "https://example.invalid/a.zip", "name": "a.zip", "title": "A"}],
        {
            "session_id": "1", "source": "cli", "status": "completed", "model": "m",
            "cwd": "/w", "prompt": "Add it.", "metadata": {"title": "A title"},
        },
        [{"id": "1", "title": "A title", "prompt": "Add it.", "cwd": "/w"}],
        [{"sessionId": "8", "title": "A title", "workspaceDirectory": "/w"}],
        {"version": 1, "entries": [{"sessionId": "a", "firstPrompt": "Add it."}]},
        {"prompt": "a cat", "negative_prompt": "a dog", "steps": 20, "model": "m"},
        {"$schema": "x", "type": "object", "properties": {"prompt": {"type": "x"}}},
        {"cells": [{"cell_type": "code", "source": ["x"]}], "nbformat": 4},
        {"log": {"entries": [{"request": {"url": "x"}, "response": {}}]}},
        [{"id": "1", "conversation_id": "c", "rating": "thumbsUp", "content": "x"}],
        [{"uuid": "u", "full_name": "A", "email_address": "a@example.invalid"}],
        {"conversations_memory": "x", "account_uuid": "u"},
        {"id": "1", "messages": [{"author": {"id": "3"}, "content": "hi"}]},
        {"type": "personal_chat", "messages": [{"from": "Ann", "text": "hi"}]},
        {"schemaVersion": 2, "layers": [{"mediaType": "x.prompt", "digest": "x"}]},
        [{"content": "Write it", "status": "pending", "activeForm": "Writing"}],
        {"files_in_context": [{"path": "a"}], "model_usage": [{"ts": 1}]},
        [{"id": "x", "ts": 1, "task": "Add it.", "tokensIn": 1}],
        {"folder": "file:///w"},
        {"type": "user", "event": "login", "timestamp": "2026", "message": "hello"},
        {"mapping": {"a": {"id": "a"}, "b": "c"}, "version": 3},
    ],
)  # fmt: skip
def test_other_json_is_claimed_by_none(value: Json) -> None:
    rows = value if isinstance(value, list) else [value]
    assert claims(of_json(value, "x.json")) == claims(of_lines(rows)) == []
