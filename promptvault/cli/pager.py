"""The pager, through which a person reads long output, as with git."""

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
"""What pagers are given by their variables: colours pass; less ends if all fits."""
_FOR_A_SHELL = re.compile(r"[|&;<>()$`\\\"'*?\[#~=%]")


@contextlib.contextmanager
def paged() -> Iterator[None]:
    """Pass what the block prints through the pager, if a person reads it.

    Nothing is said, and nothing fails, if the person leaves the pager early.
    """
    process = _start(_command()) if terminal.stdout_is_terminal() else None
    if process is None:
        yield
        return
    screen, pipe = sys.stdout, _pipe_to(process)
    # The pager decides what Ctrl-C does. If it ends, the pipe breaks.
    previous = signal.signal(signal.SIGINT, signal.SIG_IGN)
    sys.stdout = pipe
    try:
        yield
    except (BrokenPipeError, SystemExit) as end:
        # Typer turns a broken pipe into the second.
        if not any(isinstance(e, BrokenPipeError) for e in (end, end.__context__)):
            raise
    finally:
        sys.stdout = screen
        with contextlib.suppress(BrokenPipeError):
            pipe.close()
        process.wait()
        signal.signal(signal.SIGINT, previous)


class _Pipe(TextIOWrapper):
    """The pipe to the pager, which shows what is written on the terminal."""

    def isatty(self) -> bool:
        return True


def _pipe_to(process: "Popen[bytes]") -> _Pipe:
    assert process.stdin
    return _Pipe(process.stdin, sys.stdout.encoding, sys.stdout.errors)


def _command() -> str:
    """Return the pager's command; '' for none, as an empty variable has it."""
    if os.environ.get("PROMPTVAULT_PAGER") == "":
        return ""
    from promptvault import config  # `log` in a pipe does without it

    try:
        chosen = config.load_settings(paths().config_file, os.environ)["pager"].value
    except InvalidInputError:  # which the commands that need settings report
        chosen = ""
    return (chosen or os.environ.get("PAGER", "less")).strip()


def _start(command: str) -> "Popen[bytes] | None":
    """Start the pager; return None if there is none, or it cannot be started."""
    if command in {"", "cat"}:
        return None
    from subprocess import PIPE, Popen  # 5 ms that `list` does not take

    words = ["sh", "-c", command] if _FOR_A_SHELL.search(command) else command.split()
    try:
        return Popen(words, stdin=PIPE, env=_OPTIONS | os.environ)
    except OSError:
        return None
