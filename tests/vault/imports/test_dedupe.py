"""Which prompt of the vault an imported one duplicates, as a table."""

from collections.abc import Sequence

import pytest

from promptvault.domain.digest import digest
from promptvault.domain.imported_prompt import ImportedPrompt, ImportedVersion
from promptvault.domain.prompt import Content, Origin
from promptvault.vault.database import bulk_transaction, connected
from promptvault.vault.imports.bulk_insert import BulkInsert
from promptvault.vault.imports.dedupe import Matcher
from tests.conftest import AUTHOR, NOON, Vault

UUID = "0" * 8 + "-0000" * 3 + "-" + "1" * 12


def version(
    body: str, message: str | None = None, chat: str = "c", source: str = "chat"
) -> ImportedVersion:
    origin = Origin(source, chat, None, message) if message or chat else None
    return ImportedVersion(Content(body), origin=origin)


def known(vault: Vault, *versions: ImportedVersion) -> None:
    with connected(vault.database) as connection, bulk_transaction(connection):
        inserts = BulkInsert(connection, AUTHOR, NOON, None)
        inserts.upsert(ImportedPrompt("a", versions, "chat"))
        inserts.finish("Import")


def missing(vault: Vault, *versions: ImportedVersion) -> Sequence[int] | None:
    """Return the indexes of the versions to add, None for a new prompt."""
    prompt = ImportedPrompt("b", versions, "chat")
    with connected(vault.database) as connection:
        key = digest(prompt.current.content.body)
        match = Matcher(connection).find(prompt, key)
    return None if match is None else list(match.missing)


@pytest.mark.parametrize(
    ("imported", "expected"),
    [
        ([version("new", "other")], None),
        ([version("one", "m")], []),
        ([version("changed", "m")], [0]),
        ([version("one", "m"), version("two", "n")], [1]),
        ([version("one", "other", chat="d")], []),
        ([version("changed", "m", chat="d")], None),
        ([version("changed", "m", source="another")], None),
    ],
)
def test_message_comes_before_text(
    vault: Vault, imported: list[ImportedVersion], expected: list[int] | None
) -> None:
    known(vault, version("one", "m"))
    assert missing(vault, *imported) == expected


def test_uuid_identifies_a_message_in_any_conversation(vault: Vault) -> None:
    known(vault, version("one", UUID))
    assert missing(vault, version("changed", UUID, chat="fork")) == [0]


def test_older_text_counts_only_without_message_ids(vault: Vault) -> None:
    known(vault, version("old", "m"), version("now", "n"))
    assert missing(vault, version("old", "other")) is None
    assert missing(vault, version("old")) == []
