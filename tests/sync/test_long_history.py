"""A prompt with more versions than fit in one request, or in one page of an answer."""

from collections.abc import Callable
from typing import Any

import pytest

from promptvault.domain.prompt import Content
from promptvault.services.locking import locked
from promptvault.vault.database import bulk_transaction
from promptvault.vault.sync.version import NewVersion, append_version
from promptvault.wire.sync import SyncAnswer
from tests.server.conftest import Server
from tests.sync.laptop import Laptop

_PAGE = 400


@pytest.fixture
def server(start_server: Callable[..., Server]) -> Server:
    """Return a server with short pages."""
    return start_server(versions_limit=_PAGE)


def _write(laptop: Laptop, name: str, count: int) -> None:
    """Give a prompt *count* more versions, as an import of many drafts does."""
    prompt = laptop.get(name)
    with locked(laptop.workspace) as writer, bulk_transaction(writer.connection):
        find = "SELECT pk FROM prompts WHERE id = ?"
        (pk,) = writer.connection.execute(find, (prompt.id,)).fetchone()
        for number in range(count):
            content = Content(f"draft {number} of {laptop.home.name}")
            time = "2026-05-01T09:30:00.000Z"
            id_ = f"{laptop.home.name.encode().hex():0>8}-0000-4000-8000-{number:012}"
            new = NewVersion(id_, content, "", ("Ada", "ada@example.org"), time)
            last = append_version(writer.connection, pk, new)
        change = "UPDATE prompts SET version_pk = ? WHERE pk = ?"
        writer.connection.execute(change, (last, pk))


class _Wire:
    """The answers of the server."""

    def __init__(self) -> None:
        self.answers: list[SyncAnswer] = []

    def __call__(self, exchange: Callable[[bytes], SyncAnswer]) -> Any:
        """Return *exchange*, with its answers recorded."""

        def listening(request: bytes) -> SyncAnswer:
            self.answers.append(exchange(request))
            return self.answers[-1]

        return listening

    def versions(self) -> list[int]:
        """Return the number of versions in each answer that has any."""
        counts = [
            sum(len(change.versions) for change in vault.feed)
            for answer in self.answers
            for vault in answer.vaults
        ]
        return [count for count in counts if count]


def test_it_goes_and_comes_in_parts(one: Laptop, two: Laptop) -> None:
    one.add("a", "first")
    _write(one, "a", 2400)
    assert one.sync().round_trips >= 3
    wire = _Wire()
    two.sync(wire)
    assert wire.versions() == [_PAGE] * 6 + [1]
    assert two.everything() == one.everything()
    assert len(two.log("a")) == 2401


def test_a_conflict_is_merged_after_all_of_it_was_read(
    one: Laptop, two: Laptop
) -> None:
    one.add("a", "first")
    one.sync()
    two.sync()
    _write(one, "a", 3 * _PAGE)
    one.sync()
    two.edit("a", "second")
    wire = _Wire()
    report = two.sync(wire)
    assert max(wire.versions()) <= _PAGE
    assert report.status.conflicts == 1
    one.sync()
    assert one.everything() == two.everything()
    assert len(one.log("a")) == 3 * _PAGE + 2


def test_both_sides_of_a_conflict_may_be_long(one: Laptop, two: Laptop) -> None:
    one.add("a", "first")
    one.sync()
    two.sync()
    for each in (one, two):
        _write(each, "a", 1500)
    one.sync()
    two.sync()
    one.sync()
    assert one.everything() == two.everything()
    assert len(one.log("a")) == 3001
    assert one.sync().status.to_send == two.sync().status.to_send == 0
