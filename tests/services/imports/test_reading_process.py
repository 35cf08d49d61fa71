"""Values from a child process: all of them, their error, and no process left over."""

import errno
import itertools
import os
import signal
from collections.abc import Iterator

import pytest

from promptvault.errors import ImportSourceError
from promptvault.services.imports.reading_process import from_child

MANY = 50_000
"""More values than fit into a pipe."""


def is_running(process: int) -> bool:
    """Return True if *process* runs, or has ended and was not waited for."""
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    return True


def ids_forever() -> Iterator[int]:
    """Yield the id of the process that computes this."""
    while True:
        yield os.getpid()


def test_values_arrive_in_order() -> None:
    assert list(from_child(range(MANY))) == list(range(MANY))


def test_another_process_computes_them() -> None:
    child, *_ = from_child(os.getpid() for _ in range(3))
    assert child != os.getpid()
    assert not is_running(child)


def test_error_is_raised_after_the_last_value() -> None:
    def values() -> Iterator[int]:
        yield from range(MANY)
        raise ImportSourceError("the archive is damaged")

    found = from_child(values())
    assert list(itertools.islice(found, MANY)) == list(range(MANY))
    with pytest.raises(ImportSourceError, match="archive is damaged"):
        next(found)


def test_killed_process_is_an_error() -> None:
    def values() -> Iterator[int]:
        yield from range(MANY)
        os.kill(os.getpid(), signal.SIGKILL)

    with pytest.raises(ImportSourceError, match="was killed"):
        list(from_child(values()))


def test_closing_ends_the_process() -> None:
    values = from_child(ids_forever())
    child = next(values)
    assert is_running(child)
    values.close()
    assert not is_running(child)


def test_interrupt_is_left_to_the_parent() -> None:
    def values() -> Iterator[int]:
        yield os.getpid()
        os.kill(os.getpid(), signal.SIGINT)
        yield 2

    assert list(itertools.islice(from_child(values()), 1, None)) == [2]


def test_interrupt_while_the_process_starts(monkeypatch: pytest.MonkeyPatch) -> None:
    fork, started = os.fork, []

    def fork_and_interrupt() -> int:
        if child := fork():
            started.append(child)
            os.kill(os.getpid(), signal.SIGINT)
        return child

    monkeypatch.setattr(os, "fork", fork_and_interrupt)
    with pytest.raises(KeyboardInterrupt):
        next(from_child(ids_forever()))
    assert not is_running(*started)


def test_buffers_of_the_parent_are_not_written_twice(
    capfd: pytest.CaptureFixture[str],
) -> None:
    with os.fdopen(os.dup(1), "w") as out:
        out.write("once")
        list(from_child(range(3)))
    assert capfd.readouterr().out == "once"


def test_a_system_that_starts_no_process(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse() -> int:
        raise BlockingIOError(errno.EAGAIN, "no more processes")

    monkeypatch.setattr(os, "fork", refuse)
    before = len(os.listdir("/proc/self/fd"))
    assert set(from_child(os.getpid() for _ in range(3))) == {os.getpid()}
    assert len(os.listdir("/proc/self/fd")) == before
