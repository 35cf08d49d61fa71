"""The budget: no request can exceed it, in threads and in processes."""

import os
import queue
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from promptvault.domain.chat import Price, Usage
from promptvault.errors import InvalidInputError, VaultError
from promptvault.providers.endpoint import Endpoint
from promptvault.services.asking.budget import Budget, BudgetError
from promptvault.vault.activity.spending import ROUNDING, Spending
from tests.conftest import NOON
from tests.model_kit import PRICE, Kit, user
from tests.model_server import ModelServer, Text

ENDPOINT = Endpoint("http://localhost:1/v1", "test-model")
FREE = Price(0, 0)


def cost(sent: int, received: int) -> float:
    """Return US dollars."""
    return PRICE.of(Usage(sent, received))


@pytest.mark.parametrize("limit", ["per_command", "per_month"])
def test_so_much_is_spent_and_no_more(kit: Kit, limit: str) -> None:
    budget = kit.budget(**{limit: 3 * cost(7, 1000)})
    request = user(max_tokens=1000)

    for _ in range(3):
        bill = budget.reserve(ENDPOINT, request, PRICE)
        assert bill.request is request
        bill.settle(Usage(7, 1000))

    with pytest.raises(BudgetError) as caught:
        budget.reserve(ENDPOINT, request, PRICE)
    assert caught.value.exit_code == 10
    assert "ai.budget_usd" in str(caught.value)
    assert "--budget" in str(caught.value)
    assert "$0.0300 used" in str(caught.value)


def test_what_was_set_aside_too_much_comes_back(kit: Kit) -> None:
    budget = kit.budget(per_month=cost(7, 1000) + 49 * cost(0, 1))
    for _ in range(50):
        budget.reserve(ENDPOINT, user(max_tokens=1000), PRICE).settle(Usage(0, 1))

    with pytest.raises(BudgetError, match=r"could cost \$0\.0100"):
        budget.reserve(ENDPOINT, user(max_tokens=1000), PRICE)
    assert len(kit.requests) == 50


def test_what_came_to_nothing_costs_nothing(kit: Kit) -> None:
    budget = kit.budget(per_month=cost(7, 1000), per_command=cost(7, 1000))

    for _ in range(3):
        budget.reserve(ENDPOINT, user(max_tokens=1000), PRICE).release()

    assert kit.requests == []


def test_what_nobody_knows_costs_the_most(kit: Kit) -> None:
    budget = kit.budget(per_command=cost(7, 1000))

    budget.reserve(ENDPOINT, user(max_tokens=1000), PRICE).charge_maximum()

    ((_, received, paid, settled),) = kit.requests
    assert (received, settled) == (1000, 1)
    assert paid == pytest.approx(cost(7, 1000))
    with pytest.raises(BudgetError):
        budget.reserve(ENDPOINT, user(max_tokens=1000), PRICE)


def test_a_budget_limits_answers_that_nobody_limited(kit: Kit) -> None:
    budget = kit.budget(per_month=cost(7, 500))

    bill = budget.reserve(ENDPOINT, user(), PRICE)

    assert bill.request.max_tokens == 500
    with pytest.raises(BudgetError):
        kit.budget(per_month=cost(7, 500)).reserve(ENDPOINT, user(), PRICE)


def test_a_large_budget_is_not_all_set_aside_for_one(kit: Kit) -> None:
    bill = kit.budget(per_month=1000).reserve(ENDPOINT, user(), PRICE)

    assert bill.request.max_tokens == 16_384


def test_an_answer_that_would_be_cut_at_once_is_not_asked_for(kit: Kit) -> None:
    with pytest.raises(BudgetError):
        kit.budget(per_month=cost(7, 200)).reserve(ENDPOINT, user(), PRICE)


def test_without_a_budget_nothing_is_limited_but_all_is_recorded(kit: Kit) -> None:
    bill = kit.budget().reserve(ENDPOINT, user(), None)
    assert bill.request.max_tokens is None
    bill.settle(Usage(3, 4))

    assert kit.requests == [(3, 4, 0.0, 1)]


@pytest.mark.parametrize("limit", ["per_command", "per_month"])
def test_a_budget_needs_a_price(kit: Kit, limit: str) -> None:
    with pytest.raises(InvalidInputError, match=r"ai\.price_input") as caught:
        kit.budget(**{limit: 1}).reserve(ENDPOINT, user(), None)

    assert caught.value.exit_code == 2


def test_what_is_free_passes_a_used_up_budget(kit: Kit) -> None:
    kit.budget().reserve(ENDPOINT, user(), PRICE).settle(Usage(10**6, 10**6))

    bill = kit.budget(per_month=0, per_command=0).reserve(ENDPOINT, user(), FREE)

    assert bill.request.max_tokens is None


def test_a_budget_of_nothing_lets_nothing_through(kit: Kit) -> None:
    for limits in ({"per_command": 0.0}, {"per_month": 0.0}):
        with pytest.raises(BudgetError):
            kit.budget(**limits).reserve(ENDPOINT, user(), PRICE)


def test_a_month_begins_anew(kit: Kit) -> None:
    last = datetime(2026, 1, 31, 23, 59, 59, tzinfo=UTC)
    kit.now = lambda: last
    limit = cost(7, 1000)
    bill = kit.budget(per_month=limit).reserve(ENDPOINT, user(max_tokens=1000), PRICE)

    kit.now = lambda: datetime(2026, 2, 1, tzinfo=UTC)
    kit.budget(per_month=limit).reserve(ENDPOINT, user(max_tokens=1000), PRICE)
    bill.settle(Usage(7, 1000))  # it belongs to the month in which it was asked

    spending = Spending(kit.activity)
    assert spending.spent(last) == pytest.approx(limit)
    with pytest.raises(BudgetError):
        kit.budget(per_month=limit).reserve(ENDPOINT, user(max_tokens=1000), PRICE)


def test_a_command_s_budget_outlives_the_month(kit: Kit) -> None:
    months = iter([datetime(2026, 1, 31, tzinfo=UTC), datetime(2026, 2, 1, tzinfo=UTC)])
    kit.now = lambda: next(months)
    budget = kit.budget(per_command=cost(7, 1000))
    budget.reserve(ENDPOINT, user(max_tokens=1000), PRICE).settle(Usage(7, 1000))

    with pytest.raises(BudgetError):
        budget.reserve(ENDPOINT, user(max_tokens=1000), PRICE)


@pytest.fixture
def bad(kit: Kit) -> Kit:
    """Return a kit whose record is damaged."""
    kit.folder.mkdir(parents=True)
    kit.activity.write_bytes(b"no database" * 1000)
    return kit


def test_a_record_that_fails_stops_only_a_month_s_budget(bad: Kit) -> None:
    bad.budget().reserve(ENDPOINT, user(), PRICE).settle(Usage(1, 1))
    of_command = bad.budget(per_command=cost(7, 1000))
    of_command.reserve(ENDPOINT, user(max_tokens=1000), PRICE).settle(Usage(7, 1000))
    with pytest.raises(BudgetError):
        of_command.reserve(ENDPOINT, user(max_tokens=1000), PRICE)
    with pytest.raises(VaultError, match="damaged"):
        bad.budget(per_month=1).reserve(ENDPOINT, user(), PRICE)


def test_a_record_that_fails_after_the_answer_does_not_lose_it(kit: Kit) -> None:
    bill = kit.budget(per_month=1).reserve(ENDPOINT, user(max_tokens=1000), PRICE)
    for path in kit.folder.iterdir():
        path.unlink()
    kit.activity.write_bytes(b"no database" * 1000)

    bill.settle(Usage(1, 1))
    bill.release()


@pytest.mark.parametrize("limit", ["per_command", "per_month"])
def test_threads_share_what_is_left(kit: Kit, limit: str) -> None:
    budget = kit.budget(**{limit: 3 * cost(7, 1000)})
    made = []

    def spend() -> None:
        try:
            bill = budget.reserve(ENDPOINT, user(max_tokens=1000), PRICE)
        except BudgetError:
            return
        made.append(bill)
        bill.settle(Usage(7, 1000))

    threads = [threading.Thread(target=spend) for _ in range(12)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)

    assert len(made) == 3
    assert sum(row[2] for row in kit.requests) == pytest.approx(3 * cost(7, 1000))


Step = tuple[int, int | None, int, str]


@given(
    st.floats(0.001, 0.05),
    st.floats(0.001, 0.05),
    st.lists(
        st.tuples(
            st.integers(0, 5_000),
            st.none() | st.integers(1, 4_000),
            st.integers(0, 5_000),
            st.sampled_from(["settle", "charge_maximum", "release"]),
        ),
        max_size=12,
    ),
    st.tuples(st.floats(0.01, 30), st.floats(0.01, 100)),
)
def test_no_order_of_requests_exceeds_it(
    tmp_path_factory: pytest.TempPathFactory,
    per_command: float,
    per_month: float,
    steps: list[Step],
    prices: tuple[float, float],
) -> None:
    """If servers keep to the limits, and requests to their estimates."""
    spending = Spending(tmp_path_factory.mktemp("budget") / "activity.db")
    budget = Budget(spending, "test", lambda: NOON, per_command, per_month)
    price = Price(*prices)
    for length, limit, received, end in steps:
        request = user("x" * length, max_tokens=limit)
        try:
            bill = budget.reserve(ENDPOINT, request, price)
        except BudgetError:
            continue
        assert bill.request.max_tokens is not None
        assert bill.request.max_tokens == limit or bill.request.max_tokens >= 256
        if end == "settle":
            most = min(received, bill.request.max_tokens)
            bill.settle(Usage(request.input_tokens, most))
        else:
            getattr(bill, end)()
        assert spending.spent(NOON) <= min(per_command, per_month) + ROUNDING


# --- processes

WORKER = """
import sys
from datetime import UTC, datetime
from pathlib import Path
from promptvault.domain.chat import Price
from promptvault.errors import PromptVaultError
from tests.model_kit import PRICE, Kit, user

folder, url, budget, number = sys.argv[1:]
kit = Kit(Path(folder))
model = kit.model(url, limits={"per_month": float(budget)}, timeout=60)
sys.stdin.readline()  # all begin together
try:
    model.ask(user(f"Request {number}", max_tokens=1000))
except PromptVaultError as error:
    sys.stderr.write(str(error))
    sys.exit(error.exit_code)
"""


REQUEST_COST = cost(int(user("Request 0").input_tokens * 1.3), 1000)
"""The most that it may be, US dollars."""


@pytest.fixture
def workers(kit: Kit, model_server: ModelServer) -> Iterator[Any]:
    """Return a function that starts processes which each ask once within one budget."""
    started: list[subprocess.Popen[bytes]] = []

    def start(number: int, budget: float) -> list[subprocess.Popen[bytes]]:
        for each in range(number):
            arguments = [str(kit.folder), model_server.url, repr(budget), str(each)]
            started.append(
                subprocess.Popen(
                    [sys.executable, "-c", WORKER, *arguments],
                    stdin=subprocess.PIPE,
                    stderr=subprocess.PIPE,
                    env=os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)},
                )
            )
        return started

    yield start
    for process in started:
        process.kill()
        process.communicate()


def begin(processes: list[subprocess.Popen[bytes]]) -> None:
    """Let them continue."""
    for process in processes:
        assert process.stdin is not None
        process.stdin.write(b"\n")
        process.stdin.flush()


Processes = queue.SimpleQueue[subprocess.Popen[bytes]]


def ends_of(processes: list[subprocess.Popen[bytes]]) -> Processes:
    """Return the state of each process at its end."""
    ended = Processes()

    def wait(process: subprocess.Popen[bytes]) -> None:
        process.wait()
        ended.put(process)

    for process in processes:
        threading.Thread(target=wait, args=(process,), daemon=True).start()
    return ended


def test_processes_together_stay_in_the_budget(
    kit: Kit, model_server: ModelServer, workers: Any
) -> None:
    all_refused = threading.Event()

    def answer(_: object) -> Text:
        all_refused.wait(60)
        return Text("Yes.", usage=(7, 1000))

    model_server.answer = answer
    processes = workers(8, 3 * REQUEST_COST)

    begin(processes)
    ended = ends_of(processes)
    first = [ended.get(timeout=60) for _ in range(5)]
    all_refused.set()
    last = [ended.get(timeout=60) for _ in range(3)]

    assert [process.returncode for process in first] == [10] * 5
    assert [process.returncode for process in last] == [0] * 3
    assert len(model_server.requests) == 3
    assert [row[3] for row in kit.requests] == [1, 1, 1]
    assert sum(row[2] for row in kit.requests) <= 3 * REQUEST_COST
    for process in first:
        assert process.stderr is not None
        assert b"ai.budget_usd sets the month's" in process.stderr.read()


def test_a_killed_process_leaves_its_reservation_counted(
    kit: Kit, model_server: ModelServer, workers: Any
) -> None:
    asked, stop = threading.Event(), threading.Event()

    def answer(_: object) -> Text:
        asked.set()
        stop.wait(60)
        return Text("Too late.")

    model_server.answer = answer
    (process,) = workers(1, REQUEST_COST)
    begin([process])
    assert asked.wait(60)

    process.send_signal(signal.SIGKILL)
    process.wait(60)
    stop.set()

    ((sent, received, paid, settled),) = kit.requests
    assert (sent, received, settled) == (0, 0, 0)
    assert paid >= cost(7, 1000)
    with pytest.raises(BudgetError):
        kit.budget(per_month=REQUEST_COST).reserve(
            ENDPOINT, user(max_tokens=1000), PRICE
        )
