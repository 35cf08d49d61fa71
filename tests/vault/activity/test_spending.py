"""The costs of requests: one record for all processes."""

import multiprocessing
from datetime import UTC, datetime
from pathlib import Path

import pytest

from promptvault.domain.chat import Usage
from promptvault.errors import VaultError
from promptvault.vault.activity.spending import Expense, Purchase, Spending
from tests.conftest import NOON

URL = "https://models.example/v1"
MAY = NOON
JUNE = datetime(2026, 6, 1, tzinfo=UTC)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Return the path of the record."""
    return tmp_path / "data" / "activity.db"


def purchase(least: float, most: float | None = None, command: str = "run") -> Purchase:
    """Return a purchase."""
    return Purchase(command, URL, "m", least, least if most is None else most)


def test_nothing_was_spent_at_first(path: Path) -> None:
    spending = Spending(path)

    assert (spending.spent(MAY), spending.expenses(MAY)) == (0.0, [])
    assert not path.exists()


def test_a_reservation_counts_until_it_is_settled(path: Path) -> None:
    spending = Spending(path)
    first = spending.reserve(purchase(2), MAY, None)
    second = spending.reserve(purchase(3), MAY, None)
    assert first is not None
    assert second is not None
    assert (first.amount, second.amount) == (2, 3)
    assert spending.spent(MAY) == 5

    spending.settle(first.number, Usage(10, 20), 0.5)
    spending.release(second.number)

    assert spending.spent(MAY) == 0.5
    assert spending.spent(JUNE) == 0
    assert spending.expenses(MAY) == [Expense("run", "m", 1, 10, 20, 0.5)]


@pytest.mark.parametrize(
    ("least", "most", "granted"),
    [(1, 9, 9), (1, 10, 10), (1, 99, 10), (10, 10, 10), (11, 99, None), (0, 0, 0)],
)
def test_a_purchase_gets_what_is_left(
    path: Path, least: float, most: float, granted: float | None
) -> None:
    found = Spending(path).reserve(purchase(least, most), MAY, 10)

    assert (found and found.amount) == granted


def test_a_refused_purchase_leaves_no_trace(path: Path) -> None:
    spending = Spending(path)
    spending.reserve(purchase(6), MAY, 10)

    assert spending.reserve(purchase(6), MAY, 10) is None
    assert spending.spent(MAY) == 6


def test_tenths_add_up(path: Path) -> None:
    spending = Spending(path)

    reserved = [spending.reserve(purchase(0.1), MAY, 0.3) for _ in range(4)]

    assert [found is not None for found in reserved] == [True, True, True, False]


def test_what_is_free_is_let_through_when_more_than_all_is_spent(path: Path) -> None:
    spending = Spending(path)
    spending.reserve(purchase(9), MAY, None)

    assert spending.reserve(purchase(0), MAY, 1) is not None
    assert spending.reserve(purchase(0.01), MAY, 1) is None


def test_expenses_stand_by_command_and_model_the_dearest_first(path: Path) -> None:
    spending = Spending(path)
    for least, command in ((1, "run"), (2, "optimize"), (1.5, "run")):
        spending.reserve(purchase(least, command=command), MAY, None)
    spending.reserve(purchase(7), JUNE, None)

    assert spending.expenses(MAY) == [
        Expense("run", "m", 2, 0, 0, 2.5),
        Expense("optimize", "m", 1, 0, 0, 2),
    ]


def spend(path: Path, gate: object, number: int) -> int:
    """Reserve as often as the budget allows; return how often."""
    gate.wait()  # type: ignore[attr-defined]
    spending = Spending(path)
    return sum(spending.reserve(purchase(1), MAY, 50) is not None for _ in range(20))


def test_processes_reserve_in_turn(path: Path) -> None:
    """Also on the very first use, when all of them create the file at once."""
    context = multiprocessing.get_context("spawn")
    with context.Manager() as manager, context.Pool(4) as pool:
        gate = manager.Barrier(4)
        made = pool.starmap(spend, [(path, gate, n) for n in range(4)], chunksize=1)

    assert sum(made) == 50
    assert Spending(path).spent(MAY) == 50


def test_a_damaged_record_says_so(path: Path) -> None:
    path.parent.mkdir()
    path.write_bytes(b"no database" * 1000)

    with pytest.raises(VaultError, match="damaged") as caught:
        Spending(path).reserve(purchase(1), MAY, 10)

    assert str(path) in str(caught.value)
