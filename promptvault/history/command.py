"""Running git: through GitPython if the whole output is needed, else directly.

Importing GitPython takes 60 ms and starts a process. A change needs only one
`git fast-import`, which is started without it.
"""

import contextlib
import os
import re
import subprocess
import tempfile
from pathlib import Path
from typing import IO, Any

from promptvault.domain.prompt import Author
from promptvault.errors import PromptVaultError, UnavailableError, VaultError

_ENVIRONMENT = {
    # The user's git settings, such as signing and hooks, must not apply to a vault.
    "GIT_CONFIG_NOSYSTEM": "1",
    "GIT_CONFIG_GLOBAL": os.devnull,
    "GIT_NAMESPACE": "",
    "GIT_ALTERNATE_OBJECT_DIRECTORIES": "",
    "LC_ALL": "C",
    "LANGUAGE": "C",
    # By default glibc returns zlib's working memory of 256 KiB after every object.
    # Keeping it makes fast-import of 30,000 small files six times as fast (0.3 s).
    "MALLOC_MMAP_THRESHOLD_": "33554432",
    "MALLOC_TRIM_THRESHOLD_": "67108864",
}
_FATAL = 128
"""Exit codes from this one on mean that git failed."""


class Process:
    """A running git command."""

    def __init__(
        self, command: list[str], environment: dict[str, str], **options: Any
    ) -> None:
        # A file, because a pipe that is read only at the end may fill up before.
        self._errors = tempfile.TemporaryFile()
        options.setdefault("stdin", subprocess.DEVNULL)
        try:
            self._process = subprocess.Popen(
                command,
                env={**os.environ, **environment},
                stdout=subprocess.PIPE,
                stderr=self._errors,
                **options,
            )
        except FileNotFoundError as error:
            self._errors.close()
            raise _no_git() from error

    @property
    def stdin(self) -> IO[bytes]:
        """The standard input of git."""
        assert self._process.stdin is not None
        return self._process.stdin

    @property
    def stdout(self) -> IO[bytes]:
        """The standard output of git."""
        assert self._process.stdout is not None
        return self._process.stdout

    def wait(self) -> None:
        """Wait for git to exit; raise VaultError if it fails."""
        status = self._process.wait()
        with contextlib.closing(self._errors):
            if status:
                self._errors.seek(0)
                raise _failure(self._errors.read().decode(errors="replace"))


class GitCommand:
    """Runs git on one repository.

    Methods raise UnavailableError if git is not installed, VaultError if it fails.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._environment = {
            **_ENVIRONMENT,
            "GIT_OBJECT_DIRECTORY": str(path / "objects"),
        }

    def run(self, *command: str) -> str:
        """Run a command and return its output."""
        return str(self._execute(command))

    def run_for_status(self, *command: str) -> tuple[int, bytes]:
        """Run a command and return its exit code, below 128, and its output."""
        status, output, error = self._execute(
            command,
            with_extended_output=True,
            with_exceptions=False,
            stdout_as_string=False,
            strip_newline_in_stdout=False,
        )
        if not 0 <= status < _FATAL:
            raise _failure(str(error))
        return status, output

    def start(self, *command: str, **options: Any) -> Process:
        """Start a command; *options* are those of `subprocess.Popen`."""
        return Process(
            self._command(command), self._environment, cwd=self._path.parent, **options
        )

    def _command(self, command: tuple[str, ...]) -> list[str]:
        return ["git", f"--git-dir={self._path}", *command]

    def _execute(self, command: tuple[str, ...], **options: Any) -> Any:
        # Without this, GitPython raises at import if git is missing.
        os.environ.setdefault("GIT_PYTHON_REFRESH", "quiet")
        import git
        from git.exc import CommandError, GitCommandNotFound

        runner = git.Git(self._path.parent)
        runner.update_environment(**self._environment)
        try:
            return runner.execute(self._command(command), **options)
        except GitCommandNotFound as error:
            raise _no_git() from error
        except CommandError as error:
            raise _failure(str(error.stderr or "")) from error


def _no_git() -> UnavailableError:
    return UnavailableError("git is not installed; the history needs it.")


def _failure(errors: str) -> PromptVaultError:
    """Return the error for the output of git on stderr."""
    lines = errors.strip().strip("'").splitlines()
    reason = next((line for line in lines if "fatal" in line or "error" in line), "")
    reason = reason.removeprefix("stderr: '").strip()
    return VaultError(f"git could not read or write the history. {reason}".strip())


def find_identity() -> Author | None:
    """Return the author that git would record, None if it has none."""
    try:
        done = subprocess.run(
            ["git", "var", "GIT_AUTHOR_IDENT"],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            check=False,
        )
    except OSError:
        return None
    identity = done.stdout.decode(errors="replace").strip()
    match = re.match(r"(.*) <(.*)> \d+ [+-]\d{4}$", identity)
    return Author(match[1], match[2]) if match and match[1] else None
