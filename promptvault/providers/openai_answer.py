"""What servers answer, read with care: many keep to the protocol only roughly."""

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
"""Tokens; no server counts more in earnest."""


@dataclass(slots=True)
class AnswerReader:
    """An answer as it comes in, whole or in pieces."""

    endpoint: Endpoint
    usage: Usage | None = None
    finish: str = ""
    """Why the answer ended; '' before its end."""
    _came: bool = False
    _refused: bool = False
    _half: str = ""
    """Of a character that the server cut in two."""

    def take(self, part: Any, message: str) -> str:
        """Return the text in a completion or chunk, under its *message*; '' if none.

        Raises DownError for something else, and what a server reports in it.
        """
        if getattr(part, "error", None):
            raise error_in_answer(part.error, self.endpoint)
        try:
            self.usage = _usage(getattr(part, "usage", None)) or self.usage
            choice = _first(part.choices or ())
            if choice is None and message == "delta":  # chunks may have none
                return ""
            self.finish = choice.finish_reason or self.finish
            said = getattr(choice, message)
        except (AttributeError, TypeError):
            raise not_a_completion(self.endpoint) from None
        self._refused = self._refused or bool(getattr(said, "refusal", None))
        return self._whole_characters(_text(getattr(said, "content", None)))

    def end(self) -> str:
        """Check that the answer is one; return what was held back of it.

        Raises LostError, EmptyAnswerError, RefusedError.
        """
        if self.finish == "content_filter":
            raise self._refusal("The model's content filter refused to answer.")
        if self._refused and not self._came:
            raise self._refusal("The model refused to answer.")
        if not self._came and self.finish == "length":
            raise self._refusal(
                f"{self.endpoint.model} used up its tokens before it answered a word:"
                " allow it more."
            )
        if not self._came and self.finish:
            what = f"{self.endpoint.model} answered nothing."
            raise EmptyAnswerError(what, "Try another model.", self.usage)
        if not self.finish:  # the protocol ends with a reason: the line was cut
            raise connection_lost(self.endpoint)
        return clean(self._half)

    def _refusal(self, message: str) -> RefusedError:
        return RefusedError(message, self.usage)

    def _whole_characters(self, text: str) -> str:
        text = self._half + text
        self._came = self._came or bool(text)
        last = text[-1:]
        self._half = last if "\ud800" <= last <= "\udbff" else ""
        return clean(text[: len(text) - len(self._half)])


def clean(text: str) -> str:
    """Return *text* without halves of characters, which no file can hold."""
    if text.isascii():
        return text
    return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")


def _first(choices: Any) -> Any:
    """Return the first of a server's answers, if this part is of that."""
    return next((c for c in choices if not getattr(c, "index", 0)), None)


def _text(content: Any) -> str:
    """Return the text of a message; some servers give it in parts of several kinds."""
    if isinstance(content, list):
        return "".join(_text(p.get("text")) for p in content if isinstance(p, dict))
    return content if isinstance(content, str) else ""


def _usage(usage: Any) -> Usage | None:
    sent = getattr(usage, "prompt_tokens", None)
    received = getattr(usage, "completion_tokens", None)
    if not isinstance(sent, int) or not isinstance(received, int):
        return None
    return Usage(min(max(0, sent), _MOST), min(max(0, received), _MOST))
