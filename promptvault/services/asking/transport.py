"""How a request reaches a model: a stack of transports, of which this is the last.

Every transport sends a `Call` and returns the answer, so one can be put around another:
fallback(cached(retrying(budgeted(chat)))). A whole answer and a streamed one take the
same way through the stack.
"""

import contextlib
import gc
import threading
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, NamedTuple, Protocol

from promptvault.domain.chat import Answer, Request, Usage
from promptvault.domain.token import estimate_tokens
from promptvault.providers.endpoint import Endpoint

if TYPE_CHECKING:
    from promptvault.providers.openai_chat import ChatClient, StreamEnd


class Call(NamedTuple):
    """A request, and how its answer is wanted."""

    request: Request
    on_text: Callable[[str], None] | None = None
    """Receives the answer piece by piece as it arrives; None asks for it whole."""
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
    """Sends each call to one server. Answers have no cost yet."""

    def __init__(self, endpoint: Endpoint) -> None:
        self._endpoint = endpoint
        self._client: ChatClient | None = None
        self._lock = threading.Lock()

    def send(self, call: Call) -> Answer:
        """Return the answer; see `Transport`."""
        client = self._connect()
        if call.on_text is None:
            return self._complete(client, call)
        return self._stream(client, call, call.on_text)

    def _connect(self) -> "ChatClient":
        """Return the client, which sends nothing until it is used."""
        with self._lock:
            self._client = self._client or _open_client(self._endpoint)
            return self._client

    def _complete(self, client: "ChatClient", call: Call) -> Answer:
        start = time.monotonic()
        text, end = client.complete(call.request, call.id)
        return self._answer(call.request, text, end, time.monotonic() - start)

    def _stream(
        self, client: "ChatClient", call: Call, on_text: Callable[[str], None]
    ) -> Answer:
        start = time.monotonic()
        pieces: list[str] = []
        first: float | None = None
        end: StreamEnd = (None, "")

        def answer() -> Answer:
            seconds = time.monotonic() - start
            return self._answer(call.request, "".join(pieces), end, seconds, first)

        try:
            with contextlib.closing(client.stream(call.request, call.id)) as parts:
                for part in parts:
                    if isinstance(part, str):
                        first = first or time.monotonic() - start
                        pieces.append(part)
                        on_text(part)
                    else:
                        end = part
        except BaseException as reason:
            if not pieces:
                raise
            raise BrokenStream(answer(), reason) from reason
        return answer()

    def _answer(
        self,
        request: Request,
        text: str,
        end: "StreamEnd",
        seconds: float,
        first_seconds: float | None = None,
    ) -> Answer:
        usage, finish = end
        return Answer(
            text,
            self._endpoint.model,
            self._endpoint.public_url,
            usage or estimate_usage(request, text),
            cost=None,
            seconds=seconds,
            first_seconds=first_seconds,
            is_cut=finish == "length",
        )


def estimate_usage(request: Request, text: str = "") -> Usage:
    """Return the estimated tokens of *request* and of the answer *text*."""
    return Usage(request.input_tokens, estimate_tokens(text), is_estimate=True)


def _open_client(endpoint: Endpoint) -> "ChatClient":
    # Importing `openai` takes half a second, and a cached answer does not need it. A
    # third of that time is garbage collection among objects that stay, during the
    # import and again at exit.
    gc.disable()
    try:
        from promptvault.providers.openai_chat import ChatClient
    finally:
        gc.freeze()
        gc.enable()
    return ChatClient(endpoint)
