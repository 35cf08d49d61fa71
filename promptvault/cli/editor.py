"""The user's editor on a temporary file."""

import contextlib
import os
import shlex
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

from promptvault.cli import terminal
from promptvault.cli.unsaved_text import create_file
from promptvault.cli.workspace import settings
from promptvault.errors import InvalidInputError, PromptVaultError

_IMMEDIATE_SECONDS = 5.0
"""Seconds; an editor that returns earlier may still be open."""


class EditorFile:
    """A text in the editor. Its file stays until `discard`, so no text is lost."""

    def __init__(self, text: str, name: str) -> None:
        self._before = text.encode()
        self.path = create_file(name, text)

    def edit(self) -> str:
        """Open the editor, wait for it, and return the text.

        Raises InvalidInputError if the editor fails; a changed file is kept then.
        """
        try:
            command = editor_command()
            self._run(command)
        except InvalidInputError as error:
            raise InvalidInputError(" ".join((str(error), *self.keep()))) from error
        except KeyboardInterrupt:
            for where in self.keep():
                terminal.note(where)
            raise
        if not self.path.exists():
            raise InvalidInputError("The editor removed its file; nothing was saved.")
        return terminal.decode(self.path.read_bytes(), str(self.path))

    def _run(self, command: list[str]) -> None:
        started = time.monotonic()
        try:
            code = subprocess.run([*command, str(self.path)], check=False).returncode
        except (OSError, ValueError) as error:
            message = f"The editor {shlex.join(command)!r} cannot be started."
            raise InvalidInputError(message) from error
        if code != 0:
            message = f"The editor ended with code {code}; nothing was saved."
            raise InvalidInputError(message)
        was_immediate = time.monotonic() - started < _IMMEDIATE_SECONDS
        if was_immediate and may_return_early(command) and not self._is_changed():
            self._wait_for_enter(command)

    def _wait_for_enter(self, command: list[str]) -> None:
        if terminal.can_ask():
            terminal.ask(
                f"The editor {command[0]!r} returned immediately, with unchanged text."
                " Press Enter when you have saved and closed the file."
            )

    def _is_changed(self) -> bool:
        return self.path.exists() and self.path.read_bytes() != self._before

    def keep(self) -> list[str]:
        """Return a sentence with the path of a changed text.

        An unchanged file is removed, and nothing is returned.
        """
        if self._is_changed():
            return [f"Your text is in {self.path}."]
        self.discard()
        return []

    def discard(self) -> None:
        """Remove the file."""
        self.path.unlink(missing_ok=True)


@contextlib.contextmanager
def discard_when_saved(draft: EditorFile | None) -> Iterator[None]:
    """Run the block that saves *draft*; remove its file only if that succeeds.

    Otherwise the error message names the file.
    """
    try:
        yield
    except PromptVaultError as error:
        if draft is None:
            raise
        raise type(error)(" ".join((str(error), *draft.keep()))) from error
    except KeyboardInterrupt:
        for where in draft.keep() if draft else ():
            terminal.note(where)
        raise
    if draft:
        draft.discard()


_FALLBACK = "vi"

_CODE = "code code-insiders codium vscodium cursor windsurf positron".split()
_JETBRAINS = "idea pycharm webstorm phpstorm goland clion rubymine rustrover rider"
_WAITS = {
    **dict.fromkeys(_CODE, ("--wait", "-w")),
    **dict.fromkeys(("zed", "zeditor", "subl", "sublime_text"), ("--wait", "-w")),
    **dict.fromkeys(("atom", "pulsar", "lapce", "gedit", "xed"), ("--wait", "-w")),
    **dict.fromkeys(("mate", "bbedit"), ("--wait", "-w")),
    **dict.fromkeys(_JETBRAINS.split(), ("--wait",)),
    **dict.fromkeys(("gvim", "mvim"), ("--nofork", "-f")),
    "gnome-text-editor": ("--standalone", "-s"),
    "kate": ("--block", "-b"),
    "neovide": ("--no-fork",),
    "nvim-qt": ("--nofork",),
}
"""Options, with their short forms, that make an editor wait until the file is closed;
without one it returns immediately."""

_IN_A_TERMINAL = frozenset(
    "vi vim nvim view ex ed nano pico micro hx helix kak joe jed ne mcedit mg".split()
)


def editor_command() -> list[str]:
    """Return the arguments that start the editor, with its option to wait if known.

    Raises InvalidInputError if no editor is set and there is no terminal for vi.
    """
    editor = chosen_editor()
    try:
        words = shlex.split(editor)
    except ValueError:
        words = []
    if not words:
        raise InvalidInputError(f"The editor {editor!r} cannot be started.")
    options = _WAITS.get(_program(words), ())
    return words if not options or set(options) & set(words) else [*words, options[0]]


def chosen_editor() -> str:
    """Return the configured editor, else vi; raises InvalidInputError."""
    chosen = settings()["editor"].value
    editor = chosen or os.environ.get("VISUAL") or os.environ.get("EDITOR")
    if editor:
        return editor
    if not all(stream and stream.isatty() for stream in (sys.stdin, sys.stdout)):
        raise InvalidInputError(
            f"There is no terminal for {_FALLBACK}, and no editor is set: set EDITOR,"
            " or use 'promptvault add NAME --upsert' with --file or a pipe."
        )
    return _FALLBACK


def may_return_early(command: list[str]) -> bool:
    """Return True if the editor may still be open when its command has exited."""
    return _program(command) not in _IN_A_TERMINAL


def _program(command: list[str]) -> str:
    return Path(command[0]).name.removesuffix(".exe")
