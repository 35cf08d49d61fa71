"""Standard input of a command that does not require it."""

import sys
import threading

from promptvault.cli import terminal

_PATIENCE_SECONDS = 2.0


def read_pipe() -> str | None:
    """Return the text on standard input, None if it is a terminal.

    Some programs leave a pipe open and empty, so a long wait is reported on stderr.
    Raises InvalidInputError if the text is not UTF-8.
    """
    if sys.stdin is None or sys.stdin.isatty():
        return None
    timer = threading.Timer(_PATIENCE_SECONDS, _report_wait)
    timer.daemon = True
    timer.start()
    try:
        first = sys.stdin.buffer.read(1)
    except OSError:  # nohup opens it for writing only
        return None
    finally:
        timer.cancel()
    return terminal.decode(
        first + sys.stdin.buffer.read(), "what came through the pipe"
    )


def _report_wait() -> None:
    terminal.note("Waiting for stdin; end it with Ctrl-D, or start with --no-stdin.")
