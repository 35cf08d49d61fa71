"""An iterator that is computed in a background thread, a few values ahead."""

import contextlib
import queue
import sys
import threading
from collections.abc import Callable, Iterable, Iterator
from typing import TypeVar

_T = TypeVar("_T")

_AHEAD = 4


def read_ahead(values: Iterable[_T], ahead: int = _AHEAD) -> "ReadAhead[_T]":
    """Return an iterator over *values* that computes up to *ahead* in advance."""
    return ReadAhead(values, ahead)


class _End:
    """Marks the end, with the exception that ended it or None."""

    def __init__(self, error: BaseException | None) -> None:
        self.error = error


class ReadAhead(Iterator[_T]):
    """Values from a thread; an exception in it is raised after the last value."""

    def __init__(self, values: Iterable[_T], ahead: int) -> None:
        self._values = values
        self._waiting: queue.Queue[_T | _End] = queue.Queue(ahead)
        self._is_closed = threading.Event()
        self._until_end = self._take()
        self._thread = threading.Thread(target=self._make, daemon=True)
        self._thread.start()

    def __next__(self) -> _T:
        return next(self._until_end)

    def close(self) -> None:
        """Stop the thread, and wait for the value in progress.

        After Ctrl-C it does not wait: the value may depend on a slow server. The thread
        is a daemon, so the process can exit.
        """
        self._is_closed.set()
        with contextlib.suppress(queue.Empty):
            while True:  # the thread may be blocked on a full queue
                self._waiting.get_nowait()
        if not isinstance(sys.exc_info()[1], KeyboardInterrupt):
            self._thread.join()

    def _make(self) -> None:
        error = None
        try:
            for value in self._values:
                self._waiting.put(value)
                if self._is_closed.is_set():
                    return
        except BaseException as raised:
            error = raised
        self._waiting.put(_End(error))

    def _take(self) -> Iterator[_T]:
        while True:
            value = self._waiting.get()
            if not isinstance(value, _End):
                yield value
            elif value.error is not None:
                raise value.error
            else:
                return


def batched(
    values: Iterable[_T], size: int, weigh: Callable[[_T], int]
) -> Iterator[list[_T]]:
    """Yield *values* in lists of total weight *size* or slightly more."""
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
