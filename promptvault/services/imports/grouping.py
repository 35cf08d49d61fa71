"""Groups prompts on their way from the process that reads a large file.

Each message of that process names the classes in it, so a message for every prompt
takes twice the time.
"""

import contextlib
from collections.abc import Generator, Iterable, Iterator

from promptvault.errors import ImportSourceError
from promptvault.services.imports.naming import Built

_TOGETHER = 64 << 10
"""Bytes of a group."""
_LEAST = 1 << 10
"""Bytes of a prompt besides its text."""


def grouped(found: Iterable[Built]) -> Iterator[list[Built]]:
    """Yield *found* in groups.

    An ImportSourceError of *found* is raised after the last group.
    """
    group: list[Built] = []
    size = 0
    try:
        for built in found:
            group.append(built)
            size += _size(built)
            if size >= _TOGETHER:
                yield group
                group, size = [], 0
    except ImportSourceError:
        yield group
        raise
    yield group


def ungrouped(
    groups: Generator[list[Built], None, None],
) -> Generator[Built, None, None]:
    """Yield each of *groups* one by one; closing this closes *groups*."""
    with contextlib.closing(groups):
        for group in groups:
            yield from group


def _size(built: Built) -> int:
    bodies = (prompt.current.content.body for prompt in built.prompts)
    return _LEAST + sum(len(body) + _LEAST for body in bodies)
