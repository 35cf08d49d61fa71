"""Values made in the background, a few ahead of whoever uses them."""

import queue
import threading
from collections.abc import Callable, Generator, Iterable, Iterator
from typing import TypeVar

_T = TypeVar("_T")

_AHEAD = 4


class _End:
    """Follows the last value, with what went wrong."""

    def __init__(self, error: BaseException | None) -> None:
        self.error = error


def read_ahead(values: Iterable[_T], ahead: int = _AHEAD) -> Generator[_T, None, None]:
    """Yield *values*, which another thread makes, up to *ahead* of them early.

    What making them raises is raised here. Closed early, it waits for the value that
    is being made.
    """
    waiting: queue.Queue[_T | _End] = queue.Queue(ahead)
    stopped = threading.Event()

    def make() -> None:
        error = None
        try:
            for value in values:
                waiting.put(value)
                if stopped.is_set():
                    return
        except BaseException as raised:
            error = raised
        waiting.put(_End(error))

    thread = threading.Thread(target=make, daemon=True)
    thread.start()
    try:
        yield from _until_end(waiting)
    finally:
        stopped.set()
        while thread.is_alive():
            with_value = _drop(waiting)
            thread.join(0 if with_value else 0.01)


def _until_end(waiting: "queue.Queue[_T | _End]") -> Iterator[_T]:
    while True:
        value = waiting.get()
        if not isinstance(value, _End):
            yield value
        elif value.error is not None:
            raise value.error
        else:
            return


def _drop(waiting: "queue.Queue[_T | _End]") -> bool:
    try:
        waiting.get_nowait()
    except queue.Empty:
        return False
    return True


def batched(
    values: Iterable[_T], size: int, weigh: Callable[[_T], int]
) -> Iterator[list[_T]]:
    """Yield *values* in lists that weigh about *size*, or less at the end."""
    batch: list[_T] = []
    weight = 0
    for value in values:
        batch.append(value)
        weight += weigh(value)
        if weight >= size:
            yield batch
            batch, weight = [], 0
    if batch:
        yield batch
