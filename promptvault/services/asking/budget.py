"""The budget: a request that could exceed it is not sent.

Before each attempt the maximum cost is reserved in the activity database, where all
processes of this vault meet; afterwards the real cost replaces it.
"""

import contextlib
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime

from promptvault.domain.chat import Answer, Price, Request, Usage
from promptvault.errors import InvalidInputError, RateLimitedError, VaultError
from promptvault.providers.endpoint import Endpoint
from promptvault.providers.failure import (
    ConnectionLostError,
    EmptyAnswerError,
    RefusedError,
    ResponseTimeoutError,
)
from promptvault.services.asking.retry import RateLimiter
from promptvault.services.asking.transport import (
    BrokenStream,
    Call,
    Transport,
    estimate_usage,
)
from promptvault.vault.activity.spending import (
    ROUNDING,
    Purchase,
    Reservation,
    Spending,
)

_MARGIN = 1.3
"""A request may have this many times the estimated tokens."""
_USUAL_MOST = 16_384
"""Tokens allowed for an answer if there is a budget but no limit for the answer."""
_LEAST = 256
"""Tokens; with fewer, most answers would be cut."""
_NOT_RECORDED = Reservation(0, 0.0)


class BudgetError(RateLimitedError):
    """The budget is too small for the next request, which was not sent."""


@dataclass(slots=True, eq=False)
class Budget:
    """The limits, in US dollars, of one command and of all commands in a month."""

    spending: Spending
    command: str
    """Name of the command, recorded with each request."""
    now: Callable[[], datetime]
    per_command: float | None = None
    per_month: float | None = None
    _open: list["Bill"] = field(default_factory=list)
    """The reservations of this command that are not closed yet."""
    _spent: float = 0.0
    _changed: threading.Condition = field(default_factory=threading.Condition)

    def left(self) -> float | None:
        """Return the US dollars that are left, None without a limit."""
        limits = []
        if self.per_command is not None:
            limits.append(self.per_command - self._spent)
        if self.per_month is not None:
            limits.append(self.per_month - self.spending.spent(self.now()))
        return min(limits, default=None)

    def reserve(
        self, endpoint: Endpoint, request: Request, price: Price | None
    ) -> "Bill":
        """Reserve the maximum cost of *request*, and return the bill.

        The bill's request may have a lower `max_tokens` than *request*. If the rest of
        the budget is reserved by other requests of this command, wait for them. Raises
        BudgetError; InvalidInputError if there is a budget but no known price; and
        VaultError if there is a monthly budget and the record cannot be written.
        """
        if self.per_command is None and self.per_month is None:
            reserved = self._reserve(endpoint, 0, 0) or _NOT_RECORDED
            return Bill(self, reserved, request, price)
        if price is None:
            raise InvalidInputError(
                f"What {endpoint.model} costs is not known, so no budget can be kept:"
                " set ai.price_input and ai.price_output (0 if it is free)."
            )
        least, most = _range(request, price)
        with self._changed:
            while True:
                bill = self._try(endpoint, request, price, least, most)
                if bill is not None:
                    self._open.append(bill)
                    return bill
                if not self._open:
                    raise self._used_up(least)
                self._changed.wait()

    def _try(
        self,
        endpoint: Endpoint,
        request: Request,
        price: Price,
        least: float,
        most: float,
    ) -> "Bill | None":
        """Return the bill of *request*, None if the rest of the budget is reserved."""
        if self.per_command is not None and most:
            left = self.per_command - self._spent
            left -= sum(bill.reserved.amount for bill in self._open)
            if least > left + ROUNDING:
                return None
            most = max(least, min(most, left))
        reserved = self._reserve(endpoint, least, most)
        if reserved is None:
            return None
        return Bill(self, reserved, _limited(request, price, reserved.amount), price)

    def _reserve(
        self, endpoint: Endpoint, least: float, most: float
    ) -> Reservation | None:
        url = endpoint.public_url
        purchase = Purchase(self.command, url, endpoint.model, least, most)
        try:
            return self.spending.reserve(purchase, self.now(), self.per_month)
        except VaultError:
            # Without a monthly budget the record is not needed to decide.
            if self.per_month is not None:
                raise
            return _NOT_RECORDED._replace(amount=most)

    def _used_up(self, least: float) -> BudgetError:
        limits = []
        if self.per_command is not None:
            limits.append(f"${self.per_command:g} a command, ${self._spent:.4f} used")
        if self.per_month is not None:
            used = self.spending.spent(self.now())
            limits.append(
                f"${self.per_month:g} a month, ${used:.4f} used or reserved for"
                " requests in progress"
            )
        return BudgetError(
            f"The next request could cost ${least:.4f}, which would exceed the budget"
            f" ({'; '.join(limits)})."
            " Nothing more was sent. ai.budget_usd sets the month's, --budget and"
            " ai.command_budget_usd a command's."
        )

    def close(self, bill: "Bill", usage: Usage | None, cost: float) -> None:
        """Close *bill* with its tokens and cost; *usage* is None if it cost nothing."""
        try:
            self._record(bill.reserved.number, usage, cost)
        finally:
            # The record is written first: a waiting thread reads it next.
            with self._changed:
                if bill in self._open:
                    self._open.remove(bill)
                self._spent += cost
                self._changed.notify_all()

    def _record(self, number: int, usage: Usage | None, cost: float) -> None:
        if number == _NOT_RECORDED.number:
            return
        # If this fails, the reservation still counts, which is never too little.
        with contextlib.suppress(VaultError):
            if usage is None:
                self.spending.release(number)
            else:
                self.spending.settle(number, usage, cost)


@dataclass(frozen=True, slots=True, eq=False)
class Bill:
    """A request whose maximum cost is reserved; one of its methods must be called."""

    budget: Budget
    reserved: Reservation
    request: Request
    """The request to send, with a limit for the answer if the budget needs one."""
    price: Price | None

    def settle(self, usage: Usage) -> None:
        """Record the real cost."""
        self.budget.close(self, usage, self._cost(usage))

    def charge_maximum(self) -> None:
        """Record the maximum cost, because the real one is unknown."""
        sent, received = self.request.input_tokens, self.request.max_tokens or 0
        usage = Usage(sent, received, is_estimate=True)
        cost = max(self.reserved.amount, self._cost(usage))
        self.budget.close(self, usage, cost)

    def release(self) -> None:
        """Record that the request cost nothing."""
        self.budget.close(self, None, 0.0)

    def _cost(self, usage: Usage) -> float:
        return self.price.of(usage) if self.price else 0.0


class BudgetedTransport:
    """Reserves the maximum cost of each attempt, and settles it afterwards."""

    def __init__(
        self,
        transport: Transport,
        endpoint: Endpoint,
        budget: Budget,
        price: Callable[[Endpoint], Price | None],
        rate_limiter: RateLimiter,
    ) -> None:
        self._transport = transport
        self._endpoint = endpoint
        self._budget = budget
        self._price = price
        self._rate_limiter = rate_limiter

    def send(self, call: Call) -> Answer:
        """Return the answer with its cost.

        Raises BudgetError, and what the transport raises.
        """
        price = self._price(self._endpoint)
        bill = self._budget.reserve(self._endpoint, call.request, price)
        try:
            self._rate_limiter.wait()
        except BaseException:
            bill.release()  # nothing was sent
            raise
        try:
            answer = self._send(bill, call._replace(request=bill.request))
        except BrokenStream as broken:
            broken.answer = _priced(broken.answer, price)
            raise
        return _priced(answer, price)

    def _send(self, bill: Bill, call: Call) -> Answer:
        """Return the answer, and settle *bill* whatever happens."""
        try:
            answer = self._transport.send(call)
        except BrokenStream as broken:
            bill.settle(broken.answer.usage)
            raise
        except (EmptyAnswerError, RefusedError) as error:
            bill.settle(error.usage or estimate_usage(call.request))
            raise
        except (ConnectionLostError, ResponseTimeoutError):
            bill.charge_maximum()  # the server may have answered, and charge for it
            raise
        except Exception:
            bill.release()
            raise
        except BaseException:  # Ctrl-C
            bill.charge_maximum()
            raise
        bill.settle(answer.usage)
        return answer


def _priced(answer: Answer, price: Price | None) -> Answer:
    return answer._replace(cost=price.of(answer.usage) if price else None)


def _range(request: Request, price: Price) -> tuple[float, float]:
    """Return the minimum and the maximum to reserve for *request*, in US dollars."""
    sent = int(request.input_tokens * _MARGIN)
    if request.max_tokens is not None:
        cost = price.of(Usage(sent, request.max_tokens))
        return cost, cost
    return price.of(Usage(sent, _LEAST)), price.of(Usage(sent, _USUAL_MOST))


def _limited(request: Request, price: Price, amount: float) -> Request:
    """Return *request* with the `max_tokens` that *amount* US dollars pay for."""
    if request.max_tokens is not None or not price.output:
        return request
    free = amount - price.of(Usage(int(request.input_tokens * _MARGIN), 0))
    affordable = int((free + ROUNDING) / price.output * 1_000_000)
    return request._replace(max_tokens=min(_USUAL_MOST, max(_LEAST, affordable)))
