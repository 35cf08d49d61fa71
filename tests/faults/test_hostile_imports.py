"""Exports that are damaged, huge or malicious, and the vault after their import."""

import json
import stat
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.faults import exports
from tests.faults.program import Vault, assert_refused, editor
from tests.faults.wholeness import assert_whole, git, state, subjects

GOOD = exports.conversations(3)
GOOD_NAMES = [f"chatgpt/chat-c{number:04}" for number in range(3)]
Json = dict[str, Any]


def report(vault: Vault, path: Path, *options: str) -> Json:
    """Import *path*, which must succeed, and return the report."""
    found = vault.json("import", str(path), *options)
    assert isinstance(found, dict)
    return found


def _zip(path: Path, **files: bytes) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in files.items():
            archive.writestr(name.replace("_json", ".json"), data)
    return path


def _text(value: object) -> bytes:
    return json.dumps(value).encode()


# Damage: an item that cannot be read fails alone; so does a file


def _truncated() -> bytes:
    return _text([*GOOD, exports.conversation("cut", "lost")])[:-120]


def _broken_between() -> bytes:
    parts = [json.dumps(each) for each in GOOD]
    broken = json.dumps(exports.conversation("broken", "lost"))
    parts.insert(1, broken.replace('"mapping": {', '"mapping": nonsense '))
    return f"[{', '.join(parts)}]".encode()


def _not_a_conversation() -> bytes:
    return _text([GOOD[0], {"title": "odd", "mapping": "none"}, *GOOD[1:]])


def _nested() -> bytes:
    deep = '{"title": "deep", "mapping": ' + "[" * 100_000 + "]" * 100_000 + "}"
    parts = [json.dumps(each) for each in GOOD]
    return f"[{parts[0]}, {deep}, {', '.join(parts[1:])}]".encode()


def _lying_numbers() -> bytes:
    wrong = f'{{"title": "big", "create_time": 1{"0" * 5000}, "mapping": {{}}}}'
    parts = [json.dumps(each) for each in GOOD]
    return f"[{parts[0]}, {wrong}, {', '.join(parts[1:])}]".encode()


DAMAGES = [_truncated, _broken_between, _not_a_conversation, _nested, _lying_numbers]


@pytest.mark.parametrize("make", DAMAGES, ids=lambda make: make.__name__.strip("_"))
def test_a_damaged_item_costs_that_item(
    vault: Vault, tmp_path: Path, make: Callable[[], bytes]
) -> None:
    path = tmp_path / "export.json"
    path.write_bytes(make())
    found = report(vault, path)
    assert found["added"] == 3
    assert len(found["failed"]) == 1, found["failed"]
    assert found["failed"][0]["where"]
    assert found["failed"][0]["reason"]
    assert vault.names() == GOOD_NAMES
    assert_whole(vault)


def test_text_that_is_none(vault: Vault, tmp_path: Path) -> None:
    """Lone surrogates and NUL: what cannot be saved is reported."""
    path = tmp_path / "export.json"
    strange = [
        exports.conversation("lone", "half a pair: \ud800, and on"),
        exports.conversation("nul", "zero: \0, and on"),
        exports.conversation("title", "fine", title="bad \ud83d title \0"),
    ]
    exports.write(path, [*GOOD, *strange])
    found = report(vault, path)
    assert found["added"] + len(found["failed"]) == 6
    assert found["added"] >= 4
    for name in vault.names():
        vault.ok("get", name).encode()
    assert_whole(vault)


def test_a_prompt_of_ten_megabytes(vault: Vault, tmp_path: Path) -> None:
    body = "A long line of a long prompt, one of many.\n" * 240_000
    path = tmp_path / "export.json"
    exports.write(path, [exports.conversation("big", body, title="Big"), *GOOD])
    assert report(vault, path)["added"] == 4
    assert vault.ok("get", "chatgpt/big") == body
    assert_whole(vault)


# Malicious archives: paths outside of it, and zip bombs


def test_archive_that_reaches_out(vault: Vault, tmp_path: Path) -> None:
    path = tmp_path / "export.zip"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("../escaped.json", _text(GOOD))
        archive.writestr("/tmp/absolute.json", _text(GOOD))
        archive.writestr("conversations.json", _text(GOOD[:2]))
        link = zipfile.ZipInfo("link.json")
        link.external_attr = (stat.S_IFLNK | 0o777) << 16
        archive.writestr(link, "/etc/passwd")
    before = sorted(tmp_path.iterdir())
    found = report(vault, path)
    assert found["added"] == 2
    assert len(found["failed"]) == 3
    assert sorted(tmp_path.iterdir()) == sorted([*before, vault.home])
    assert_whole(vault)


def test_archive_that_is_a_bomb(vault: Vault, tmp_path: Path) -> None:
    path = _zip(tmp_path / "bomb.zip", conversations_json=b"[" + b" " * (64 << 20))
    assert_refused(vault.here("import", str(path)), 8)
    assert vault.names() == []


@pytest.mark.parametrize("cut", [0.3, 0.9])
def test_archive_cut_off(vault: Vault, tmp_path: Path, cut: float) -> None:
    path = _zip(tmp_path / "export.zip", conversations_json=_text(GOOD))
    data = path.read_bytes()
    path.write_bytes(data[: int(len(data) * cut)])
    assert_refused(vault.here("import", str(path)), 8)


# Nothing to import


NOTHING = {
    "empty.json": b"",
    "list.json": b"[1, 2, 3]",
    "random.bin": bytes(range(256)) * 8,
    "unclosed.json": b"[" * 100_000,
}


@pytest.mark.parametrize("name", NOTHING)
def test_nothing_importable(filled: Vault, tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    path.write_bytes(NOTHING[name])
    before = state(filled), subjects(filled)
    assert_refused(filled.here("import", str(path)), 8)
    assert (state(filled), subjects(filled)) == before
    assert filled.json("imports", "list") == []


def test_no_such_file(filled: Vault, tmp_path: Path) -> None:
    assert_refused(filled.here("import", str(tmp_path / "missing")), 3, 8)
    assert filled.json("imports", "list") == []


# The same import again, and its undo


@pytest.fixture
def export(tmp_path: Path) -> Path:
    path = tmp_path / "export.json"
    exports.write(path, exports.conversations(40))
    return path


def everything(vault: Vault) -> tuple[object, ...]:
    """Return all that the commands show of the prompts in *vault*."""
    hits = [vault.json("search", word) for word in ("wording", "topic", "touched")]
    return vault.json("list"), hits, state(vault).prompts


def test_the_same_export_twice_adds_nothing(filled: Vault, export: Path) -> None:
    first = report(filled, export)
    before, head = everything(filled), subjects(filled)
    second = report(filled, export)
    assert (first["added"], first["duplicates"]) == (40, 0)
    assert (second["added"], second["duplicates"]) == (0, 40)
    assert everything(filled) == before
    assert subjects(filled) == head
    assert_whole(filled)


def test_undo_restores_what_was(filled: Vault, export: Path) -> None:
    before = everything(filled)
    report(filled, export)
    brought = state(filled).prompts
    assert filled.json("imports", "undo", "last")["removed"] == 40
    assert everything(filled) == before
    _, out = git(filled, "ls-tree", "-r", "--name-only", "refs/heads/main")
    assert out.split() == [b"kept/one.md", b"kept/two.md"]
    assert report(filled, export)["added"] == 40
    assert state(filled).prompts == brought
    assert_whole(filled)


def test_undo_leaves_what_was_edited(
    filled: Vault, export: Path, tmp_path: Path
) -> None:
    before = everything(filled)
    report(filled, export)
    changed = "chatgpt/chat-c0003"
    filled.with_(EDITOR=editor(tmp_path, "my own words\n")).ok("edit", changed)
    filled.ok("set", "chatgpt/chat-c0004", "--tag", "mine")
    undone = filled.json("imports", "undo", "last")
    assert undone["removed"] == 38
    assert undone["kept"] == [changed, "chatgpt/chat-c0004"]
    assert filled.ok("get", changed) == "my own words\n"
    assert_whole(filled)
    filled.ok("delete", changed, "chatgpt/chat-c0004")
    assert filled.json("list") == before[0]
    again = report(filled, export)
    assert (again["added"], again["duplicates"]) == (38, 2)
    assert_whole(filled)


def test_undo_twice(filled: Vault, export: Path) -> None:
    key = str(report(filled, export)["id"])
    filled.ok("imports", "undo", key)
    before = everything(filled)
    assert_refused(filled.here("imports", "undo", key), 5)
    assert_refused(filled.here("imports", "undo", "last"), 3)
    assert everything(filled) == before


def test_undo_takes_back_newer_drafts(filled: Vault, tmp_path: Path) -> None:
    path = tmp_path / "export.json"
    exports.write(path, [exports.conversation("c", "first", title="One")])
    report(filled, path)
    before = everything(filled)
    exports.write(path, [exports.conversation("c", "first", "second", title="One")])
    assert report(filled, path)["updated"] == 1
    assert filled.json("show", "chatgpt/one")["body"] == "second"
    filled.ok("imports", "undo", "last")
    assert everything(filled) == before
    assert filled.ok("get", "chatgpt/one") == "first"
    assert_whole(filled)


def test_a_dry_run_changes_nothing(filled: Vault, export: Path) -> None:
    report(filled, export, "--folder", "already")
    exports.write(export, exports.conversations(60))
    before = _bytes(filled)
    found = report(filled, export, "--dry-run")
    assert (found["id"], found["added"], found["duplicates"]) == (None, 20, 40)
    assert _bytes(filled) == before
    assert_whole(filled)


def test_a_dry_run_makes_no_vault_of_prompts(vault: Vault, export: Path) -> None:
    assert report(vault, export, "--dry-run")["added"] == 40
    assert vault.names() == []
    assert vault.json("imports", "list") == []
    assert subjects(vault) == []


def _bytes(vault: Vault) -> tuple[object, ...]:
    """Return all files that a dry run could have changed."""
    shown = [vault.ok("list", "--json"), vault.ok("imports", "list", "--json")]
    files = sorted(str(path) for path in vault.history.rglob("*"))
    return *shown, git(vault, "rev-parse", "refs/heads/main"), files
