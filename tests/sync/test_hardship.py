"""Difficult syncs: secrets, invalid changes, long and large histories, odd servers."""

import json
import uuid
from collections.abc import Callable
from contextlib import closing
from sqlite3 import connect as connect_sqlite
from typing import Any

import pytest

from promptvault.domain.digest import digest
from promptvault.errors import UnavailableError
from promptvault.services.prompts.edit import move_prompts
from promptvault.services.sync.conductor import Exchange
from promptvault.vault.sync.item import Hold
from promptvault.wire.sync import SyncAnswer
from tests.sync.laptop import Laptop, Through

SECRET = "key = ghp_" + "a8Kq2LmZ0x9RtVb4Nc7Ys1Wd3Ef5Gh6JkPzQ"


class OfflineError(Exception):
    """The server cannot be reached."""


def offline(_: Exchange) -> Exchange:
    """A proxy of the server that lets no request through."""

    def exchange(_: bytes) -> SyncAnswer:
        raise OfflineError

    return exchange


def sent_otherwise(change: Callable[[dict[str, Any]], None]) -> Through:
    """Return a proxy that changes each thing that a device pushes."""

    def through(exchange: Exchange) -> Exchange:
        def send(request: bytes) -> SyncAnswer:
            told = json.loads(request)
            for push in told["vaults"][0]["push"]:
                change(push)
            return exchange(json.dumps(told).encode())

        return send

    return through


def answered_otherwise(change: Callable[[dict[str, Any]], object]) -> Through:
    """Return a proxy that changes each answer for the vault."""

    def through(exchange: Exchange) -> Exchange:
        def send(request: bytes) -> SyncAnswer:
            told = json.loads(exchange(request).model_dump_json())
            change(told["vaults"][0])
            return SyncAnswer.model_validate_json(json.dumps(told))

        return send

    return through


def write_versions(laptop: Laptop, name: str, count: int, size: int) -> None:
    """Give a prompt very many versions at once."""
    with closing(connect_sqlite(laptop.paths.database)) as database, database:
        row = database.execute("SELECT pk FROM prompts WHERE name = ?", (name,))
        (pk,) = row.fetchone()
        for number in range(count):
            body = f"{number} ".ljust(size, "x")
            last = database.execute(
                """INSERT INTO versions (prompt_pk, id, number, body, template,
                    variables, message, author_name, author_email, created_at, digest)
                VALUES (?1, ?2, 1 + (SELECT max(number) FROM versions
                        WHERE prompt_pk = ?1),
                    ?3, 0, '{}', 'm', 'n', 'e', '2026-05-01T12:00:00.000Z', ?4)""",
                (pk, str(uuid.uuid4()), body, digest(body)),
            ).lastrowid
        database.execute("UPDATE prompts SET version_pk = ? WHERE pk = ?", (last, pk))


def note_origin(laptop: Laptop, source: str) -> None:
    """Add a second origin to every prompt."""
    with closing(connect_sqlite(laptop.paths.database)) as database, database:
        database.execute(
            """INSERT INTO origins (prompt_pk, source, conversation_id)
            SELECT pk, ?, 'c' FROM prompts""",
            (source,),
        )


def sync_all(*laptops: Laptop) -> None:
    """Sync until no device has anything to send or read."""
    for laptop in (*laptops, *laptops):
        laptop.sync()


def texts(laptop: Laptop, name: str) -> list[str]:
    """Return the texts of all versions."""
    return [version[2] for version in laptop.log(name)]


def test_a_held_back_secret_stays_when_the_other_side_allows_another(
    one: Laptop, two: Laptop
) -> None:
    one.add("a", "1\n2\n3\n")
    sync_all(one, two)
    one.edit("a", f"1\n2\n3\n{SECRET}\n")
    one.edit("a", "1\n2\n3\n")
    one.set("a", tags=("x",))
    two.edit("a", f"1\n2\n3 {SECRET.replace('a8K', 'b7K')}\n")
    two.set("a", secrets_allowed=True)
    sync_all(two, one)
    assert "a8Kq" not in "".join(texts(two, "a"))
    assert "a8Kq" in "".join(texts(one, "a"))


def test_a_held_back_prompt_is_deleted_everywhere(one: Laptop, two: Laptop) -> None:
    one.add("a", "A")
    sync_all(one, two)
    one.edit("a", SECRET)
    assert one.sync().status.held == {Hold.SECRETS: 1}
    one.delete("a")
    sync_all(one, two)
    assert two.names() == []
    assert two.trashed_body("a") == "A"


def test_what_cannot_be_read_stops_nothing_else(one: Laptop, two: Laptop) -> None:
    def poison(push: dict[str, Any]) -> None:
        for version in push.get("versions", []):
            version["variables"] = {"x": {"type": "hologram"}}

    one.add("bad", "B")
    one.sync(sent_otherwise(poison))
    one.add("good", "G")
    sync_all(one, two)
    report = two.sync()
    assert two.names() == ["good"]
    assert report.status.held == {Hold.UNREADABLE: 1}


def test_a_long_history_goes_in_parts(one: Laptop, two: Laptop) -> None:
    one.add("a", "1\n2\n3\n")
    sync_all(one, two)
    write_versions(one, "a", 1500, 4000)
    one.edit("a", "1\n2\n3x\n")
    two.set("a", title="Titled")
    sync_all(two, one)
    assert one.log("a") == two.log("a")
    assert len(one.log("a")) == 1502
    assert (two.get("a").title, two.body("a")) == ("Titled", "1\n2\n3x\n")


def test_a_history_that_goes_in_parts_is_one_prompt_that_was_sent(one: Laptop) -> None:
    one.add("a", "A")
    write_versions(one, "a", 1500, 4000)
    report = one.sync()
    assert report.counts.pushed == 1
    assert report.round_trips > 2


def test_a_long_history_in_conflict_reaches_the_other_device(
    one: Laptop, two: Laptop
) -> None:
    one.add("a", "A")
    sync_all(one, two)
    write_versions(one, "a", 1500, 4000)
    two.edit("a", "of two")
    sync_all(two, one)
    assert one.log("a") == two.log("a")
    assert one.body("a") == two.body("a") == "of two"
    assert one.sync().status.conflicts == two.sync().status.conflicts == 1


def test_a_version_that_is_too_long_holds_up_no_later_one(
    one: Laptop, two: Laptop
) -> None:
    one.add("a", "A")
    sync_all(one, two)
    one.edit("a", "x" * 300_000)
    assert one.sync().status.held == {Hold.TOO_LARGE: 1}
    one.edit("a", "short again")
    sync_all(one, two)
    assert texts(two, "a") == ["A", texts(two, "a")[1], "short again"]
    assert len(texts(one, "a")[1]) == 300_000


def test_where_a_prompt_was_found_is_known_on_both(one: Laptop, two: Laptop) -> None:
    one.add("a", "A")
    sync_all(one, two)
    note_origin(one, "chatgpt")
    note_origin(two, "claude")
    sync_all(one, two)
    assert one.everything() == two.everything()


def test_many_edits_offline_are_merged_all_the_same(one: Laptop, two: Laptop) -> None:
    one.add("a", "1\n2\n3\n4\n5\n")
    sync_all(one, two)
    for number in range(70):
        one.edit("a", f"1 {number}\n2\n3\n4\n5\n")
        with pytest.raises(OfflineError):
            one.sync(offline)
    two.edit("a", "1\n2\n3\n4\n5 two\n")
    two.sync()
    assert one.sync().counts.merged == 1
    assert one.body("a") == "1 69\n2\n3\n4\n5 two\n"


def test_prompts_told_apart_move_with_their_folder(one: Laptop, two: Laptop) -> None:
    one.add("f/a", "A")
    two.add("f/a", "B")
    sync_all(one, two)
    move_prompts(one.workspace, "f/", "g/")
    sync_all(one, two)
    assert two.names() == one.names()
    assert [name.partition("~")[0] for name in one.names()] == ["g/a", "g/a"]


@pytest.mark.parametrize(
    "change",
    [
        pytest.param(
            lambda vault: vault["results"].append(
                {"rev": str(uuid.UUID(int=1)), "r": "ok", "seq": 3}
            ),
            id="a result for nothing",
        ),
        pytest.param(lambda vault: vault["cursor"].update(epoch=None), id="no epoch"),
        pytest.param(lambda vault: vault.update(cursor=None), id="no cursor"),
        pytest.param(
            lambda vault: vault.update(status="resync", reason="horizon"),
            id="anew for ever",
        ),
        pytest.param(lambda vault: vault.update(digest="00" * 32), id="wrong digest"),
    ],
)
def test_a_server_that_makes_no_sense_is_no_harm(
    one: Laptop, change: Callable[[dict[str, Any]], object]
) -> None:
    one.add("a", "A")
    one.sync()
    one.edit("a", "B")
    with pytest.raises(UnavailableError):
        one.sync(answered_otherwise(change))
    one.sync()
    assert texts(one, "a") == ["A", "B"]
    assert one.problems() == []
