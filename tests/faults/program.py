"""The program on a vault of its own, in another process or in this one."""

import contextlib
import ctypes
import json
import logging
import os
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from promptvault.home import HOME_VARIABLE
from tests.conftest import Pvt

PATIENCE_SECONDS = 300
"""Seconds after which a command counts as hanging."""

_INHERITED = ("PATH", "PYTHONPATH", "LD_LIBRARY_PATH", "TMPDIR", "SYSTEMROOT")
_GIT_IDENTITY = {
    "GIT_AUTHOR_NAME": "Ada Author",
    "GIT_AUTHOR_EMAIL": "ada@example.org",
    "GIT_COMMITTER_NAME": "Ada Author",
    "GIT_COMMITTER_EMAIL": "ada@example.org",
}
_NO_KEYRING = {"PYTHON_KEYRING_BACKEND": "keyring.backends.fail.Keyring"}
_PR_CAPBSET_DROP = 24
_OVERRIDING_CAPABILITIES = (1, 2)  # CAP_DAC_OVERRIDE, CAP_DAC_READ_SEARCH


@dataclass(frozen=True)
class Result:
    """The result of a command."""

    code: int
    out: str
    err: str


@dataclass(frozen=True)
class Vault:
    """A home folder, and the program with this home and a clean environment."""

    home: Path
    extra: dict[str, str] = field(default_factory=dict)

    @property
    def data(self) -> Path:
        return self.home / "data"

    @property
    def database(self) -> Path:
        return self.data / "vault.db"

    @property
    def history(self) -> Path:
        return self.data / "history.git"

    def with_(self, **extra: str) -> "Vault":
        """Return the same vault with more environment variables."""
        return Vault(self.home, self.extra | extra)

    def environment(self) -> dict[str, str]:
        kept = {key: os.environ[key] for key in _INHERITED if key in os.environ}
        around = str(self.home.parent)
        home = {HOME_VARIABLE: str(self.home), "HOME": around, "TMPDIR": around}
        return kept | _GIT_IDENTITY | _NO_KEYRING | home | self.extra

    def start(
        self, *arguments: str, before: Callable[[], None] | None = None
    ) -> subprocess.Popen[str]:
        """Start a command in a new process group."""
        # With a limit on the size of files, Python would write truncated .pyc files.
        written = {"PYTHONDONTWRITEBYTECODE": "1"} if before else {}
        return start(
            [sys.executable, "-m", "promptvault", *arguments],
            self.environment() | written,
            self.home.parent,
            before,
        )

    def run(
        self,
        *arguments: str,
        stdin: str = "",
        before: Callable[[], None] | None = None,
    ) -> Result:
        """Run a command to its end, whatever its exit code is."""
        with ended(self.start(*arguments, before=before)) as process:
            return finished(process, stdin)

    def here(self, *arguments: str, stdin: str = "") -> Result:
        """Run a command within this process, which is faster than starting one.

        Only for commands that no test disturbs, and not from two threads at once.
        """
        with self._surroundings():
            result = Pvt()(*arguments, stdin=stdin.encode())
        return Result(result.code, result.text, result.err)

    @contextlib.contextmanager
    def _surroundings(self) -> Iterator[None]:
        """Set this process up as `start` sets up another one."""
        environment, tempdir = dict(os.environ), tempfile.tempdir
        root = logging.getLogger()
        handlers, root.handlers = root.handlers, []  # pytest's: warnings go to stderr
        os.environ.clear()
        os.environ.update(self.environment())
        tempfile.tempdir = None
        try:
            with contextlib.chdir(self.home.parent):
                yield
        finally:
            os.environ.clear()
            os.environ.update(environment)
            root.handlers, tempfile.tempdir = handlers, tempdir

    def ok(self, *arguments: str, stdin: str = "") -> str:
        """Run a command that must succeed, and return what it printed."""
        result = self.here(*arguments, stdin=stdin)
        assert result.code == 0, (arguments, result)
        assert "Traceback" not in result.err, (arguments, result)
        return result.out

    def quiet(self, *arguments: str) -> str:
        """Run a command that must succeed without a warning."""
        result = self.here(*arguments)
        assert (result.code, "has to wait" in result.err) == (0, False), result
        return result.out

    def names(self) -> list[str]:
        return self.ok("list", "--plain").split()

    def json(self, *arguments: str) -> Any:
        return json.loads(self.ok(*arguments, "--json"))


def start(
    command: Sequence[str],
    environment: dict[str, str],
    folder: Path,
    before: Callable[[], None] | None = None,
) -> subprocess.Popen[str]:
    """Start *command* in a new process group, with pipes."""
    return subprocess.Popen(
        command,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        encoding="utf-8",
        cwd=folder,
        env=environment,
        preexec_fn=before,
        start_new_session=True,
    )


def finished(process: subprocess.Popen[str], stdin: str = "") -> Result:
    """Wait for the end of *process*."""
    out, err = process.communicate(stdin, timeout=PATIENCE_SECONDS)
    return Result(process.returncode, out, err)


@contextlib.contextmanager
def ended(*processes: subprocess.Popen[str]) -> Iterator[subprocess.Popen[str]]:
    """Kill the groups of *processes* when the block ends."""
    try:
        yield processes[0]
    finally:
        for process in processes:
            kill_group(process)
            process.communicate()


def kill_group(process: subprocess.Popen[str]) -> None:
    """Kill *process* and every process it has started."""
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)


def assert_refused(result: Result, *codes: int) -> None:
    """Assert that a command failed with an exit code and a message, not a traceback."""
    assert result.code in codes, result
    assert result.out == "", result
    assert_civil(result)


def assert_civil(result: Result) -> None:
    """Assert that a command printed only a few lines."""
    assert "Traceback" not in result.err, result
    assert "PROMPTVAULT_DEBUG" not in result.err, result
    told = result.err.splitlines()
    assert len(told) <= 2, result
    assert len(told) == len(set(told)), result
    assert result.code == 0 or result.err, result


def bound_by_permissions() -> Callable[[], None] | None:
    """Return a preparation after which even root obeys the modes of files."""
    if os.geteuid() != 0:
        return None
    libc = ctypes.CDLL(None)

    def drop() -> None:
        for capability in _OVERRIDING_CAPABILITIES:
            libc.prctl(_PR_CAPBSET_DROP, capability, 0, 0, 0)

    return drop


def script(path: Path, text: str) -> Path:
    """Write an executable shell script, used as `$EDITOR` or in place of git."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"#!/bin/sh\n{text}\n")
    path.chmod(0o755)
    return path


def git_in_front(folder: Path, pattern: str, commands: str) -> str:
    """Return a PATH with our git, which runs *commands* if its arguments match."""
    real = shutil.which("git")
    case = f'case "$*" in {pattern}) {commands.format(real=real)};; esac'
    script(folder / "git", f'{case}\nexec {real} "$@"')
    return f"{folder}:{os.environ['PATH']}"


def editor(folder: Path, text: str) -> str:
    """Return an `$EDITOR` that replaces the file's content with *text*."""
    source = folder / f"text-{abs(hash(text))}"
    source.write_text(text)
    return str(script(source.with_suffix(".sh"), f'cat {source} > "$1"'))
