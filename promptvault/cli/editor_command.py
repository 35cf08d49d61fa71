"""The command that opens an editor and returns when the person has closed the file."""

import os
import shlex
import sys
from pathlib import Path

from promptvault.cli.workspace import settings
from promptvault.errors import InvalidInputError

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
"""The options, each with its short form, by which an editor waits until the file is
closed; without them it returns at once."""

_IN_A_TERMINAL = frozenset(
    "vi vim nvim view ex ed nano pico micro hx helix kak joe jed ne mcedit mg".split()
)


def editor_command() -> list[str]:
    """Return the words of the editor's command, which waits if its option is known.

    Raises InvalidInputError if none is chosen and there is no terminal for vi.
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
    """Return the editor as it was set, else vi; raises InvalidInputError."""
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


def may_return_at_once(command: list[str]) -> bool:
    """Tell whether the editor may still be open when its command has ended."""
    return _program(command) not in _IN_A_TERMINAL


def _program(command: list[str]) -> str:
    return Path(command[0]).name.removesuffix(".exe")
