"""The doctor: every kind of damage is named and repaired, without loss."""

import shutil
import sqlite3
import subprocess
import tempfile
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import Git, Pvt
from tests.importers.build import Json
from tests.services.imports.test_run import asked, write

Damage = Callable[[Path], None]


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a home whose vault has had every kind of change."""
    folder = tmp_path_factory.mktemp("model")
    home, pvt = folder / "home", Pvt()
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PROMPTVAULT_HOME", str(home))
        patch.setenv("GIT_AUTHOR_NAME", "Ada Lovelace")
        patch.setenv("GIT_AUTHOR_EMAIL", "ada@example.org")
        chats = [asked("c1", "Tea?", "Green tea?", title="Tea"), asked("c2", "Rice?")]
        pvt.ok("import", write(folder / "export.json", *chats))
        pvt.ok("add", "work/mail", "Write a letter.\r\nNo name\n\n", "--tag", "post")
        pvt.ok("add", "work/mail", "Write a short letter.", "--upsert", "-m", "Shorter")
        pvt.ok("label", "work/mail@1", "long")
        template = b"---\nvariables: {who: world}\n---\nHello {{ who }}!\n"
        pvt.ok("add", "hello", "-", stdin=template)
        pvt.ok("set", "hello", "--title", "Grüße: 'all'", "--favourite")
        pvt.ok("add", "old/name", "I shall be moved.")
        pvt.ok("move", "old/name", "new/name")
        pvt.ok("add", "rubbish", "I shall be deleted.")
        pvt.ok("add", "rubbish", "I was deleted.", "--upsert")
        pvt.ok("delete", "rubbish")
    return home


@pytest.fixture
def filled(pvt: Pvt, home: Path, model: Path) -> Pvt:
    """Return the program, in a home that is a copy of the model."""
    shutil.copytree(model, home)
    return pvt


def everything(pvt: Pvt, *forgotten: str) -> Json:
    """Return the content of the vault, except commit ids and what is *forgotten*."""
    exported = pvt.ok("export", "-").json
    trash = pvt.ok("trash", "list", "--json").json
    return _without([exported, trash], {"commit", *forgotten})


def _without(value: Json, keys: set[str]) -> Json:
    if isinstance(value, dict):
        return {k: _without(v, keys) for k, v in value.items() if k not in keys}
    return [_without(v, keys) for v in value] if isinstance(value, list) else value


def sql(home: Path, statement: str, *values: Any) -> None:
    """Run a statement on the vault that no command would run."""
    with closing(sqlite3.connect(home / "data/vault.db")) as connection, connection:
        connection.execute(statement, values)


def rewrite(path: Path, change: Callable[[bytes], bytes]) -> None:
    """Overwrite a file that may be read-only."""
    path.chmod(0o600)
    path.write_bytes(change(path.read_bytes()))


def run_git(home: Path, *arguments: str) -> str:
    """Run git on the history."""
    command = ["git", f"--git-dir={home / 'data/history.git'}", *arguments]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout


def push(home: Path, change: Callable[[Path], object]) -> None:
    """Clone the history, change its files, commit and push."""
    clone = home.parent / "clone"
    who = ["-c", "user.name=Eve", "-c", "user.email=eve@example.org"]
    commands = (["add", "-A"], [*who, "commit", "-qm", "Mine"], ["push", "-q"])
    run_git(home, "clone", "-q", str(home / "data/history.git"), str(clone))
    change(clone)
    for command in commands:
        subprocess.run(["git", *command], cwd=clone, check=True, capture_output=True)


def mended(pvt: Pvt, part: str | None) -> Json:
    """Require that the doctor finds a *part* damaged and repairs it."""
    found = pvt("doctor", "--json")
    assert (found.code, found.json["ok"]) == (7, False), found.json
    assert part in {None} | {problem["part"] for problem in found.json["problems"]}
    repaired = pvt("doctor", "--repair", "--json")
    assert (repaired.code, repaired.json["repaired"]) == (0, True), repaired.err
    assert repaired.json["problems"] == found.json["problems"]
    again = pvt("doctor", "--json")
    assert (again.code, again.json["problems"]) == (0, [])
    return found.json["problems"]


def garble(home: Path, page: int) -> None:
    """Overwrite a page of the database."""

    def change(data: bytes) -> bytes:
        size = int.from_bytes(data[16:18], "big")
        return data[: page * size] + b"\xa5" * size + data[(page + 1) * size :]

    rewrite(home / "data/vault.db", change)


def largest_page_of(home: Path, table: str) -> int:
    """Return the number, from 0, of the page where the root of *table* is."""
    with closing(sqlite3.connect(home / "data/vault.db")) as connection:
        query = "SELECT rootpage - 1 FROM sqlite_master WHERE name = ?"
        return int(connection.execute(query, (table,)).fetchone()[0])


def garble_prompts(home: Path) -> None:
    garble(home, largest_page_of(home, "prompts"))


def garble_header(home: Path) -> None:
    garble(home, 0)


def drop_labels(home: Path) -> None:
    sql(home, "DROP TABLE labels")


def delete_database(home: Path) -> None:
    (home / "data/vault.db").unlink()


def halve_database(home: Path) -> None:
    rewrite(home / "data/vault.db", lambda data: data[: len(data) // 2])


def empty_database(home: Path) -> None:
    rewrite(home / "data/vault.db", lambda data: b"")


def delete_objects(home: Path) -> None:
    head = run_git(home, "rev-parse", "main:hello.md").strip()
    (home / "data/history.git/objects" / head[:2] / head[2:]).unlink()


def garble_object(home: Path) -> None:
    head = run_git(home, "rev-parse", "main:hello.md").strip()
    path = home / "data/history.git/objects" / head[:2] / head[2:]
    rewrite(path, lambda data: data[:-8])


def truncate_pack(home: Path) -> None:
    run_git(home, "repack", "-adq")
    for pack in (home / "data/history.git").glob("objects/pack/*.pack"):
        rewrite(pack, lambda data: data[: len(data) // 2])


def delete_history(home: Path) -> None:
    shutil.rmtree(home / "data/history.git")


def delete_branch(home: Path) -> None:
    run_git(home, "update-ref", "-d", "refs/heads/main")


def move_head_back(home: Path) -> None:
    run_git(home, "update-ref", "refs/heads/main", "main~7")


def push_change(home: Path) -> None:
    def change(clone: Path) -> None:
        path = clone / "hello.md"
        path.write_text(path.read_text().replace("Hello", "Goodbye"))

    push(home, change)


def push_deletion(home: Path) -> None:
    push(home, lambda clone: (clone / "hello.md").unlink())


def push_move(home: Path) -> None:
    push(home, lambda clone: shutil.move(clone / "hello.md", clone / "bye.md"))


REBUILT = [
    garble_prompts,
    garble_header,
    drop_labels,
    delete_database,
    halve_database,
    empty_database,
]


@pytest.mark.parametrize("damage", REBUILT)
def test_database_is_rebuilt_from_the_history(
    filled: Pvt, home: Path, damage: Damage
) -> None:
    before = everything(filled, "message", "updated_at")
    damage(home)
    damaged = home / "data/vault.db"
    kept = damaged.read_bytes() if damaged.exists() else b""
    mended(filled, None if damage is empty_database else "database")
    assert everything(filled, "message", "updated_at") == before
    if damage is not delete_database and damage is not empty_database:
        assert (home / "data/vault.db.damaged-1").read_bytes() == kept
    assert [row["name"] for row in filled.ok("search", "letter", "--json").json] == [
        "work/mail"
    ]


def test_rebuilt_database_keeps_the_names_of_trashed_prompts(
    filled: Pvt, home: Path
) -> None:
    for text in ("One more.", "Yet one more."):
        filled.ok("add", "rubbish", text)
        filled.ok("delete", "rubbish")
    filled.ok("add", "rubbish", "The living one.")
    before = everything(filled, "message", "updated_at")
    delete_database(home)
    filled.ok("doctor", "--repair")
    assert everything(filled, "message", "updated_at") == before


def test_rebuilt_database_keeps_the_message_of_each_version(
    filled: Pvt, home: Path
) -> None:
    before = [filled.ok("log", name, "--json").json for name in ("tea", "work/mail")]
    delete_database(home)
    filled.ok("doctor", "--repair")
    after = [filled.ok("log", name, "--json").json for name in ("tea", "work/mail")]
    assert _without(after, {"commit"}) == _without(before, {"commit"})


def test_rebuilt_database_keeps_when_a_prompt_was_changed_last(
    filled: Pvt, home: Path
) -> None:
    # A title, a label and a move create no version.
    filled.ok("set", "tea", "--title", "Green")  # years after its version
    before = [row["updated_at"][:19] for row in filled.ok("export", "-").json]
    delete_database(home)
    filled.ok("doctor", "--repair")
    after = [row["updated_at"][:19] for row in filled.ok("export", "-").json]
    assert after == before  # to the second, as git has it


def test_rebuilt_database_keeps_the_authors_of_imported_versions(
    pvt: Pvt, home: Path, tmp_path: Path
) -> None:
    author = {"name": "Grace", "email": "grace@example.org"}
    history = [{"body": text, "author": author, "message": text} for text in "abc"]
    path = tmp_path / "prompts.json"
    write(path, {"name": "letters", "body": "c", "history": history})
    pvt.ok("import", str(path))
    before = pvt.ok("log", "letters", "--json").json
    assert [row["author"] for row in before] == [author] * 3
    delete_database(home)
    pvt.ok("doctor", "--repair")
    after = pvt.ok("log", "letters", "--json").json
    assert [row["author"] for row in after] == [author] * 3


def test_newer_drafts_still_arrive_after_the_database_was_rebuilt(
    filled: Pvt, home: Path, tmp_path: Path
) -> None:
    delete_database(home)
    filled.ok("doctor", "--repair")
    newer = asked("c1", "Tea?", "Green tea?", "Black tea?", title="Tea")
    report = filled.ok("import", write(tmp_path / "new.json", newer), "--json").json
    assert (report["updated"], report["skipped"]) == (1, {})


@pytest.mark.parametrize("damage", [delete_database, garble_header, empty_database])
def test_commands_refuse_a_lost_database(
    filled: Pvt, home: Path, damage: Damage
) -> None:
    damage(home)
    for command in (["list"], ["get", "hello"], ["search", "x"], ["add", "n", "x"]):
        result = filled(*command)
        assert (result.code, result.out) == (7, b""), command
        assert "doctor --repair" in result.err


@pytest.mark.parametrize(
    "damage",
    [delete_objects, garble_object, truncate_pack, delete_history],
)
def test_history_is_rebuilt_from_the_database(
    filled: Pvt, home: Path, git: Git, damage: Damage
) -> None:
    before = everything(filled)
    damage(home)
    mended(filled, "git")
    assert everything(filled) == before
    assert (home / "data/history.git.damaged-1").exists() != (damage is delete_history)
    assert git("show", "main:hello.md").endswith("\nHello {{ who }}!\n")
    git("fsck", "--strict")
    for row in filled.ok("log", "work/mail", "--json").json:
        text = git("show", f"{row['commit']}:work/mail.md")
        assert f"revision: {row['id']}\n" in text


@pytest.mark.parametrize(
    "damage",
    [delete_branch, move_head_back, push_change, push_deletion, push_move],
)
def test_history_is_brought_up_to_the_database(
    filled: Pvt, home: Path, git: Git, damage: Damage
) -> None:
    before, tree = everything(filled), git("rev-parse", "main^{tree}")
    damage(home)
    mended(filled, "history")
    assert everything(filled) == before
    assert git("rev-parse", "main^{tree}") == tree


def test_older_versions_that_the_history_lost_are_committed_again(
    filled: Pvt, home: Path, git: Git
) -> None:
    delete_branch(home)
    mended(filled, "history")
    for row in filled.ok("log", "tea", "--json").json:
        text = git("show", f"{row['commit']}:chatgpt/tea.md")
        assert f"revision: {row['id']}\n" in text


@pytest.mark.parametrize(
    ("what", "value"),
    [
        ("body", "Overwritten"),
        ("body", b"\xff\xfe"),
        ("body", "Write a letter.\nNo name"),  # white space does not count in a digest
        ("digest", b"wrong"),
    ],
)
def test_damaged_text_is_taken_from_the_history(
    filled: Pvt, home: Path, what: str, value: object
) -> None:
    before = everything(filled)
    sql(home, f"UPDATE versions SET {what} = ? WHERE body LIKE '%No name%'", value)
    problems = mended(filled, "history")
    assert "work/mail@1" in problems[0]["message"]
    assert everything(filled) == before


def test_damaged_current_text_is_found_by_the_search_again(
    filled: Pvt, home: Path
) -> None:
    sql(home, "UPDATE versions SET body = 'Zebra' WHERE message = 'Shorter'")
    mended(filled, "index")
    assert filled.ok("get", "work/mail").out == b"Write a short letter."
    assert filled.ok("search", "short", "--json").json[0]["name"] == "work/mail"
    assert filled.ok("search", "zebra", "--json").json == []


@pytest.mark.parametrize(
    "statement",
    [
        "INSERT INTO search (search) VALUES ('delete-all')",
        "DELETE FROM search_data WHERE id > 10",
        "UPDATE search_docsize SET sz = zeroblob(5)",
        "INSERT INTO search (rowid, name, body) VALUES (99, 'ghost', 'ghost')",
    ],
)
def test_index_is_rebuilt_from_the_texts(
    filled: Pvt, home: Path, statement: str
) -> None:
    before = everything(filled), filled.ok("imports", "list", "--json").json
    sql(home, statement)
    mended(filled, "index")
    after = everything(filled), filled.ok("imports", "list", "--json").json
    assert after == before
    hits = filled.ok("search", "short", "--json").json
    assert [hit["name"] for hit in hits] == ["work/mail"]


@pytest.mark.parametrize("commit", [None, "0" * 40, "main"])
def test_wrong_commit_of_a_version_is_noted_anew(
    filled: Pvt, home: Path, git: Git, commit: str | None
) -> None:
    head = git("rev-parse", commit).strip() if commit == "main" else commit
    before = filled.ok("export", "-").json
    sql(home, "UPDATE versions SET commit_id = ?", head)
    mended(filled, "history")
    assert filled.ok("export", "-").json == before


def test_prompt_that_only_the_history_has_comes_back(filled: Pvt, home: Path) -> None:
    before = everything(filled, "message", "updated_at")
    find = "(SELECT pk FROM prompts WHERE name = 'work/mail')"
    for statement in (
        f"DELETE FROM labels WHERE prompt_pk = {find}",
        f"DELETE FROM versions WHERE prompt_pk = {find}",
        "DELETE FROM prompts WHERE name = 'work/mail'",
    ):
        sql(home, statement)
    mended(filled, "history")
    assert everything(filled, "message", "updated_at") == before


def test_trashed_prompt_that_only_the_history_has_comes_back_as_trash(
    filled: Pvt, home: Path
) -> None:
    before = everything(filled, "message", "updated_at")
    find = "(SELECT pk FROM prompts WHERE name = 'rubbish')"
    sql(home, f"DELETE FROM versions WHERE prompt_pk = {find}")
    sql(home, "DELETE FROM prompts WHERE name = 'rubbish'")
    mended(filled, "history")
    assert everything(filled, "message", "updated_at") == before


def test_prompt_that_somebody_pushed_is_taken_in(filled: Pvt, home: Path) -> None:
    def change(clone: Path) -> None:
        text = (clone / "hello.md").read_text()
        for number, key in enumerate(("\nid: ", "\nrevision: ")):
            start = text.index(key) + len(key)
            other = f"00000000-0000-4000-8000-00000000000{number}"
            text = text[:start] + other + text[start + 36 :]
        (clone / "guest.md").write_text(text.replace("Hello", "Good day"))

    before = filled.ok("list", "--json").json
    push(home, change)
    mended(filled, "history")
    assert filled.ok("get", "guest").out == b"Good day world!\n"
    rows = filled.ok("list", "--json").json
    assert [row for row in rows if row["name"] != "guest"] == before


FOREIGN = {
    "README.md": "# Not a prompt\n",
    "LICENSE": "None\n",
    "notes/todo.md": "---\ntitle: Mine\n---\nText\n",
    "page.md": "---\nlayout: post\n",
}


def test_files_of_others_are_left_alone(filled: Pvt, home: Path, git: Git) -> None:
    def change(clone: Path) -> None:
        for name, text in FOREIGN.items():
            (clone / name).parent.mkdir(exist_ok=True)
            (clone / name).write_text(text)

    push(home, change)
    head = git("rev-parse", "main")
    assert filled("doctor", "--repair").code == 0
    assert git("rev-parse", "main") == head
    filled.ok("add", "one-more", "After that.")
    assert filled("doctor").code == 0
    for name, text in FOREIGN.items():
        assert git("show", f"main:{name}") == text


@pytest.mark.parametrize(
    "text",
    [
        "---\nid: a\nversion: 1\nrevision: b\n---\nNo times\n",
        "---\ntitle: [\nid: a\nversion: 1\nrevision: b\n---\nNo YAML\n",
        "---\nid: a\nversion: 1\nrevision: b\n---\n",
    ],
)
def test_file_that_only_looks_like_ours_stops_nothing(
    filled: Pvt, home: Path, text: str
) -> None:
    before = everything(filled)
    push(home, lambda clone: (clone / "odd.md").write_text(text))
    assert filled("doctor").code in {0, 7}
    assert filled("doctor", "--repair").code in {0, 7}
    assert everything(filled) == before
    delete_database(home)
    assert filled("doctor", "--repair").code in {0, 7}
    before = _without(before, {"message", "updated_at"})
    assert everything(filled, "message", "updated_at") == before


def test_work_that_a_kill_left_over_is_finished(
    filled: Pvt, git: Git, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patch:
        patch.setenv("PATH", str(tmp_path))  # no git there, so the commit has to wait
        filled.ok("add", "waiting", "I am saved, not committed.")
    assert "waiting.md" not in git("ls-tree", "--name-only", "main")
    result = filled("doctor", "--json")
    assert (result.code, result.json["problems"]) == (0, [])
    assert git("show", "main:waiting.md").endswith("not committed.")
    assert git("log", "-1", "--format=%s", "main") == "Add waiting\n"


def test_doctor_is_content_with_an_empty_home(
    pvt: Pvt, home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    assert pvt.ok("doctor", "--json").json == {
        "ok": True,
        "prompts": 0,
        "versions": 0,
        "repaired": False,
        "problems": [],
        "unsaved": [],
    }
    assert pvt.ok("doctor", "--repair").out == b""
    pvt.ok("list")
    assert pvt("doctor").code == 0


def test_doctor_is_content_after_every_kind_of_change(
    filled: Pvt, git: Git, tmp_path: Path
) -> None:
    commands = (
        ["doctor"],
        ["trash", "restore", "rubbish"],
        ["revert", "rubbish@1"],
        ["label", "rubbish@2", "best"],
        ["delete", "rubbish"],
        ["trash", "empty", "--yes"],
        ["move", "work/", "play/"],
        ["copy", "hello", "hello-too"],
        ["set", "tea", "--tag", "drink"],
        ["imports", "undo", "last"],
        ["import", str(tmp_path / "export.json")],
    )
    write(tmp_path / "export.json", asked("c1", "Tea?", "Green tea?", title="Tea"))
    for command in commands:
        filled.ok(*command)
        head = git("rev-parse", "main")
        result = filled("doctor", "--json")
        assert (result.code, result.json["problems"]) == (0, []), command
        assert git("rev-parse", "main") == head
    counts = filled.ok("doctor", "--json").json
    assert counts["prompts"] == len(filled.ok("list", "--plain").lines)


def test_both_sides_damaged_is_an_error_that_destroys_nothing(
    filled: Pvt, home: Path
) -> None:
    garble_prompts(home)
    delete_objects(home)
    before = contents(home / "data")
    for command in (["doctor"], ["doctor", "--repair"]):
        assert filled(*command).code == 7
    assert "backup restore" in filled("doctor", "--repair").err
    assert contents(home / "data") == before


def contents(folder: Path) -> dict[Path, bytes]:
    """Return every file under *folder*, except SQLite's shared memory."""
    paths = [path for path in folder.rglob("*") if path.is_file()]
    return {p: p.read_bytes() for p in paths if p.suffix not in {".db-shm", ".db-wal"}}


def test_text_lost_on_both_sides_is_named_and_kept(filled: Pvt, home: Path) -> None:
    sql(home, "UPDATE versions SET body = 'Overwritten' WHERE message = 'Shorter'")
    delete_objects(home)
    found = filled("doctor", "--repair", "--json")
    assert (found.code, found.json["repaired"]) == (7, False)
    assert (home / "data/history.git.damaged-1/objects").is_dir()
    assert filled("doctor").code == 7
    assert filled.ok("get", "hello").out == b"Hello world!\n"


def test_second_repair_keeps_what_the_first_one_kept(filled: Pvt, home: Path) -> None:
    for number in (1, 2):
        garble_header(home)
        damaged = (home / "data/vault.db").read_bytes()
        filled.ok("doctor", "--repair")
        kept = home / f"data/vault.db.damaged-{number}"
        assert kept.read_bytes() == damaged


def test_person_is_told_what_is_wrong_and_what_to_do(filled: Pvt, home: Path) -> None:
    sql(home, "INSERT INTO search (search) VALUES ('delete-all')")
    result = filled("doctor")
    assert "search index" in result.text
    assert "doctor --repair" in result.err
