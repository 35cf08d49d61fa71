"""The cost of requests to models: reserved before a request, settled after it.

All processes reserve in the same database, one after the other, so together they stay
within the budget. If a process is killed, its reservation still counts, because its
request may have been answered and charged.
"""

from datetime import datetime
from pathlib import Path
from typing import NamedTuple

from promptvault.domain.chat import Usage
from promptvault.domain.timestamp import to_text
from promptvault.vault.activity.database import (
    immediate,
    open_activity,
    open_activity_to_read,
)

ROUNDING = 1e-9
"""US dollars; the rounding error of sums of costs is smaller."""


class Purchase(NamedTuple):
    """A request to reserve money for."""

    command: str
    endpoint: str
    model: str
    least: float
    """US dollars; the request is not sent if less is left."""
    most: float
    """US dollars to reserve if that much is left."""


class Reservation(NamedTuple):
    """Money reserved for one request."""

    number: int
    amount: float
    """US dollars."""


class Expense(NamedTuple):
    """The cost of one command on one model in a month."""

    command: str
    model: str
    requests: int
    input_tokens: int
    output_tokens: int
    cost: float
    """US dollars, including reservations for requests in progress."""


class Spending:
    """The record of costs, in US dollars. Months are in UTC."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def reserve(
        self, purchase: Purchase, now: datetime, budget: float | None
    ) -> Reservation | None:
        """Reserve the maximum of *purchase*, or what the monthly *budget* has left.

        Returns None if less than the minimum of *purchase* is left. Raises VaultError.
        """
        month, time, amount = _month(now), to_text(now), purchase.most
        with open_activity(self._path) as connection, immediate(connection):
            if budget is not None and purchase.most:
                left = budget - connection.execute(_SPENT, (month,)).fetchone()[0]
                if purchase.least > left + ROUNDING:
                    return None
                amount = max(purchase.least, min(purchase.most, left))
            row = (month, time, *purchase[:3], amount)
            number = connection.execute(_RESERVE, row).lastrowid
            return Reservation(int(number or 0), amount)

    def settle(self, reservation: int, usage: Usage, cost: float) -> None:
        """Replace a reservation with the real tokens and cost; raises VaultError."""
        row = (usage.input_tokens, usage.output_tokens, cost, reservation)
        with open_activity(self._path) as connection:
            connection.execute(_SETTLE, row)

    def release(self, reservation: int) -> None:
        """Delete the reservation of a request that cost nothing; raises VaultError."""
        with open_activity(self._path) as connection:
            connection.execute("DELETE FROM requests WHERE pk = ?", (reservation,))

    def spent(self, now: datetime) -> float:
        """Return the cost of the month of *now*, including reservations.

        Raises VaultError.
        """
        if not self._path.exists():
            return 0.0
        with open_activity_to_read(self._path) as connection:
            return float(connection.execute(_SPENT, (_month(now),)).fetchone()[0])

    def expenses(self, now: datetime) -> list[Expense]:
        """Return the costs of the month of *now* by command and model, highest first.

        Raises VaultError.
        """
        if not self._path.exists():
            return []
        with open_activity_to_read(self._path) as connection:
            rows = connection.execute(_EXPENSES, (_month(now),)).fetchall()
        return [Expense(*row) for row in rows]


_SPENT = "SELECT coalesce(sum(cost), 0) FROM requests WHERE month = ?"
_EXPENSES = """SELECT command, model, count(*), sum(input_tokens), sum(output_tokens),
    sum(cost) FROM requests WHERE month = ? GROUP BY command, model
    ORDER BY sum(cost) DESC, count(*) DESC, command, model"""
_RESERVE = """INSERT INTO requests (month, created_at, command, endpoint, model, cost,
    input_tokens, output_tokens, settled) VALUES (?, ?, ?, ?, ?, ?, 0, 0, 0)"""
_SETTLE = """UPDATE requests SET input_tokens = ?, output_tokens = ?, cost = ?,
    settled = 1 WHERE pk = ?"""


def _month(now: datetime) -> str:
    return to_text(now)[:7]
