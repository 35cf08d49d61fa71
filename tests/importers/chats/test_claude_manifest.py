"""A list of links says what to download, and shows no link."""

import json
from pathlib import Path

import pytest

from promptvault.errors import ImportSourceError
from promptvault.importers.chats import claude
from tests.importers.build import (
    Json,
    archive,
    bodies,
    document,
    failures,
    imported,
    message,
    of_json,
    talk,
)


def manifest(*names: str) -> bytes:
    files = [{"export_url": f"https://x/{name}", "filename": name} for name in names]
    return json.dumps({"total_files": len(files), "data_files": files}).encode()


def test_manifest_by_itself_says_what_to_download() -> None:
    with pytest.raises(ImportSourceError, match=r"conversations-000\.zip, users\.zip"):
        list(claude.read(document(manifest("conversations-000.zip", "users.zip"))))


def test_manifest_in_its_folder_names_what_is_missing(tmp_path: Path) -> None:
    talks = json.dumps([talk(message("m", "hello", 1))]).encode()
    (tmp_path / "manifest.json").write_bytes(manifest("a.zip", "b.zip"))
    (tmp_path / "a.zip").write_bytes(archive({"conversations.json": talks}))
    items = imported(tmp_path)
    assert bodies(items) == ["hello"]
    (bad,) = failures(items)
    assert bad.reason.endswith(" b.zip")


LINK = "https://x.example/up/conversations-000.zip?sig=secret"


@pytest.mark.parametrize(
    "value",
    [
        {"files": [{"name": "conversations-000.zip", "url": LINK, "size": 1}]},
        {"downloads": [{"signed_url": LINK, "expires_at": "2026-09-11T00:00:00Z"}]},
        {"archives": {"chats": {"file": "conversations-000.zip", "href": LINK}}},
        {"links": [LINK]},
    ],
)
def test_links_are_known_in_any_structure_and_not_shown(value: Json) -> None:
    file = of_json(value)
    assert claude.probe(file)
    with pytest.raises(
        ImportSourceError, match=r"save conversations-000\.zip,"
    ) as shown:
        list(claude.read(file))
    assert "secret" not in str(shown.value)
    assert "example" not in str(shown.value)


def test_a_second_download_and_an_unpacked_one_are_not_missing(tmp_path: Path) -> None:
    (tmp_path / "manifest.json").write_bytes(manifest("a.zip", "b.zip", "c.zip"))
    (tmp_path / "a (1).zip").write_bytes(archive({"users.json": b"[{}]"}))
    (tmp_path / "b").mkdir()
    (tmp_path / "b" / "users.json").write_text("[{}]")
    (bad,) = failures(imported(tmp_path))
    assert bad.reason.endswith("not here: c.zip")
