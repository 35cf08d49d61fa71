"""Running a function on many items, several at a time."""

import threading
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future
from typing import TypeVar

_Item = TypeVar("_Item")
_Result = TypeVar("_Result")


def map_in_order(
    work: Callable[[_Item], _Result], items: Sequence[_Item], at_once: int
) -> Iterator[_Result]:
    """Yield the result of *work* for each item, in order, *at_once* at a time.

    After an error, or when the generator is closed, no further item is started. Items
    in progress finish in daemon threads, which do not keep the program from exiting.
    """
    results: list[Future[_Result]] = [Future() for _ in items]
    waiting = deque(zip(items, results, strict=True))

    def run_waiting() -> None:
        while True:
            try:
                item, result = waiting.popleft()
            except IndexError:
                return
            try:
                result.set_result(work(item))
            except BaseException as error:
                waiting.clear()
                result.set_exception(error)

    for _ in range(min(max(1, at_once), len(items))):
        threading.Thread(target=run_waiting, daemon=True).start()
    try:
        for result in results:
            yield result.result()
    finally:
        waiting.clear()
