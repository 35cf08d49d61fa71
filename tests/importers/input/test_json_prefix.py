"""The start of a JSON text becomes JSON that can be parsed."""

import contextlib
import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from promptvault.importers.input.json_prefix import completed


@pytest.mark.parametrize(
    ("start", "whole"),
    [
        (b'[{"a": 1, "b": [2, "x', [{"a": 1, "b": [2]}]),
        (b'{"a": {"b": "c\\"', {"a": {}}),
        (b'[1, 2], ignored"', None),
        (b'{"a": "{[", "b": tru', {"a": "{["}),
        (b"[]", []),
    ],
)
def test_the_last_whole_value_ends_it(start: bytes, whole: object) -> None:
    if whole is not None:
        assert json.loads(completed(start)) == whole


@settings(max_examples=50)
@given(st.recursive(st.none() | st.text(), st.lists), st.integers(0, 200))
def test_any_start_of_a_list_can_be_parsed(value: object, size: int) -> None:
    text = json.dumps([[value]]).encode()
    if size:
        assert isinstance(json.loads(completed(text[: max(size, 1)])), list)


@given(st.binary(max_size=50))
def test_no_other_text_raises(start: bytes) -> None:
    with contextlib.suppress(ValueError):
        json.loads(completed(start))
