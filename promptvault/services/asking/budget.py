"""The budget: no request is made that could exceed it."""

import contextlib
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime

from promptvault.domain.chat import Price, Request, Usage
from promptvault.errors import InvalidInputError, RateLimitedError, VaultError
from promptvault.providers.endpoint import Endpoint
from promptvault.vault.activity.spending import (
    ROUNDING,
    Purchase,
    Reservation,
    Spending,
)

_MARGIN = 1.3
"""How much longer than estimated a request may turn out to be."""
_USUAL_MOST = 16_384
"""Tokens that an answer may have where nobody set a limit but there is a budget."""
_LEAST = 256
"""Tokens; with less, most answers would be cut."""
_NOT_RECORDED = Reservation(0, 0.0)


class BudgetError(RateLimitedError):
    """The budget has not enough left for the next request; nothing was sent."""


@dataclass(slots=True, eq=False)
class Budget:
    """What one command may spend, and all commands in a month, in US dollars."""

    spending: Spending
    command: str
    """Name of the command, for the record."""
    now: Callable[[], datetime]
    per_command: float | None = None
    per_month: float | None = None
    _open: list["Bill"] = field(default_factory=list)
    """What this command has reserved and not closed yet."""
    _spent: float = 0.0
    _changed: threading.Condition = field(default_factory=threading.Condition)

    def reserve(
        self, endpoint: Endpoint, request: Request, price: Price | None
    ) -> "Bill":
        """Set aside what *request* can cost; it may come back with a limit.

        Waits while requests of this command under way hold what is left. Raises
        BudgetError; InvalidInputError where the price is not known; VaultError where
        the month's record cannot be written.
        """
        if self.per_command is None and self.per_month is None:
            reserved = self._set_aside(endpoint, 0, 0) or _NOT_RECORDED
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
        """Return the bill of *request* if it can be paid now."""
        if self.per_command is not None and most:
            left = self.per_command - self._spent
            left -= sum(bill.reserved.amount for bill in self._open)
            if least > left + ROUNDING:
                return None
            most = max(least, min(most, left))
        reserved = self._set_aside(endpoint, least, most)
        if reserved is None:
            return None
        return Bill(self, reserved, _limited(request, price, reserved.amount), price)

    def _set_aside(
        self, endpoint: Endpoint, least: float, most: float
    ) -> Reservation | None:
        place = endpoint.public_url
        purchase = Purchase(self.command, place, endpoint.model, least, most)
        try:
            return self.spending.reserve(purchase, self.now(), self.per_month)
        except VaultError:
            # Where no month's budget needs it, a record that fails stops nothing.
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
                f"${self.per_month:g} a month, ${used:.4f} used or set aside for"
                " requests under way"
            )
        return BudgetError(
            f"The next request could cost ${least:.4f}, which would exceed the budget"
            f" ({'; '.join(limits)})."
            " Nothing more was sent. ai.budget_usd sets the month's, --budget and"
            " ai.command_budget_usd a command's."
        )

    def close(self, bill: "Bill", usage: Usage | None, cost: float) -> None:
        """Note what *bill* came to; None where nothing did."""
        try:
            self._write_down(bill.reserved.number, usage, cost)
        finally:
            with self._changed:  # last, as who waits looks at the record next
                if bill in self._open:
                    self._open.remove(bill)
                self._spent += cost
                self._changed.notify_all()

    def _write_down(self, number: int, usage: Usage | None, cost: float) -> None:
        if number == _NOT_RECORDED.number:
            return
        # Where it cannot be written, the reservation goes on counting: no less.
        with contextlib.suppress(VaultError):
            if usage is None:
                self.spending.release(number)
            else:
                self.spending.settle(number, usage, cost)


@dataclass(frozen=True, slots=True, eq=False)
class Bill:
    """A request that is paid for in advance, at the most that it can cost."""

    budget: Budget
    reserved: Reservation
    request: Request
    """What to send: it has a limit where the budget needs one."""
    price: Price | None

    def settle(self, usage: Usage) -> None:
        """Pay what it was."""
        self.budget.close(self, usage, self._cost(usage))

    def keep(self) -> None:
        """Pay the most, as nobody knows what it was."""
        sent, received = self.request.input_tokens, self.request.max_tokens or 0
        usage = Usage(sent, received, is_estimate=True)
        cost = max(self.reserved.amount, self._cost(usage))
        self.budget.close(self, usage, cost)

    def release(self) -> None:
        """Pay nothing."""
        self.budget.close(self, None, 0.0)

    def _cost(self, usage: Usage) -> float:
        return self.price.of(usage) if self.price else 0.0


def _range(request: Request, price: Price) -> tuple[float, float]:
    """Return the least and the most that *request* may be made for, in US dollars."""
    sent = int(request.input_tokens * _MARGIN)
    if request.max_tokens is not None:
        cost = price.of(Usage(sent, request.max_tokens))
        return cost, cost
    return price.of(Usage(sent, _LEAST)), price.of(Usage(sent, _USUAL_MOST))


def _limited(request: Request, price: Price, amount: float) -> Request:
    """Return *request* with the limit that *amount* US dollars can pay."""
    if request.max_tokens is not None or not price.output:
        return request
    free = amount - price.of(Usage(int(request.input_tokens * _MARGIN), 0))
    affordable = int((free + ROUNDING) / price.output * 1_000_000)
    return request._replace(max_tokens=min(_USUAL_MOST, max(_LEAST, affordable)))
