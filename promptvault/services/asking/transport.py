"""How a request reaches a model: a stack of transports, of which this is the last.

Every transport sends a `Call` and returns the answer, so one can be put around another:
fallback(cached(retrying(budgeted(chat)))).
"""

import contextlib
import gc
import threading
import time
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple, Protocol

from promptvault.domain.chat import Answer, Request, Usage
from promptvault.domain.token import estimate_tokens
from promptvault.providers.endpoint import Endpoint
from promptvault.providers.thought import Thought

if TYPE_CHECKING:
    from promptvault.providers.answer_reader import StreamEnd
    from promptvault.providers.openai_chat import ChatClient


def _ignore(_: str) -> None:
    return None


def _no_count() -> AbstractContextManager[Callable[[int], None]]:
    return contextlib.nullcontext(lambda _: None)


class Call(NamedTuple):
    """A request, and how its answer is wanted."""

    request: Request
    on_text: Callable[[str], None] | None = None
    """Receives the answer piece by piece as it arrives; None waits for all of it."""
    stores: bool = True
    """False does not write the answer into the cache."""
    id: str = ""
    """The same for all attempts, so that a PromptVault server executes it once."""


class Transport(Protocol):
    """Something that gets an answer to a call."""

    def send(self, call: Call) -> Answer:
        """Return the answer.

        Raises PromptVaultError, and BrokenStream after the first piece of a stream.
        """


@dataclass(frozen=True, slots=True)
class Listener:
    """Who is told what happens while an answer is awaited."""

    on_refusal: Callable[[str], None] | None = None
    """Receives a server's own words, which may quote the prompt but no key."""
    on_thought: Callable[[str], None] = _ignore
    """Receives what a model thinks, piece by piece."""
    follow: Callable[[], AbstractContextManager[Callable[[int], None]]] = _no_count
    """Opens a count of tokens for one answer; called with those that arrived."""


SILENT = Listener()


class BrokenStream(Exception):
    """A streamed answer that ended early, after its first pieces were passed on.

    No transport catches it to ask again: the pieces would come twice.
    """

    def __init__(self, answer: Answer, reason: BaseException) -> None:
        super().__init__()
        self.answer = answer
        """What arrived."""
        self.reason = reason
        """What ended it: an error of the server, or one that `on_text` raised."""


class ChatTransport:
    """Sends each call to one server. Answers have no cost yet.

    Every answer is requested as a stream, so that the time limit is one for silence,
    however long the answer takes.
    """

    def __init__(
        self,
        endpoint: Endpoint,
        notify: Callable[[str], None],
        listener: Listener = SILENT,
    ) -> None:
        self._endpoint = endpoint
        self._notify = notify
        self._listener = listener
        self._client: ChatClient | None = None
        self._lock = threading.Lock()

    def send(self, call: Call) -> Answer:
        """Return the answer; see `Transport`."""
        arriving = _Arriving(self._endpoint, call.request)
        with self._listener.follow() as count:
            try:
                self._receive(call, arriving, count)
            except BaseException as reason:
                if call.on_text is None or not arriving.pieces:
                    raise
                raise BrokenStream(arriving.answer(), reason) from reason
        return arriving.answer()

    def _receive(
        self, call: Call, arriving: "_Arriving", count: Callable[[int], None]
    ) -> None:
        stream = self._connect().stream(call.request, call.id)
        with contextlib.closing(stream) as parts:
            for part in parts:
                if isinstance(part, str):
                    count(estimate_tokens(part))
                    arriving.add(part)
                    if call.on_text:
                        call.on_text(part)
                elif isinstance(part, Thought):
                    count(estimate_tokens(part.text))
                    self._listener.on_thought(part.text)
                else:
                    arriving.end = part

    def _connect(self) -> "ChatClient":
        """Return the client, which sends nothing until it is used."""
        with self._lock:
            if self._client is None:
                client = _client_class()
                on_refusal = self._listener.on_refusal
                self._client = client(self._endpoint, self._notify, on_refusal)
            return self._client


class _Arriving:
    """An answer of which some has arrived."""

    def __init__(self, endpoint: Endpoint, request: Request) -> None:
        self.pieces: list[str] = []
        self.end: StreamEnd | None = None
        self._endpoint = endpoint
        self._request = request
        self._start = time.monotonic()
        self._first: float | None = None

    def add(self, piece: str) -> None:
        """Add a piece of the text."""
        self._first = self._first or time.monotonic() - self._start
        self.pieces.append(piece)

    def answer(self) -> Answer:
        """Return what has arrived so far."""
        text = "".join(self.pieces)
        usage = self.end.usage if self.end else None
        return Answer(
            text,
            self._endpoint.model,
            self._endpoint.public_url,
            usage or estimate_usage(self._request, text),
            cost=None,
            seconds=time.monotonic() - self._start,
            first_seconds=self._first,
            is_cut=self.end is not None and self.end.finish == "length",
        )


def estimate_usage(request: Request, text: str = "") -> Usage:
    """Return the estimated tokens of *request* and of the answer *text*."""
    return Usage(request.input_tokens, estimate_tokens(text), is_estimate=True)


def _client_class() -> "type[ChatClient]":
    # Importing `openai` takes half a second, and a cached answer does not need it. A
    # third of that time is garbage collection among objects that stay, during the
    # import and again at exit.
    gc.disable()
    try:
        from promptvault.providers.openai_chat import ChatClient
    finally:
        gc.freeze()
        gc.enable()
    return ChatClient
