"""Asking a language model: from the cache, within the budget, with retries, fallback.

Every command that uses a model goes through here, so all of them cost as little, and
fail as well, as any.
"""

import hashlib
import json
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import TYPE_CHECKING, NamedTuple, TypeVar

from promptvault.domain.chat import Answer, Price, Request, Usage
from promptvault.domain.token import estimate_tokens
from promptvault.errors import (
    PromptVaultError,
    RateLimitedError,
    UnavailableError,
)
from promptvault.providers.endpoint import Endpoint
from promptvault.providers.failure import SilentError
from promptvault.services.budget import Budget, BudgetError
from promptvault.services.pacing import Pace, Retries
from promptvault.vault.response_cache import Cached, ResponseCache

if TYPE_CHECKING:
    from promptvault.providers.openai_chat import Chat

_Item = TypeVar("_Item")
_Result = TypeVar("_Result")


class Received(NamedTuple):
    """What came back from a server."""

    text: str
    usage: Usage
    is_cut: bool
    seconds: float
    first_seconds: float | None = None


class IncompleteError(UnavailableError):
    """An answer broke off after its first pieces had been handed on."""

    def __init__(self, message: str, answer: Answer) -> None:
        super().__init__(message)
        self.answer = answer
        """What arrived."""


class Stopped(KeyboardInterrupt):
    """Ctrl-C while an answer came in."""

    def __init__(self, answer: Answer) -> None:
        super().__init__()
        self.answer = answer
        """What arrived."""


class Estimate(NamedTuple):
    """What requests would take."""

    requests: int
    input_tokens: int
    output_tokens: int
    cost: float | None
    """US dollars; None where the model's price is not known."""


@dataclass(slots=True)
class Spent:
    """What a command has taken so far."""

    requests: int = 0
    """Sent to a server; retries count once."""
    cached: int = 0
    """Answers that came from the cache."""
    input_tokens: int = 0
    output_tokens: int = 0
    cost: float | None = 0.0
    """US dollars; None as soon as some price is not known."""

    def add(self, answer: Answer) -> None:
        """Count *answer*."""
        if answer.cached:
            self.cached += 1
            return
        self.requests += 1
        self.input_tokens += answer.usage.input_tokens
        self.output_tokens += answer.usage.output_tokens
        known = self.cost is not None and answer.cost is not None
        self.cost = (self.cost or 0) + (answer.cost or 0) if known else None


@dataclass(frozen=True, slots=True)
class Means:
    """What a model is asked with; the same for all models of one command."""

    cache: ResponseCache
    budget: Budget
    price: Callable[[Endpoint], Price | None]
    now: Callable[[], datetime]
    tell: Callable[[str], None]
    """Tells the person why it takes longer, or who answers instead."""
    pace: Pace = field(default_factory=Pace)
    retries: int = 4
    concurrency: int = 4
    uses_cache: bool = True
    spent: Spent = field(default_factory=Spent)


class Model:
    """A language model: the endpoints to ask for it, the first that works answers."""

    def __init__(self, endpoints: Sequence[Endpoint], means: Means) -> None:
        self.endpoints = tuple(endpoints)
        self._means = means
        self._retries = Retries(means.retries, means.tell)
        self._lock = threading.Lock()
        self._chats: dict[Endpoint, Chat] = {}
        self._down: dict[Endpoint, PromptVaultError] = {}

    @property
    def name(self) -> str:
        """The name of the model that is asked first."""
        return self.endpoints[0].model

    @property
    def spent(self) -> Spent:
        """What the command has taken so far, whichever of its models it was for."""
        return self._means.spent

    @property
    def can_ask(self) -> bool:
        """Whether some endpoint has all it needs; it may still be down."""
        return any(e.key or not e.needs_key for e in self.endpoints)

    def named(self, name: str | None) -> "Model":
        """Return the model *name* on the first endpoint; this one without a name."""
        if name in {None, self.name}:
            return self
        return Model([replace(self.endpoints[0], model=str(name))], self._means)

    def estimate(self, requests: Sequence[Request], output_tokens: int) -> Estimate:
        """Return what *requests* would take with answers of *output_tokens* each."""
        sent = sum(request.input_tokens for request in requests)
        usage = Usage(sent, output_tokens * len(requests), is_estimate=True)
        price = self._means.price(self.endpoints[0])
        cost = price.of(usage) if price else None
        return Estimate(len(requests), sent, usage.output_tokens, cost)

    def ask(self, request: Request) -> Answer:
        """Return the answer to *request*, cached or new.

        Raises UnavailableError, RateLimitedError, BudgetError, AuthenticationError,
        PermissionDeniedError, NotFoundError, InvalidInputError.
        """
        return self._anywhere(lambda endpoint: self._ask_at(endpoint, request))

    def stream(self, request: Request, on_text: Callable[[str], None]) -> Answer:
        """Hand the answer to *on_text* piece by piece as it comes, and return it whole.

        Raises what `ask` does; IncompleteError and Stopped, which hold what came, when
        it breaks off after the first piece.
        """
        return self._anywhere(
            lambda endpoint: self._stream_at(endpoint, request, on_text)
        )

    def each(
        self, work: Callable[[_Item], _Result], items: Sequence[_Item]
    ) -> Iterator[_Result]:
        """Yield what *work* makes of each item, in order, several at a time.

        Ctrl-C and errors cancel what has not begun and cut what is under way.
        """
        pool = ThreadPoolExecutor(max(1, self._means.concurrency))
        futures = [pool.submit(work, item) for item in items]
        try:
            for future in futures:
                yield future.result()
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)
            self.close()
            raise
        pool.shutdown()

    def close(self) -> None:
        """End every connection."""
        for chat in self._chats.values():
            chat.close()

    def remember(self, request: Request, answer: Answer) -> None:
        """Give *answer* from now on when *request* is made again."""
        if not answer.cached:
            kept = Cached(
                answer.text, answer.usage, answer.cost, answer.seconds, answer.is_cut
            )
            key = _key(answer.endpoint, answer.model, request)
            self._means.cache.keep(key, answer.model, kept, self._means.now())

    def ask_unkept(self, request: Request) -> Answer:
        """As `ask`, but a new answer is cached only when `remember` is called."""
        return self._anywhere(
            lambda endpoint: self._ask_at(endpoint, request, keep=False)
        )

    def _anywhere(self, ask: Callable[[Endpoint], Answer]) -> Answer:
        failures: list[PromptVaultError] = []
        for endpoint in self.endpoints:
            try:
                answer = self._unless_down(endpoint, ask)
            except (BudgetError, IncompleteError):
                raise
            except (UnavailableError, RateLimitedError) as error:
                self._note_failure(endpoint, error)
                failures.append(error)
            else:
                with self._lock:
                    self._means.spent.add(answer)
                return answer
        if len(failures) == 1:
            raise failures[0]
        raise UnavailableError(" And the fallback: ".join(map(str, failures)))

    def _unless_down(
        self, endpoint: Endpoint, ask: Callable[[Endpoint], Answer]
    ) -> Answer:
        if endpoint in self._down:
            raise self._down[endpoint]
        return ask(endpoint)

    def _note_failure(self, endpoint: Endpoint, error: PromptVaultError) -> None:
        """Ask an endpoint that is down no more, where there is another one."""
        if len(self.endpoints) == 1 or endpoint in self._down:
            return
        self._down[endpoint] = error
        if endpoint is not self.endpoints[-1]:
            other = self.endpoints[self.endpoints.index(endpoint) + 1]
            self._means.tell(f"{error} Asking {other.model} on {other.host}.")

    def _ask_at(
        self, endpoint: Endpoint, request: Request, *, keep: bool = True
    ) -> Answer:
        known = self._cached(endpoint, request)
        if known is not None:
            return known

        def ask(limited: Request) -> Received:
            start = time.monotonic()
            text, (usage, finish) = self._chat(endpoint).complete(limited)
            usage = usage or _estimated(request, text)
            return Received(text, usage, finish == "length", time.monotonic() - start)

        answer = self._paid(endpoint, request, ask)
        if keep:
            self.remember(request, answer)
        return answer

    def _stream_at(
        self, endpoint: Endpoint, request: Request, on_text: Callable[[str], None]
    ) -> Answer:
        known = self._cached(endpoint, request)
        if known is not None:
            on_text(known.text)
            return known

        def ask(limited: Request) -> Received:
            return self._receive(endpoint, request, limited, on_text)

        answer = self._paid(endpoint, request, ask)
        self.remember(request, answer)
        return answer

    def _receive(
        self,
        endpoint: Endpoint,
        request: Request,
        limited: Request,
        on_text: Callable[[str], None],
    ) -> Received:
        """Hand pieces on; once there is one, nothing may be asked again."""
        start = time.monotonic()
        pieces: list[str] = []
        first: float | None = None
        usage, finish = None, ""

        def received() -> Received:
            text, seconds = "".join(pieces), time.monotonic() - start
            tokens = usage or _estimated(request, text)
            return Received(text, tokens, finish == "length", seconds, first)

        try:
            for piece in self._chat(endpoint).stream(limited):
                if isinstance(piece, str):
                    first = first or time.monotonic() - start
                    pieces.append(piece)
                    on_text(piece)
                else:
                    usage, finish = piece
        except KeyboardInterrupt:
            raise _Broken(received(), None) from None
        except PromptVaultError as error:
            if not pieces:
                raise
            raise _Broken(received(), error) from error
        return received()

    def _paid(
        self,
        endpoint: Endpoint,
        request: Request,
        ask: Callable[[Request], Received],
    ) -> Answer:
        """Ask within the budget, and settle what it cost, whatever happens."""
        _require_key(endpoint)
        price = self._means.price(endpoint)
        bill = self._means.budget.reserve(endpoint, request, price)
        try:
            received = self._retries(lambda: self._in_turn(ask, bill.request))
        except _Broken as broken:
            bill.settle(broken.received.usage)
            answer = _answer(endpoint, broken.received, price)
            if broken.error is None:
                raise Stopped(answer) from None
            raise IncompleteError(str(broken.error), answer) from broken.error
        except (SilentError, KeyboardInterrupt):
            bill.keep()  # it may have been answered, and paid, out of our sight
            raise
        except BaseException:
            bill.release()
            raise
        bill.settle(received.usage)
        return _answer(endpoint, received, price)

    def _in_turn(
        self, ask: Callable[[Request], Received], request: Request
    ) -> Received:
        self._means.pace.wait()
        return ask(request)

    def _cached(self, endpoint: Endpoint, request: Request) -> Answer | None:
        if not self._means.uses_cache:
            return None
        key = _key(endpoint.public_url, endpoint.model, request)
        kept = self._means.cache.find(key, self._means.now())
        if kept is None:
            return None
        return Answer(
            kept.text,
            endpoint.model,
            endpoint.public_url,
            kept.usage,
            0.0,
            kept.seconds,
            cached=True,
            is_cut=kept.is_cut,
        )

    def _chat(self, endpoint: Endpoint) -> "Chat":
        # `openai` takes half a second to import, and a cached answer needs none.
        from promptvault.providers.openai_chat import Chat

        with self._lock:
            if endpoint not in self._chats:
                self._chats[endpoint] = Chat(endpoint)
            return self._chats[endpoint]


class _Broken(Exception):
    """An answer that ended early; *error* is None where that was Ctrl-C."""

    def __init__(self, received: Received, error: PromptVaultError | None) -> None:
        self.received = received
        self.error = error


def _require_key(endpoint: Endpoint) -> None:
    if endpoint.needs_key and not endpoint.key:
        raise UnavailableError(
            f"There is no key for {endpoint.host}. Set OPENAI_API_KEY, or run"
            " 'promptvault config set ai.api_key'; for a model on this computer, set"
            " ai.base_url and ai.model."
        )


def _answer(endpoint: Endpoint, received: Received, price: Price | None) -> Answer:
    return Answer(
        received.text,
        endpoint.model,
        endpoint.public_url,
        received.usage,
        price.of(received.usage) if price else None,
        received.seconds,
        received.first_seconds,
        is_cut=received.is_cut,
    )


def _estimated(request: Request, text: str) -> Usage:
    return Usage(request.input_tokens, estimate_tokens(text), is_estimate=True)


def _key(endpoint: str, model: str, request: Request) -> str:
    asked = [
        endpoint,
        model,
        request.messages,
        request.temperature,
        request.max_tokens,
        request.schema,
    ]
    text = json.dumps(asked, sort_keys=True, ensure_ascii=False)
    return hashlib.sha256(text.encode()).hexdigest()
