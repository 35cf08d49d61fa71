"""What requests to models cost: reserved before each, settled after it.

All processes reserve in one place and in turn, so together they stay in the budget.
"""

from datetime import datetime
from pathlib import Path
from typing import NamedTuple

from promptvault.domain.chat import Usage
from promptvault.domain.timestamp import to_text
from promptvault.vault.activity import activity, immediate


class Purchase(NamedTuple):
    """A request that is about to be made."""

    command: str
    endpoint: str
    model: str
    most: float
    """US dollars that it can cost."""


class Spending:
    """The record of what was spent, in US dollars; a month is one in UTC."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def reserve(self, purchase: Purchase, now: datetime, budget: float | None) -> int:
        """Set aside what *purchase* can cost, and return the reservation's number.

        0 stands for no reservation: the month's *budget* does not have that much left.
        Raises VaultError.
        """
        month, time = _month(now), to_text(now)
        with activity(self._path) as connection, immediate(connection):
            if budget is not None:
                spent = connection.execute(_SPENT, (month,)).fetchone()[0]
                if spent + purchase.most > budget:
                    return 0
            row = (month, time, *purchase)
            return int(connection.execute(_RESERVE, row).lastrowid or 0)

    def settle(self, reservation: int, usage: Usage, cost: float) -> None:
        """Replace what was reserved by what it was."""
        row = (usage.input_tokens, usage.output_tokens, cost, reservation)
        with activity(self._path) as connection:
            connection.execute(_SETTLE, row)

    def release(self, reservation: int) -> None:
        """Forget a request that came to nothing."""
        with activity(self._path) as connection:
            connection.execute("DELETE FROM requests WHERE pk = ?", (reservation,))

    def spent(self, now: datetime) -> float:
        """Return what the month of *now* cost so far, reservations included."""
        if not self._path.exists():
            return 0.0
        with activity(self._path) as connection:
            return float(connection.execute(_SPENT, (_month(now),)).fetchone()[0])


_SPENT = "SELECT coalesce(sum(cost), 0) FROM requests WHERE month = ?"
_RESERVE = """INSERT INTO requests (month, created_at, command, endpoint, model, cost,
    input_tokens, output_tokens, settled) VALUES (?, ?, ?, ?, ?, ?, 0, 0, 0)"""
_SETTLE = """UPDATE requests SET input_tokens = ?, output_tokens = ?, cost = ?,
    settled = 1 WHERE pk = ?"""


def _month(now: datetime) -> str:
    return to_text(now)[:7]
