"""The rows of a prompt and its versions: columns and values."""

import json

import pytest

from promptvault.domain.digest import digest
from promptvault.domain.prompt import Content, ContentScan, Details, Version
from promptvault.domain.variable import Variable
from promptvault.vault.prompt_row import (
    DetailsValues,
    PromptValues,
    VersionValues,
    details_values,
    tags_json,
    version_values,
)
from promptvault.vault.tables import PromptRow, VaultTable, VersionRow
from tests.conftest import AUTHOR, NOON

KEY = "ghp_" + "aB3dE6gH9jK2mN5pQ8sT1vW4yZ7bC0eF3hJ6"


@pytest.mark.parametrize(
    ("values", "table", "written_later"),
    [
        (PromptValues, PromptRow, set[str]()),
        (VersionValues, VersionRow, {"commit_id"}),
    ],
)
def test_a_row_has_every_column_of_its_table(
    values: type[PromptValues | VersionValues],
    table: type[VaultTable],
    written_later: set[str],
) -> None:
    columns = set(VaultTable.metadata.tables[str(table.__tablename__)].columns.keys())
    assert set(values._fields) == columns - written_later


def test_the_details_are_columns_of_the_prompt() -> None:
    assert DetailsValues._fields == Details._fields
    assert set(DetailsValues._fields) < set(PromptValues._fields)


def version(content: Content) -> Version:
    """Return a third version."""
    return Version("id", 3, content, "why", AUTHOR, NOON, "commit")


def test_a_version_becomes_a_row() -> None:
    content = Content("Hi {{ n }}", True, (Variable("n", "who", "you"),))

    row = version_values(version(content), 7)

    assert (row.pk, row.prompt_pk, row.id, row.number) == (None, 7, "id", 3)
    assert (row.body, row.template, row.message) == ("Hi {{ n }}", True, "why")
    assert (row.author_name, row.author_email) == AUTHOR
    assert row.created_at == "2026-05-01T12:00:00.000Z"
    assert row.digest == digest("Hi {{ n }}")
    assert json.loads(row.variables)["n"]["default"] == "you"
    assert (row.import_pk, row.secrets) == (None, "[]")


def test_what_the_caller_knows_is_taken_over() -> None:
    row = version_values(
        version(Content("Hi")), 7, pk=9, scan=ContentScan(b"known", ()), import_pk=4
    )

    assert (row.pk, row.digest, row.import_pk, row.variables) == (9, b"known", 4, "{}")


def test_a_row_says_which_secrets_are_in_the_text() -> None:
    row = version_values(version(Content(f"Use {KEY}")), 7)

    assert json.loads(row.secrets) == ["GitHub Token"]


def test_tags_are_stored_as_they_are_written() -> None:
    assert tags_json(("größe", "x")) == '["größe", "x"]'
    assert tags_json(()) == "[]"
    details = Details("T", "D", ("größe",), True, True)
    assert details_values(details) == ("T", "D", '["größe"]', True, True)
