"""The pager for long output on a terminal, as in git."""

import contextlib
import os
import re
import signal
import sys
from collections.abc import Iterator
from io import TextIOWrapper
from typing import TYPE_CHECKING

from promptvault.cli import terminal
from promptvault.cli.context import paths
from promptvault.errors import InvalidInputError

if TYPE_CHECKING:
    from subprocess import Popen

_OPTIONS = {"LESS": "FRX", "LV": "-c"}
"""Environment variables for pagers: keep colours; `less` exits if all fits."""
_FOR_A_SHELL = re.compile(r"[|&;<>()$`\\\"'*?\[#~=%]")


@contextlib.contextmanager
def paged() -> Iterator[None]:
    """Send the output of the block to the pager, if stdout is a terminal.

    If the user quits the pager early, the rest is discarded without an error.
    """
    process = _start(_command()) if terminal.stdout_is_terminal() else None
    if process is None:
        yield
        return
    screen, pipe = sys.stdout, _pipe_to(process)
    # Ctrl-C is for the pager. If it exits, the pipe breaks.
    previous = signal.signal(signal.SIGINT, signal.SIG_IGN)
    sys.stdout = pipe
    try:
        yield
    except (BrokenPipeError, SystemExit) as end:
        # Typer turns a broken pipe into SystemExit.
        if not any(isinstance(e, BrokenPipeError) for e in (end, end.__context__)):
            raise
    finally:
        sys.stdout = screen
        with contextlib.suppress(BrokenPipeError):
            pipe.close()
        process.wait()
        signal.signal(signal.SIGINT, previous)


class _Pipe(TextIOWrapper):
    """The pipe to the pager, which behaves like a terminal for the block."""

    def isatty(self) -> bool:
        return True


def _pipe_to(process: "Popen[bytes]") -> _Pipe:
    assert process.stdin
    return _Pipe(process.stdin, sys.stdout.encoding, sys.stdout.errors)


def _command() -> str:
    """Return the command of the pager, '' if it is switched off."""
    if os.environ.get("PROMPTVAULT_PAGER") == "":
        return ""
    from promptvault import config  # not needed if stdout is a pipe

    try:
        chosen = config.load_settings(paths().config_file, os.environ)["pager"].value
    except InvalidInputError:  # reported by the commands that need settings
        chosen = ""
    return (chosen or os.environ.get("PAGER", "less")).strip()


def _start(command: str) -> "Popen[bytes] | None":
    """Start the pager; return None if it is switched off or cannot be started."""
    if command in {"", "cat"}:
        return None
    from subprocess import PIPE, Popen  # takes 5 ms, which `list` does not need

    words = ["sh", "-c", command] if _FOR_A_SHELL.search(command) else command.split()
    try:
        return Popen(words, stdin=PIPE, env=_OPTIONS | os.environ)
    except OSError:
        return None
