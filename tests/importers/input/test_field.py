"""Fields of any type are read without an exception."""

from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from promptvault.importers.input.field import (
    as_list,
    as_object,
    as_text,
    as_time,
    first_text,
    sanitized,
)

NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)


@pytest.mark.parametrize(
    "value",
    [
        1767268800,
        1767268800.0,
        1767268800000,
        "1767268800",
        "1767268800.0",
        "2026-01-01T12:00:00Z",
        "2026-01-01T12:00:00.000000+00:00",
        "2026-01-01T13:00:00+01:00",
        "2026-01-01T12:00:00",
    ],
)
def test_moment(value: object) -> None:
    assert as_time(value) == NOON


@pytest.mark.parametrize(
    "value",
    [
        None,
        True,
        "",
        "soon",
        [],
        {},
        float("nan"),
        float("inf"),
        1e300,
        10**400,
        "9" * 99,
    ],
)
def test_no_moment(value: object) -> None:
    assert as_time(value) is None


@given(st.text() | st.floats() | st.integers() | st.dates().map(str))
@settings(deadline=None)
def test_moment_is_aware_or_none(value: object) -> None:
    found = as_time(value)
    assert found is None or found.tzinfo is UTC


@pytest.mark.parametrize("value", [None, "", " \n", 7, [], {"a": 1}])
def test_no_text(value: object) -> None:
    assert as_text(value) is None


def test_text_keeps_all_but_what_no_file_takes() -> None:
    assert as_text("  a\0b\ud83dc\r\n ") == "  a\ufffdb\ufffdc\r\n "
    assert sanitized("😀") == "😀"


@pytest.mark.parametrize("value", [None, 1, "a", True])
def test_neither_object_nor_array(value: Any) -> None:
    assert as_object(value) == {}
    assert as_list(value) == []


def test_first_text_under_several_names() -> None:
    fields: dict[str, Any] = {"a": " ", "b": 3, "c": "said", "d": "later"}
    assert first_text(fields, ("x", "a", "b", "c", "d")) == "said"
    assert first_text(fields, ("x", "a")) is None
