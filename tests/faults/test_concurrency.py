"""Many processes on one vault: no command fails, and none sees a partial change."""

import contextlib
import json
import os
import shlex
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import BinaryIO

import pytest

from tests.faults import exports
from tests.faults.program import Result, Vault, editor, ended, finished, script
from tests.faults.wholeness import assert_whole, state, subjects

CROWD = 32
MANY = 400


def together(
    vaults: Sequence[Vault], commands: Sequence[Sequence[str]]
) -> list[Result]:
    """Start all *commands* at the same time, and return their results."""
    pairs = zip(vaults, commands, strict=True)
    processes = [vault.start(*command) for vault, command in pairs]
    with ended(*processes):
        return [finished(process) for process in processes]


def test_a_crowd_makes_the_vault(vault: Vault) -> None:
    names = [f"crowd/member-{number:02}" for number in range(CROWD)]
    adding = [("add", name, f"the text of {name}") for name in names]
    looking = [("list", "--plain")] * 4
    commands = [*adding, *looking]
    results = together([vault] * len(commands), commands)
    assert {result.code for result in results} == {0}, results
    assert not [result for result in results if "locked" in result.err]
    assert not [result for result in results if "has to wait" in result.err]
    assert vault.names() == names
    assert Counter(subjects(vault)) == Counter(f"Add {name}" for name in names)
    assert_whole(vault)


def test_only_one_gets_a_name(vault: Vault) -> None:
    commands = [("add", "wanted", f"text {number}") for number in range(6)]
    results = together([vault] * 6, commands)
    assert sorted(result.code for result in results) == [0, 5, 5, 5, 5, 5], results
    assert len(subjects(vault)) == 1
    assert_whole(vault)


def test_upserts_of_one_text_make_one_version(vault: Vault) -> None:
    results = together([vault] * 6, [("add", "wanted", "text", "--upsert")] * 6)
    assert {result.code for result in results} == {0}, results
    assert len(subjects(vault)) == 1
    assert_whole(vault)


def test_readers_see_an_import_whole_or_not_at_all(
    filled: Vault, tmp_path: Path
) -> None:
    """The second of two files comes through a pipe, so the import waits for it."""
    first = exports.write(tmp_path / "first.json", exports.conversations(MANY, "a"))
    second = exports.write(tmp_path / "second.json", exports.conversations(MANY, "b"))
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    with ended(filled.start("import", first, str(pipe))) as process:
        with _opened_by_reader(pipe, process) as stream:
            assert [_look(filled) for _ in range(3)] == [2, 2, 2]
            stream.write(Path(second).read_bytes())
        while process.poll() is None:
            assert _look(filled) in (2, 2 + 2 * MANY)
        assert finished(process).code == 0
    assert _look(filled) == 2 + 2 * MANY
    assert_whole(filled)


def test_a_writer_waits_for_an_import(filled: Vault, tmp_path: Path) -> None:
    first = exports.write(tmp_path / "first.json", exports.conversations(20))
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    with ended(filled.start("import", first, str(pipe))) as process:
        with _opened_by_reader(pipe, process) as stream:
            adding = filled.start("add", "new/one", "some text")
            stream.write(json.dumps(exports.conversations(40)).encode())
        with ended(adding):
            assert (finished(process).code, finished(adding).code) == (0, 0)
    assert len(filled.names()) == 2 + 40 + 1
    assert_whole(filled)


def _opened_by_reader(pipe: Path, process: subprocess.Popen[str]) -> BinaryIO:
    """Open one end of *pipe* when *process* has opened the other one."""
    while True:
        assert process.poll() is None, finished(process)
        with contextlib.suppress(OSError):  # no process reads yet
            descriptor = os.open(pipe, os.O_WRONLY | os.O_NONBLOCK)
            os.set_blocking(descriptor, True)
            return os.fdopen(descriptor, "wb")
        time.sleep(0.01)


def _look(vault: Vault) -> int:
    """Read in a loop, as a shell script would, and count the prompts."""
    body = vault.here("get", "kept/one")
    assert body == Result(0, "the second wording\n", "")
    hits = vault.here("search", "wording", "--json")
    assert (hits.code, hits.err) == (0, "")
    names = vault.here("list", "--plain")
    assert (names.code, names.err) == (0, "")
    return len(names.out.splitlines())


def test_one_export_imported_twice_at_once(vault: Vault, tmp_path: Path) -> None:
    export = exports.write(tmp_path / "export.json", exports.conversations(200))
    results = together([vault] * 2, [("import", export, "--json")] * 2)
    reports = sorted(
        (json.loads(r.out) for r in results), key=lambda r: -int(r["added"])
    )
    assert [(r["added"], r["duplicates"]) for r in reports] == [(200, 0), (0, 200)]
    assert len(vault.names()) == 200
    assert_whole(vault)


def test_an_edit_during_an_edit(filled: Vault, tmp_path: Path) -> None:
    """Another process saves meanwhile: the edit is refused, and its text is kept."""
    quick = editor(tmp_path, "what the quick one wrote\n")
    inner = shlex.join([sys.executable, "-m", "promptvault", "edit", "kept/one"])
    slow = script(
        tmp_path / "slow.sh",
        f'EDITOR={quick} {inner} || exit 1\necho what the slow one wrote > "$1"',
    )
    result = filled.with_(EDITOR=str(slow), TMPDIR=str(tmp_path)).here(
        "edit", "kept/one"
    )
    assert result.code == 5, result
    (draft,) = tmp_path.glob("promptvault-*.md")
    assert str(draft) in result.err
    assert draft.read_text() == "what the slow one wrote\n"
    assert filled.ok("get", "kept/one") == "what the quick one wrote\n"
    assert_whole(filled)


def test_edits_at_once(filled: Vault, tmp_path: Path) -> None:
    """Each edit that reported 'saved' is a version, and there is no other version."""
    wordings = [f"wording of person {number}\n" for number in range(6)]
    people = [filled.with_(EDITOR=editor(tmp_path, text)) for text in wordings]
    results = together(people, [("edit", "kept/one")] * 6)
    assert {result.code for result in results} <= {0, 5}, results
    saved = [w for w, r in zip(wordings, results, strict=True) if r.code == 0]
    versions = json.loads(state(filled).prompts["kept/one"][-1])
    assert sorted(body for _, body, _ in versions[2:]) == sorted(saved)
    assert saved
    assert_whole(filled)


@pytest.mark.parametrize("command", ["move", "delete"])
def test_one_prompt_taken_by_many(filled: Vault, command: str) -> None:
    rest = {"move": ("taken/one",), "delete": ()}[command]
    results = together([filled] * 4, [(command, "kept/one", *rest)] * 4)
    assert sorted(result.code for result in results) == [0, 3, 3, 3], results
    assert_whole(filled)


def test_a_count_for_every_use(filled: Vault) -> None:
    """Uses are statistics: concurrent commands may lose some, and nothing else."""
    results = together([filled] * 8, [("get", "kept/two")] * 8)
    assert results == [Result(0, "never touched", "")] * 8
    (row,) = [r for r in filled.json("list") if r["name"] == "kept/two"]
    assert 1 <= row["uses"] <= 8
