"""Dying between any two statements of what a device does, as a kill would have it."""

import contextlib
import sqlite3
import sys
from collections.abc import Iterator
from types import FrameType
from typing import Any

_STATEMENTS = {"execute", "executemany"}


class KilledError(BaseException):
    """The program is gone: nobody may take this for an error that can be handled."""


@contextlib.contextmanager
def crashing(at: int | None) -> Iterator[None]:
    """Die at the *at*-th statement that SQLite is given within the block, if any.

    What was not committed by then is rolled back, all that a kill leaves behind. Not
    the connections are watched, which the program opens by itself, but all calls.
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
    """Let what happens in the block be another process, which does not die."""
    watch = sys.getprofile()
    sys.setprofile(None)
    try:
        yield
    finally:
        sys.setprofile(watch)
