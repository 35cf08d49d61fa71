"""Doing the same for many things, several at a time."""

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
    """Yield what *work* makes of each item, in order, *at_once* at a time.

    After an error, and when nobody takes the results any more, none is begun. What is
    under way then goes on by itself, but the program's end does not wait for it.
    """
    results: list[Future[_Result]] = [Future() for _ in items]
    waiting = deque(zip(items, results, strict=True))

    def toil() -> None:
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
        threading.Thread(target=toil, daemon=True).start()
    try:
        for result in results:
            yield result.result()
    finally:
        waiting.clear()
