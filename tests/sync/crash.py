"""Crashes between any two SQL statements of a device, as a kill causes them."""

import contextlib
import sqlite3
import sys
from collections.abc import Iterator
from types import FrameType
from typing import Any

_STATEMENTS = {"execute", "executemany"}


class KilledError(BaseException):
    """Stands for a kill; it is no Exception, so that no code handles it."""


@contextlib.contextmanager
def crashing(at: int | None) -> Iterator[None]:
    """Die at the *at*-th statement that SQLite gets within the block, if any.

    What was not committed by then is rolled back, as after a kill. All calls are
    watched instead of connections, which the program opens itself.
    """
    left = at

    def watch(frame: FrameType, event: str, argument: Any) -> None:
        nonlocal left
        if event == "c_call" and left and argument.__name__ in _STATEMENTS:
            owner = getattr(argument, "__self__", None)
            if isinstance(owner, sqlite3.Connection | sqlite3.Cursor):
                left -= 1
                if left == 0:
                    raise KilledError

    if at is None:
        yield
        return
    sys.setprofile(watch)
    try:
        yield
    finally:
        sys.setprofile(None)


@contextlib.contextmanager
def spared() -> Iterator[None]:
    """Treat the block as another process, which is not killed."""
    watch = sys.getprofile()
    sys.setprofile(None)
    try:
        yield
    finally:
        sys.setprofile(watch)
