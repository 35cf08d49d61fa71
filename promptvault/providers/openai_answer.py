"""Answers of servers, parsed leniently: many deviate from the protocol."""

from dataclasses import dataclass
from typing import Any

from promptvault.domain.chat import Usage
from promptvault.providers.endpoint import Endpoint
from promptvault.providers.failure import EmptyAnswerError, RefusedError
from promptvault.providers.openai_error import (
    connection_lost,
    error_in_answer,
    not_a_completion,
)

_MOST = 10**9
"""Tokens; a larger count is not plausible."""


@dataclass(slots=True)
class AnswerReader:
    """Reads an answer, whole or in pieces."""

    endpoint: Endpoint
    usage: Usage | None = None
    finish: str = ""
    """The finish reason of the server; '' before the end."""
    _has_text: bool = False
    _refused: bool = False
    _high_surrogate: str = ""
    """First half of a character that the server split between two pieces."""

    def read(self, part: Any, message: str) -> str:
        """Return the text in a completion or chunk, '' if it has none.

        *message* is the attribute with the text: "message" or "delta". Raises
        ServerDownError if *part* is neither, and the error that the server reports in
        it.
        """
        if getattr(part, "error", None):
            raise error_in_answer(part.error, self.endpoint)
        try:
            self.usage = _usage(getattr(part, "usage", None)) or self.usage
            choice = _first(part.choices or ())
            if choice is None and message == "delta":  # a chunk may have no choice
                return ""
            self.finish = choice.finish_reason or self.finish
            content = getattr(choice, message)
        except (AttributeError, TypeError):
            raise not_a_completion(self.endpoint) from None
        self._refused = self._refused or bool(getattr(content, "refusal", None))
        return self._whole_characters(_text(getattr(content, "content", None)))

    def end(self) -> str:
        """Check the complete answer, and return the rest of its text.

        Raises ConnectionLostError, EmptyAnswerError, RefusedError.
        """
        if self.finish == "content_filter":
            raise self._refusal("The model's content filter refused to answer.")
        if self._refused and not self._has_text:
            raise self._refusal("The model refused to answer.")
        if not self._has_text and self.finish == "length":
            raise self._refusal(
                f"{self.endpoint.model} used up its tokens before it answered a word:"
                " allow it more."
            )
        if not self._has_text and self.finish:
            what = f"{self.endpoint.model} answered nothing."
            raise EmptyAnswerError(what, "Try another model.", self.usage)
        if not self.finish:  # a complete answer has a finish reason
            raise connection_lost(self.endpoint)
        return clean(self._high_surrogate)

    def _refusal(self, message: str) -> RefusedError:
        return RefusedError(message, self.usage)

    def _whole_characters(self, text: str) -> str:
        text = self._high_surrogate + text
        self._has_text = self._has_text or bool(text)
        last = text[-1:]
        self._high_surrogate = last if "\ud800" <= last <= "\udbff" else ""
        return clean(text[: len(text) - len(self._high_surrogate)])


def clean(text: str) -> str:
    """Return *text* with lone surrogates, which UTF-8 does not allow, replaced."""
    if text.isascii():
        return text
    return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")


def _first(choices: Any) -> Any:
    """Return the choice with index 0, None if this part has none."""
    return next((c for c in choices if not getattr(c, "index", 0)), None)


def _text(content: Any) -> str:
    """Return the text of a message; some servers send a list of parts."""
    if isinstance(content, list):
        return "".join(_text(p.get("text")) for p in content if isinstance(p, dict))
    return content if isinstance(content, str) else ""


def _usage(usage: Any) -> Usage | None:
    sent = getattr(usage, "prompt_tokens", None)
    received = getattr(usage, "completion_tokens", None)
    if not isinstance(sent, int) or not isinstance(received, int):
        return None
    return Usage(min(max(0, sent), _MOST), min(max(0, received), _MOST))
