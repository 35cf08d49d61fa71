"""The terminal of a picker, which does not use stdin and stdout."""

import asyncio
import os
import selectors
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import Any, TextIO, TypeVar

from prompt_toolkit.application import Application
from prompt_toolkit.input import Input, create_input
from prompt_toolkit.key_binding import KeyBindings
from prompt_toolkit.layout import Container, Layout
from prompt_toolkit.output import ColorDepth, Output, create_output
from prompt_toolkit.output.vt100 import Vt100_Output
from prompt_toolkit.styles import Style

from promptvault.errors import InvalidInputError

Result = TypeVar("Result")


@contextmanager
def opened(advice: str) -> Iterator[tuple[Input, Output]]:
    """Open the terminal; raises InvalidInputError with *advice* if there is none."""
    with ExitStack() as stack:
        keys: TextIO
        screen: TextIO
        try:
            keys = stack.enter_context(open("/dev/tty"))
            screen = stack.enter_context(open("/dev/tty", "w"))
        except OSError:
            # No controlling terminal, as in some containers; or Windows.
            keys, screen = sys.stdin, sys.stderr
        usable = all(stream and stream.isatty() for stream in (keys, screen))
        if not usable or os.environ.get("TERM") == "dumb":
            raise InvalidInputError(advice)
        output = create_output(stdout=screen)
        if isinstance(output, Vt100_Output):
            # Asking where the cursor is would only let the list grow to the bottom,
            # and prints a warning on terminals that do not answer.
            output.enable_cpr = False
            # In a shell's key binding, the shell's prompt stands on this line.
            output.write_raw("\r\x1b[K")
        yield create_input(stdin=keys), output


def application(
    container: Container, keys: KeyBindings, style: Style, source: Input, sink: Output
) -> Application[Any]:
    """Return the program that draws *container* on *sink* and reads *source*."""
    made: Application[Any] = Application(
        layout=Layout(container),
        key_bindings=keys,
        style=style,
        color_depth=ColorDepth.from_env(),
        erase_when_done=True,
        input=source,
        output=sink,
    )
    # Escape exits immediately, while Alt with a letter still edits the query.
    made.ttimeoutlen = made.timeoutlen = 0.05
    return made


def run(application: Application[Result | None]) -> Result | None:
    """Run *application* and return its result, None if the terminal is closed."""
    # The default loop of macOS cannot wait for /dev/tty; select can, everywhere.
    with asyncio.Runner(
        loop_factory=lambda: asyncio.SelectorEventLoop(selectors.SelectSelector())
    ) as runner:
        try:
            return runner.run(application.run_async())
        except EOFError:
            return None
