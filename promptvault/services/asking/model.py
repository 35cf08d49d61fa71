"""Asking a language model: from the cache, within the budget, with retries, fallback.

Every command that uses a model goes through here, so all of them cost as little, and
fail as well, as any.
"""

import threading
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import TYPE_CHECKING, TypeVar

from promptvault.domain.chat import Answer, Price, Request, Usage
from promptvault.errors import PromptVaultError, RateLimitedError, UnavailableError
from promptvault.providers.endpoint import Endpoint
from promptvault.providers.failure import ServerBusyError, ServerDownError
from promptvault.services.asking import request as exchange
from promptvault.services.asking.budget import Budget, BudgetError
from promptvault.services.asking.cache import Recall
from promptvault.services.asking.cost import Estimate, Spent
from promptvault.services.asking.parallel import map_in_order
from promptvault.services.asking.request import BrokenStream, Completion, Send
from promptvault.services.asking.retry import RateLimiter, RetryPolicy
from promptvault.vault.activity.response_cache import ResponseCache

if TYPE_CHECKING:
    from promptvault.providers.openai_chat import ChatClient

_Item = TypeVar("_Item")
_Result = TypeVar("_Result")


class IncompleteError(UnavailableError):
    """An answer broke off after its first pieces had been handed on."""

    def __init__(self, message: str, answer: Answer) -> None:
        super().__init__(message)
        self.answer = answer
        """What arrived."""


class AnswerInterrupted(KeyboardInterrupt):
    """Ctrl-C while an answer came in, or its pieces could not be handed on any more.

    Why is its cause: KeyboardInterrupt or an OSError, as BrokenPipeError.
    """

    def __init__(self, answer: Answer) -> None:
        super().__init__()
        self.answer = answer
        """What arrived."""


@dataclass(frozen=True, slots=True)
class ModelContext:
    """What a model is asked with; the same for all models of one command."""

    cache: ResponseCache
    budget: Budget
    price: Callable[[Endpoint], Price | None]
    now: Callable[[], datetime]
    tell: Callable[[str], None]
    """Tells the person why it takes longer, or who answers instead."""
    pace: RateLimiter = field(default_factory=RateLimiter)
    retries: int = 4
    sleep: Callable[[float], None] = time.sleep
    """Waits so many seconds before a retry."""
    concurrency: int = 4
    uses_cache: bool = True
    """False asks anew also where the answer is known."""
    keeps_answers: bool = True
    """False writes no answer into the cache."""
    spent: Spent = field(default_factory=Spent)
    lock: threading.Lock = field(default_factory=threading.Lock)
    """For what the models of one command share."""


class Model:
    """A language model: the endpoints to ask for it, the first that works answers."""

    def __init__(self, endpoints: Sequence[Endpoint], means: ModelContext) -> None:
        self.endpoints = tuple(endpoints)
        self._means = means
        self._retries = RetryPolicy(means.retries, means.tell, means.sleep)
        self._recall = Recall(
            means.cache, means.now, means.uses_cache, means.keeps_answers
        )
        self._chats: dict[Endpoint, ChatClient] = {}
        self._down: dict[Endpoint, PromptVaultError] = {}
        self._answered: set[str] = set()

    @property
    def name(self) -> str:
        """The name of the model that is asked first."""
        return self.endpoints[0].model

    @property
    def spent(self) -> Spent:
        """What the command has taken so far, whichever of its models it was for."""
        return self._means.spent

    @property
    def answered(self) -> str:
        """Who gave the answers, a fallback's name included; before any its own."""
        return ", ".join(sorted(self._answered)) or self.name

    @property
    def can_ask(self) -> bool:
        """Whether some endpoint has all it needs; it may still be down."""
        return any(e.key or not e.needs_key for e in self.endpoints)

    def named(self, name: str | None) -> "Model":
        """Return the model *name* on the first endpoint; this one without a name."""
        if name in {None, self.name}:
            return self
        return Model([replace(self.endpoints[0], model=str(name))], self._means)

    def estimate(
        self, requests: Sequence[Request], output_tokens: int, input_tokens: int = 0
    ) -> Estimate:
        """Return what *requests* would take with answers of *output_tokens* each.

        Each has *input_tokens* more that are not known yet.
        """
        sent = sum(request.input_tokens + input_tokens for request in requests)
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

    def ask_unkept(self, request: Request) -> Answer:
        """As `ask`, but a new answer is cached only when `remember` is called."""
        return self._anywhere(
            lambda endpoint: self._ask_at(endpoint, request, keep=False)
        )

    def remember(self, request: Request, answer: Answer) -> None:
        """Give *answer* from now on when *request* is made again."""
        self._recall.keep(request, answer)

    def each(
        self, work: Callable[[_Item], _Result], items: Sequence[_Item]
    ) -> Iterator[_Result]:
        """Yield what *work* makes of each item, in order, several at a time.

        After Ctrl-C or an error none is begun any more. What is under way then goes on
        by itself, so that its answers are kept, but the program's end waits for none.
        """
        return map_in_order(work, items, self._means.concurrency)

    def _anywhere(self, ask: Callable[[Endpoint], Answer]) -> Answer:
        failures: list[PromptVaultError] = []
        for endpoint in self.endpoints:
            try:
                return self._counted(self._unless_down(endpoint, ask))
            except (IncompleteError, AnswerInterrupted) as end:
                self._counted(end.answer)
                raise
            except BudgetError:
                raise
            except (UnavailableError, RateLimitedError) as error:
                self._note_failure(endpoint, error)
                failures.append(error)
        raise _together(failures)

    def _counted(self, answer: Answer) -> Answer:
        with self._means.lock:
            self._means.spent.add(answer)
            self._answered.add(answer.model)
        return answer

    def _unless_down(
        self, endpoint: Endpoint, ask: Callable[[Endpoint], Answer]
    ) -> Answer:
        if endpoint in self._down:
            raise self._down[endpoint]
        return ask(endpoint)

    def _note_failure(self, endpoint: Endpoint, error: PromptVaultError) -> None:
        """Ask an endpoint that is down no more, where there is another one."""
        with self._means.lock:
            if len(self.endpoints) == 1 or endpoint in self._down:
                return
            self._down[endpoint] = error
        if endpoint is not self.endpoints[-1]:
            other = self.endpoints[self.endpoints.index(endpoint) + 1]
            self._means.tell(f"{_what(error)} Asking {other.model} on {other.server}.")

    def _ask_at(
        self, endpoint: Endpoint, request: Request, *, keep: bool = True
    ) -> Answer:
        known = self._recall.find(endpoint, request)
        if known is not None:
            return known

        def ask(limited: Request) -> Completion:
            return exchange.complete(self._chat(endpoint), limited)

        answer = self._paid(endpoint, request, ask)
        if keep:
            self.remember(request, answer)
        return answer

    def _stream_at(
        self, endpoint: Endpoint, request: Request, on_text: Callable[[str], None]
    ) -> Answer:
        known = self._recall.find(endpoint, request)
        if known is not None:
            on_text(known.text)
            return known

        def ask(limited: Request) -> Completion:
            return exchange.stream(self._chat(endpoint), limited, on_text)

        answer = self._paid(endpoint, request, ask)
        self.remember(request, answer)
        return answer

    def _paid(self, endpoint: Endpoint, request: Request, ask: Send) -> Answer:
        """Ask within the budget; each attempt is paid for by itself."""
        _require_key(endpoint)
        price = self._means.price(endpoint)

        def attempt() -> Completion:
            bill = self._means.budget.reserve(endpoint, request, price)
            with exchange.unpaid(bill):
                self._means.pace.wait()
            return exchange.paid(bill, ask)

        try:
            received = self._retries(attempt)
        except BrokenStream as broken:
            answer = _answer(endpoint, broken.received, price)
            match broken.reason:
                case PromptVaultError() as error:
                    raise IncompleteError(str(error), answer) from error
                case KeyboardInterrupt() | OSError() as reason:
                    raise AnswerInterrupted(answer) from reason
                case reason:
                    raise reason from None
        return _answer(endpoint, received, price)

    def _chat(self, endpoint: Endpoint) -> "ChatClient":
        with self._means.lock:
            if endpoint not in self._chats:
                self._chats[endpoint] = exchange.open_chat(endpoint)
            return self._chats[endpoint]


def _require_key(endpoint: Endpoint) -> None:
    if endpoint.needs_key and not endpoint.key:
        raise UnavailableError(
            f"There is no key for {endpoint.host}. Set OPENAI_API_KEY, or run"
            " 'promptvault config set ai.api_key'; for a model on this computer, set"
            " ai.base_url and ai.model."
        )


def _together(failures: Sequence[PromptVaultError]) -> PromptVaultError:
    """Return one error for those of all endpoints."""
    if len(failures) == 1:
        return failures[0]
    message = " And the fallback: ".join(map(str, failures))
    if all(isinstance(each, RateLimitedError) for each in failures):
        return RateLimitedError(message)
    return UnavailableError(message)


def _what(error: PromptVaultError) -> str:
    """Return what happened, without advice that another endpoint makes needless."""
    return (
        error.what
        if isinstance(error, ServerBusyError | ServerDownError)
        else str(error)
    )


def _answer(endpoint: Endpoint, received: Completion, price: Price | None) -> Answer:
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
