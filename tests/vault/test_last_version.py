"""A vault of the last version, from before writing went around SQLModel."""

import tarfile
from pathlib import Path

import pytest

from tests.conftest import Git, Pvt

ARCHIVE = Path(__file__).parent / "data" / "vault_0_1_0.tar.gz"
NAMES = [
    "chatgpt/chat/write-a-poem-about-the-sea-in-four-lines",
    "coding/review",
    "größe/ключ",
    "keys/token",
    "work/ask",
]


@pytest.fixture
def written(home: Path, pvt: Pvt) -> Pvt:
    """Return the program on that vault."""
    with tarfile.open(ARCHIVE) as archive:
        archive.extractall(home, filter="data")
    return pvt


def test_doctor_finds_nothing(written: Pvt) -> None:
    assert written.ok("doctor", "--json").json["problems"] == []


def test_everything_in_it_is_read(written: Pvt) -> None:
    assert written.ok("list", "--plain").lines == NAMES
    assert written.ok("get", "review@production").text == "Review this code."
    assert written.ok("get", "ask", "-p", "topic=tea").text == "Ask me about tea."
    assert written.ok("search", "invited").lines[0].startswith("coding/review\t")
    assert [row["name"] for row in written.ok("trash", "list", "--json").json] == [
        "gone"
    ]
    (imported,) = written.ok("imports", "list", "--json").json
    assert imported["paths"] == ["/home/ada/conversations.json"]


def test_it_is_written_on(written: Pvt, git: Git) -> None:
    written.ok("add", "coding/review", "A third text.", "--upsert")
    written.ok("trash", "restore", "gone")
    written.ok("imports", "undo", "1")
    assert len(written.ok("log", "review", "--json").json) == 3
    assert git("show", "main:coding/review.md").endswith("A third text.")
    assert written.ok("doctor", "--json").json["problems"] == []
