"""A language model as commands use it: cached, within the budget, with a fallback.

Every command that asks a model does so through `Model`, so all of them save the same
requests and fail in the same way.
"""

import threading
import time
import uuid
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import TypeVar

from promptvault.domain.chat import Answer, Price, Request, Usage
from promptvault.errors import (
    InvalidInputError,
    PromptVaultError,
    RateLimitedError,
    UnavailableError,
)
from promptvault.providers.endpoint import Endpoint
from promptvault.providers.failure import ServerBusyError, ServerDownError
from promptvault.services.asking.access import AccessTransport, require_key
from promptvault.services.asking.budget import Budget, BudgetedTransport, BudgetError
from promptvault.services.asking.cache import AnswerCache, CachedTransport
from promptvault.services.asking.cost import Estimate, Spent
from promptvault.services.asking.parallel import map_in_order
from promptvault.services.asking.retry import RateLimiter, RetryingTransport
from promptvault.services.asking.transport import (
    SILENT,
    BrokenStream,
    Call,
    ChatTransport,
    Listener,
    Transport,
)
from promptvault.vault.activity.response_cache import ResponseCache

_Item = TypeVar("_Item")
_Result = TypeVar("_Result")


class IncompleteError(UnavailableError):
    """A streamed answer broke off after its first pieces were passed on."""

    def __init__(self, message: str, answer: Answer) -> None:
        super().__init__(message)
        self.answer = answer
        """What arrived."""


class AnswerInterrupted(KeyboardInterrupt):
    """Ctrl-C during a streamed answer, or an error while writing its pieces.

    The cause is the KeyboardInterrupt, or an OSError such as BrokenPipeError.
    """

    def __init__(self, answer: Answer) -> None:
        super().__init__()
        self.answer = answer
        """What arrived."""


@dataclass(frozen=True, slots=True)
class ModelContext:
    """What all models of one command share."""

    cache: ResponseCache
    budget: Budget
    price: Callable[[Endpoint], Price | None]
    now: Callable[[], datetime]
    notify: Callable[[str], None]
    """Receives a sentence for the person: a long wait, or a fallback."""
    require_access: Callable[[Endpoint], None] = require_key
    """Raises an error if an endpoint cannot be asked; called before each request."""
    rate_limiter: RateLimiter = field(default_factory=RateLimiter)
    retries: int = 4
    sleep: Callable[[float], None] = time.sleep
    """Waits that many seconds before a retry."""
    concurrency: int = 4
    """How many requests `Model.each` sends at the same time."""
    reads_cache: bool = True
    """False asks again even if the answer is cached."""
    writes_cache: bool = True
    """False adds no answer to the cache."""
    listener: Listener = SILENT
    """Receives refusals, thoughts, and the number of tokens while they arrive."""
    spent: Spent = field(default_factory=Spent)
    lock: threading.Lock = field(default_factory=threading.Lock)
    """Guards `spent`."""


class Model:
    """A language model on one or more endpoints; the first that works answers."""

    def __init__(self, endpoints: Sequence[Endpoint], context: ModelContext) -> None:
        self.endpoints = tuple(endpoints)
        self._context = context
        self._cache = AnswerCache(
            context.cache, context.now, context.reads_cache, context.writes_cache
        )
        # The cache is asked for each endpoint apart: an answer of the fallback is no
        # answer of the first endpoint.
        self._transport = FallbackTransport(
            {endpoint: self._open(endpoint) for endpoint in endpoints}, context.notify
        )
        self._answered: set[str] = set()

    def _open(self, endpoint: Endpoint) -> Transport:
        """Return the stack of transports for one endpoint; nothing is sent yet."""
        context = self._context
        chat = ChatTransport(endpoint, context.notify, context.listener)
        budgeted = BudgetedTransport(
            chat, endpoint, context.budget, context.price, context.rate_limiter
        )
        retrying = RetryingTransport(
            budgeted, context.retries, context.notify, context.sleep
        )
        allowed = AccessTransport(retrying, endpoint, context.require_access)
        return CachedTransport(allowed, endpoint, self._cache)

    @property
    def name(self) -> str:
        """The name of the model on the first endpoint."""
        return self.endpoints[0].model

    @property
    def spent(self) -> Spent:
        """What the command has spent so far on all of its models."""
        return self._context.spent

    @property
    def answered(self) -> str:
        """The names of the models that answered; before any answer, its own name."""
        return ", ".join(sorted(self._answered)) or self.name

    @property
    def can_ask(self) -> bool:
        """Whether some endpoint has the key that it needs; it may still be down."""
        return any(e.key or not e.needs_key for e in self.endpoints)

    def named(self, name: str | None) -> "Model":
        """Return the model *name* on the first endpoint; this one if *name* is None.

        Raises InvalidInputError for the server's model, which is a single one.
        """
        if name in {None, self.name}:
            return self
        if self.endpoints[0].hosted:
            raise InvalidInputError(
                "The server has one model, which also judges: omit --judge, and 'model'"
                " and 'judge' in the cases, or use your own key, with --own."
            )
        return Model([replace(self.endpoints[0], model=str(name))], self._context)

    def estimate(
        self, requests: Sequence[Request], output_tokens: int, input_tokens: int = 0
    ) -> Estimate:
        """Return the estimated tokens and cost of *requests*; nothing is sent.

        Each answer is taken to have *output_tokens*. *input_tokens* are added to each
        request for parts that are not known yet.
        """
        sent = sum(request.input_tokens + input_tokens for request in requests)
        usage = Usage(sent, output_tokens * len(requests), is_estimate=True)
        price = self._context.price(self.endpoints[0])
        cost = price.of(usage) if price else None
        return Estimate(len(requests), sent, usage.output_tokens, cost)

    def affords(self, estimate: Estimate) -> bool:
        """Whether the budget has enough for *estimate*; True without a budget."""
        left = self._context.budget.left()
        return left is None or (estimate.cost or 0) <= left

    def ask(self, request: Request) -> Answer:
        """Return the answer to *request*, from the cache or from a server.

        Raises UnavailableError, RateLimitedError, BudgetError, AuthenticationError,
        PermissionDeniedError, NotFoundError, InvalidInputError.
        """
        return self._send(Call(request))

    def stream(self, request: Request, on_text: Callable[[str], None]) -> Answer:
        """Pass the answer to *on_text* piece by piece as it arrives, and return it.

        Raises what `ask` raises. If the stream breaks off after its first piece,
        raises IncompleteError or AnswerInterrupted, which hold what arrived; any other
        error of *on_text* is raised as it is.
        """
        return self._send(Call(request, on_text))

    def ask_uncached(self, request: Request) -> Answer:
        """Like `ask`, but do not store a new answer; `store` does that later."""
        return self._send(Call(request, stores=False))

    def store(self, request: Request, answer: Answer) -> None:
        """Store *answer* in the cache, to be returned for *request* from now on."""
        self._cache.add(request, answer)

    def each(
        self, work: Callable[[_Item], _Result], items: Sequence[_Item]
    ) -> Iterator[_Result]:
        """Yield the result of *work* for each item, in order, several at a time.

        After Ctrl-C or an error no further item is started. Items in progress finish
        in the background, so that their answers are cached, but the program does not
        wait for them at exit.
        """
        return map_in_order(work, items, self._context.concurrency)

    def _send(self, call: Call) -> Answer:
        try:
            answer = self._transport.send(call._replace(id=str(uuid.uuid4())))
        except BrokenStream as broken:
            self._count(broken.answer)
            match broken.reason:
                case PromptVaultError() as error:
                    raise IncompleteError(str(error), broken.answer) from error
                case KeyboardInterrupt() | OSError() as reason:
                    raise AnswerInterrupted(broken.answer) from reason
                case reason:
                    raise reason from None
        self._count(answer)
        return answer

    def _count(self, answer: Answer) -> None:
        with self._context.lock:
            self._context.spent.add(answer)
            self._answered.add(answer.model)


class FallbackTransport:
    """Sends a call through the first transport that works.

    An endpoint that failed is not asked again, if there is another one.
    """

    def __init__(
        self, transports: Mapping[Endpoint, Transport], notify: Callable[[str], None]
    ) -> None:
        self._transports = transports
        self._notify = notify
        self._down: dict[Endpoint, PromptVaultError] = {}
        self._lock = threading.Lock()

    def send(self, call: Call) -> Answer:
        """Return the answer; see `Transport`.

        Raises UnavailableError if every endpoint is down, RateLimitedError if all are
        busy, BudgetError, and an error of the request itself from the first endpoint.
        """
        failures: list[PromptVaultError] = []
        for endpoint, transport in self._transports.items():
            try:
                if endpoint in self._down:
                    raise self._down[endpoint]
                return transport.send(call)
            except BudgetError:
                raise
            except (UnavailableError, RateLimitedError) as error:
                self._note_failure(endpoint, error)
                failures.append(error)
        raise _combined(failures)

    def _note_failure(self, endpoint: Endpoint, error: PromptVaultError) -> None:
        endpoints = list(self._transports)
        with self._lock:
            if len(endpoints) == 1 or endpoint in self._down:
                return
            self._down[endpoint] = error
        if endpoint != endpoints[-1]:
            following = endpoints[endpoints.index(endpoint) + 1]
            asking = f"Asking {following.model} on {following.server}."
            self._notify(f"{_what_happened(error)} {asking}")


def _what_happened(error: PromptVaultError) -> str:
    """Return the message of *error* without its advice, which a fallback replaces."""
    if isinstance(error, ServerBusyError | ServerDownError):
        return error.what
    return str(error)


def _combined(failures: Sequence[PromptVaultError]) -> PromptVaultError:
    """Return one error for those of all endpoints."""
    if len(failures) == 1:
        return failures[0]
    message = " And the fallback: ".join(map(str, failures))
    if all(isinstance(each, RateLimitedError) for each in failures):
        return RateLimitedError(message)
    return UnavailableError(message)
