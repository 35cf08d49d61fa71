"""The program on a terminal, with typed answers."""

import os
import pty
import select
import subprocess
import sys
import termios
from collections.abc import Callable, Iterable

from tests.conftest import Result

_CONTROLLED = """
import fcntl, os, sys, termios
fcntl.ioctl(0, termios.TIOCSCTTY, 0)
os.execv(sys.argv[1], sys.argv[1:])
"""


END = "=== end ==="
_ONE_AFTER_ANOTHER = f"""
import shlex, sys
from promptvault.cli import main, terminal
terminal.prepare_streams()
for line in sys.argv[1:]:
    try:
        main.run(shlex.split(line))
    except SystemExit:
        pass
    sys.stdout.flush()
    print("{END}", flush=True)
"""


def one_after_another(lines: Iterable[str]) -> list[str]:
    """Return a command that runs each of *lines* in one process, END after each."""
    return [sys.executable, "-c", _ONE_AFTER_ANOTHER, *lines]


def on_a_terminal(
    command: list[str], *answers: tuple[bytes, bytes | Callable[[], bytes]]
) -> tuple[int, str]:
    """Run *command* on a terminal; type each answer once its cue was drawn.

    An answer may be a function that acts before it returns the text to type. Returns
    the exit code, and all that was drawn.
    """
    held, given = pty.openpty()
    termios.tcsetwinsize(given, (30, 120))
    process = subprocess.Popen(
        [sys.executable, "-c", _CONTROLLED, *command],
        stdin=given,
        stdout=given,
        stderr=given,
        start_new_session=True,
        env=os.environ | {"TERM": "xterm-256color"},
    )
    os.close(given)
    screen = b""
    waiting = list(answers)
    try:
        while select.select([held], [], [], 60)[0]:
            try:
                screen += os.read(held, 65536)
            except OSError:  # it has ended, and no process has the other end open
                break
            if waiting and waiting[0][0] in screen:
                answer = waiting.pop(0)[1]
                os.write(held, answer if isinstance(answer, bytes) else answer())
        return process.wait(60), screen.decode(errors="replace")
    finally:
        process.kill()
        process.wait()
        os.close(held)


def with_typed(text: str, command: list[str]) -> Result:
    """Run *command* with *text* typed on the terminal that is its stdin alone."""
    held, given = pty.openpty()
    os.write(held, text.encode())
    done = subprocess.run(
        command, stdin=given, capture_output=True, check=False, timeout=60
    )
    os.close(held)
    os.close(given)
    return Result(done.returncode, done.stdout, done.stderr.decode())
