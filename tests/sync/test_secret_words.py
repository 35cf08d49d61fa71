"""Likely secrets in names, tags and descriptions are not sent, whatever changes."""

import json
import random
import string
from contextlib import closing
from dataclasses import dataclass, field
from sqlite3 import connect as connect_sqlite
from typing import Any

import pytest

from promptvault.services.prompts.edit import change_details, edit_prompt
from promptvault.services.prompts.prompt_document import DetailChanges
from promptvault.services.prompts.redact import redact_prompts, scan_prompts
from promptvault.services.sync.conductor import Exchange
from promptvault.vault.sync.item import Hold
from promptvault.wire.sync import SyncAnswer
from tests.sync.conftest import NewLaptop
from tests.sync.laptop import Laptop
from tests.sync.test_hardship import sync_all
from tests.sync.test_outliving import in_conflict, take_theirs

LETTERS = random.Random(11)
KEY = "glpat-" + "".join(LETTERS.choices(string.ascii_lowercase + "23456789", k=20))
"""A made-up key that tags and names can contain."""


@dataclass
class Line:
    """Records what is sent."""

    sent: list[str] = field(default_factory=list)

    def __call__(self, exchange: Exchange) -> Exchange:
        def listen(request: bytes) -> SyncAnswer:
            self.sent.append(request.decode())
            return exchange(request)

        return listen

    @property
    def has_key(self) -> bool:
        """Return True if the key was sent."""
        return any(KEY in each for each in self.sent)


@pytest.fixture
def line() -> Line:
    """Return a recorder without any traffic."""
    return Line()


WORDS: list[dict[str, Any]] = [
    {"title": f"With {KEY} in it"},
    {"description": f"Use {KEY}."},
    {"tags": ["work", KEY]},
]


@pytest.mark.parametrize("fields", WORDS)
def test_a_prompt_whose_words_hold_a_secret_stays(
    one: Laptop, two: Laptop, line: Line, fields: dict[str, Any]
) -> None:
    one.add("a", "A\n", **fields)
    one.add("b", "B\n")
    held = one.sync(line).status.held
    assert (held, line.has_key) == ({Hold.SECRETS: 1}, False)
    assert one.get("a").is_held_back
    (found,) = scan_prompts(one.workspace)
    assert [each for each, _ in found.fields] == list(fields)
    redact_prompts(one.workspace, [])
    one.sync(line)
    two.sync()
    assert (two.names(), line.has_key) == (["a", "b"], False)
    assert scan_prompts(one.workspace) == []


def test_a_name_with_a_secret_stays(one: Laptop, two: Laptop, line: Line) -> None:
    one.add(f"{KEY}/a", "A\n")
    assert one.sync(line).status.held == {Hold.SECRETS: 1}
    redact_prompts(one.workspace, [f"{KEY}/a"])
    one.sync(line)
    two.sync()
    assert (two.names(), line.has_key) == (["redacted-gitlab-token/a"], False)


def test_what_was_allowed_leaves_and_a_new_secret_does_not(
    one: Laptop, line: Line
) -> None:
    one.add("a", "A\n", title=f"With {KEY}", secrets_allowed=True)
    one.sync(line)
    assert line.has_key
    other = KEY[:-4] + "wxyz"
    change_details(one.workspace, "a", DetailChanges(description=other))
    assert one.sync(line).status.held == {Hold.SECRETS: 1}
    assert not any(other in each for each in line.sent)


def test_the_side_of_a_conflict_goes_redacted(
    one: Laptop, two: Laptop, line: Line
) -> None:
    one.add("a", "common\n")
    sync_all(one, two)
    one.edit("a", "one's\n")
    two.edit("a", "two's\n")
    two.set("a", title=f"With {KEY}")
    one.sync()
    two.sync(line)
    one.sync()
    assert not line.has_key
    assert in_conflict(one) == {"a": "two's\n"}
    take_theirs(one, "a")
    sync_all(one, two)
    assert one.get("a").title == "With [redacted: GitLab Token]"


def test_what_one_side_allows_covers_no_words_of_the_other(
    one: Laptop, two: Laptop, line: Line
) -> None:
    one.add("a", "common\n")
    sync_all(one, two)
    one.set("a", secrets_allowed=True)
    two.set("a", title=f"With {KEY}")
    one.sync()
    assert two.sync(line).status.held == {Hold.SECRETS: 1}
    assert (two.get("a").title, line.has_key) == (f"With {KEY}", False)


def test_messages_and_titles_of_conversations_go_redacted(
    one: Laptop, two: Laptop, line: Line
) -> None:
    one.add("a", "A\n")
    content = one.current("a").content
    edit_prompt(one.workspace, one.get("a"), content, "more\n", f"Not {KEY}")
    with closing(connect_sqlite(one.paths.database)) as database, database:
        database.execute(
            """INSERT INTO origins (prompt_pk, source, conversation_title, url)
            SELECT pk, 'chat', ?1, 'https://me:' || ?1 || '@example.org'
            FROM prompts""",
            (f"About {KEY}",),
        )
    one.sync(line)
    two.sync()
    assert (two.body("a"), line.has_key) == ("more\n", False)
    assert "Not [redacted: GitLab Token]" in json.dumps(line.sent)


def test_a_prompt_deleted_for_its_title_takes_the_title_nowhere(
    one: Laptop, two: Laptop, new_laptop: NewLaptop, line: Line
) -> None:
    one.add("a", "A\n")
    sync_all(one, two)
    one.set("a", title=KEY)
    one.sync(line)
    one.delete("a")
    one.sync(line)
    two.sync()
    assert (two.names(), line.has_key) == ([], False)
