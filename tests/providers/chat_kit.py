"""Asking a server in both ways, and what a server may answer."""

import json
from typing import Any

from promptvault.domain.chat import Request
from promptvault.providers.answer_reader import StreamEnd
from promptvault.providers.openai_chat import ChatClient
from tests.model_server import (
    Raw,
)


def ask(chat: ChatClient, request: Request) -> tuple[str, StreamEnd]:
    """Return the text of the answer, without thoughts, and its end."""
    *pieces, end = list(chat.stream(request))
    assert isinstance(end, StreamEnd)
    return "".join(piece for piece in pieces if isinstance(piece, str)), end


def event(value: Any) -> bytes:
    """Return one event of a stream."""
    return f"data: {json.dumps(value)}\n\n".encode()


def chunk(text: str | None, finish: str | None = None, **more: Any) -> dict[str, Any]:
    """Return a chunk as servers send it."""
    choice = {"index": 0, "delta": {"content": text}, "finish_reason": finish}
    return {"choices": [choice]} | more


def message(**more: Any) -> Raw:
    """Return a completion with a given message."""
    choice = {"index": 0, "message": {"role": "assistant"} | more}
    return Raw(json.dumps({"choices": [choice]}).encode())
