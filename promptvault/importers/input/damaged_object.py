"""Reads objects whose main part is a list, and saves its elements from damage."""

from collections.abc import Callable, Iterator
from typing import BinaryIO

from promptvault.importers.input.json_stream import (
    Damaged,
    JsonObject,
    JsonValue,
    json_values,
)


def objects_with(
    key: str, opener: Callable[[], BinaryIO]
) -> Iterator[JsonValue | Damaged]:
    """Yield the values in a stream, usually one object with a list under *key*.

    If the first value is damaged, the stream is opened again, and what is yielded is an
    object that has only the intact elements of the list, then what is damaged. For
    that, only scalars may come before the list.
    """
    with opener() as stream:
        for index, value in enumerate(json_values(stream, ())):
            if index == 0 and isinstance(value, Damaged):
                break
            yield value
        else:
            return
    yield from _intact_elements(key, opener)


def _intact_elements(
    key: str, opener: Callable[[], BinaryIO]
) -> Iterator[JsonObject | Damaged]:
    elements: list[JsonValue] = []
    damaged: list[Damaged] = []
    with opener() as stream:
        for value in json_values(stream, (key,)):
            if isinstance(value, Damaged):
                damaged.append(value)
            else:
                elements.append(value)
    if elements:
        yield {key: elements}
    yield from damaged
