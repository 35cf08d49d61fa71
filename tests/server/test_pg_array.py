"""Columns reach PostgreSQL unchanged: lengths, NULLs, every type."""

from typing import Any

import psycopg
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from promptvault.server.pg_array import Column

VALUES: dict[str, st.SearchStrategy[Any]] = {
    "bool": st.booleans(),
    "bytea": st.binary(),
    "bigint": st.integers(-(2**63), 2**63 - 1),
    "int": st.integers(-(2**31), 2**31 - 1),
    "text": st.text(st.characters(exclude_characters="\x00", codec="utf-8")),
    "uuid": st.uuids(),
}


@pytest.mark.parametrize("type_", VALUES)
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_what_goes_in_comes_out(
    database: "psycopg.Connection[Any]", type_: str, data: st.DataObject
) -> None:
    values = data.draw(st.lists(st.none() | VALUES[type_], max_size=20))
    row = database.execute(
        f"SELECT %s::{type_}[]", (Column(type_, values),), binary=True
    ).fetchone()
    assert row == (values,)


@pytest.fixture
def database(database_url: str) -> Any:
    with psycopg.connect(database_url) as connection:
        yield connection
