"""An answer as servers send it, whole or in chunks, and whether it is complete."""

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from promptvault.domain.chat import Usage
from promptvault.providers.endpoint import Endpoint
from promptvault.providers.failure import EmptyAnswerError, RefusedError
from promptvault.providers.openai_error import (
    AnswerError,
    connection_lost,
    failed_midway,
    not_a_completion,
)
from promptvault.providers.thought import Piece, Thought, ThoughtFilter

CUT = "length"
"""The finish reason of an answer that reached a limit of tokens."""
_STOP, _FILTER, _FAILED = "stop", "content_filter", "error"
_FINISHES = {
    **dict.fromkeys(("length", "max_tokens", "model_length", "token_limit"), CUT),
    **dict.fromkeys(("max_output_tokens", "max_completion_tokens"), CUT),
    **dict.fromkeys(("content_filter", "safety", "recitation", "refusal"), _FILTER),
    **dict.fromkeys(("prohibited_content", "blocklist", "spii"), _FILTER),
    **dict.fromkeys(("error", "failed", "abort", "aborted", "timeout"), _FAILED),
    **dict.fromkeys(("cancelled", "canceled", "cancel", "interrupted"), _FAILED),
    **dict.fromkeys(("insufficient_system_resource", "malformed_response"), _FAILED),
}
"""The finish reasons of servers; any other means that the answer is complete."""
_MOST = 10**9
"""Tokens; a larger count is not plausible."""
_THOUGHTS = ("reasoning_content", "reasoning", "thinking")
"""The fields of servers that send thoughts apart."""


class StreamEnd(NamedTuple):
    """What is known after the last piece of an answer."""

    usage: Usage | None
    """The tokens that the server counted, None if it did not."""
    finish: str


@dataclass(slots=True)
class AnswerReader:
    """Reads an answer, whole or in pieces."""

    endpoint: Endpoint
    wants_json: bool = False
    """Whether the answer must be JSON, wherever the server puts it."""
    usage: Usage | None = None
    finish: str = ""
    """The finish reason in our words; '' before the end."""
    has_text: bool = False
    has_thought: bool = False
    _refused: bool = False
    _high_surrogate: str = ""
    """First half of a character that the server split between two pieces."""
    _reasoning: list[str] = field(default_factory=list)
    """What came in a field for thoughts."""
    _filter: ThoughtFilter = field(default_factory=ThoughtFilter)

    def read(self, part: Any, message: str) -> Iterator[Piece]:
        """Yield the pieces in a completion or chunk.

        *message* is the key of the text: "message" or "delta". Raises ServerDownError
        if *part* is neither, and AnswerError for an error that the server reports.
        """
        if not isinstance(part, dict):
            raise not_a_completion(self.endpoint)
        if part.get("error") or part.get("object") == "error":
            raise AnswerError(part)
        choices = part.get("choices") or []
        if not isinstance(choices, list):
            raise not_a_completion(self.endpoint)
        choice = _first(choices)
        if choice is None and message == "message":
            raise not_a_completion(self.endpoint)
        self._read_usage(part.get("usage"), is_last=not choices)
        if choice is not None:
            yield from self._read_choice(choice, message)

    def _read_usage(self, value: Any, *, is_last: bool) -> None:
        usage = _usage(value)
        self.usage = usage or self.usage
        if usage and is_last:
            self.note_end()

    def note_end(self) -> None:
        """Take the answer as complete: its last event came."""
        self.finish = self.finish or _STOP

    def _read_choice(self, choice: dict[str, Any], message: str) -> Iterator[Piece]:
        self.finish = _finish(choice.get("finish_reason")) or self.finish
        found = choice.get(message)
        content = found if isinstance(found, dict) else {}
        self._refused = self._refused or bool(content.get("refusal"))
        for text in _thoughts(content):
            self.has_thought = True
            self._reasoning.append(text)
            yield Thought(clean(text))
        yield from self._noted(
            self._filter.feed(self._whole_characters(_text(content.get("content"))))
        )

    def _noted(self, pieces: list[Piece]) -> Iterator[Piece]:
        for piece in pieces:
            is_thought = isinstance(piece, Thought)
            self.has_thought = self.has_thought or is_thought
            self.has_text = self.has_text or not is_thought
            yield piece

    def end(self) -> Iterator[Piece]:
        """Check the complete answer, and yield the rest of it.

        Raises ConnectionLostError, EmptyAnswerError, RefusedError.
        """
        rest = self._filter.feed(clean(self._high_surrogate))
        rest += self._filter.end(is_cut=self.finish == CUT)
        yield from self._noted(rest)
        if self.finish == _FAILED:
            raise failed_midway(self.endpoint)
        if self.finish == _FILTER:
            raise self._refusal("The model's content filter refused to answer.")
        if self._refused and not self.has_text:
            raise self._refusal("The model refused to answer.")
        if not self.finish:
            raise connection_lost(self.endpoint)
        if not self.has_text:
            yield self._answer_among_thoughts()

    def _answer_among_thoughts(self) -> str:
        """Return the JSON that a server sent as a thought, with no text beside it.

        Raises EmptyAnswerError and RefusedError if there is none.
        """
        text = "".join(self._reasoning)
        if self.wants_json and self.finish != CUT and _is_json(text):
            return clean(text)
        raise self._no_answer()

    def _no_answer(self) -> Exception:
        model = self.endpoint.model
        if self.finish == CUT:
            return self._refusal(
                f"{model} used up its tokens before it answered a word: allow it more"
                " (--max-tokens), or turn its thinking off."
            )
        if self.has_thought:
            what = f"{model} only thought, and did not answer."
            advice = "Allow it more tokens, or turn its thinking off."
            return EmptyAnswerError(what, advice, self.usage)
        what = f"{model} answered nothing."
        return EmptyAnswerError(what, "Try another model.", self.usage)

    def _refusal(self, message: str) -> RefusedError:
        return RefusedError(message, self.usage)

    def _whole_characters(self, text: str) -> str:
        text = self._high_surrogate + text
        last = text[-1:]
        self._high_surrogate = last if "\ud800" <= last <= "\udbff" else ""
        return clean(text[: len(text) - len(self._high_surrogate)])


def clean(text: str) -> str:
    """Return *text* with lone surrogates, which UTF-8 does not allow, replaced."""
    if text.isascii():
        return text
    return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")


def _first(choices: list[Any]) -> dict[str, Any] | None:
    """Return the choice with index 0, None if this part has none."""
    found = (c for c in choices if isinstance(c, dict))
    return next((c for c in found if not c.get("index")), None)


def _finish(reason: object) -> str:
    """Return a server's finish reason in our words, '' if it is none."""
    if not isinstance(reason, str) or not reason:
        return ""
    name = reason.lower().removeprefix("finish_reason_")
    if name.startswith(_FILTER):  # "content_filter: SAFETY"
        return _FILTER
    return _FINISHES.get(name, _STOP)


def _thoughts(content: dict[str, Any]) -> Iterator[str]:
    """Yield the thoughts in a message: in a field of their own, or parts of a list."""
    found = (content.get(name) for name in _THOUGHTS)
    text = next((each for each in found if isinstance(each, str) and each), None)
    if text is not None:
        yield text
    parts = content.get("content")
    for part in parts if isinstance(parts, list) else []:
        if isinstance(part, dict) and part.get("type") == "thinking":
            yield _text(part.get("thinking"))


def _text(content: Any) -> str:
    """Return the text of a message; some servers send a list of parts."""
    if isinstance(content, list):
        return "".join(_text(p.get("text")) for p in content if isinstance(p, dict))
    return content if isinstance(content, str) else ""


def _usage(usage: Any) -> Usage | None:
    if not isinstance(usage, dict):
        return None
    sent, received = usage.get("prompt_tokens"), usage.get("completion_tokens")
    if not isinstance(sent, int) or not isinstance(received, int):
        return None
    return Usage(min(max(0, sent), _MOST), min(max(0, received), _MOST))


def _is_json(text: str) -> bool:
    try:
        return isinstance(json.loads(text), dict | list)
    except (ValueError, RecursionError):
        return False
