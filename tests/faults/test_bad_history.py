"""A history that is damaged or missing, and a git that fails or is missing.

The change is saved in SQLite, and the user gets a warning; git catches up later.
"""

import os
import shutil
import signal
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.faults import exports
from tests.faults.program import Result, Vault, assert_civil, script
from tests.faults.wholeness import assert_whole, git, subjects

Spoil = Callable[[Vault], object]


def assert_saved(result: Result) -> None:
    """Assert that a command succeeded although the history has to wait."""
    assert result.code == 0, result
    assert_civil(result)
    assert result.err.count("has to wait") == 1, result


def _gone(vault: Vault) -> None:
    shutil.rmtree(vault.history)


def test_history_gone(filled: Vault) -> None:
    """The next save creates a history; `doctor --repair` writes the other versions."""
    _gone(filled)
    filled.quiet("add", "new/one", "some text")
    assert subjects(filled) == ["Add new/one"]
    assert git(filled, "fsck", "--strict")[0] == 0
    assert filled.names() == ["kept/one", "kept/two", "new/one"]
    assert filled.ok("get", "kept/one@1") == "the first wording"
    assert filled.here("doctor").code == 7
    filled.ok("doctor", "--repair")
    assert_whole(filled)
    filled.ok("doctor")


def _head_gone(vault: Vault) -> None:
    (vault.history / "HEAD").unlink()


def _head_empty(vault: Vault) -> None:
    (vault.history / "HEAD").write_bytes(b"")


def _branch_of_zeros(vault: Vault) -> None:
    (vault.history / "refs/heads/main").write_bytes(b"\0" * 41)


def _objects_gone(vault: Vault) -> None:
    shutil.rmtree(vault.history / "objects")


def _commit_gone(vault: Vault) -> None:
    head = (vault.history / "refs/heads/main").read_text().strip()
    (vault.history / "objects" / head[:2] / head[2:]).unlink()


def _history_is_a_file(vault: Vault) -> None:
    _gone(vault)
    vault.history.write_text("a file\n")


def _config_garbage(vault: Vault) -> None:
    (vault.history / "config").write_text("[[[ what is this\n")


HARMS = [_head_gone, _branch_of_zeros, _history_is_a_file, _config_garbage]
MORE_HARMS = [
    pytest.param(harm, marks=pytest.mark.soak)
    for harm in (_head_empty, _objects_gone, _commit_gone)
]


@pytest.mark.parametrize(
    "harm", [*HARMS, *MORE_HARMS], ids=lambda harm: harm.__name__.strip("_")
)
def test_damaged_history(filled: Vault, harm: Spoil) -> None:
    """SQLite is complete: commands work, and the doctor creates a new history."""
    harm(filled)
    filled.ok("add", "new/one", "some text")
    assert filled.here("doctor").code == 7
    filled.ok("doctor", "--repair")
    assert filled.names() == ["kept/one", "kept/two", "new/one"]
    assert_whole(filled)


def test_a_history_that_has_to_wait_is_told_of_once(filled: Vault) -> None:
    _config_garbage(filled)
    assert_saved(filled.here("add", "new/one", "some text"))
    assert_saved(filled.here("add", "new/two", "some text"))


def test_stale_files_of_git(filled: Vault) -> None:
    """Lock files of a killed git do no harm, since commands hold the vault's lock."""
    stale = (
        "HEAD.lock",
        "config.lock",
        "packed-refs.lock",
        "refs/heads/main.lock",
        "objects/pack/tmp_pack_aaaaaa",
        "objects/pack/tmp_idx_aaaaaa",
        "fast_import_crash_4711",
    )
    for name in stale:
        (filled.history / name).touch()
    filled.quiet("add", "new/one", "some text")
    assert not [name for name in stale if (filled.history / name).exists()]
    assert_whole(filled)


# A git that is missing or fails


def test_without_git(filled: Vault, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    without = filled.with_(PATH=str(tmp_path / "empty"))
    export = exports.write(tmp_path / "export.json", exports.conversations(120))
    assert_saved(without.here("add", "new/one", "some text"))
    assert_saved(without.here("set", "new/one", "--title", "A title"))
    assert_saved(without.here("imports", "undo", _import(without, export)))
    assert without.names() == ["kept/one", "kept/two", "new/one"]
    with_git = filled.here("add", "new/two", "more text")
    assert (with_git.code, len(with_git.err.splitlines())) == (0, 1)
    assert subjects(filled)[0] == "Add new/two"
    assert "Add new/one" in subjects(filled)
    assert_whole(filled)


def _import(vault: Vault, export: str) -> str:
    result = vault.here("import", export, "--json")
    assert_saved(result)
    return "last"


def test_without_git_from_the_start(vault: Vault, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    without = vault.with_(PATH=str(tmp_path / "empty"))
    assert_saved(without.here("add", "new/one", "some text"))
    vault.quiet("add", "new/two", "more text")
    assert subjects(vault) == ["Add new/two", "Add new/one"]
    assert_whole(vault)


@pytest.mark.parametrize(
    "text",
    [
        "exit 1",
        "echo fatal: no >&2; exit 128",
        f"kill -{signal.SIGKILL.value} $$",
        "head -c 10 > /dev/null; exit 1",
    ],
    ids=["fails", "complains", "dies", "stops-reading"],
)
def test_git_that_fails(filled: Vault, tmp_path: Path, text: str) -> None:
    """Only fast-import fails; other git commands work."""
    real = shutil.which("git")
    case = f'case "$*" in *fast-import*) {text};; esac'
    script(tmp_path / "bin" / "git", f'{case}\nexec {real} "$@"')
    failing = filled.with_(PATH=f"{tmp_path / 'bin'}:{os.environ['PATH']}")
    assert_saved(failing.here("add", "new/one", "-", stdin="some text" * 20_000))
    filled.quiet("add", "new/two", "more text")
    assert subjects(filled)[:2] == ["Add new/two", "Add new/one"]
    assert_whole(filled)
