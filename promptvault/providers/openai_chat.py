"""Chat completions through the OpenAI client library."""

import itertools
import threading
from collections.abc import Callable, Generator, Iterator
from functools import partial
from typing import Any
from urllib.parse import parse_qsl

import openai
from openai import OpenAI

from promptvault.domain.chat import Request
from promptvault.domain.hosted import KEY_HEADER
from promptvault.errors import InvalidInputError
from promptvault.providers.answer_reader import CUT, AnswerReader, StreamEnd
from promptvault.providers.dialect import (
    Change,
    Dialect,
    find_change,
    parameters,
    token_limit,
)
from promptvault.providers.endpoint import Endpoint
from promptvault.providers.event_stream import DONE, Event, read_events
from promptvault.providers.failure import EmptyAnswerError, RefusedError
from promptvault.providers.hosted import set_headers
from promptvault.providers.openai_error import (
    AnswerError,
    rejection_in,
    server_words,
    translate_errors,
)
from promptvault.providers.rejection import parse_body
from promptvault.providers.thought import Piece

_NO_KEY = "none"
"""The library requires a key; a local server ignores it."""
_LONGEST_CONNECT = 10.0
"""Seconds; a reachable server accepts a connection quickly, even if it is busy."""
_EVENT_FIELDS = (b"data:", b"event:", b"id:", b"retry:", b":")
_BYTE_ORDER_MARK = b"\xef\xbb\xbf"

Notify = Callable[[str], None]


class ChatClient:
    """A client for one endpoint. Its methods raise PromptVaultError.

    After ServerBusyError and ServerDownError a retry may succeed. After
    ResponseTimeoutError too, but both requests may be charged.
    """

    def __init__(
        self,
        endpoint: Endpoint,
        notify: Notify = lambda _: None,
        on_refusal: Notify | None = None,
    ) -> None:
        """Connect to nothing yet.

        *notify* receives a sentence for the user, and *on_refusal* the server's own
        words, which may quote the prompt but not the key.
        """
        self._endpoint = endpoint
        self._notify = notify
        self._on_refusal = on_refusal
        self._client = _client(endpoint)
        self._dialect: Dialect = frozenset()
        self._lock = threading.Lock()

    def close(self) -> None:
        """Close the connection."""
        self._client.close()

    def stream(
        self, request: Request, id_: str = ""
    ) -> Generator[Piece | StreamEnd, None, None]:
        """Yield the pieces of the answer as they arrive, then the StreamEnd.

        *id_* is the same each time the request is repeated after a failure, so that a
        PromptVault server executes it once. Other servers do not get it.
        """
        with translate_errors(self._endpoint):
            dialect = self._dialect
            while True:
                reader = AnswerReader(self._endpoint, request.schema is not None)
                try:
                    yield from self._attempt(reader, request, dialect, id_)
                    return
                except (openai.APIStatusError, AnswerError) as error:
                    rejection = rejection_in(error)
                    self._tell_refusal(error)
                    change = find_change(rejection, self._endpoint, request, dialect)
                    if change is None or reader.has_text or reader.has_thought:
                        raise
                    dialect |= {change}

    def _attempt(
        self, reader: AnswerReader, request: Request, dialect: Dialect, id_: str
    ) -> Iterator[Piece | StreamEnd]:
        """Yield the answer to one request in *dialect*, which is kept if it works."""
        with self._create(request, dialect, id_) as answer:
            for piece in _read(reader, answer.response):
                self._learn(dialect)
                yield piece
        try:
            yield from reader.end()
        except RefusedError:
            self._retry_with_thoughts(reader, request, dialect)
            raise
        if reader.has_thought:
            dialect |= {Change.THINKS}
        self._learn(dialect)
        yield StreamEnd(reader.usage, reader.finish)

    def _create(self, request: Request, dialect: Dialect, id_: str) -> Any:
        headers = {KEY_HEADER: id_} if self._endpoint.hosted and id_ else {}
        sent = parameters(self._endpoint, request, dialect)
        # Of a whole answer too the bytes are read here: the library drops fields.
        return self._client.chat.completions.create(
            **sent | {"stream": True},
            extra_headers=headers,
            extra_body={"stream": sent["stream"]},
        )

    def _learn(self, dialect: Dialect) -> None:
        """Note what the server does not take; tell the user what is left out."""
        if dialect <= self._dialect:
            return
        with self._lock:
            new = dialect - self._dialect
            self._dialect |= new
        if Change.NO_TEMPERATURE in new:
            self._notify(f"{self._endpoint.model} takes no temperature: left out.")

    def _retry_with_thoughts(
        self, reader: AnswerReader, request: Request, dialect: Dialect
    ) -> None:
        """Raise EmptyAnswerError, for a retry, if thoughts reached our own ceiling."""
        longer = dialect | {Change.THINKS}
        is_longer = token_limit(request, dialect) != token_limit(request, longer)
        if reader.finish == CUT and not reader.has_text and is_longer:
            self._learn(longer)
            what = f"{self._endpoint.model} thinks before it answers."
            raise EmptyAnswerError(
                what, "Allow it more tokens.", reader.usage
            ) from None

    def _tell_refusal(self, error: openai.APIStatusError | AnswerError) -> None:
        if self._on_refusal is not None:
            self._on_refusal(server_words(error, self._endpoint))


def _read(reader: AnswerReader, response: Any) -> Iterator[Piece]:
    """Yield the pieces in a body: a stream of events, or a whole answer.

    Some servers send a whole answer, or an error, to a request for a stream.
    """
    body = response.iter_bytes()
    start = b""
    for part in body:
        start += part
        if head := start.removeprefix(_BYTE_ORDER_MARK).lstrip():
            break
    else:
        head = b""
    is_named = "event-stream" in response.headers.get("content-type", "")
    is_stream = is_named and not head.startswith((b"{", b"[", b"<"))
    whole = itertools.chain([start], body)
    if is_stream or head.startswith(_EVENT_FIELDS):
        yield from _read_stream(reader, read_events(whole))
    else:
        reader.note_end()  # a few servers give no finish reason
        answer = parse_body(b"".join(whole).decode("utf-8-sig"))
        yield from reader.read(answer, "message")


def _read_stream(reader: AnswerReader, events: Iterator[Event]) -> Iterator[Piece]:
    """Yield the pieces in *events*; raises ServerDownError if one is damaged."""
    for event in events:
        if event.data.startswith(DONE):
            return reader.note_end()
        chunk = parse_body(event.data)
        if event.name == "error":
            raise AnswerError({"error": chunk})
        # Some proxies send their comments as data.
        if isinstance(chunk, str) and event.data.startswith(":"):
            continue
        yield from reader.read(chunk, "delta")
    return None


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
