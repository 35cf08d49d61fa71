"""Rows of CSV text; reading continues after a damaged row."""

import csv
from collections import deque
from collections.abc import Iterable, Iterator
from itertools import count

from promptvault.importers.input.json_stream import Damaged

_LARGEST = 1 << 23
_CONVINCING = 3
"""Lines in a row that must be rows by themselves to be no text of a prompt."""

Row = list[str]


def rows(
    lines: Iterable[str], delimiter: str, width: int
) -> Iterator[tuple[int, Row | Damaged]]:
    """Yield the number, from 1, and the cells of each row that is not blank.

    A row that is not valid CSV becomes `Damaged`. An unclosed quote would include all
    rows after it; those with *width* cells are read nevertheless.
    """
    feed = _Feed(lines)
    reader = csv.reader(feed, delimiter=delimiter, strict=True)
    for number in count(1):
        feed.begin()
        try:
            cells = _next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            first, *others = feed.held
            if not others and (alone := _alone(first, delimiter, width)):
                yield number, alone
                continue
            yield number, Damaged(number - 1, _reason(error))
            if not feed.resume(others, delimiter, width):
                return
        else:
            if any(cells):
                yield number, cells


class _TooLarge(csv.Error):
    """A row has more characters than any prompt."""


class _Feed:
    """Passes lines to a CSV reader, and keeps those of the current row."""

    def __init__(self, lines: Iterable[str]) -> None:
        self._lines = iter(lines)
        self._again: deque[str] = deque()
        self._ended = False
        self._size = 0
        self.held: list[str] = []

    def begin(self) -> None:
        """Drop the lines of the previous row."""
        self.held.clear()
        self._size = 0

    def __iter__(self) -> Iterator[str]:
        return self

    def __next__(self) -> str:
        if self._size > _LARGEST:
            raise _TooLarge
        line = self._again.popleft() if self._again else next(self._lines, "")
        if not line:
            self._ended = True
            raise StopIteration
        self._size += len(line)
        self.held.append(line)
        return line

    def resume(self, others: list[str], delimiter: str, width: int) -> bool:
        """Continue after the first line of a damaged row; return False if that is not
        possible.

        The last line, which revealed the damage, begins the next row.
        """
        if len(others) >= _CONVINCING and all(
            _alone(line, delimiter, width) for line in others
        ):
            self._again.extendleft(reversed(others))
            return True
        if self._ended or self._size > _LARGEST:
            return False
        self._again.extendleft(others[-1:])
        return True


def _next(reader: Iterator[Row]) -> Row:
    """Return the next row. The size limit belongs to the csv module, so it is
    restored."""
    limit = csv.field_size_limit(_LARGEST * 2)
    try:
        return next(reader)
    finally:
        csv.field_size_limit(limit)


def _alone(line: str, delimiter: str, width: int) -> Row | None:
    """Return one line as a row, ignoring wrong quotes."""
    try:
        cells = _next(csv.reader([line], delimiter=delimiter))
    except (csv.Error, StopIteration):
        return None
    return cells if len(cells) == width else None


def _reason(error: csv.Error) -> str:
    if isinstance(error, _TooLarge):
        return "it is too large for a prompt, or a quote is not closed"
    if "unexpected end" in str(error):
        return "the file ends inside it, or a quote is not closed"
    return "its quotes do not match"
