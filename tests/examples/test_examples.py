"""Each file in examples/ is used here, and contains what its README says."""

import json
import re
from pathlib import Path

import pytest

from tests.conftest import Pvt

EXAMPLES = Path(__file__).parents[2] / "examples"
EXPORT = EXAMPLES / "chatgpt-export"
README = (EXAMPLES / "README.md").read_text(encoding="utf-8")


def stated(pattern: str) -> int:
    """Return a number that the README states."""
    found = re.search(pattern, README)
    assert found, pattern
    return int(found[1])


@pytest.fixture
def filled(pvt: Pvt) -> Pvt:
    """Return the program, the example imported."""
    pvt.ok("import", str(EXPORT))
    return pvt


def test_readme_names_every_file() -> None:
    files = {path.name for path in EXPORT.iterdir()}
    assert set(re.findall(r"^\| `([^`]+)` \|", README, re.M)) == files


def test_counts_of_the_readme(pvt: Pvt) -> None:
    report = pvt.ok("import", str(EXPORT), "--json").json
    assert report["source"] == "chatgpt"
    assert report["conversations"] == stated(r"(\d+) conversations")
    assert report["failed"] == []
    # Custom instructions and the GPT's are standing texts; two openings are the same.
    standing = len(pvt.ok("list", "chatgpt/instructions", "--plain").lines)
    assert report["found"] - standing == report["conversations"]
    assert report["duplicates"] == 1
    assert pvt("doctor").code == 0


def test_openings_of_two_conversations_are_one_prompt(filled: Pvt) -> None:
    rows = filled.ok("export", "-").json
    shared = [row for row in rows if len(row["origins"]) > len(row["history"])]
    assert len(shared) == 1
    chats = {origin["conversation_id"] for origin in shared[0]["origins"]}
    assert len(chats) == 2


def test_drafts_of_the_readme(filled: Pvt) -> None:
    versions = {row["versions"] for row in filled.ok("list", "--json").json}
    assert versions == {1, 2, 3, 4}  # "two to four drafts"


def test_all_languages_of_the_readme_are_found(filled: Pvt) -> None:
    for query, name in {
        "納期": "納期変更のメール",
        "Elternbrief": "elternbrief-zum-ausflug",
        "traduccion": "traducción-de-respuesta-a-cliente",
        "dockerfile": "smaller-docker-image",
    }.items():
        hits = filled.ok("search", query, "--json").json
        assert f"chatgpt/{name}" in [hit["name"] for hit in hits], query


def test_all_turns(pvt: Pvt) -> None:
    first = pvt.ok("import", str(EXPORT), "--dry-run", "--json").json
    every = pvt.ok("import", str(EXPORT), "--take", "all", "--json").json
    later = first["skipped"]["later turn"]
    assert every["found"] == first["found"] + later
    assert "later turn" not in every["skipped"]


@pytest.mark.parametrize("path", sorted(EXPORT.iterdir()), ids=lambda path: path.name)
def test_each_file_by_itself(pvt: Pvt, path: Path) -> None:
    result = pvt("import", str(path))
    assert result.code == (0 if path.name == "conversations.json" else 8)
    assert (not path.name.endswith(".json")) or json.loads(
        path.read_bytes()
    ) is not None
