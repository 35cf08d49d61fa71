"""Data to measure on: a large ChatGPT export, and vaults of 100 and 100,000 prompts."""

import json
import random
from collections.abc import Iterator
from pathlib import Path
from typing import Any

_TURNS = 20
_WORDS_OF_A_PROMPT = 40
_WORDS_OF_AN_ANSWER = 245
_WORDS_OF_A_LINE = 20


class Writer:
    """Makes up text from a vocabulary of its own, the same at every run."""

    def __init__(self) -> None:
        self._random = random.Random(1)
        letters = "abcdefghijklmnopqrstuvwxyz"
        self._vocabulary = [
            "".join(self._random.choices(letters, k=self._random.randint(2, 10)))
            for _ in range(8_000)
        ]

    def words(self, count: int) -> str:
        """Return *count* words."""
        return " ".join(self._random.choices(self._vocabulary, k=count))

    def prose(self, count: int) -> str:
        """Return *count* words as people and models write them: in lines, with quotes
        and signs that JSON has to escape."""
        lines = (self.words(_WORDS_OF_A_LINE) for _ in range(count // _WORDS_OF_A_LINE))
        return "\n\n".join(
            f'{line[:9]} "{line[9:30]}" it\u2019s{line[30:]}.' for line in lines
        )


def write_export(path: Path, conversations: int) -> None:
    """Write a ChatGPT `conversations.json`, with the fields that a real one has.

    A conversation has 20 messages, half of them typed, and about 30 KB.
    """
    writer = Writer()
    with path.open("w") as file:
        for index in range(conversations):
            file.write(", " if index else "[")
            file.write(json.dumps(_conversation(writer, index)))
        file.write("]")


def _conversation(writer: Writer, index: int) -> dict[str, Any]:
    start = 1_700_000_000 + 1_000 * index
    nodes = [_node(writer, index, turn, start + turn) for turn in range(_TURNS)]
    root = {"id": "root", "message": None, "parent": None, "children": [nodes[0]["id"]]}
    return {
        "title": writer.words(4),
        "create_time": start,
        "update_time": start + _TURNS,
        "mapping": {node["id"]: node for node in [root, *nodes]},
        "moderation_results": [],
        "current_node": nodes[-1]["id"],
        "plugin_ids": None,
        "conversation_id": f"c{index}",
        "conversation_template_id": None,
        "gizmo_id": None,
        "gizmo_type": None,
        "is_archived": False,
        "safe_urls": [],
        "default_model_slug": "gpt-4o",
        "id": f"c{index}",
    }


def _node(writer: Writer, index: int, turn: int, time: float) -> dict[str, Any]:
    name = f"{index:06}-{turn}"
    role = "assistant" if turn % 2 else "user"
    words = _WORDS_OF_AN_ANSWER if turn % 2 else _WORDS_OF_A_PROMPT
    return {
        "id": name,
        "parent": f"{index:06}-{turn - 1}" if turn else "root",
        "children": [f"{index:06}-{turn + 1}"] if turn < _TURNS - 1 else [],
        "message": {
            "id": name,
            "author": {"role": role, "name": None, "metadata": {}},
            "create_time": time,
            "update_time": None,
            "content": {"content_type": "text", "parts": [writer.prose(words)]},
            "status": "finished_successfully",
            "end_turn": None,
            "weight": 1.0,
            "metadata": {
                "request_id": f"{index:020}",
                "message_source": None,
                "timestamp_": "absolute",
                "message_type": None,
                "model_slug": "gpt-4o",
                "default_model_slug": "gpt-4o",
            },
            "recipient": "all",
            "channel": None,
        },
    }


def write_rows(path: Path, count: int) -> None:
    """Write *count* prompts as JSON lines that `import` reads.

    The word `needle` is in two of them, `common` in every other.
    """
    with path.open("w") as file:
        file.writelines(json.dumps(row) + "\n" for row in _rows(count))


def _rows(count: int) -> Iterator[dict[str, str]]:
    writer = Writer()
    for index in range(count):
        marks = " common" * (index % 2) + " needle" * (index in (17, 41))
        name = f"folder{index % 300}/prompt{index}"
        yield {
            "name": name,
            "title": writer.words(4),
            "body": writer.words(120) + marks,
        }
