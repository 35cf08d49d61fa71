"""The budget: no request is made that could exceed it."""

import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime

from promptvault.domain.chat import Price, Request, Usage
from promptvault.errors import InvalidInputError, RateLimitedError, VaultError
from promptvault.providers.endpoint import Endpoint
from promptvault.vault.spending import Purchase, Spending

_MARGIN = 1.3
"""How much longer than estimated a request may turn out to be."""
_USUAL_MOST = 16_384
"""Tokens that an answer may have where nobody set a limit but there is a budget."""
_LEAST = 256
"""Tokens; with less, most answers would be cut."""


class BudgetError(RateLimitedError):
    """The budget has not enough left for the next request; nothing was sent."""


@dataclass(slots=True)
class Budget:
    """What one command may spend, and all commands in a month, in US dollars."""

    spending: Spending
    command: str
    """Name of the command, for the record."""
    now: Callable[[], datetime]
    per_command: float | None = None
    per_month: float | None = None
    _reserved: dict[int, float] = field(default_factory=dict)
    """What this command has reserved and not settled yet."""
    _spent: float = 0.0
    _changed: threading.Condition = field(default_factory=threading.Condition)

    def reserve(
        self, endpoint: Endpoint, request: Request, price: Price | None
    ) -> "Bill":
        """Set aside what *request* can cost; it may come back with a limit.

        Waits while requests of this command under way hold what is left. Raises
        BudgetError; InvalidInputError where the price is not known.
        """
        if self.per_command is None and self.per_month is None:
            return Bill(self, self._record(endpoint, 0.0), request, price)
        if price is None:
            raise InvalidInputError(
                f"What {endpoint.model} costs is not known, so no budget can be kept:"
                " set ai.price_input and ai.price_output (0 if it is free)."
            )
        with self._changed:
            while True:
                limited = self._limited(request, price)
                if limited and (number := self._set_aside(endpoint, limited, price)):
                    return Bill(self, number, limited, price)
                if not self._reserved:
                    raise self._used_up()
                self._changed.wait()

    def _limited(self, request: Request, price: Price) -> Request | None:
        """Return *request* with a limit that can be paid, None if there is none."""
        if request.max_tokens is not None or not price.output:
            return request
        free = self._left() - price.of(Usage(_sent(request), 0))
        affordable = int(free / price.output * 1_000_000)
        if affordable < _LEAST:
            return None
        return request._replace(max_tokens=min(_USUAL_MOST, affordable))

    def _set_aside(self, endpoint: Endpoint, request: Request, price: Price) -> int:
        most = price.of(Usage(_sent(request), request.max_tokens or 0))
        held = self._spent + sum(self._reserved.values())
        if self.per_command is not None and held + most > self.per_command:
            return 0
        purchase = Purchase(self.command, endpoint.public_url, endpoint.model, most)
        number = self.spending.reserve(purchase, self.now(), self.per_month)
        if number:
            self._reserved[number] = most
        return number

    def _left(self) -> float:
        held = self._spent + sum(self._reserved.values())
        left = float("inf")
        if self.per_command is not None:
            left = self.per_command - held
        if self.per_month is not None:
            left = min(left, self.per_month - self.spending.spent(self.now()))
        return left

    def _record(self, endpoint: Endpoint, most: float) -> int:
        purchase = Purchase(self.command, endpoint.public_url, endpoint.model, most)
        try:
            return self.spending.reserve(purchase, self.now(), None)
        except VaultError:  # without a budget, a record that fails stops nothing
            return 0

    def _used_up(self) -> BudgetError:
        month = self.spending.spent(self.now())
        limits = []
        if self.per_command is not None:
            limits.append(f"${self.per_command:g} a command, ${self._spent:.4f} used")
        if self.per_month is not None:
            limits.append(f"${self.per_month:g} a month, ${month:.4f} used")
        return BudgetError(
            f"The next request could exceed the budget ({'; '.join(limits)})."
            " Nothing more was sent; ai.budget_usd and ai.command_budget_usd set it."
        )

    def close(self, number: int, usage: Usage | None, cost: float) -> None:
        """Note what reservation *number* came to; None where nothing did."""
        with self._changed:
            self._reserved.pop(number, None)
            self._spent += cost
            self._changed.notify_all()
        if not number:
            return
        try:
            if usage is None:
                self.spending.release(number)
            else:
                self.spending.settle(number, usage, cost)
        except VaultError:
            if self.per_month is not None:
                raise


@dataclass(frozen=True, slots=True)
class Bill:
    """A request that is paid for in advance, at the most that it can cost."""

    budget: Budget
    number: int
    request: Request
    """What to send: it has a limit where the budget needs one."""
    price: Price | None

    def settle(self, usage: Usage) -> None:
        """Pay what it was."""
        cost = self.price.of(usage) if self.price else 0.0
        self.budget.close(self.number, usage, cost)

    def keep(self) -> None:
        """Pay the most, as nobody knows what it was."""
        self.settle(Usage(self.request.input_tokens, self.request.max_tokens or 0))

    def release(self) -> None:
        """Pay nothing."""
        self.budget.close(self.number, None, 0.0)


def _sent(request: Request) -> int:
    return int(request.input_tokens * _MARGIN)
