"""The start of a JSON text becomes JSON that can be parsed."""

import json

import pytest

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


def test_any_start_can_be_parsed() -> None:
    value = [{"a": ["b, {", '\\"', None], "é": {"c": [[], {}]}}, 1.5, "d"] * 2
    text = json.dumps(value).encode()
    for size in range(1, len(text) + 1):
        assert isinstance(json.loads(completed(text[:size])), list)
    assert json.loads(completed(text)) == value


@pytest.mark.parametrize("start", [b"", b'"', b"}{]", b"\\", b'\xff["\\', b"]]]]"])
def test_what_is_no_json_does_no_harm(start: bytes) -> None:
    assert isinstance(completed(start), bytes)
