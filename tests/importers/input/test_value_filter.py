"""Values that are not needed are removed from JSON, wherever the pieces are cut."""

import io
import json
import re
import tracemalloc
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from promptvault.importers.input.value_filter import ValueFilter, without_values

BEFORE = re.compile(rb'"(?:answer|result)"\s*+:')
TEXTS = st.text(st.sampled_from('ab"\\[]{}:,\n é'))
KEYS = st.sampled_from(["answer", "result", "text", '"answer":'])
VALUES = st.recursive(
    st.none() | st.integers() | TEXTS,
    lambda inner: st.lists(inner) | st.dictionaries(KEYS, inner),
    max_leaves=20,
)


def emptied(value: Any) -> Any:
    """Return *value* with None for each member that is not needed."""
    if isinstance(value, dict):
        dropped = ("answer", "result")
        return {k: None if k in dropped else emptied(v) for k, v in value.items()}
    return list(map(emptied, value)) if isinstance(value, list) else value


def shortened(data: bytes, size: int, *, by_line: bool = False) -> bytes:
    """Return what is left of *data*, which comes in pieces of *size* bytes."""
    filter_ = ValueFilter(BEFORE, by_line=by_line)
    pieces = [data[at : at + size] for at in range(0, len(data), size)]
    return b"".join([*map(filter_.feed, pieces), filter_.rest()])


@given(VALUES, st.integers(1, 30), st.sampled_from([None, 2]), st.booleans())
@settings(max_examples=150, deadline=None)
@example({"answer": "a\\"}, 1, None, False)
@example({"answer": ["\\" * 9 + '"', "]"], "text": "b"}, 3, 2, True)
def test_values_are_removed(
    value: Any, size: int, indent: int | None, ascii_only: bool
) -> None:
    written = json.dumps(value, indent=indent, ensure_ascii=ascii_only).encode()
    assert json.loads(shortened(written, size)) == emptied(value)


@pytest.mark.parametrize("depth", [1, 8, 9, 40])
@pytest.mark.parametrize("size", [7, 1 << 20])
def test_nesting_of_any_depth(depth: int, size: int) -> None:
    deep = "[" * depth + '"]"' + "]" * depth
    data = f'{{"answer": {deep}, "text": "b"}}'.encode()
    assert json.loads(shortened(data, size)) == {"answer": None, "text": "b"}


def test_damage_ends_with_its_line() -> None:
    lines = b'{"answer": ["cut\n{"text": "b", "answer": "c"}\n{"answer": 1}\n'
    left = shortened(lines, 5, by_line=True).splitlines()
    assert left == [
        b'{"answer":null',
        b'{"text": "b", "answer":null}',
        b'{"answer":null}',
    ]


def test_a_large_value_takes_no_memory() -> None:
    class Endless(io.RawIOBase):
        """40 MB of one value in pieces, between two small ones."""

        def __init__(self) -> None:
            self.pieces = [b'{"text": "b", "answer": [', *[b'"x\\"",' * 8_000] * 800]
            self.pieces.append(b'"x"], "more": 1}')

        def read(self, size: int = -1) -> bytes:
            return self.pieces.pop(0) if self.pieces else b""

    tracemalloc.start()
    left = without_values(Endless(), BEFORE).read()  # type: ignore[arg-type]
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert json.loads(left) == {"text": "b", "answer": None, "more": 1}
    assert peak < 2 << 20
