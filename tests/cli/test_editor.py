"""The user's editor: the program waits for it, and loses no text that was typed."""

import os
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from tests.conftest import Process, Pvt
from tests.terminal_kit import on_a_terminal, with_typed


@pytest.fixture
def temporary(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return the temporary folder, which is empty and used by this test only."""
    folder = tmp_path / "temporary"
    folder.mkdir()
    monkeypatch.setenv("TMPDIR", str(folder))
    monkeypatch.setattr(tempfile, "tempdir", str(folder))
    return folder


@pytest.fixture(autouse=True)
def filled(pvt: Pvt, temporary: Path) -> None:
    """Save a prompt."""
    pvt.ok("add", "work/a", "one")


def program(folder: Path, name: str, script: str) -> Path:
    """Write an editor called *name* and return its path; its files are "$@"."""
    path = folder / name
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(0o755)
    return path


@pytest.mark.parametrize(
    ("name", "options", "given"),
    [
        ("code", "", "--wait"),
        ("cursor", "--new-window", "--new-window --wait"),
        ("code", "-w", "-w"),
        ("subl", "--wait", "--wait"),
        ("zed", "", "--wait"),
        ("gedit", "", "--wait"),
        ("gvim", "", "--nofork"),
        ("kate", "-b", "-b"),
        ("nano", "", ""),
        ("my-editor", "", ""),
    ],
)
def test_editors_with_a_window_are_told_to_wait(
    pvt: Pvt,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    name: str,
    options: str,
    given: str,
) -> None:
    editor = program(tmp_path, name, f"echo \"$@\" >'{tmp_path}/arguments'")
    monkeypatch.setenv("EDITOR", f"'{editor}' {options}")
    pvt.ok("edit", "a")
    *before, file = (tmp_path / "arguments").read_text().split()
    assert " ".join(before) == given
    assert Path(file).name.endswith("-work_a.md"), "which window titles show"


def test_one_that_returns_at_once_is_waited_for(
    pvt: Pvt, pvt_process: Process, temporary: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("EDITOR", "true")

    def save() -> bytes:
        next(temporary.glob("promptvault-*.md")).write_text("two")
        return b"\r"

    command = pvt_process.command("edit", "a")
    code, screen = on_a_terminal(command, (b"Press Enter when you have saved", save))
    assert (code, pvt.ok("get", "a").text) == (0, "two")
    assert "Changed work/a (version 2)" in screen
    assert list(temporary.iterdir()) == []


def test_one_in_the_terminal_is_not_doubted(
    pvt_process: Process, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Leaving vim without a change asks no question."""
    monkeypatch.setenv("EDITOR", str(program(tmp_path, "vim", "")))
    code, screen = on_a_terminal(pvt_process.command("edit", "a"))
    assert code == 0
    assert "Press Enter" not in screen


def test_ctrl_c_says_where_the_text_is(
    pvt_process: Process, temporary: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("EDITOR", "true")

    def type_and_stop() -> bytes:
        next(temporary.glob("promptvault-*.md")).write_text("typed")
        return b"\x03"

    command = pvt_process.command("edit", "a")
    code, screen = on_a_terminal(command, (b"Press Enter", type_and_stop))
    (kept,) = temporary.iterdir()
    assert (code, kept.read_text()) == (130, "typed")
    assert str(kept) in screen.replace("\r\n", "")


class TestWithoutATerminal:
    def test_vi_is_not_started(self, pvt: Pvt, temporary: Path) -> None:
        result = pvt("edit", "a")
        assert result.code == 2
        assert "There is no terminal for vi" in result.err
        assert list(temporary.iterdir()) == []

    def test_nor_where_only_questions_can_be_answered(
        self, pvt_process: Process
    ) -> None:
        result = with_typed(":q\n", pvt_process.command("add", "b"))
        assert (result.code, result.out) == (2, b"")
        assert "There is no terminal for vi" in result.err

    def test_an_editor_that_was_set_runs(
        self, pvt: Pvt, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
    ) -> None:
        editor = program(tmp_path, "edit.sh", 'printf two >"$1"')
        monkeypatch.setenv("EDITOR", str(editor))
        assert pvt.ok("edit", "a", "--json").json["outcome"] == "changed"


class TestUnsaved:
    @pytest.fixture
    def unsaved(
        self, pvt_process: Process, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
    ) -> Path:
        """Let an edit fail; return the file that contains its text."""
        editor = program(tmp_path, "fails", 'printf typed >"$1"; exit 1')
        monkeypatch.setenv("EDITOR", str(editor))
        error = pvt_process("edit", "a").err
        monkeypatch.setenv("EDITOR", "true")
        return Path(error.partition("Your text is in ")[2].strip().rstrip("."))

    def test_the_next_edit_names_it(self, pvt: Pvt, unsaved: Path) -> None:
        assert unsaved.read_text() == "typed"
        assert str(unsaved) in pvt.ok("edit", "a").err
        assert unsaved.exists()
        unsaved.unlink()
        assert "not saved" not in pvt.ok("edit", "a").err

    def test_doctor_names_it(self, pvt: Pvt, unsaved: Path) -> None:
        assert str(unsaved) in pvt.ok("doctor").err
        (row,) = pvt.ok("doctor", "--json").json["unsaved"]
        assert (row["path"], row["modified_at"][-1]) == (str(unsaved), "Z")

    def test_what_another_edit_has_open_is_not_named(
        self, pvt: Pvt, temporary: Path
    ) -> None:
        with subprocess.Popen(
            [sys.executable, "-c", "input()"], stdin=subprocess.PIPE
        ) as other:
            file = temporary / f"promptvault-{other.pid}-a-x.md"
            file.write_text("being typed")
            assert pvt.ok("doctor", "--json").json["unsaved"] == []
            other.communicate(b"\n")
        (row,) = pvt.ok("doctor", "--json").json["unsaved"]
        assert row["path"] == str(file)

    def test_what_is_no_text_of_this_person_is_not_named(
        self, pvt: Pvt, temporary: Path, tmp_path: Path
    ) -> None:
        (tmp_path / "secret").write_text("x")
        (temporary / "promptvault-link.md").symlink_to(tmp_path / "secret")
        os.mkfifo(temporary / "promptvault-pipe.md")
        (temporary / "promptvault-empty.md").touch()
        (temporary / "promptvault-folder.md").mkdir()
        assert pvt.ok("doctor", "--json").json["unsaved"] == []

    @pytest.mark.parametrize("editor", ["false", "/absent/editor", "'"])
    def test_where_nothing_was_typed_nothing_is_left(
        self,
        pvt: Pvt,
        temporary: Path,
        monkeypatch: pytest.MonkeyPatch,
        editor: str,
    ) -> None:
        monkeypatch.setenv("EDITOR", editor)
        result = pvt("edit", "a")
        assert result.code == 2
        assert "Your text" not in result.err
        assert list(temporary.iterdir()) == []
