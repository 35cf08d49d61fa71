"""The person's editor, on a temporary file."""

import contextlib
import os
import shlex
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

from promptvault.cli import terminal
from promptvault.cli.workspace import settings
from promptvault.errors import InvalidInputError, PromptVaultError


class Draft:
    """A text in the editor; its file stays until `discard`, so nothing is lost."""

    def __init__(self, text: str) -> None:
        descriptor, name = tempfile.mkstemp(prefix="promptvault-", suffix=".md")
        os.close(descriptor)
        self.path = Path(name)
        self.path.write_bytes(text.encode())

    def edit(self) -> str:
        """Open the editor, wait for it, and return the text.

        Raises InvalidInputError when the editor fails; the file is kept then.
        """
        editor = _editor()
        try:
            command = [*shlex.split(editor), str(self.path)]
            code = subprocess.run(command, check=False).returncode
        except (OSError, ValueError) as error:
            message = f"The editor {editor!r} cannot be started."
            raise InvalidInputError(message) from error
        if code != 0:
            raise InvalidInputError(
                f"The editor ended with code {code}; nothing was saved. Your text is"
                f" in {self.path}."
            )
        if not self.path.exists():
            raise InvalidInputError("The editor removed its file; nothing was saved.")
        return terminal.decode(self.path.read_bytes(), str(self.path))

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
        raise type(error)(f"{error} Your text is in {draft.path}.") from error
    if draft:
        draft.discard()


def _editor() -> str:
    chosen = settings()["editor"].value
    return chosen or os.environ.get("VISUAL") or os.environ.get("EDITOR") or "vi"
