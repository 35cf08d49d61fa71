"""Lines of any length are read whole; files encoded in them are removed."""

import base64
import io
import json
import os
import tracemalloc
from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from promptvault.importers.input.attachment import without_files
from promptvault.importers.input.json_stream import Damaged
from promptvault.importers.input.lines import json_lines, read_lines


def read(data: bytes, chunk: int) -> Iterator[bytes]:
    return read_lines(io.BytesIO(data), chunk)


@given(
    st.lists(
        st.text(
            st.characters(exclude_categories=["Cs"], exclude_characters="\n\r\ufeff")
        )
    ),
    st.integers(1, 9),
)
def test_lines_are_those_of_the_text(texts: list[str], chunk: int) -> None:
    data = "".join(f"{text}\n" for text in texts).encode()
    assert [line.decode() for line in read(data, chunk)] == texts


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
@pytest.mark.parametrize("end", ["\n", "\r\n"])
@pytest.mark.parametrize("chunk", [2, 5, 1 << 20])
def test_encodings_and_ends(encoding: str, end: str, chunk: int) -> None:
    data = f"one é{end}{end}two{end}three".encode(encoding)
    assert list(read(data, chunk)) == ["one é".encode(), b"", b"two", b"three"]


def test_damaged_lines_cost_no_other() -> None:
    deep = b"[" * 100_000
    data = b'{"a": 1}\n{"b": \n' + deep + b'\n"three"'
    found = dict(json_lines(io.BytesIO(data)))
    assert (found[1], found[4]) == ({"a": 1}, "three")
    assert isinstance(found[2], Damaged)
    assert isinstance(found[3], Damaged)


def image(size: int) -> str:
    return base64.b64encode(os.urandom(size)).decode()


def test_line_with_a_large_image_comes_without_it() -> None:
    row = {"said": "look", "image": {"data": image(40 << 20)}, "end": True}
    data = json.dumps(row).encode() + b'\n{"said": "next"}\n'
    del row
    tracemalloc.start()
    values = [value for _, value in json_lines(io.BytesIO(data))]
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert values == [
        {"said": "look", "image": {"data": ""}, "end": True},
        {"said": "next"},
    ]
    assert peak < 30 << 20


def test_line_that_is_far_too_long_is_cut_and_the_next_one_comes() -> None:
    data = b'{"a": "' + b"word " * (8 << 20) + b'", "c": "x"}\n{"b": 2}\n'
    first, second = (value for _, value in json_lines(io.BytesIO(data)))
    assert isinstance(first, Damaged)
    assert second == {"b": 2}


@pytest.mark.parametrize("size", [1, 100, 1024, 5000, 1 << 20])
@pytest.mark.parametrize("length", [0, 900, 1024, 50_000])
def test_files_are_dropped_however_they_are_read(size: int, length: int) -> None:
    inside = "A" * length
    value = {"data": inside, "uri": f"data:image/png;base64,{inside}", "b": [inside]}
    stream = without_files(io.BytesIO(json.dumps(value).encode()))
    pieces = b"".join(iter(lambda: stream.read(size), b""))
    left = json.loads(pieces)
    assert left["b"] == [inside]
    kept = inside if length < 1024 else ""
    assert left["data"] == kept
    assert left["uri"] == f"data:image/png;base64,{kept}"


def test_what_a_person_pasted_is_no_file() -> None:
    value = {"text": json.dumps({"data": "A" * 9000}), "blob": "B" * 9000}
    stream = without_files(io.BytesIO(json.dumps(value).encode()))
    assert json.loads(stream.read(1 << 20) + stream.read(1 << 20)) == value
