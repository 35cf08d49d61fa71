"""Chat exports of any size, in the format of ChatGPT."""

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

Json = dict[str, Any]
_START = 1_700_000_000


def conversation(key: str, *drafts: str, title: str | None = None) -> Json:
    """Return a conversation that begins with a prompt; its drafts differ."""
    mapping: dict[str, Json] = {"root": _node("root", None, None)}
    for number, text in enumerate(drafts):
        asked, answered = f"{key}-q{number}", f"{key}-a{number}"
        mapping[asked] = _node(asked, "root", _message(asked, "user", text, number))
        answer = _message(answered, "assistant", "Certainly.", number)
        mapping[answered] = _node(answered, asked, answer)
    return {
        "title": title or f"Chat {key}",
        "create_time": float(_START),
        "conversation_id": key,
        "current_node": list(mapping)[-1],
        "mapping": mapping,
    }


def _node(key: str, parent: str | None, message: Json | None) -> Json:
    return {"id": key, "parent": parent, "children": [], "message": message}


def _message(key: str, role: str, text: str, number: int) -> Json:
    return {
        "id": key,
        "author": {"role": role},
        "create_time": float(_START + number),
        "content": {"content_type": "text", "parts": [text]},
    }


def conversations(count: int, prefix: str = "c") -> list[Json]:
    """Return *count* conversations, every tenth with a prompt edited twice."""
    return [
        conversation(f"{prefix}{number:04}", *bodies(number, prefix))
        for number in range(count)
    ]


def bodies(number: int, prefix: str = "c") -> list[str]:
    """Return the texts of the prompt's drafts in one of the `conversations`."""
    drafts = 1 if number % 10 else 3
    text = "Explain topic {} of {}, wording {}: say what it is, then why.\n"
    return [text.format(number, prefix, draft) * 3 for draft in range(drafts)]


def write(path: Path, content: Iterable[Json]) -> str:
    """Write an export to *path*, and return that as an argument."""
    path.write_text(json.dumps(list(content)))
    return str(path)
