"""The picker, driven by keys: in this process, and on a terminal as ``$(…)`` does."""

import contextlib
import io
import os
import pty
import re
import select
import subprocess
import sys
import termios
import textwrap
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from prompt_toolkit.application import create_app_session
from prompt_toolkit.data_structures import Size
from prompt_toolkit.formatted_text import fragment_list_to_text
from prompt_toolkit.input import create_pipe_input
from prompt_toolkit.output.vt100 import Vt100_Output
from prompt_toolkit.utils import get_cwidth

from promptvault.cli.picker import picker
from promptvault.cli.picker.fuzzy import Choice
from promptvault.cli.picker.picker import pick
from promptvault.errors import InvalidInputError, NotFoundError

ROWS = [
    Choice("code-review", "Review a pull request", ("python",), "Daily"),
    Choice("翻訳", "丁寧な日本語に直す", ("日本語",)),
    Choice("cafe-menu", "Crée un menu"),
    Choice("untitled", description="Says what it is"),
]
MANY = [Choice(f"row-{number:03}") for number in range(100)]
DOWN, UP, PAGE_DOWN, PAGE_UP = "\x1b[B", "\x1b[A", "\x1b[6~", "\x1b[5~"
SHIFT_DOWN, SHIFT_UP = "\x1b[1;2B", "\x1b[1;2A"


@dataclass
class Picked:
    """How a picker ended: what it returned, drew and loaded."""

    name: str | None
    screen: str
    previewed: list[str]


def drive(
    keys: str,
    rows: list[Choice] = ROWS,
    query: str = "",
    columns: int = 80,
    lines: int = 24,
    body: str | None = None,
) -> Picked:
    """Type *keys* into a picker; *body* is the preview of every row."""
    previewed: list[str] = []

    def preview(name: str) -> str:
        previewed.append(name)
        return body or ""

    screen = io.StringIO()
    output = Vt100_Output(screen, lambda: Size(lines, columns))
    with create_pipe_input() as source, create_app_session(source, output):
        source.send_text(keys)
        asked = picker._Picker(rows, query, None if body is None else preview)
        name = asked.application(source, output).run()
    return Picked(name, screen.getvalue(), previewed)


@pytest.mark.parametrize(
    ("keys", "name"),
    [
        ("\r", "code-review"),
        ("menu\r", "cafe-menu"),
        ("REVIEW\x15Review\r", "code-review"),
        ("丁寧\r", "翻訳"),
        (DOWN + "\r", "翻訳"),
        ("\x0e\x0e\x10\r", "翻訳"),
        (DOWN * 9 + "\r", "untitled"),
        (DOWN + UP * 9 + "\r", "code-review"),
        # Typing moves the highlight to the best row.
        (DOWN * 3 + "e\x15\r", "code-review"),
        # Editing within the line: to its start, and back by a word.
        ("enu\x01m\r", "cafe-menu"),
        ("menu x\x1bb\x0b\r", "cafe-menu"),
        # Pasted lines become one query and choose nothing.
        ("\x1b[200~cafe\nmenu\x1b[201~\r", "cafe-menu"),
        ("\x1acafe\r", "cafe-menu"),
    ],
)
def test_keys_choose(keys: str, name: str) -> None:
    assert drive(keys).name == name


def test_enter_waits_while_nothing_matches() -> None:
    assert drive("zzz\r\x15\r").name == "code-review"
    assert drive("\r\x03", rows=[]).name is None


@pytest.mark.parametrize("key", ["\x1b", "\x03", "\x04", "\x07"])
def test_keys_cancel(key: str) -> None:
    assert drive("menu" + key).name is None


def test_the_query_given_is_typed_already() -> None:
    assert drive("\r", query="menu").name == "cafe-menu"
    assert drive("u\r", query="men").name == "cafe-menu"


def test_pages_are_as_long_as_the_list() -> None:
    # 20 of 40 lines, two of which are the query and the counter.
    assert drive(PAGE_DOWN + "\r", MANY, lines=40).name == "row-018"
    assert drive(PAGE_DOWN * 2 + PAGE_UP + "\r", MANY, lines=40).name == "row-018"
    assert drive(PAGE_DOWN * 99 + "\r", MANY).name == "row-099"


def test_the_counter_tells_matches_and_rows() -> None:
    assert "1/4" in drive("\r", query="menu").screen
    assert "0/4" in drive("\x03", query="zzz").screen


def test_preview_is_on_where_there_is_room() -> None:
    wide = drive("\r", columns=100, body="Be strict.")
    assert "Be strict." in wide.screen
    assert set(wide.previewed) == {"code-review"}
    narrow = drive("\r", columns=99, body="Be strict.")
    assert "Be strict." not in narrow.screen
    assert narrow.previewed == []


def test_only_highlighted_rows_are_loaded_and_once() -> None:
    loaded: list[str] = []

    def preview(name: str) -> str:
        loaded.append(name)
        return name

    asked = picker._Picker(ROWS, "", preview)
    for by in (0, 1, 1, -1):
        asked.move(by)
        previewed(asked)
    assert loaded == ["code-review", "翻訳", "cafe-menu"]


def test_a_prompt_that_is_gone_shows_why_in_its_preview() -> None:
    def preview(name: str) -> str:
        raise NotFoundError(f"There is no {name}.")

    lines = previewed(picker._Picker(ROWS, "", preview))
    assert "There is no code-review." in lines


def test_preview_shows_the_row_in_full_and_the_body_wrapped() -> None:
    asked = picker._Picker(ROWS, "", lambda _: "one two three four\n\tv\x1b[2J")
    assert previewed(asked, width=16) == [
        "code-review",
        "Review a pull request · Daily",
        "#python",
        "",
        "one two three",
        "four",
        "        v\\x1b[2J",
    ]


def test_preview_scrolls_no_further_than_its_end() -> None:
    asked = picker._Picker(ROWS, "", lambda _: "\n".join(map(str, range(50))))
    asked.scroll_preview(3)
    assert previewed(asked, height=5)[0] == ""
    asked.scroll_preview(1000)
    assert previewed(asked, height=5) == ["45", "46", "47", "48", "49"]
    asked.scroll_preview(-1000)
    assert previewed(asked, height=5)[0] == "code-review"
    asked.scroll_preview(3)
    asked.move(1)
    assert previewed(asked)[0] == "翻訳"


def test_a_huge_prompt_is_cut() -> None:
    lines = previewed(picker._Picker(ROWS, "", lambda _: "word " * 1_000_000))
    assert sum(map(len, lines)) < 30_000
    assert lines[-1].endswith("…")


def previewed(asked: picker._Picker, width: int = 60, height: int = 10) -> list[str]:
    content = picker._Preview(asked).create_content(width, height)
    return [
        fragment_list_to_text(content.get_line(at)) for at in range(content.line_count)
    ]


def listed(asked: picker._Picker, width: int = 70, height: int = 10) -> list[str]:
    content = picker._Rows(asked).create_content(width, height)
    return [
        fragment_list_to_text(content.get_line(at)) for at in range(content.line_count)
    ]


def test_columns_align_under_wide_characters() -> None:
    lines = listed(picker._Picker(ROWS, "", None))
    starts = {
        get_cwidth(line[: line.index(text)])
        for line, text in zip(
            lines, ("Review", "丁寧", "Crée", "Says what it is"), strict=True
        )
    }
    assert len(starts) == 1


@pytest.mark.parametrize("width", range(1, 60))
def test_lines_never_leave_their_width(width: int) -> None:
    for line in listed(picker._Picker(ROWS, "", None), width):
        assert get_cwidth(line) <= width


def test_tags_that_match_stay_in_sight() -> None:
    rows = [Choice("a-rather-long-name", "A rather long title", ("tips", "python"))]
    (unasked,) = listed(picker._Picker(rows, "", None), 40)
    assert unasked.rstrip().endswith("A rather long ti…")
    (asked,) = listed(picker._Picker(rows, "python", None), 40)
    assert asked.endswith("…  #python")


def test_what_a_terminal_would_obey_is_visible() -> None:
    rows = [Choice("a", "one\ntwo\x1b[2J\u202e\u200fthree")]
    assert (
        "one two\\x1b[2J\\u202e\\u200fthree"
        in listed(picker._Picker(rows, "", None))[0]
    )


def test_what_matched_is_styled() -> None:
    asked = picker._Picker(ROWS, "review", None)
    content = picker._Rows(asked).create_content(70, 10)
    marked = "".join(
        text for style, text, *_ in content.get_line(0) if "class:match" in style
    )
    assert marked == "review"


def test_an_empty_list_says_why() -> None:
    assert "ctrl-u" in listed(picker._Picker(ROWS, "zzz", None))[0]
    assert "no prompts" in listed(picker._Picker([], "", None))[0]


@pytest.mark.parametrize("no_color", [True, False])
def test_no_color_is_respected(no_color: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("NO_COLOR", raising=False)
    monkeypatch.setenv("TERM", "xterm-256color")
    if no_color:
        monkeypatch.setenv("NO_COLOR", "1")
    screen = drive("\r", query="menu").screen
    coloured = re.search(r"\x1b\[(\d+;)*[39][0-7][;m]", screen)
    assert bool(coloured) is not no_color


# On a terminal: a process whose standard input and output are pipes, and which has
# a pseudo-terminal whose other end this test holds.

SCRIPT = textwrap.dedent(
    """
    import fcntl, os, sys, termios
    if sys.argv[1] != "-":
        fcntl.ioctl(os.open(sys.argv[1], os.O_RDWR), termios.TIOCSCTTY, 0)
    from promptvault.cli.picker.picker import Choice, pick
    from promptvault.errors import InvalidInputError
    rows = [Choice("code-review"), Choice("cafe-menu"), Choice("unit-tests")]
    try:
        name = pick(rows, sys.argv[2], lambda name: f"The body of {name}.")
    except InvalidInputError as error:
        sys.exit(str(error))
    if name is None:
        sys.exit(130)
    print(name)
    print(sys.stdin.read(), end="", file=sys.stderr)
    """
)


class Terminal:
    """A pseudo-terminal and the picker that runs on it."""

    def __init__(self, query: str, columns: int) -> None:
        self.master, self.slave = pty.openpty()
        termios.tcsetwinsize(self.slave, (30, columns))
        self.modes = termios.tcgetattr(self.slave)
        self.screen = b""
        self.process = start(os.ttyname(self.slave), query)

    def until(self, text: bytes) -> None:
        """Wait until *text* was drawn."""
        while text not in self.screen:
            assert self._read(30), f"{text!r} never came: {self.screen!r}"

    def type(self, keys: bytes) -> tuple[bytes, bytes, int]:
        """Send *keys*; return standard output, standard error and the exit code."""
        os.write(self.master, keys)
        for _ in range(600):
            if self.process.poll() is not None:
                break
            self._read(0.05)
        self._read(0)
        out, err = self.process.communicate(timeout=30)
        return out, err, self.process.returncode

    def close(self) -> None:
        self.process.kill()
        self.process.communicate()
        os.close(self.master)
        os.close(self.slave)

    def _read(self, wait: float) -> bool:
        ready, _, _ = select.select([self.master], [], [], wait)
        if ready:
            self.screen += os.read(self.master, 65536)
        return bool(ready)


def start(tty: str, query: str = "") -> "subprocess.Popen[bytes]":
    root = Path(picker.__file__).parents[3]
    process = subprocess.Popen(
        [sys.executable, "-c", SCRIPT, tty, query],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        start_new_session=True,
        env=os.environ | {"PYTHONPATH": str(root), "TERM": "xterm-256color"},
    )
    assert process.stdin is not None
    process.stdin.write(b"piped\n")
    process.stdin.close()
    process.stdin = None
    return process


@contextlib.contextmanager
def terminal(query: str = "", columns: int = 80) -> Iterator[Terminal]:
    opened = Terminal(query, columns)
    try:
        opened.until(b"/3")
        yield opened
    finally:
        opened.close()


def test_standard_output_holds_the_chosen_name_and_nothing_else() -> None:
    with terminal() as screen:
        out, err, code = screen.type(b"menu\r")
        assert (out, err, code) == (b"cafe-menu\n", b"piped\n", 0)
        assert b"cafe-menu" in screen.screen


@pytest.mark.parametrize("key", [b"\x1b", b"\x03", b"\x04"])
def test_leaving_writes_nothing(key: bytes) -> None:
    with terminal() as screen:
        assert screen.type(key) == (b"", b"", 130)


def test_the_terminal_is_left_as_it_was() -> None:
    with terminal(columns=120) as screen:
        screen.until(b"The body of code-review.")
        screen.type(b"\r")
        assert termios.tcgetattr(screen.slave) == screen.modes
        assert b"\x1b[?1049h" not in screen.screen, "drew over the whole screen"
        assert b"\x1b[6n" not in screen.screen, "asked where the cursor is"
        assert screen.screen.rfind(b"\x1b[?25h") > screen.screen.rfind(b"\x1b[?25l")


def test_the_line_on_which_it_opens_is_erased() -> None:
    """A shell's key binding leaves the shell's prompt on it."""
    with terminal() as screen:
        assert screen.screen.startswith(b"\r\x1b[K")


def test_a_resize_is_followed() -> None:
    with terminal(query="unit") as screen:
        assert b"The body of" not in screen.screen
        termios.tcsetwinsize(screen.slave, (30, 120))
        screen.until(b"The body of unit-tests.")
        assert screen.type(b"\r")[0] == b"unit-tests\n"


def test_tab_switches_the_preview() -> None:
    with terminal() as screen:
        assert b"The body of" not in screen.screen
        os.write(screen.master, b"\t")
        screen.until(b"The body of code-review.")
        os.write(screen.master, b"\x1b[B")
        screen.until(b"nu.")  # Only the differences from the line before are drawn.
        assert screen.type(b"\t\r")[0] == b"cafe-menu\n"


def test_no_terminal_says_to_give_a_name() -> None:
    out, err = start("-").communicate(timeout=30)
    assert out == b""
    assert b"NAME" in err


def test_a_terminal_that_cannot_draw_counts_as_none(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("TERM", "dumb")
    with pytest.raises(InvalidInputError, match="NAME"):
        pick(ROWS)
