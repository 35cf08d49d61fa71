"""Reading leaves no trace: nothing is written, locked or created next to the file."""

import contextlib
import ctypes
import os
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from promptvault.importers.input.document import Document, documents_at
from promptvault.importers.registry import find_importer
from tests.importers.build import bodies, imported
from tests.importers.examples import EXAMPLES, Example

examples = pytest.mark.parametrize("example", EXAMPLES, ids=lambda e: f"{e[0]} {e[1]}")
databases = pytest.mark.parametrize(
    "example",
    [each for each in EXAMPLES if each.data.startswith(b"SQLite")],
    ids=lambda e: f"{e[0]} {e[1]}",
)
modes = pytest.mark.parametrize("mode", ["delete", "wal"])
# All events of inotify except opening, reading and closing after reading.
_CHANGES = 0xFFF & ~(0x001 | 0x010 | 0x020)
_NOT_BLOCKING = os.O_NONBLOCK
_HOLD = """
import sqlite3, sys
connection = sqlite3.connect(sys.argv[1], isolation_level=None)
connection.execute("PRAGMA journal_mode = " + sys.argv[2])
connection.execute("PRAGMA wal_autocheckpoint = 0")
connection.execute("CREATE TABLE IF NOT EXISTS held (x)")
connection.execute("INSERT INTO held VALUES (1)")
connection.execute("BEGIN EXCLUSIVE")
print("held", flush=True)
sys.stdin.read()
"""


@contextlib.contextmanager
def unchanged(folder: Path) -> Iterator[None]:
    """Fail if anything below *folder* changes, even for a moment."""
    before = _state(folder)
    with _watched(folder) as events:
        yield
        assert not _happened(events)
    assert _state(folder) == before


def _state(folder: Path) -> dict[str, tuple[object, ...]]:
    found: dict[str, tuple[object, ...]] = {}
    for path in sorted(folder.rglob("*")):
        status = path.stat()
        times = (status.st_mtime_ns, status.st_ctime_ns)
        data = path.read_bytes() if path.is_file() else b""
        found[str(path)] = (status.st_mode, status.st_ino, status.st_size, times, data)
    return found


@contextlib.contextmanager
def _watched(folder: Path) -> Iterator[int | None]:
    """Watch all folders below *folder*, if the system can."""
    if sys.platform != "linux":
        yield None
        return
    libc = ctypes.CDLL(None, use_errno=True)
    events = libc.inotify_init1(_NOT_BLOCKING)
    try:
        for each in (folder, *filter(Path.is_dir, folder.rglob("*"))):
            assert libc.inotify_add_watch(events, os.fsencode(each), _CHANGES) >= 0
        yield events
    finally:
        os.close(events)


def _happened(events: int | None) -> bytes:
    if events is None:
        return b""
    with contextlib.suppress(BlockingIOError):
        return os.read(events, 1 << 16)
    return b""


@contextlib.contextmanager
def held(path: Path, mode: str) -> Iterator[None]:
    """Another process locks the database at *path* exclusively."""
    command = [sys.executable, "-c", _HOLD, str(path), mode]
    pipe = subprocess.PIPE
    with subprocess.Popen(command, stdin=pipe, stdout=pipe, text=True) as process:
        assert process.stdout
        assert process.stdout.readline() == "held\n"
        yield
        process.communicate("")


def written(example: Example, folder: Path) -> Path:
    path = folder / example.name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(example.data)
    return path


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells of it")
def test_watch_sees_a_file_that_is_gone_again(tmp_path: Path) -> None:
    with pytest.raises(AssertionError):
        _come_and_go(tmp_path)


def _come_and_go(folder: Path) -> None:
    with unchanged(folder):
        (folder / "a-journal").touch()
        (folder / "a-journal").unlink()


@examples
def test_nothing_changes_where_it_is_read(example: Example, tmp_path: Path) -> None:
    written(example, tmp_path)
    (tmp_path / "other").write_bytes(b"\0")
    with unchanged(tmp_path):
        assert sorted(bodies(imported(tmp_path))) == sorted(example.wanted)


@databases
@modes
def test_database_that_another_program_has_locked(
    example: Example, mode: str, tmp_path: Path
) -> None:
    path = written(example, tmp_path)
    with held(path, mode), unchanged(tmp_path):
        assert sorted(bodies(imported(path))) == sorted(example.wanted)


@databases
@modes
def test_other_program_can_write_while_its_database_is_read(
    example: Example, mode: str, tmp_path: Path
) -> None:
    """In the middle of reading, it locks the whole database without waiting."""
    path = written(example, tmp_path)
    with contextlib.closing(sqlite3.connect(path, timeout=0)) as other:
        other.execute(f"PRAGMA journal_mode = {mode}")
        (each,) = documents_at(path)
        assert isinstance(each, Document)
        importer = find_importer(each)
        assert importer
        items = importer.read(each)
        next(items)
        other.execute("CREATE TABLE more (x)")
        other.execute("BEGIN EXCLUSIVE")
        other.execute("INSERT INTO more VALUES (1)")
        other.commit()
        items.close()  # type: ignore[attr-defined]
    assert {each.name for each in tmp_path.iterdir()} == {path.name}
