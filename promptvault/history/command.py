"""Running git: commands that are read whole through GitPython, streams without it.

GitPython takes 60 ms and a process to import. A change needs one `git fast-import`,
which is started here directly.
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
    # The user's own git settings (signing, hooks) are for their own repositories.
    "GIT_CONFIG_NOSYSTEM": "1",
    "GIT_CONFIG_GLOBAL": os.devnull,
    "GIT_NAMESPACE": "",
    "GIT_ALTERNATE_OBJECT_DIRECTORIES": "",
    "LC_ALL": "C",
    "LANGUAGE": "C",
    # glibc gives zlib's 256 KiB of working memory back after every object: keeping it
    # makes fast-import of 30,000 small files six times as quick (1.7 s to 0.3 s).
    "MALLOC_MMAP_THRESHOLD_": "33554432",
    "MALLOC_TRIM_THRESHOLD_": "67108864",
}
_FATAL = 128
"""The first status by which git says that it could not do its work."""


class Process:
    """A git command under way."""

    def __init__(
        self, command: list[str], environment: dict[str, str], **options: Any
    ) -> None:
        # A file, since a pipe that is read at the end may fill before.
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
        """What git reads."""
        assert self._process.stdin is not None
        return self._process.stdin

    @property
    def stdout(self) -> IO[bytes]:
        """What git prints."""
        assert self._process.stdout is not None
        return self._process.stdout

    def wait(self) -> None:
        """Wait for git to end well; raises VaultError."""
        status = self._process.wait()
        with contextlib.closing(self._errors):
            if status:
                self._errors.seek(0)
                raise _failure(self._errors.read().decode(errors="replace"))


class GitCommand:
    """Runs git on one repository; raises UnavailableError without git, VaultError."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._environment = {
            **_ENVIRONMENT,
            "GIT_OBJECT_DIRECTORY": str(path / "objects"),
        }

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
        # A missing git must be our error at the first use, not one of the import.
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
    """Return the error for what git printed on stderr."""
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
