"""The program as tests run it: within this process, or as another process."""

import contextlib
import io
import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import Phase, settings

from promptvault.cli import main
from promptvault.domain.prompt import Author
from promptvault.vault.database import bulk_transaction, connected
from promptvault.vault.reader import Reader, reading
from promptvault.vault.repository import Repository
from tests.memory import memory_folder
from tests.model_server import MODEL, ModelServer

AUTHOR = Author("Ada Lovelace", "ada@example.org")
NOON = datetime(2026, 5, 1, 12, tzinfo=UTC)
_CLEARED = (
    *("PROMPTVAULT_", "_PROMPTVAULT_", "GIT_", "EDITOR", "VISUAL", "NO_COLOR"),
    *("FORCE_COLOR", "CLICOLOR", "PAGER", "LESS"),
    *("OPENAI_", "HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "http_proxy", "https_proxy"),
    *("NO_PROXY", "all_proxy", "no_proxy", "SSL_CERT_"),
    *("PYTHONUNBUFFERED", "PYTHONIOENCODING", "PYTHONUTF8", "LC_", "LANG"),
)

_TESTS = Path(__file__).parent

Git = Callable[..., str]

# The machine may be slow, so no test depends on time; and no files are left behind.
settings.register_profile(
    "house",
    max_examples=50,
    deadline=None,
    database=None,
    phases=(Phase.explicit, Phase.generate, Phase.shrink),
)
settings.load_profile("house")

# Where pytest creates the folders of tests, unless an option says otherwise.
if folder := memory_folder():
    os.environ.setdefault("PYTEST_DEBUG_TEMPROOT", folder)

# A process in the background of a script ignores Ctrl-C, and so do its children.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)


def pytest_xdist_auto_num_workers() -> int:
    """Return three workers for two cores: tests wait for processes and sockets half of
    their time."""
    return max(1, (os.cpu_count() or 1) * 3 // 2)


_LONG = ("examples", "sync", "faults", "browser", "server", "importers")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Start folders with long tests first, so that no worker waits for another in the
    end.
    """
    for item in items:
        if item.get_closest_marker("soak"):
            item.add_marker(pytest.mark.timeout(0))
    items.sort(key=lambda item: _place(item.path.relative_to(_TESTS).parts[0]))


def _place(folder: str) -> int:
    return _LONG.index(folder) if folder in _LONG else len(_LONG)


@dataclass(frozen=True)
class Result:
    """The result of a run of the program."""

    code: int
    out: bytes
    err: str

    @property
    def text(self) -> str:
        """The text on stdout."""
        return self.out.decode()

    @property
    def lines(self) -> list[str]:
        """The lines on stdout."""
        return self.text.splitlines()

    @property
    def json(self) -> Any:
        """The one JSON document on stdout."""
        return json.loads(self.out)

    @property
    def jsonl(self) -> list[Any]:
        """The JSON documents on stdout, one a line."""
        return [json.loads(line) for line in self.lines]

    @property
    def error(self) -> Any:
        """The error that `--json` puts on stderr."""
        return json.loads(self.err)["error"]


class Pvt:
    """Runs the real program in this process."""

    def __init__(self, *, quickly: bool = True) -> None:
        self._quickly = quickly

    def __call__(self, *arguments: str, stdin: bytes = b"") -> Result:
        """Run it with *stdin* piped in."""
        streams = sys.stdin, sys.stdout, sys.stderr
        environment = dict(os.environ)
        out, err = io.BytesIO(), io.StringIO()
        sys.stdin = io.TextIOWrapper(io.BytesIO(stdin))
        sys.stdout = io.TextIOWrapper(out)
        sys.stderr = err
        try:
            code = main.run(list(arguments), quickly=self._quickly)
            sys.stdout.flush()
            return Result(code, out.getvalue(), err.getvalue())
        finally:
            sys.stdin, sys.stdout, sys.stderr = streams
            os.environ.clear()
            os.environ.update(environment)  # --no-color sets a variable

    def ok(self, *arguments: str, stdin: bytes = b"") -> Result:
        """Run it, and require that it succeeds."""
        result = self(*arguments, stdin=stdin)
        assert result.code == 0, result.err
        return result


class Process:
    """Runs the real program as a process of its own."""

    def command(self, *arguments: str) -> list[str]:
        """Return the command line."""
        return [sys.executable, "-m", "promptvault", *arguments]

    def __call__(self, *arguments: str, stdin: bytes = b"") -> Result:
        """Run it to its end with *stdin* piped in."""
        done = subprocess.run(
            self.command(*arguments),
            input=stdin,
            capture_output=True,
            check=False,
            timeout=60,
        )
        return Result(done.returncode, done.stdout, done.stderr.decode())


@dataclass(frozen=True)
class Vault:
    """A vault without the program around it, for tests below the services."""

    database: Path
    usage: Path

    @contextlib.contextmanager
    def writing(self, now: datetime = NOON) -> Iterator[Repository]:
        """Open one transaction."""
        with connected(self.database) as connection, bulk_transaction(connection):
            yield Repository(connection, AUTHOR, now)

    @contextlib.contextmanager
    def reading(self) -> Iterator[Reader]:
        """Open the vault as commands that only read do."""
        with reading(self.database, self.usage) as reader:
            yield reader


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return an empty PROMPTVAULT_HOME, in an environment without settings."""
    for name in list(os.environ):
        if name.startswith(_CLEARED):
            monkeypatch.delenv(name)
    folder = tmp_path / "home"
    monkeypatch.setenv("PROMPTVAULT_HOME", str(folder))
    monkeypatch.setenv("GIT_AUTHOR_NAME", AUTHOR.name)
    monkeypatch.setenv("GIT_AUTHOR_EMAIL", AUTHOR.email)
    # No test may use the keyring of the person who runs it.
    monkeypatch.setenv("PYTHON_KEYRING_BACKEND", "keyring.backends.fail.Keyring")
    monkeypatch.chdir(tmp_path)
    return folder


@pytest.fixture
def pvt(home: Path) -> Pvt:
    """Return the program, to be called with its arguments."""
    return Pvt()


@pytest.fixture
def pvt_process(home: Path) -> Process:
    """Return the program as a process of its own, for pipes and signals."""
    return Process()


@pytest.fixture
def no_retries(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A failed request is not repeated; *home* clears the environment before."""
    monkeypatch.setenv("PROMPTVAULT_AI_RETRIES", "0")


@pytest.fixture
def model_server(home: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[ModelServer]:
    """Return a server with the model that the settings name; it costs nothing."""
    server = ModelServer()
    server.start()
    monkeypatch.setenv("OPENAI_BASE_URL", server.url)
    monkeypatch.setenv("OPENAI_API_KEY", "key-of-the-test")
    monkeypatch.setenv("PROMPTVAULT_AI_MODEL", MODEL)
    yield server
    server.stop()


@pytest.fixture
def git(home: Path) -> Git:
    """Return git on the history: takes arguments, returns what it prints."""

    def run(*arguments: str) -> str:
        command = ["git", f"--git-dir={home / 'data' / 'history.git'}", *arguments]
        done = subprocess.run(command, check=True, capture_output=True)
        return done.stdout.decode()

    return run


@pytest.fixture
def vault(tmp_path: Path) -> Vault:
    """Return the path of the vault, which the first use creates."""
    return Vault(tmp_path / "vault.db", tmp_path / "usage.db")
