"""Each console example of the README and the help is run, and prints what it says."""

import os
import re
import shutil
import sys
from pathlib import Path

import pytest

from tests.contracts import console, picture
from tests.contracts.console import Example, Session
from tests.contracts.optimizer import Optimizer
from tests.model_server import ModelServer
from tests.server.conftest import (
    Server,
    admin,
    database_url,
    postgres,
    reused_database,
    server,
    settings,
    start_server,
    template,
    token,
)
from tests.team_vault import make_team_vault

__all__ = [
    "admin",
    "database_url",
    "postgres",
    "reused_database",
    "server",
    "settings",
    "start_server",
    "template",
    "token",
]

ROOT = Path(__file__).parents[2]
DOCUMENTS = [ROOT / "README.md", *sorted((ROOT / "promptvault" / "help").glob("*.md"))]
SESSIONS = {
    str(path.relative_to(ROOT)): console.read(path.read_text(encoding="utf-8"))
    for path in DOCUMENTS
}
SHOWN = {name: session for name, session in SESSIONS.items() if session.blocks}
NOT_RUN = [
    pytest.param(example.reason, id=f"{name}:{example.line}")
    for name, session in SHOWN.items()
    for example in session.blocks
    if example.reason
]
MOST_NOT_RUN = 3
_PROGRAM = "import sys\nfrom promptvault.cli.main import main\nmain()\n"

pytestmark = pytest.mark.skipif(os.name != "posix", reason="examples are for bash")


@pytest.fixture
def shell(home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return the folder of a reader, with the examples and the program on PATH."""
    if not shutil.which("jq") and os.environ.get("CI") != "true":
        pytest.skip("jq is not installed")
    programs, folder = tmp_path / "bin", tmp_path / "reader"
    programs.mkdir()
    shutil.copytree(ROOT / "examples", folder / "examples")
    for name in ("promptvault", "pvt"):
        program = programs / name
        program.write_text(f"#!{sys.executable}\n{_PROGRAM}")
        program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{programs}{os.pathsep}{os.environ['PATH']}")
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    monkeypatch.setenv("TMPDIR", str(tmp_path))  # without the texts of other tests
    monkeypatch.setenv("LC_ALL", "C.UTF-8")
    monkeypatch.setenv(
        "PYTHONUNBUFFERED", "1"
    )  # both streams in order, as a person sees
    monkeypatch.setenv("TZ", "UTC")
    return folder


@pytest.fixture
def model(model_server: ModelServer) -> None:
    """Start models: one for the optimizer's questions, one that greets."""
    model_server.answer = Optimizer().answer


@pytest.fixture
def account(
    server: Server, token: str, database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Put a server, the token of a user on it and its database into the environment."""
    monkeypatch.setenv("SERVER", server.url)
    monkeypatch.setenv("TOKEN", token)
    monkeypatch.setenv("DATABASE_URL", database_url)


@pytest.fixture
def team_vault(home: Path) -> None:
    """Make the vault of a team in which this user is an admin."""
    make_team_vault("acme", role="admin")


@pytest.mark.parametrize("session", SHOWN.values(), ids=SHOWN)
def test_examples(
    session: Session, shell: Path, request: pytest.FixtureRequest
) -> None:
    for name in session.needs:
        request.getfixturevalue(name)
    wrong: list[str] = []
    for example in session.examples:
        if not example.reason:
            found = console.run(example, shell, os.environ)
            wrong += (f"line {example.line}: {each}" for each in found)
    assert not wrong, "\n".join(wrong)


@pytest.mark.parametrize("reason", NOT_RUN)
def test_example_that_is_not_run(reason: str) -> None:
    pytest.skip(reason)


def test_few_examples_are_not_run() -> None:
    assert len(NOT_RUN) <= MOST_NOT_RUN


def test_every_console_block_is_read() -> None:
    for path in DOCUMENTS:
        text = path.read_text(encoding="utf-8")
        session = SESSIONS[str(path.relative_to(ROOT))]
        assert text.count("```console") == len(session.blocks)
        assert text.count("<!-- setup") == len(session.examples) - len(session.blocks)


@pytest.mark.usefixtures("home")
def test_the_picture_shows_what_is_printed(tmp_path: Path) -> None:
    """If not: `python -m tests.contracts.picture`."""
    shown = picture.PICTURE.read_text(encoding="utf-8")
    assert _words(shown) == _words(picture.draw(picture.printed(tmp_path)))


def _words(svg: str) -> list[str]:
    """Return what a picture says, each id of a commit as the same word."""
    words = " ".join(re.findall(r"<text [^>]*>([^<]*)</text>", svg))
    return re.sub(r"\b[0-9a-f]{10}\b", "commit", words).split()


def _example(*steps: tuple[str, str]) -> Example:
    return Example(1, tuple(console.Step(*step) for step in steps))


@pytest.mark.parametrize(
    "output",
    ["right\n", "r…t\n", "…\n", "right\n…\n"],
)
def test_the_runner_takes_what_is_printed(output: str, tmp_path: Path) -> None:
    assert console.run(_example(("echo right", output)), tmp_path, os.environ) == []


@pytest.mark.parametrize(
    "step",
    [
        ("echo wrong", "right\n"),
        ("echo right; echo more", "right\n"),
        ("echo right", "right\nmore\n"),
        ("true", "right\n"),
        ("echo right", ""),
        ("echo 2025-01-01 12:00", "2025-01-02 12:00\n"),
    ],
    ids=str,
)
def test_the_runner_finds_what_is_not(step: tuple[str, str], tmp_path: Path) -> None:
    assert len(console.run(_example(step), tmp_path, os.environ)) == 1


def test_the_runner_knows_what_varies(tmp_path: Path) -> None:
    step = (
        "echo 1 0123456789 2031-10-11 12:13 +0000 0.4 s 3.2 MB; echo 2 4",
        "1 9876543210 2026-05-01 12:00 +0000 0.3 s 0.1 MB\n2 4\n",
    )
    assert console.run(_example(step), tmp_path, os.environ) == []
    wrong = ("echo 2", "3\n")
    assert len(console.run(_example(wrong), tmp_path, os.environ)) == 1


def test_the_runner_keeps_the_exit_code(tmp_path: Path) -> None:
    steps = ("(exit 3)", ""), ("echo $?", "3\n")
    assert console.run(_example(*steps), tmp_path, os.environ) == []
