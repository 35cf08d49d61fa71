"""The list of discovered sources: chosen from by keys, and printed."""

import io
import os
import pty
import select
import subprocess
import sys
import termios
from datetime import UTC, datetime
from pathlib import Path

import pytest
from prompt_toolkit.application import create_app_session
from prompt_toolkit.data_structures import Size
from prompt_toolkit.input import create_pipe_input
from prompt_toolkit.output.vt100 import Vt100_Output

from promptvault.cli.discovery import choose, show
from promptvault.cli.picker.checklist import Checklist
from promptvault.cli.render.format import format_size
from promptvault.cli.rows.prompts import found_row
from promptvault.errors import InvalidInputError
from promptvault.services.imports.discover import DiscoveredSource
from tests.conftest import Pvt

DOWN, UP, PAGE_DOWN, END = "\x1b[B", "\x1b[A", "\x1b[6~", "\x1b[F"
LINES = [("Claude Code", "12 files"), ("Cursor", "1 file"), ("pet\x1b[2J", "1 file")]
MANY = [(f"line-{number:03}", "") for number in range(100)]
MAY, JUNE = (datetime(2026, month, 1, 12, tzinfo=UTC) for month in (5, 6))


def found(
    title: str, files: int = 1, imported_at: datetime | None = None
) -> DiscoveredSource:
    path = Path("/data", title)
    return DiscoveredSource(
        "pet", title, path, (path,), files, 4_200_000, True, MAY, imported_at
    )


def drive(
    keys: str, lines: list[tuple[str, str]] = LINES, height: int = 24
) -> tuple[list[int] | None, str]:
    """Type *keys* into a list; return what was chosen and what was drawn."""
    screen = io.StringIO()
    output = Vt100_Output(screen, lambda: Size(height, 80))
    with create_pipe_input() as source, create_app_session(source, output):
        source.send_text(keys)
        asked = Checklist("Which?", lines)
        return asked.application(source, output).run(), screen.getvalue()


@pytest.mark.parametrize(
    ("keys", "chosen"),
    [
        ("\r", [0, 1, 2]),
        (" \r", [1, 2]),
        (DOWN + " \r", [0, 2]),
        (DOWN * 9 + UP + " \r", [0, 2]),
        ("j k \r", [2]),
        ("a\r", []),
        ("aa\r", [0, 1, 2]),
        (" a\r", [0, 1, 2]),
        ("a" + END + " \r", [2]),
        ("  \r", [0, 1, 2]),
    ],
)
def test_keys_choose(keys: str, chosen: list[int]) -> None:
    assert drive(keys)[0] == chosen


@pytest.mark.parametrize("key", ["\x1b", "q", "\x03", "\x04"])
def test_keys_cancel(key: str) -> None:
    assert drive(" " + key)[0] is None


def test_what_is_drawn() -> None:
    screen = drive(" \r")[1]
    assert "3/3" in screen
    assert "[x] " in screen
    assert "Claude Code" in screen
    assert "space" in screen
    assert "\x1b[2J" not in screen, "a name moved the cursor"


def test_a_long_list_scrolls_by_its_height() -> None:
    chosen, screen = drive("a" + PAGE_DOWN * 2 + " \r", MANY, height=13)
    assert chosen == [20]
    assert "line-009" in screen
    assert "line-010" not in screen, "drew more than fits"


# On a terminal: a process with pipes, and a pseudo-terminal that this test holds.
SCRIPT = """
import fcntl, os, sys, termios
fcntl.ioctl(os.open(sys.argv[1], os.O_RDWR), termios.TIOCSCTTY, 0)
from promptvault.cli.discovery import choose
from tests.cli.test_discovery import EVERYTHING
try:
    print([each.title for each in choose(EVERYTHING)])
except KeyboardInterrupt:
    sys.exit(130)
"""
EVERYTHING = [found("a"), found("b", imported_at=JUNE), found("c")]


def choose_by(keys: bytes) -> tuple[int, str, str]:
    """Type *keys* on a terminal; return exit code, standard output and the screen."""
    held, given = pty.openpty()
    termios.tcsetwinsize(given, (30, 100))
    process = subprocess.Popen(
        [sys.executable, "-c", SCRIPT, os.ttyname(given)],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        start_new_session=True,
        cwd=Path(__file__).parents[2],
        env=os.environ | {"TERM": "xterm-256color"},
    )
    screen = b""
    try:
        while b"cancel" not in screen:
            assert select.select([held], [], [], 30)[0], screen
            screen += os.read(held, 65536)
        os.write(held, keys)
        out, _ = process.communicate(timeout=30)
    finally:
        process.kill()
        process.wait()
        os.close(held)
        os.close(given)
    return process.returncode, out.decode(), screen.decode()


def test_the_choice_is_what_was_found() -> None:
    code, out, screen = choose_by(b"j \r")
    assert (code, out) == (0, "['a', 'c']\n")
    assert "4.2 MB" in screen
    assert "new" in screen
    assert "imported 2026-06-01" in screen


def test_leaving_ends_the_command() -> None:
    assert choose_by(b"\x1b")[:2] == (130, "")


def test_nothing_found_asks_nothing() -> None:
    assert choose([]) == []


def test_no_terminal_says_what_to_do(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TERM", "dumb")
    with pytest.raises(InvalidInputError, match="--json"):
        choose([found("a")])


def test_a_pipe_gets_a_line_for_each(capfdbinary: pytest.CaptureFixture[bytes]) -> None:
    show([found("pet snippets", files=2)])
    lines = capfdbinary.readouterr().out.decode().splitlines()
    assert lines == ["pet snippets\tpet\t2\t4200000\t\t/data/pet snippets"]


def test_the_row_for_scripts() -> None:
    row = found_row(found("a", imported_at=JUNE))
    assert row["targets"] == [row["path"]] == ["/data/a"]
    assert row["imported_at"].startswith("2026-06-01T12:00:00")
    assert row["changed"] is False


@pytest.mark.parametrize(
    ("size", "text"),
    [
        (1, "1 B"),
        (4_200, "4.2 kB"),
        (999_900_000, "999.9 MB"),
        (2 * 10**12, "2,000.0 GB"),
    ],
)
def test_sizes(size: int, text: str) -> None:
    assert format_size(size) == text


def test_all_of_nothing_is_an_error(
    pvt: Pvt, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.chdir(tmp_path)
    assert pvt.ok("import", "--discover", "--json").json == []
    result = pvt("import", "--discover", "--yes", "--json")
    assert (result.code, result.out) == (8, b"")


def test_one_source_of_several(
    pvt: Pvt, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.chdir(tmp_path)
    for place in (".codex/sessions/rollout-a.jsonl", ".gemini/tmp/x/logs.json"):
        path = tmp_path / place
        path.parent.mkdir(parents=True)
        path.write_text("{}")

    def sources(*options: str) -> list[str]:
        rows = pvt.ok("import", "--discover", "--json", *options).json
        return sorted(row["source"] for row in rows)

    assert sources() == ["codex", "gemini-cli"]
    assert sources("--source", "codex") == ["codex"]
    assert sources("--source", "gemini") == ["gemini-cli"]
    assert pvt("import", "--discover", "--source", "nothing").code == 2
