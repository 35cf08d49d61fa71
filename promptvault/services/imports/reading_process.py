"""Computes values in a child process while this one uses them.

Reading a large file and storing its prompts take about the same time. With two cores
an import takes as long as the slower of the two.
"""

import contextlib
import os
import pickle
import signal
import sys
import threading
from collections.abc import Generator, Iterable, Iterator
from types import FrameType
from typing import BinaryIO, NoReturn, TypeVar

from promptvault.errors import ImportSourceError
from promptvault.importers.input.document import Document

if sys.platform == "linux":
    import fcntl

_T = TypeVar("_T")

_CAN_FORK = sys.platform == "linux"
"""False on macOS, whose libraries may crash in a forked process, and on Windows."""

_LARGE = 8 << 20
"""Bytes of a file that takes far longer to read than a process takes to start."""
_PIPE_BYTES = 1 << 20
"""Enough for the prompts that are read while a batch of rows is written."""


def is_worth_a_process(document: Document) -> bool:
    """Return True for a large text; SQLite must not be used in a forked process."""
    return _CAN_FORK and document.size >= _LARGE and not document.is_database


class _End:
    """Marks the end of the values, with the exception that ended them or None."""

    def __init__(self, error: Exception | None) -> None:
        self.error = error


def from_child(values: Iterable[_T]) -> Generator[_T, None, None]:
    """Yield *values*, which a forked process computes; they must be picklable.

    An exception of *values* is raised after the last value. Raises ImportSourceError if
    the process was killed. Closing the generator kills the process. If this process is
    killed, the other one ends as soon as it writes. If the system starts no process,
    this one computes the values.
    """
    reading, writing = os.pipe()
    child = None
    try:
        with _interrupt_held_back():  # until it is known which process must be ended
            child = _fork(values, reading, writing)
        os.close(writing)
        with open(reading, "rb") as pipe:
            yield from values if child is None else _received(pipe)
    finally:
        if child is not None:
            os.kill(child, signal.SIGKILL)
            os.waitpid(child, 0)


@contextlib.contextmanager
def _interrupt_held_back() -> Iterator[None]:
    """Let Ctrl-C take effect at the end. Another thread is never interrupted."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    pressed: list[tuple[int, FrameType | None]] = []
    before = signal.signal(signal.SIGINT, lambda *given: pressed.append(given))
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)
        if pressed and callable(before):
            before(*pressed[0])


def _fork(values: Iterable[object], reading: int, writing: int) -> int | None:
    """Return the id of a process that sends *values*, None if none can be started."""
    try:
        child = os.fork()
    except OSError:
        return None
    if not child:
        _compute(values, reading, writing)
    return child


def _compute(values: Iterable[object], reading: int, writing: int) -> NoReturn:
    """Send *values*, and exit without running what the parent has yet to finish."""
    try:
        # Ctrl-C reaches both processes; the parent decides what happens.
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        os.close(reading)  # or writing never fails after the parent has ended
        _enlarge(writing)
        with open(writing, "wb", buffering=1 << 16) as pipe:
            _send(values, pipe)
    finally:
        os._exit(0)


def _enlarge(pipe: int) -> None:
    if sys.platform == "linux":
        with contextlib.suppress(OSError):  # the system limits pipes for each user
            fcntl.fcntl(pipe, fcntl.F_SETPIPE_SZ, _PIPE_BYTES)


def _send(values: Iterable[object], pipe: BinaryIO) -> None:
    try:
        for value in values:
            pickle.dump(value, pipe, pickle.HIGHEST_PROTOCOL)
    except Exception as error:
        pickle.dump(_End(error), pipe)
    else:
        pickle.dump(_End(None), pipe)


def _received(pipe: BinaryIO) -> Iterator[_T]:
    while True:
        try:
            value = pickle.load(pipe)
        except (EOFError, pickle.UnpicklingError):
            raise ImportSourceError("the process that read it was killed") from None
        if not isinstance(value, _End):
            yield value
        elif value.error is not None:
            raise value.error
        else:
            return
