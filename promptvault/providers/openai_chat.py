"""Chat completions through the OpenAI client library."""

from collections.abc import Generator
from dataclasses import dataclass
from functools import partial
from typing import Any
from urllib.parse import parse_qsl

import openai
from openai import OpenAI

from promptvault.domain.chat import Request, Usage
from promptvault.domain.hosted import KEY_HEADER
from promptvault.errors import InvalidInputError
from promptvault.providers.endpoint import Endpoint
from promptvault.providers.failure import EmptyAnswerError, RefusedError
from promptvault.providers.hosted import set_headers
from promptvault.providers.openai_error import (
    connection_lost,
    error_in_answer,
    not_a_completion,
    translate_errors,
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


_NO_KEY = "none"
"""The library requires a key; a local server ignores it."""
_LONGEST_CONNECT = 10.0
"""Seconds; a reachable server accepts a connection quickly, even if it is busy."""

StreamEnd = tuple[Usage | None, str]
"""The tokens that the server counted, None if it did not, and the finish reason."""


class ChatClient:
    """A client for one endpoint. Its methods raise PromptVaultError.

    After ServerBusyError and ServerDownError a retry may succeed. After
    ResponseTimeoutError too, but both requests may be charged.
    """

    def __init__(self, endpoint: Endpoint) -> None:
        self._endpoint = endpoint
        self._client = _client(endpoint)
        self._left_out: frozenset[str] = frozenset()
        """Parameters that this server rejected."""
        self._limit_name = endpoint.limit_name

    def close(self) -> None:
        """Close the connection."""
        self._client.close()

    def complete(self, request: Request, id_: str = "") -> tuple[str, StreamEnd]:
        """Return the whole answer, and its StreamEnd.

        *id_* is the same each time the request is repeated after a failure, so that a
        PromptVault server executes it once. Other servers do not get it.
        """
        with translate_errors(self._endpoint):
            reading = AnswerReader(self._endpoint)
            answer = self._create(request, id_, stream=False)
            text = reading.read(answer, "message")
            reading.finish = reading.finish or "stop"  # a few servers say none
            text += reading.end()
            return text, (reading.usage, reading.finish)

    def stream(
        self, request: Request, id_: str = ""
    ) -> Generator[str | StreamEnd, None, None]:
        """Yield the pieces of the answer as they arrive, then the StreamEnd.

        For *id_* see `complete`.
        """
        with (
            translate_errors(self._endpoint),
            self._create(request, id_, stream=True) as chunks,
        ):
            reading, chunk = AnswerReader(self._endpoint), None
            for chunk in chunks:
                if text := reading.read(chunk, "delta"):
                    yield text
            kind = chunks.response.headers.get("content-type", "")
            if chunk is None and not kind.startswith("text/event-stream"):
                raise not_a_completion(self._endpoint)
            if text := reading.end():
                yield text
            yield reading.usage, reading.finish

    def _create(self, request: Request, id_: str, *, stream: bool) -> Any:
        """Send *request*; repeat it without a parameter that the server rejects."""
        headers = {KEY_HEADER: id_} if self._endpoint.hosted and id_ else {}
        while True:
            parameters = self._parameters(request, stream=stream)
            try:
                return self._client.chat.completions.create(
                    **parameters, extra_headers=headers
                )
            except (openai.BadRequestError, openai.UnprocessableEntityError) as error:
                if not self._adapt(f"{error.body} {error.message}", parameters):
                    raise

    def _adapt(self, complaint: str, parameters: dict[str, Any]) -> bool:
        """Adapt to a rejected parameter; return False if there is none."""
        for name in _OPTIONAL:
            if name in parameters and name in complaint:
                self._left_out |= {name}
                return True
        own = self._endpoint.limit_name
        if own in parameters and _LIMITS[own] in complaint:
            self._limit_name = _LIMITS[own]
            return True
        return False

    def _parameters(self, request: Request, *, stream: bool) -> dict[str, Any]:
        parameters: dict[str, Any] = {
            "model": self._endpoint.model,
            "messages": [
                {"role": message.role.value, "content": message.content}
                for message in request.messages
            ],
            "stream": stream,
        }
        if request.temperature is not None:
            parameters["temperature"] = request.temperature
        if request.max_tokens is not None:
            parameters[self._limit_name] = request.max_tokens
        if request.schema is not None:
            parameters["response_format"] = {
                "type": "json_schema",
                "json_schema": {
                    "name": request.schema.name,
                    "schema": dict(request.schema.schema),
                    "strict": True,
                },
            }
        if stream:
            parameters["stream_options"] = {"include_usage": True}
        for name in self._left_out:
            parameters.pop(name, None)
        return parameters


_OPTIONAL = ("response_format", "stream_options")
_LIMITS = {"max_tokens": "max_completion_tokens", "max_completion_tokens": "max_tokens"}


def _client(endpoint: Endpoint) -> OpenAI:
    url, _, query = endpoint.base_url.partition("?")
    timeout = openai.Timeout(
        endpoint.timeout, connect=min(endpoint.timeout, _LONGEST_CONNECT)
    )
    try:
        # Retries are in `services/asking/retry.py`, which reports long waits.
        return OpenAI(
            api_key=endpoint.key or _NO_KEY,
            base_url=url,
            default_query=dict(parse_qsl(query)),
            timeout=timeout,
            max_retries=0,
            http_client=_http_client(endpoint, timeout),
        )
    except Exception:  # mostly a proxy or a certificate file
        raise InvalidInputError(
            f"No connection to {endpoint.server} can be set up. Check the address, and"
            " what HTTPS_PROXY, ALL_PROXY and SSL_CERT_FILE name."
        ) from None


def _http_client(endpoint: Endpoint, timeout: openai.Timeout) -> Any:
    # Requests to this computer do not go through a proxy.
    trusts_environment = not endpoint.is_local
    if endpoint.hosted is None:
        return openai.DefaultHttpxClient(timeout=timeout, trust_env=trusts_environment)
    return openai.DefaultHttpxClient(
        timeout=timeout,
        trust_env=trusts_environment,
        # A prompt is sent to the server that the user signed in to, and to no other.
        follow_redirects=False,
        event_hooks={"request": [partial(set_headers, endpoint)]},
    )
