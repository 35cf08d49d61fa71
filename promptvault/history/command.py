"""Running git through GitPython: the only module that imports it."""

import os
import re
from pathlib import Path
from typing import IO, Any

# A missing git must be our error at the first use, not a traceback at the import.
os.environ.setdefault("GIT_PYTHON_REFRESH", "quiet")

import git
from git.exc import CommandError, GitCommandError, GitCommandNotFound

from promptvault.domain.prompt import Author
from promptvault.errors import (
    PromptVaultError,
    UnavailableError,
    VaultError,
)

_ENVIRONMENT = {
    # The user's own git settings (signing, hooks) are for their own repositories.
    "GIT_CONFIG_NOSYSTEM": "1",
    "GIT_CONFIG_GLOBAL": os.devnull,
    "GIT_NAMESPACE": "",
    "GIT_ALTERNATE_OBJECT_DIRECTORIES": "",
    "LC_ALL": "C",
    # glibc gives zlib's 256 KiB of working memory back after every object: keeping it
    # makes fast-import of 30,000 small files six times as quick (1.7 s to 0.3 s).
    "MALLOC_MMAP_THRESHOLD_": "33554432",
    "MALLOC_TRIM_THRESHOLD_": "67108864",
}
_FATAL = 128
"""The first status by which git says that it could not do its work."""


class Process:
    """A git command under way."""

    def __init__(self, process: git.Git.AutoInterrupt) -> None:
        self._process = process

    @property
    def stdin(self) -> IO[bytes]:
        """What git reads."""
        stream: IO[bytes] = self._process.stdin
        return stream

    @property
    def stdout(self) -> IO[bytes]:
        """What git prints."""
        stream: IO[bytes] = self._process.stdout
        return stream

    def wait(self) -> None:
        """Wait for git to end well; raises VaultError."""
        try:
            self._process.wait()
        except CommandError as error:
            raise _translate(error) from error


class GitCommand:
    """Runs git on one repository; raises UnavailableError without git, VaultError."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._git = git.Git(path.parent)
        objects = str(path / "objects")
        self._git.update_environment(**_ENVIRONMENT, GIT_OBJECT_DIRECTORY=objects)

    def run(self, *command: str) -> str:
        """Run a command and return what it prints."""
        return str(self._execute(command))

    def run_for_status(self, *command: str) -> tuple[int, bytes]:
        """Run a command that answers by its status too; 128 and above is a failure."""
        status, output, error = self._execute(
            command,
            with_extended_output=True,
            with_exceptions=False,
            stdout_as_string=False,
            strip_newline_in_stdout=False,
        )
        if not 0 <= status < _FATAL:
            raise _translate(GitCommandError(command, status, error))
        return status, output

    def start(self, *command: str, **options: Any) -> Process:
        """Start a command; *options* go to the process."""
        return Process(self._execute(command, as_process=True, **options))

    def _execute(self, command: tuple[str, ...], **options: Any) -> Any:
        try:
            return self._git.execute(
                ["git", f"--git-dir={self._path}", *command], **options
            )
        except CommandError as error:
            raise _translate(error) from error


def _translate(error: CommandError) -> PromptVaultError:
    if isinstance(error, GitCommandNotFound):
        return UnavailableError("git is not installed; the history needs it.")
    lines = str(error.stderr or "").strip().strip("'").splitlines()
    reason = next((line for line in lines if "fatal" in line or "error" in line), "")
    reason = reason.removeprefix("stderr: '").strip()
    return VaultError(f"git could not read or write the history. {reason}".strip())


def find_identity() -> Author | None:
    """Return who git would sign a commit as, None where it cannot tell."""
    try:
        identity = str(git.Git().execute(["git", "var", "GIT_AUTHOR_IDENT"]))
    except CommandError:
        return None
    match = re.match(r"(.*) <(.*)> \d+ [+-]\d{4}$", identity)
    return Author(match[1], match[2]) if match and match[1] else None
