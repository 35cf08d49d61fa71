"""The person's editor, on a temporary file."""

import contextlib
import shlex
import subprocess
import time
from collections.abc import Iterator

from promptvault.cli import terminal
from promptvault.cli.editor_command import editor_command, may_return_at_once
from promptvault.cli.unsaved_text import create_file
from promptvault.errors import InvalidInputError, PromptVaultError

_AT_ONCE_SECONDS = 5.0
"""A person who changes nothing may take less; then one question too many is asked."""


class Draft:
    """A text in the editor; its file stays until `discard`, so nothing is lost."""

    def __init__(self, text: str, name: str) -> None:
        self._before = text.encode()
        self.path = create_file(name, text)

    def edit(self) -> str:
        """Open the editor, wait for it, and return the text.

        Raises InvalidInputError if the editor fails. The file is kept then, if its
        text was changed.
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
        was_at_once = time.monotonic() - started < _AT_ONCE_SECONDS
        if was_at_once and may_return_at_once(command) and not self._is_changed():
            self._wait_for_the_person(command)

    def _wait_for_the_person(self, command: list[str]) -> None:
        if terminal.can_ask():
            terminal.ask(
                f"The editor {command[0]!r} returned at once, with the text unchanged."
                " Press Enter when you have saved and closed it."
            )

    def _is_changed(self) -> bool:
        return self.path.exists() and self.path.read_bytes() != self._before

    def keep(self) -> list[str]:
        """Return a sentence that says where the text is; none if it was not changed.

        Then the file is removed.
        """
        if self._is_changed():
            return [f"Your text is in {self.path}."]
        self.discard()
        return []

    def discard(self) -> None:
        """Remove the file."""
        self.path.unlink(missing_ok=True)


@contextlib.contextmanager
def keeping(draft: Draft | None) -> Iterator[None]:
    """Run the block that saves *draft*: its file goes when that worked, else it stays.

    An error of the block then says where the text is.
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
