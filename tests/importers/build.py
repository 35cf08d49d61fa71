"""Builds small exports in code, and reads them with importers."""

import io
import json
import zipfile
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from promptvault.domain.imported_prompt import ImportedPrompt
from promptvault.importers import registry
from promptvault.importers.input.candidate import (
    Candidate,
    CandidateKind,
    Conversation,
    Failure,
    Item,
)
from promptvault.importers.input.document import Document, documents_at

Json = Any


def document(data: bytes, name: str = "file", siblings: Iterable[str] = ()) -> Document:
    return Document(name, len(data), lambda: io.BytesIO(data), frozenset(siblings))


def of_json(value: Json, name: str = "file") -> Document:
    return document(json.dumps(value).encode(), name)


def of_lines(values: Iterable[Json]) -> Document:
    return document("\n".join(map(json.dumps, values)).encode())


def archive(files: Mapping[str, bytes]) -> bytes:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as opened:
        for name, data in files.items():
            opened.writestr(name, data)
    return stream.getvalue()


def found(path: Path) -> tuple[list[Document], list[Failure]]:
    """Return the documents at *path* (names and sizes only) and the failures."""
    items = list(documents_at(path))
    return (
        [item for item in items if isinstance(item, Document)],
        [item for item in items if isinstance(item, Failure)],
    )


def imported(path: Path) -> list[Item]:
    """Return everything that an import of *path* yields."""
    items: list[Item] = []
    for item in documents_at(path):
        if isinstance(item, Failure):
            items.append(item)
        elif isinstance(item, Document) and (importer := registry.find_importer(item)):
            items.extend(importer.read(item))
    return items


def candidates(
    items: Iterable[Item], kind: CandidateKind = CandidateKind.PROMPT
) -> list[Candidate]:
    found: list[Candidate] = []
    for item in items:
        if isinstance(item, Conversation):
            found.extend(item.candidates)
        elif isinstance(item, Candidate):
            found.append(item)
    return [each for each in found if each.kind is kind]


def bodies(
    items: Iterable[Item], kind: CandidateKind = CandidateKind.PROMPT
) -> list[str]:
    """Return the current text of each candidate of *kind*, in order."""
    whole = list(items)
    offered = [each for each in whole if isinstance(each, ImportedPrompt)]
    found = [each.drafts[-1].body for each in candidates(whole, kind)]
    return found + [offer.versions[-1].content.body for offer in offered]


def failures(items: Iterable[Item]) -> list[Failure]:
    return [item for item in items if isinstance(item, Failure)]


def skipped(items: Iterable[Item]) -> list[dict[str, int]]:
    return [item.skipped for item in items if isinstance(item, Conversation)]


def turn(
    key: str,
    parent: str | None,
    said: str | None = None,
    role: str = "user",
    **message: Json,
) -> dict[str, Json]:
    """Return one entry of a ChatGPT mapping; *message* adds to the message."""
    content = {"content_type": "text", "parts": [said or ""]}
    body = {"id": f"m-{key}", "author": {"role": role}, "content": content, **message}
    return {key: {"id": key, "parent": parent, "children": [], "message": body}}


def chat(*turns: dict[str, Json], **fields: Json) -> dict[str, Json]:
    """Return a ChatGPT conversation of *turns*; the last one is current."""
    mapping = {key: node for each in turns for key, node in each.items()}
    for key, node in mapping.items():
        if node["parent"] in mapping:
            mapping[node["parent"]]["children"].append(key)
    return {
        "title": "A chat",
        "create_time": 1700000000.0,
        "conversation_id": "c1",
        "current_node": list(mapping)[-1] if mapping else None,
        "mapping": mapping,
        **fields,
    }


def message(
    uuid: str, said: str, second: int, sender: str = "human", **fields: Json
) -> dict[str, Json]:
    """Return a Claude.ai message made at that *second* of 2026."""
    made = f"2026-01-01T00:{second // 60:02}:{second % 60:02}.000000Z"
    return {"uuid": uuid, "text": said, "sender": sender, "created_at": made, **fields}


def talk(*messages: dict[str, Json], **fields: Json) -> dict[str, Json]:
    """Return a Claude.ai conversation."""
    return {"uuid": "c1", "name": "A talk", "chat_messages": list(messages), **fields}
