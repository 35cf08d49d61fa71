"""Texts merged by git: byte for byte, with markers that no line resembles."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from promptvault.domain.merge import MergedText
from promptvault.errors import UnavailableError, VaultError
from promptvault.history.text_merge import has_conflict_markers, merge_text


def clean(text: str) -> MergedText:
    """Return a merge without conflict."""
    return MergedText(text, clean=True)


@pytest.mark.parametrize(
    ("base", "ours", "theirs", "text"),
    [
        ("a\nb\nc\n", "A\nb\nc\n", "a\nb\nC\n", "A\nb\nC\n"),
        # No line break at the end causes neither a conflict nor a line break.
        ("a\nb\nc", "A\nb\nc", "a\nb\nC", "A\nb\nC"),
        ("a\nb", "a\nb\nc", "A\nb", "A\nb\nc"),
        ("a\nb\nc", "A\nb\nc\n", "a\nb\nC", "A\nb\nC\n"),
        ("a\nb\nc\n", "A\nb\nc", "a\nb\nC\n", "A\nb\nC"),
        ("a\nb\nc\n", "A\nb\nc", "a\nb\nC", "A\nb\nC"),
        ("a\nb\n\n\n", "A\nb\n\n\n", "a\nb\n\n\n\n", "A\nb\n\n\n\n"),
        # Line breaks of Windows and of old Macs are kept.
        ("a\r\nb\r\nc", "A\r\nb\r\nc", "a\r\nb\r\nc\r\nd", "A\r\nb\r\nc\r\nd"),
        ("a\nb\r\nc\r", "A\nb\r\nc\r", "a\nb\r\nc\rd\r", "A\nb\r\nc\rd\r"),
        # Other line ends that Python knows do not count.
        ("a\x0bb\u2028c\nx\ny\n", "A\x0bb\u2028c\nx\ny\n", "a\x0bb\u2028c\nx\nY\n",
         "A\x0bb\u2028c\nx\nY\n"),
        ("\ufeffä\n\U0001f600\nc", "\ufeffö\n\U0001f600\nc", "\ufeffä\n\U0001f600\nd",
         "\ufeffö\n\U0001f600\nd"),
        # What binary files look like.
        ("\x01\x02\n\nx\n", "\x01\x03\n\nx\n", "\x01\x02\n\n\x7f\n",
         "\x01\x03\n\n\x7f\n"),
        (f"a\n{'x' * 300_000}\nc", f"A\n{'x' * 300_000}\nc", f"a\n{'x' * 300_000}\nC",
         f"A\n{'x' * 300_000}\nC"),
    ],
)  # fmt: skip
def test_changes_of_different_lines_come_together(
    base: str, ours: str, theirs: str, text: str
) -> None:
    assert merge_text(base, ours, theirs) == clean(text)
    assert merge_text(base, theirs, ours) == clean(text)


def test_a_conflict_shows_all_three_wordings_under_their_labels() -> None:
    labels = ("this device", "before", "MacBook - Büro")
    merged = merge_text("a\nb\nc", "a\nB\nc", "a\nβ\nc", labels)
    assert merged == MergedText(
        "a\n<<<<<<< this device\nB\n||||||| before\nb\n=======\nβ\n"
        ">>>>>>> MacBook - Büro\nc",
        clean=False,
    )


def test_a_conflict_in_a_text_of_windows_is_one_of_windows() -> None:
    merged = merge_text("a\r\nb", "a\r\nB", "a\r\nc")
    assert not merged.clean
    assert merged.text.count("\n") == merged.text.count("\r\n")


_LESSON = """Explain this:

<<<<<<< HEAD
mine
||||||| base
=======
yours
>>>>>>> branch

Heading
=======
"""


def test_lines_that_look_like_markers_survive_a_clean_merge() -> None:
    ours, theirs = f"First.\n\n{_LESSON}", f"{_LESSON}\nLast."
    merged = merge_text(_LESSON, ours, theirs)
    assert merged == clean(f"First.\n\n{_LESSON}\nLast.")
    assert not has_conflict_markers(merged.text, _LESSON, ours, theirs)


def test_markers_are_told_from_lines_that_only_look_like_them() -> None:
    ours = _LESSON.replace("mine", "ours")
    theirs = _LESSON.replace("mine", "theirs")
    merged = merge_text(_LESSON, ours, theirs)
    assert not merged.clean
    for line in ("<<<<<<<< ours", "|||||||| base", "========", ">>>>>>>> theirs"):
        assert merged.text.splitlines().count(line) == 1
        assert has_conflict_markers(f"{ours}\n{line}", _LESSON, ours, theirs)
    assert not has_conflict_markers(ours, _LESSON, ours, theirs)


def test_a_marker_in_any_line_is_found() -> None:
    inputs = ("a\n", "b\n", "c\n")
    merged = merge_text(*inputs)
    for line in merged.text.splitlines():
        is_marker = len(line) > 1
        for text in (line, f"x\n{line}", f"{line}\r\nx\r\n"):
            assert has_conflict_markers(text, *inputs) is is_marker
    for text in ("x <<<<<<< ours", "<<<<<<", "<<<<<<<<", "=======x", "-------", ""):
        assert not has_conflict_markers(text, *inputs)


lines = st.lists(st.sampled_from(["a", "b", "c", "", "=======", "<<<<<<<"]))
breaks = st.sampled_from(["\n", "\r\n"])
ends = st.sampled_from(["", "\n", "\r\n"])
texts = st.builds(lambda each, end, last: end.join(each) + last, lines, breaks, ends)


@given(texts, texts)
def test_what_one_side_alone_changed_stands(base: str, changed: str) -> None:
    assert merge_text(base, changed, base) == clean(changed)
    assert merge_text(base, base, changed) == clean(changed)
    assert merge_text(base, changed, changed) == clean(changed)


@st.composite
def edited(draw: st.DrawFn) -> tuple[str, str, str]:
    """Return a text and two edits of it, which often do not touch each other."""
    old = draw(st.lists(st.sampled_from("abcdef"), min_size=3, max_size=12))
    versions = [old]
    for added in ("x", "y"):
        new = list(old)
        at = draw(st.integers(0, len(old)))
        new[at : at + draw(st.integers(0, 2))] = [added] * draw(st.integers(0, 2))
        versions.append(new)
    end = draw(breaks)
    base, ours, theirs = (end.join(each) + draw(st.sampled_from(["", end]))
                          for each in versions)  # fmt: skip
    return base, ours, theirs


def written(text: str) -> set[str]:
    """Return the lines of a text that are not blank."""
    return set(text.split())


@settings(max_examples=200, deadline=None)
@given(st.one_of(edited(), st.tuples(texts, texts, texts)))
def test_no_addition_is_lost_and_no_marker_added(case: tuple[str, str, str]) -> None:
    base, ours, theirs = case
    merged = merge_text(base, ours, theirs)
    other = merge_text(base, theirs, ours)
    assert merged.clean == other.clean
    assert has_conflict_markers(merged.text, *case) is not merged.clean
    if not merged.clean:
        return
    assert merged.text == other.text
    kept, old = written(merged.text), written(base)
    for side in (ours, theirs):
        assert written(side) - old <= kept
    assert kept <= old | written(ours) | written(theirs)


def test_a_repository_around_has_no_say(tmp_path: Path) -> None:
    (tmp_path / ".git").write_text("gitdir: /nowhere\n")  # one that git refuses
    done = _merge_elsewhere(tmp_path, GIT_DIR=str(tmp_path))
    assert (done.returncode, done.stdout) == (0, "A\nb\nC\n")


def test_nobody_else_can_read_the_texts_and_none_stay(tmp_path: Path) -> None:
    real, seen, git = shutil.which("git"), tmp_path / "seen", tmp_path / "bin" / "git"
    git.parent.mkdir()
    git.write_text(
        f'#!/bin/sh\n[ "$1" = version ] && exec {real} version\n'
        f'ls -ld "$PWD" > {seen}\necho "error: no" >&2\nexit 255\n'
    )
    git.chmod(0o755)
    done = _merge_elsewhere(tmp_path, PATH=f"{git.parent}:{os.environ['PATH']}")
    assert VaultError.__name__ in done.stderr
    assert seen.read_text().startswith("drwx------")
    assert str(tmp_path / "tmp") in seen.read_text()
    assert list((tmp_path / "tmp").iterdir()) == []


def test_without_git_it_says_so(tmp_path: Path) -> None:
    assert UnavailableError.__name__ in _merge_elsewhere(tmp_path, PATH="").stderr


_PROGRAM = """
from promptvault.history.text_merge import merge_text
print(merge_text("a\\nb\\nc", "A\\nb\\nc", "a\\nb\\nC").text)
"""


def _merge_elsewhere(folder: Path, **environ: str) -> subprocess.CompletedProcess[str]:
    """Merge in another process, whose temporary files are under *folder*."""
    (folder / "tmp").mkdir()
    return subprocess.run(
        [sys.executable, "-c", _PROGRAM],
        env=os.environ | {"TMPDIR": str(folder / "tmp")} | environ,
        capture_output=True,
        text=True,
        check=False,
    )
