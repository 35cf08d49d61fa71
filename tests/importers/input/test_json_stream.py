"""JSON of any outer shape is read value by value, and damage stays local."""

import codecs
import io
import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from promptvault.errors import ImportSourceError
from promptvault.importers.input.json_stream import Damaged, json_values

scalars = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False)
    | st.text(st.characters(exclude_categories=["Cs"]))
)
documents = st.recursive(
    scalars,
    lambda inner: st.lists(inner) | st.dictionaries(st.text(max_size=5), inner),
    max_leaves=20,
)
chunks = st.integers(1, 40)


def read(data: str | bytes, **options: Any) -> list[Any]:
    raw = data.encode() if isinstance(data, str) else data
    return list(json_values(io.BytesIO(raw), **options))


@given(st.lists(documents), chunks, st.sampled_from([None, 0, 2]), st.booleans())
@settings(deadline=None)
def test_array_gives_what_json_gives(
    value: list[Any], chunk: int, indent: int | None, ascii_only: bool
) -> None:
    text = json.dumps(value, indent=indent, ensure_ascii=ascii_only)
    assert read(text, chunk=chunk) == value


@given(st.lists(documents), chunks)
@settings(deadline=None)
def test_wrapped_list_gives_its_elements(value: list[Any], chunk: int) -> None:
    text = json.dumps({"version": 1, "conversations": value, "more": [{}]})
    assert read(text, chunk=chunk) == value


@given(
    st.lists(st.dictionaries(st.text(max_size=5), documents, max_size=3), max_size=4),
    chunks,
)
@settings(deadline=None)
def test_lines_give_their_objects(value: list[Any], chunk: int) -> None:
    text = "\r\n".join(map(json.dumps, value))
    assert read(text, unwrap=(), chunk=chunk) == value


@given(st.binary(max_size=200), chunks)
@settings(deadline=None)
def test_arbitrary_bytes_never_raise(data: bytes, chunk: int) -> None:
    read(data, chunk=chunk)
    read(b'[{"a": 1, "b": 2}, ' + data, chunk=chunk)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", []),
        (" \r\n\t", []),
        ("[]", []),
        ('{"a": 1}', [{"a": 1}]),
        ('{"a": 1}{"b": 2}\n\n{"c": 3}\n', [{"a": 1}, {"b": 2}, {"c": 3}]),
        ('{"meta": {"n": 1}, "items": [1, 2]}', [1, 2]),
        ('{"data": [1]}\n{"data": [2]}', [1, 2]),
        ('{"conversations": {"a": 1}}', [{"conversations": {"a": 1}}]),
        ("[Infinity, -Infinity]", [float("inf"), float("-inf")]),
        ('["a\tb"]', ["a\tb"]),
        ('{"a": 1}\n\ufeff{"b": 2}', [{"a": 1}, {"b": 2}]),
    ],
)
def test_shapes(text: str, expected: list[Any]) -> None:
    assert read(text) == expected


def test_nan_is_tolerated() -> None:
    (value,) = read("[NaN]")
    assert value != value


@pytest.mark.parametrize(
    "data",
    [
        '[{"a": "é😀"}]'.encode(),
        codecs.BOM_UTF8 + '[{"a": "é😀"}]'.encode(),
        codecs.BOM_UTF16_LE + '[{"a": "é😀"}]'.encode("utf-16-le"),
        codecs.BOM_UTF16_BE + '[{"a": "é😀"}]'.encode("utf-16-be"),
    ],
)
@pytest.mark.parametrize("chunk", [1, 2, 3, 1000])
def test_encodings(data: bytes, chunk: int) -> None:
    assert read(data, chunk=chunk) == [{"a": "é😀"}]


def test_bytes_that_are_no_text_become_replacement_characters() -> None:
    assert read(b'["a\xffb"]') == ["a\ufffdb"]


@pytest.mark.parametrize(
    "damage",
    [
        '{"id": 2, "name": tru}',
        '{"id": 2, "name": }',
        '{"id": 2, "name": {"x": [1, 2}',
        '{"id": 2, "name": "no end}',
        '{"id": 2, "name": "a" "b"}',
        '{"id": 2, "name": "cut off, ',
        '{"id": 2, "name": [[[',
        '{"id": 2, "name": 1' + "0" * 5000 + "}",
        '{"id": 2, "name": ' + "[" * 10_000 + "]" * 10_000 + "}",
        '{"id": 2, "name": ' + '{"a":' * 10_000 + "1" + "}" * 10_000 + "}",
        '{"id": 2, "name": "\\x"}',
    ],
)
@pytest.mark.parametrize("chunk", [7, 1 << 18])
def test_damaged_element_costs_itself(damage: str, chunk: int) -> None:
    whole = [{"id": n, "name": "[{,]} \\"} for n in (1, 3, 4)]
    first, *rest = map(json.dumps, whole)
    got = read(f"[{', '.join([first, damage, *rest])}]", chunk=chunk)
    assert [value for value in got if not isinstance(value, Damaged)] == whole
    (fault,) = [value for value in got if isinstance(value, Damaged)]
    assert fault.position == 1
    assert fault.reason


def test_damaged_first_element_costs_itself() -> None:
    got = read('[{"id": 1, "x": tru}, {"id": 2}]')
    assert got[1:] == [{"id": 2}]
    assert isinstance(got[0], Damaged)


def test_damaged_element_without_likeness_ends_at_its_bracket() -> None:
    got = read('[{"a": [1, "]}", }, ]}, 7, "x"]')
    assert got[1:] == [7, "x"]
    assert isinstance(got[0], Damaged)


@pytest.mark.parametrize("line", ["nonsense", '{"a": ', '{"a": "x', "}", "{]"])
def test_damaged_line_costs_that_line(line: str) -> None:
    got = read(f'{{"n": 1}}\n{line}\n{{"n": 2}}\n')
    assert [value for value in got if not isinstance(value, Damaged)] == [
        {"n": 1},
        {"n": 2},
    ]
    assert sum(isinstance(value, Damaged) for value in got) == 1


def test_damaged_object_over_several_lines_is_one_fault() -> None:
    got = read('{\n "a": tru,\n "b": 1\n}\n{"c": 2}')
    assert got[1:] == [{"c": 2}]
    assert isinstance(got[0], Damaged)


def test_file_cut_off_anywhere_keeps_the_whole_elements_before() -> None:
    whole = [{"id": n, "t": 'é"\\ [{'} for n in range(3)]
    text = json.dumps(whole, ensure_ascii=False)
    ends = [text.index("}", text.index(f'"id": {n}')) for n in range(3)]
    data = text.encode()
    for cut in range(len(data)):
        got = read(data[:cut])
        count = sum(end < len(data[:cut].decode(errors="ignore")) for end in ends)
        assert [v for v in got if not isinstance(v, Damaged)] == whole[:count]
        assert len(got) - count == (1 if cut else 0)


def test_unreadable_stream_is_reported_after_what_was_read() -> None:
    class Broken(io.BytesIO):
        def read(self, size: int | None = -1, /) -> bytes:
            data = super().read(size)
            if not data:
                raise ImportSourceError("bad checksum")
            return data

    got = list(json_values(Broken(b'[{"a": 1}, {"a": 2}')))
    assert got[:2] == [{"a": 1}, {"a": 2}]
    assert [v.reason for v in got[2:] if isinstance(v, Damaged)] == [
        "the file cannot be read further: bad checksum"
    ]


def test_file_that_is_all_damage_is_given_up() -> None:
    got = read("prose\n" * 2000)
    assert len(got) == 1001
    assert "too much is damaged" in got[-1].reason


@pytest.mark.parametrize(
    "damaged",
    ['{"oops": {"a": 1, "b": [}', '{"oops": {"a": "1}', '{"x": 1, "y": [1, 2}'],
)
def test_a_damaged_element_unlike_its_neighbours_costs_itself_alone(
    damaged: str,
) -> None:
    good = '{"title": "a", "create_time": 1, "mapping": {}}'
    text = f"[{good}, {damaged}, {good}, {good}]"
    found = list(json_values(io.BytesIO(text.encode())))
    assert [isinstance(value, dict) for value in found] == [True, False, True, True]
