"""A disk that is full, read-only or damaged, and files that are no vault.

A command ends with a documented exit code and a few lines on stderr. No acknowledged
change is lost.
"""

import contextlib
import os
import resource
import shutil
import sqlite3
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import pytest

from tests.faults import exports
from tests.faults.conftest import duplicate
from tests.faults.disk import fill, incompressible, modes, mounted, needs_linux
from tests.faults.program import (
    Result,
    Vault,
    assert_civil,
    assert_refused,
    bound_by_permissions,
    editor,
)
from tests.faults.wholeness import assert_whole, git, state, subjects

Spoil = Callable[[Vault], object]

ONE = Result(0, "the second wording\n", "")
"""The state after `get kept/one`."""


def assert_readable(vault: Vault, before: Callable[[], None] | None = None) -> None:
    """Assert that every read command works without a warning."""
    run = partial(vault.run, before=before) if before else vault.here
    assert run("get", "kept/one") == ONE
    listed = run("list", "--plain")
    assert listed == Result(0, "kept/one\nkept/two\n", "")
    found = run("search", "touched", "--json")
    assert (found.code, found.err) == (0, "")
    assert "kept/two" in found.out


# A full disk


@needs_linux
@pytest.mark.parametrize("kib", [0, 8, 64, 128])
def test_no_file_may_grow(filled: Vault, kib: int) -> None:
    """RLIMIT_FSIZE: every write beyond so many KiB fails, in git and in SQLite."""

    def limit() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (kib << 10, kib << 10))

    before = state(filled)
    added = filled.run("add", "new/one", "some text\n" * 4000, before=limit)
    _assert_all_or_nothing(filled, before, added)
    filled.quiet("add", "new/two", "more text")
    assert_whole(filled)


@needs_linux
@pytest.mark.parametrize("spare", [0, 96, 160, 192, 256])
def test_full_disk(pristine: Vault, small_disk: Path, spare: int) -> None:
    """With so many KiB free, a save is complete, in SQLite only, or not there."""
    vault = duplicate(pristine, small_disk / "home").with_(HOME=str(small_disk))
    before = state(vault)
    ballast = small_disk / "ballast"
    fill(ballast, spare)
    added = vault.run("add", "new/one", incompressible(24_000))
    assert_readable_beside(vault, "new/one")
    ballast.unlink()
    _assert_all_or_nothing(vault, before, added)
    vault.quiet("add", "new/two", "more text")
    assert_whole(vault)


def assert_readable_beside(vault: Vault, *others: str) -> None:
    assert vault.here("get", "kept/one") == ONE
    names = vault.here("list", "--plain")
    assert (names.code, names.err) == (0, "")
    assert set(names.out.split()) - set(others) == {"kept/one", "kept/two"}


def _assert_all_or_nothing(vault: Vault, before: object, added: Result) -> None:
    if added.code == 0:
        assert_civil(added)
        assert state(vault).without("new/one") == before
        assert "new/one" in state(vault).prompts
    else:
        assert_refused(added, 7)
        assert state(vault) == before


@needs_linux
def test_import_on_a_full_disk(
    pristine: Vault, small_disk: Path, tmp_path: Path
) -> None:
    """An import that does not fit leaves nothing, and succeeds later."""
    vault = duplicate(pristine, small_disk / "home")
    before = state(vault)
    export = exports.write(tmp_path / "export.json", exports.conversations(200))
    fill(small_disk / "ballast", 200)
    assert_refused(vault.run("import", export), 7)
    assert_readable(vault)
    (small_disk / "ballast").unlink()
    assert state(vault) == before
    vault.quiet("import", export)
    assert len(vault.names()) == 202
    assert_whole(vault)


@needs_linux
def test_what_was_edited_is_kept_when_it_cannot_be_saved(
    filled: Vault, tmp_path: Path
) -> None:
    writer = filled.with_(EDITOR=editor(tmp_path, "written with care\n"))
    lock = filled.data / "vault.lock"
    lock.unlink()
    lock.mkdir()
    result = writer.with_(TMPDIR=str(tmp_path)).here("edit", "kept/one")
    assert_refused(result, 7)
    (draft,) = tmp_path.glob("promptvault-*.md")
    assert draft.read_text() == "written with care\n"
    assert str(draft) in result.err, "the person is not told where the text is"


# A read-only disk


@pytest.fixture
def read_only(filled: Vault, tmp_path: Path) -> Iterator[Vault]:
    """Return the filled vault through a read-only mount, if that is permitted."""
    folder = tmp_path / "mounted"
    folder.mkdir()
    with mounted("--bind", "-o", "ro", str(filled.home), str(folder)):
        yield Vault(folder)


@needs_linux
def test_read_only_disk(read_only: Vault) -> None:
    assert_readable(read_only)
    assert_refused(read_only.here("add", "new/one", "some text"), 7)
    assert_refused(read_only.here("set", "kept/one", "--title", "A title"), 7)
    assert_readable(read_only)


@needs_linux
def test_read_only_modes(filled: Vault) -> None:
    """The folder and its files can only be read, as on a shared disk."""
    with modes(filled.home, 0o555, 0o444):
        before = bound_by_permissions()
        assert_readable(filled, before)
        assert_refused(filled.run("add", "new/one", "some text", before=before), 7)
        assert_readable(filled, before)
    filled.quiet("add", "new/one", "some text")
    assert_whole(filled)


@needs_linux
@pytest.mark.parametrize("shared_memory", [True, False], ids=["with-shm", "no-shm"])
def test_read_only_after_a_kill(
    filled: Vault, tmp_path: Path, shared_memory: bool
) -> None:
    """The last save may still be in the WAL; a reader must see it there."""
    with contextlib.closing(sqlite3.connect(filled.database)) as reader:
        reader.execute("BEGIN")
        reader.execute("SELECT * FROM prompts").fetchone()  # so the WAL stays
        filled.ok("add", "new/one", "some text")
        copy = Vault(tmp_path / "copy")
        shutil.copytree(filled.home, copy.home)
    assert (copy.data / "vault.db-wal").stat().st_size > 0
    if not shared_memory:
        (copy.data / "vault.db-shm").unlink()
    with modes(copy.home, 0o555, 0o444):
        found = copy.run("get", "new/one", before=bound_by_permissions())
    assert found == Result(0, "some text", "") or found.code == 7, found
    assert_civil(found)


@needs_linux
@pytest.mark.parametrize("what", ["home", "data", "vault.db"])
def test_no_permission_at_all(filled: Vault, what: str) -> None:
    path = {"home": filled.home, "data": filled.data}.get(what, filled.database)
    with _only(path, 0o000):
        for command in (["list"], ["get", "kept/one"], ["add", "new/one", "text"]):
            result = filled.run(*command, before=bound_by_permissions())
            assert_refused(result, 7)
    assert_readable(filled)


@contextlib.contextmanager
def _only(path: Path, mode: int) -> Iterator[None]:
    before = path.stat().st_mode
    path.chmod(mode)
    try:
        yield
    finally:
        path.chmod(before)


# Files that are no vault


def _garbage(vault: Vault) -> None:
    vault.database.write_bytes(b"this is no database, whatever it is called\n" * 500)


def _cut_in_half(vault: Vault) -> None:
    os.truncate(vault.database, vault.database.stat().st_size // 2 // 4096 * 4096)


def _overwritten(vault: Vault) -> None:
    with vault.database.open("r+b") as file:
        file.seek(4096)
        file.write(b"\xaa" * 4096 * 8)


def _folder(vault: Vault) -> None:
    vault.database.unlink()
    vault.database.mkdir()


@pytest.mark.parametrize("spoil", [_garbage, _cut_in_half, _overwritten, _folder])
def test_damaged_vault(filled: Vault, tmp_path: Path, spoil: Spoil) -> None:
    commits = subjects(filled)
    spoil(filled)
    export = exports.write(tmp_path / "export.json", exports.conversations(3))
    for command in (
        ["list"],
        ["get", "kept/one"],
        ["add", "new/one", "some text"],
        ["import", export],
    ):
        assert_refused(filled.here(*command), 7)
    assert subjects(filled) == commits
    assert git(filled, "fsck", "--strict")[0] == 0


def test_vault_newer_than_this_program(filled: Vault, tmp_path: Path) -> None:
    with contextlib.closing(sqlite3.connect(filled.database)) as connection:
        connection.execute("PRAGMA user_version = 9999")
    before = filled.database.read_bytes()
    export = exports.write(tmp_path / "export.json", exports.conversations(3))
    for command in (
        ["list"],
        ["get", "kept/one"],
        ["add", "new/one", "some text"],
        ["import", export],
        ["imports", "undo", "last"],
    ):
        result = filled.here(*command)
        assert_refused(result, 7)
        assert "newer" in result.err
    assert filled.database.read_bytes() == before


@pytest.mark.parametrize("place", ["home", "home/data"])
def test_a_file_in_the_place_of_a_folder(vault: Vault, place: str) -> None:
    path = vault.home.parent / place
    path.parent.mkdir(exist_ok=True)
    path.write_text("a file\n")
    assert_refused(vault.here("add", "new/one", "some text"), 7)
    assert_civil(vault.here("list"))
    assert_refused(vault.here("get", "kept/one"), 3, 7)
    assert path.read_text() == "a file\n"
