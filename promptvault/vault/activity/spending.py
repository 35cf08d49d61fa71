"""What requests to models cost: reserved before each, settled after it.

All processes reserve in one place and in turn, so together they stay in the budget. A
process that dies leaves its reservation behind, and that counts: what it had asked may
have been answered.
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
"""US dollars; sums of such fractions are exact to less than that."""


class Purchase(NamedTuple):
    """A request that is about to be made."""

    command: str
    endpoint: str
    model: str
    least: float
    """US dollars; with less, it is not made."""
    most: float
    """US dollars that it is given where there is as much."""


class Reservation(NamedTuple):
    """Money that no other request can spend."""

    number: int
    amount: float
    """US dollars."""


class Expense(NamedTuple):
    """What one command spent on one model in a month."""

    command: str
    model: str
    requests: int
    input_tokens: int
    output_tokens: int
    cost: float
    """US dollars, what is set aside for requests under way included."""


class Spending:
    """The record of what was spent, in US dollars; a month is one in UTC."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def reserve(
        self, purchase: Purchase, now: datetime, budget: float | None
    ) -> Reservation | None:
        """Set aside what *purchase* can cost, at most what the *budget* has left.

        None where the month's budget has less than the least left. Raises VaultError.
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
        """Replace what was reserved by what it was; raises VaultError."""
        row = (usage.input_tokens, usage.output_tokens, cost, reservation)
        with open_activity(self._path) as connection:
            connection.execute(_SETTLE, row)

    def release(self, reservation: int) -> None:
        """Forget a request that came to nothing; raises VaultError."""
        with open_activity(self._path) as connection:
            connection.execute("DELETE FROM requests WHERE pk = ?", (reservation,))

    def spent(self, now: datetime) -> float:
        """Return what the month of *now* cost so far, reservations included.

        Raises VaultError.
        """
        if not self._path.exists():
            return 0.0
        with open_activity_to_read(self._path) as connection:
            return float(connection.execute(_SPENT, (_month(now),)).fetchone()[0])

    def expenses(self, now: datetime) -> list[Expense]:
        """Return the month of *now* by command and model, the dearest first.

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
