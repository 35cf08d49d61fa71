"""A small file of every source, holding the prompts "one é", "two" and "three"."""

import json
from typing import NamedTuple

from .build import Json, chat, message, talk, turn


class Example(NamedTuple):
    """One file as its source writes it; JSON as rows, so that tests can bend them."""

    source: str
    name: str
    """Of the file; what it is must show without it, unless structure cannot say."""
    value: list[Json] | bytes

    @property
    def data(self) -> bytes:
        """The file."""
        if isinstance(self.value, bytes):
            return self.value
        return json.dumps(self.value, ensure_ascii=False).encode()


EXAMPLES = [
    Example(
        "chatgpt",
        "conversations.json",
        [
            chat(turn("u", None, "one é"), turn("a", "u", "Hi.", "assistant")),
            chat(turn("u", None, "two"), turn("v", "u", "three")),
        ],
    ),
    Example(
        "claude",
        "conversations.json",
        [
            talk(message("m", "one é", 1), message("x", "Hi.", 2, "assistant")),
            talk(message("m", "two", 1), message("n", "three", 2)),
        ],
    ),
    Example(
        "promptvault",
        "export.json",
        [
            {"name": "a", "body": "one é", "tags": ["x"], "labels": {"live": 1}},
            {"name": "b/c", "body": "two", "origins": [{"source": "chatgpt"}]},
            {"name": "b/d", "body": "three", "variables": [{"name": "v"}], "uses": 3},
        ],
    ),
]
