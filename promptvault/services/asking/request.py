"""One request to one server: what comes back, and what of it when it breaks off."""

import contextlib
import gc
import time
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, NamedTuple

from promptvault.domain.chat import Request, Usage
from promptvault.domain.token import estimate_tokens
from promptvault.providers.endpoint import Endpoint
from promptvault.providers.failure import (
    ConnectionLostError,
    EmptyAnswerError,
    RefusedError,
    ResponseTimeoutError,
)
from promptvault.services.asking.budget import Bill

if TYPE_CHECKING:
    from promptvault.providers.openai_chat import ChatClient


class Completion(NamedTuple):
    """What came back from a server."""

    text: str
    usage: Usage
    is_cut: bool
    seconds: float
    first_seconds: float | None = None


Send = Callable[[Request], Completion]


class BrokenStream(Exception):
    """An answer that ended early, after its first pieces had been handed on."""

    def __init__(self, received: Completion, reason: BaseException) -> None:
        super().__init__()
        self.received = received
        self.reason = reason


def open_chat(endpoint: Endpoint) -> "ChatClient":
    """Return a connection to *endpoint*; nothing is sent yet."""
    # `openai` takes half a second to import, and a cached answer needs none. A third
    # of that is looking for garbage among what stays, now and again at the exit.
    gc.disable()
    try:
        from promptvault.providers.openai_chat import ChatClient
    finally:
        gc.freeze()
        gc.enable()
    return ChatClient(endpoint)


def complete(chat: "ChatClient", request: Request) -> Completion:
    """Return the answer to *request*, which comes in one piece."""
    start = time.monotonic()
    text, (usage, finish) = chat.complete(request)
    seconds = time.monotonic() - start
    return Completion(
        text, usage or _estimated(request, text), _is_cut(finish), seconds
    )


def stream(
    chat: "ChatClient", request: Request, on_text: Callable[[str], None]
) -> Completion:
    """Hand the answer on piece by piece; raises Broken, once there is one, for all."""
    start = time.monotonic()
    pieces: list[str] = []
    first: float | None = None
    usage, finish = None, ""

    def received() -> Completion:
        text, seconds = "".join(pieces), time.monotonic() - start
        tokens = usage or _estimated(request, text)
        return Completion(text, tokens, _is_cut(finish), seconds, first)

    try:
        with contextlib.closing(chat.stream(request)) as parts:
            for part in parts:
                if isinstance(part, str):
                    first = first or time.monotonic() - start
                    pieces.append(part)
                    on_text(part)
                else:
                    usage, finish = part
    except BaseException as reason:
        if not pieces:
            raise
        raise BrokenStream(received(), reason) from reason
    return received()


@contextlib.contextmanager
def unpaid(bill: Bill) -> Iterator[None]:
    """Release *bill* if the block, in which nothing is sent yet, does not end well."""
    try:
        yield
    except BaseException:
        bill.release()
        raise


def paid(bill: Bill, ask: Send) -> Completion:
    """Return what *ask* returns, and settle *bill*, whatever happens."""
    try:
        received = ask(bill.request)
    except BrokenStream as broken:
        bill.settle(broken.received.usage)
        raise
    except (EmptyAnswerError, RefusedError) as error:
        bill.settle(error.usage or _estimated(bill.request, ""))
        raise
    except (ConnectionLostError, ResponseTimeoutError):
        bill.keep()  # it may have been answered, and paid, out of our sight
        raise
    except Exception:
        bill.release()
        raise
    except BaseException:  # Ctrl-C
        bill.keep()
        raise
    bill.settle(received.usage)
    return received


def _is_cut(finish: str) -> bool:
    return finish == "length"


def _estimated(request: Request, text: str) -> Usage:
    return Usage(request.input_tokens, estimate_tokens(text), is_estimate=True)
