"""What is piped into a command that would do without: it says so when it waits."""

import sys
import threading

from promptvault.cli import terminal

_PATIENCE_SECONDS = 2.0


def read_pipe() -> str | None:
    """Return what is piped in, None without a pipe; raises InvalidInputError.

    A pipe that stays open and empty, as some programs leave one, is told on stderr.
    """
    if sys.stdin is None or sys.stdin.isatty():
        return None
    timer = threading.Timer(_PATIENCE_SECONDS, _tell)
    timer.daemon = True
    timer.start()
    try:
        first = sys.stdin.buffer.read(1)
    except OSError:  # as nohup leaves it: open for writing only
        return None
    finally:
        timer.cancel()
    return terminal.decode(
        first + sys.stdin.buffer.read(), "what came through the pipe"
    )


def _tell() -> None:
    terminal.note("Waiting for stdin; end it with Ctrl-D, or start with --no-stdin.")
