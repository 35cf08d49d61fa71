"""An answer of the model: read from its events, and written as our own.

Only what the API promises is passed on: text, the reason of the end, and the tokens.
Ids, names and messages of the upstream stay here.
"""

import json
import math
import secrets
import time
from typing import Any, TypeGuard

from pydantic_core import from_json

from promptvault.domain.hosted import HOSTED_MODEL
from promptvault.server.ai.failure import ModelError
from promptvault.server.ai.settings import TokenPrice
from promptvault.wire.ai import (
    AnswerMessage,
    ChatRead,
    Choice,
    TokensRead,
)

DONE = b"data: [DONE]\n\n"
_FINISHES = {"stop", "length", "content_filter"}
_MOST_TOKENS = 10**9
"""A larger count is not plausible."""


class Answer:
    """What was read of an answer until now."""

    def __init__(self) -> None:
        self.finish: str | None = None
        self.usage: TokensRead | None = None
        self._id = f"chatcmpl-{secrets.token_hex(12)}"
        self._created = int(time.time())
        self._head = (
            f'data: {{"id":"{self._id}","object":"chat.completion.chunk",'
            f'"created":{self._created},"model":"{HOSTED_MODEL}","choices":['
        )
        """What all events of a stream begin with."""
        self._texts: list[str] = []
        self._refusals: list[str] = []

    def read(self, data: bytes) -> bytes:
        """Read an event, or a whole answer; return the event to send for it.

        Raises ModelError if it is an error, or no answer.
        """
        part = _parsed(data)
        self.usage = _usage(part.get("usage")) or self.usage
        choices = part.get("choices")
        if part.get("error") or not isinstance(choices, list):
            raise ModelError("error")
        delta, finish = _first(choices)
        text, refusal = _text(delta, "content"), _text(delta, "refusal")
        if text:
            self._texts.append(text)
        if refusal:
            self._refusals.append(refusal)
        if isinstance(finish, str):
            self.finish = finish if finish in _FINISHES else "stop"
        if not (text or refusal or isinstance(finish, str)):
            return b""
        return self._event(text, refusal, isinstance(finish, str))

    def _event(self, text: str, refusal: str, is_last: bool) -> bytes:
        """Return an event, from parts: an encoder for each would take twice as long."""
        fields = (("content", text), ("refusal", refusal))
        delta = ",".join(
            f'"{key}":{json.dumps(value)}' for key, value in fields if value
        )
        finish = f'"{self.finish}"' if is_last else "null"
        return (
            f'{self._head}{{"index":0,"delta":{{{delta}}},"finish_reason":{finish}}}'
            "]}\n\n"
        ).encode()

    def cost(self, price: TokenPrice) -> int | None:
        """Return the cost in micro-USD; None if the tokens were not counted."""
        if self.usage is None:
            return None
        sent, received = self.usage.prompt_tokens, self.usage.completion_tokens
        return math.ceil(sent * price.input + received * price.output)

    def whole(self) -> ChatRead:
        """Return the answer as a whole."""
        message = AnswerMessage(
            content=_clean("".join(self._texts)),
            refusal=_clean("".join(self._refusals)) or None,
        )
        return ChatRead(
            id=self._id,
            created=self._created,
            choices=[Choice(message=message, finish_reason=self.finish or "stop")],
            usage=self.usage,
        )

    def end(self, *, has_usage: bool) -> bytes:
        """Return the last events of a stream."""
        if not has_usage or self.usage is None:
            return DONE
        usage = self.usage.model_dump_json()
        return f'{self._head}],"usage":{usage}}}\n\n'.encode() + DONE


def replay(answer: ChatRead, *, has_usage: bool) -> bytes:
    """Return the stream of an answer that was stored."""
    (choice,) = answer.choices
    delta = choice.message.model_dump(exclude_none=True)
    chunk: dict[str, Any] = {
        "id": answer.id,
        "object": "chat.completion.chunk",
        "created": answer.created,
        "model": answer.model,
    }
    last = {"index": 0, "delta": delta, "finish_reason": choice.finish_reason}
    events = event(chunk | {"choices": [last]})
    if has_usage and answer.usage:
        events += event(chunk | {"choices": [], "usage": answer.usage.model_dump()})
    return events + DONE


def event(value: object) -> bytes:
    """Return an event of a stream."""
    return f"data: {json.dumps(value, separators=(',', ':'))}\n\n".encode()


def _parsed(data: bytes) -> dict[str, Any]:
    try:
        part = from_json(data)
    except ValueError:
        try:  # half of a character: some servers cut between two surrogates
            part = json.loads(data)
        except (ValueError, RecursionError):
            raise ModelError("no JSON") from None
    if not isinstance(part, dict):
        raise ModelError("no object")
    return part


def _first(choices: list[Any]) -> tuple[Any, object]:
    """Return the delta or message of the first choice, and the reason of its end."""
    for choice in choices:
        if isinstance(choice, dict) and not choice.get("index"):
            delta = choice.get("delta") or choice.get("message")
            return delta, choice.get("finish_reason")
    return None, None


def _text(delta: Any, name: str) -> str:
    text = delta.get(name) if isinstance(delta, dict) else None
    return text if isinstance(text, str) else ""


def _usage(usage: Any) -> TokensRead | None:
    if not isinstance(usage, dict):
        return None
    sent, received = usage.get("prompt_tokens"), usage.get("completion_tokens")
    if not (_is_count(sent) and _is_count(received)):
        return None
    return TokensRead(
        prompt_tokens=sent, completion_tokens=received, total_tokens=sent + received
    )


def _is_count(value: object) -> TypeGuard[int]:
    return type(value) is int and 0 <= value <= _MOST_TOKENS


def _clean(text: str) -> str:
    """Return *text* with lone surrogates, which UTF-8 does not allow, replaced."""
    if text.isascii():
        return text
    return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
