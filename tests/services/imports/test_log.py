"""The log: what each import added, and that undo leaves no trace."""

from datetime import UTC, datetime
from pathlib import Path

import pytest

from tests.conftest import Git, Pvt
from tests.importers.build import Json, message, talk
from tests.services.imports.test_run import Bring, asked, bodies, names, origins, write
from tests.test_secret_scan import KEYS


@pytest.fixture
def bring(pvt: Pvt, tmp_path: Path) -> Bring:
    """Return a function that imports conversations."""
    return Bring(pvt, tmp_path / "export.json")


def undo(pvt: Pvt, key: str = "last") -> Json:
    """Undo an import and return the output; the vault is intact afterwards."""
    result = pvt.ok("imports", "undo", key, "--json").json
    assert pvt.ok("doctor", "--json").json["problems"] == []
    return result


def state(pvt: Pvt, git: Git) -> Json:
    """Return everything in the vault, and the files of the history."""
    rows = pvt.ok("export", "-").json
    hits = pvt.ok("search", "tea", "--json").json
    found = {hit["name"] for hit in hits}, [hit["snippet"] for hit in hits]
    return rows, found, git("ls-tree", "-r", "main")


def test_list_and_show(bring: Bring, tmp_path: Path) -> None:
    bring(asked("c1", "Tea?"), options=("--tag", "old", "--since", "2020-01-01"))
    second = bring(asked("c1", "Tea?"), asked("c2", "Rice?", title="Rice"))
    rows = bring.pvt.ok("imports", "list", "--json").json
    assert [row["id"] for row in rows] == [2, 1]
    assert rows[0]["created_at"] >= rows[1]["created_at"]
    assert rows[0]["undone_at"] is None
    assert rows[1]["paths"] == [str(tmp_path / "export.json")]
    assert rows[1]["options"]["tags"] == ["old"]
    assert rows[1]["options"]["since"] == "2020-01-01T00:00:00.000Z"
    shown = bring.pvt.ok("imports", "show", "2", "--json").json
    export = tmp_path / "export.json"
    read = {"path": str(export), "size": export.stat().st_size, "source": "chatgpt"}
    files = [{**read, "conversations": 2, "found": 2}]
    assert shown == rows[0] | {"prompts": ["chatgpt/rice"], "files_read": files}
    kept = ("id", "source", "files", "conversations", "found", "added", "duplicates")
    assert {key: shown[key] for key in kept} == {key: second[key] for key in kept}
    assert bring.pvt.ok("imports", "show", "last", "--json").json == shown


def test_ledger_is_drawn_for_a_person(bring: Bring) -> None:
    bring(asked("c1", "Tea?", title="Tea"))
    assert "chatgpt" in bring.pvt.ok("imports", "list").text
    assert "chatgpt/tea" in bring.pvt.ok("imports", "show", "1").text
    assert "1 prompt" in bring.pvt.ok("imports", "undo", "1").err


def test_undo_restores_the_state_before(bring: Bring, git: Git) -> None:
    bring.pvt.ok("add", "mine", "My tea.")
    before = state(bring.pvt, git)
    bring(asked("c1", "Tea?", "Green tea?"), asked("c2", "Rice?"), asked("c3", "Tea!"))
    result = undo(bring.pvt)
    assert result == {"id": 1, "removed": 3, "reverted": 0, "kept": []}
    assert state(bring.pvt, git) == before
    assert bring.pvt.ok("trash", "list", "--json").json == []
    (row,) = bring.pvt.ok("imports", "list", "--json").json
    assert row["undone_at"] is not None


def test_undo_by_number_leaves_the_other_imports(bring: Bring, git: Git) -> None:
    bring(asked("c1", "One tea?"))
    before = bodies(bring.pvt)
    bring(asked("c2", "Two teas?"))
    bring(asked("c3", "Three teas?"))
    assert undo(bring.pvt, "2")["removed"] == 1
    assert undo(bring.pvt, "last")["id"] == 3
    assert bodies(bring.pvt) == before
    assert undo(bring.pvt)["id"] == 1
    assert bring.pvt("imports", "undo", "last").code == 3


def test_undo_twice_is_a_conflict(bring: Bring, git: Git) -> None:
    bring(asked("c1", "Tea?"))
    undo(bring.pvt, "1")
    head = git("rev-parse", "main")
    result = bring.pvt("imports", "undo", "1", "--json")
    assert (result.code, result.error["code"]) == (5, "conflict")
    assert git("rev-parse", "main") == head


@pytest.mark.parametrize("key", ["2", "0", "-1", "one", "first", ""])
@pytest.mark.parametrize("command", ["show", "undo"])
def test_unknown_import(bring: Bring, command: str, key: str) -> None:
    bring(asked("c1", "Tea?"))
    result = bring.pvt("imports", command, "--json", "--", key)
    assert (result.code, result.error["code"]) == (3, "not_found")
    assert names(bring.pvt) == ["chatgpt/chat-c1"]


def test_last_of_nothing(pvt: Pvt) -> None:
    assert pvt("imports", "undo", "last").code == 3
    assert pvt.ok("imports", "list", "--json").json == []


CHANGES = {
    "edited": ["add", "chatgpt/tea", "My tea.", "--upsert"],
    "labelled": ["label", "tea", "best"],
    "described": ["set", "tea", "--title", "Mine"],
    "moved": ["move", "chatgpt/tea", "mine"],
    "trashed": ["delete", "tea"],
    "edited and back": ["revert", "tea@1"],
}


@pytest.mark.parametrize("change", CHANGES)
def test_prompt_that_was_changed_since_is_kept_and_named(
    bring: Bring, change: str
) -> None:
    bring(asked("c1", "Tea?", "Green tea?", title="Tea"), asked("c2", "Rice?"))
    bring.pvt.ok(*CHANGES[change])
    before = bring.pvt.ok("trash", "list", "--json").json, bodies(bring.pvt)
    name = "mine" if change == "moved" else "chatgpt/tea"
    result = undo(bring.pvt)
    assert result == {"id": 1, "removed": 1, "reverted": 0, "kept": [name]}
    before[1].pop("chatgpt/chat-c2")
    assert (bring.pvt.ok("trash", "list", "--json").json, bodies(bring.pvt)) == before


def test_reading_a_prompt_is_no_change(bring: Bring) -> None:
    bring(asked("c1", "Tea?"))
    for command in (["get", "chat-c1"], ["show", "chat-c1"], ["search", "tea"]):
        bring.pvt.ok(*command)
    assert undo(bring.pvt)["removed"] == 1


def test_import_again_after_undo_brings_everything_back(bring: Bring) -> None:
    chats = (
        asked("c1", "Tea?", "Green tea?"),
        asked("c2", "Rice?"),
        asked("c3", "Rice?"),
    )
    first = bring(*chats)
    before = bodies(bring.pvt)
    undo(bring.pvt)
    again = bring(*chats)
    for key in ("added", "duplicates", "found", "skipped"):
        assert again[key] == first[key]
    assert bodies(bring.pvt) == before
    assert len(origins(bring.pvt, "chat-c2")) == 2
    assert len(bring.pvt.ok("log", "chat-c1", "--json").json) == 2
    assert undo(bring.pvt)["removed"] == 2
    assert names(bring.pvt) == []


def test_undo_takes_newer_drafts_back(bring: Bring, git: Git) -> None:
    bring(asked("c1", "Tea?", "Hot tea?"), asked("c2", "Rice?"))
    before = state(bring.pvt, git)
    drafts = ("Tea?", "Hot tea?", "Green tea?", "Black tea?")
    bring(asked("c1", *drafts), asked("c2", "Rice?"))
    assert undo(bring.pvt) == {"id": 2, "removed": 0, "reverted": 1, "kept": []}
    assert state(bring.pvt, git) == before
    assert bring.pvt.ok("search", "green", "--json").json == []
    assert bring(asked("c1", *drafts[:3]))["updated"] == 1
    assert bring.pvt.ok("get", "chat-c1").out == b"Green tea?"


def test_undo_restores_the_time_of_the_last_change(bring: Bring, git: Git) -> None:
    bring(asked("c1", "Tea?"))
    bring.pvt.ok("set", "chat-c1", "--favourite")
    before = state(bring.pvt, git)
    bring(asked("c1", "Tea?", "Green tea?"))
    undo(bring.pvt)
    assert state(bring.pvt, git) == before


def test_newer_drafts_stay_under_what_was_edited_since(bring: Bring) -> None:
    bring(asked("c1", "Tea?", title="Tea"))
    bring(asked("c1", "Tea?", "Green tea?", title="Tea"))
    bring.pvt.ok("add", "chatgpt/tea", "My tea.", "--upsert")
    before = bring.pvt.ok("log", "tea", "--json").json
    result = undo(bring.pvt)
    assert result == {"id": 2, "removed": 0, "reverted": 0, "kept": ["chatgpt/tea"]}
    assert bring.pvt.ok("log", "tea", "--json").json == before
    assert bring.pvt.ok("get", "tea").out == b"My tea."


def test_undo_removes_what_an_edited_markdown_file_added(
    pvt: Pvt, git: Git, tmp_path: Path
) -> None:
    pvt.ok("add", "tea", "Tea.\n")
    pvt.ok("export", str(tmp_path / "files"))
    before = state(pvt, git)
    path = tmp_path / "files/tea.md"
    path.write_text(path.read_text() + "Hot.\n")
    pvt.ok("import", str(path))
    assert pvt.ok("show", "tea", "--json").json["body"] == "Tea.\nHot.\n"
    assert undo(pvt)["reverted"] == 1
    assert state(pvt, git) == before


def test_undo_takes_an_export_of_our_own_back(
    pvt: Pvt, git: Git, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = str(tmp_path / "all.json")
    pvt.ok("add", "tea", "Tea.")
    pvt.ok("add", "tea", "Hot tea.", "--upsert")
    pvt.ok("label", "tea@1", "cold")
    pvt.ok("export", path)
    before = bodies(pvt)
    monkeypatch.setenv("PROMPTVAULT_HOME", str(tmp_path / "other"))
    for _ in range(2):
        pvt.ok("import", path)
        assert bodies(pvt) == before
        assert undo(pvt)["removed"] == 1
        assert names(pvt) == []


def test_undo_of_the_second_import_of_a_shared_prompt(bring: Bring, git: Git) -> None:
    bring(asked("c1", "Tea?", title="Tea"))
    before = state(bring.pvt, git)
    bring(talk(message("u", "Tea?", 1), uuid="t1"))
    assert origins(bring.pvt, "tea") == [("chatgpt", "c1"), ("claude", "t1")]
    undo(bring.pvt, "2")
    assert state(bring.pvt, git) == before
    assert undo(bring.pvt, "1")["removed"] == 1
    assert names(bring.pvt) == []


def test_undo_of_the_first_import_of_a_shared_prompt(bring: Bring) -> None:
    bring(asked("c1", "Tea?", title="Tea"))
    bring(talk(message("u", "Tea?", 1), uuid="t1"))
    undo(bring.pvt, "1")
    assert bodies(bring.pvt) == {"chatgpt/tea": "Tea?"}  # the second brought it, too
    undo(bring.pvt, "2")
    assert names(bring.pvt) == []


def test_undo_of_an_import_that_only_found_what_was_there(
    bring: Bring, git: Git
) -> None:
    bring.pvt.ok("add", "mine", "Tea?")
    before = state(bring.pvt, git)
    bring(asked("c1", "Tea?"))
    undo(bring.pvt)
    assert state(bring.pvt, git) == before


def test_undo_frees_the_names(bring: Bring) -> None:
    bring(asked("c1", "Tea?", title="Tea"))
    undo(bring.pvt)
    bring.pvt.ok("add", "chatgpt/tea", "Mine.")
    bring(asked("c1", "Tea?", title="Tea"))
    assert names(bring.pvt) == ["chatgpt/tea", "chatgpt/tea-2"]


def test_undo_takes_labels_of_the_export_along(
    pvt: Pvt, tmp_path: Path, git: Git
) -> None:
    row = {"name": "tea", "body": "Tea?", "labels": {"best": 1}, "tags": ["a"]}
    pvt.ok("add", "mine", "Mine")
    before = state(pvt, git)
    pvt.ok("import", write(tmp_path / "rows.json", row))
    assert pvt.ok("get", "tea@best").out == b"Tea?"
    undo(pvt)
    assert state(pvt, git) == before


def test_undo_of_newer_drafts_keeps_what_was_set_before(bring: Bring) -> None:
    bring(asked("c1", "Tea?"))
    bring.pvt.ok("set", "chat-c1", "--favourite", "--allow-secrets")
    before = bring.pvt.ok("show", "chat-c1", "--json").json
    now = int(datetime.now(UTC).timestamp())
    key = KEYS["GitHub Token"]
    grown = bring(asked("c1", "Tea?"), asked("c1", "Tea?", f"Tea {key}?", time=now))
    assert grown["updated"] == 1
    assert bring.pvt.ok("show", "chat-c1", "--json").json["held_back"] is True
    assert undo(bring.pvt)["reverted"] == 1
    assert bring.pvt.ok("show", "chat-c1", "--json").json == before
    assert undo(bring.pvt)["kept"] == ["chatgpt/chat-c1"]  # a favourite was made of it
