"""Commands in shell loops, and completion, start without heavy libraries."""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest

from tests.conftest import AUTHOR, Pvt

HEAVY = {
    "alembic",
    "fastapi",
    "psycopg",
    "uvicorn",
    "git",
    "httpx",
    "keyring",
    "openai",
    "prompt_toolkit",
    "pydantic",
    "sqlalchemy",
    "sqlmodel",
    "watchfiles",
}
LEAN = {*HEAVY, "jinja2", "rich", "tomlkit", "platformdirs", "rapidfuzz"}

_RUNNER = """
import sys
sys.argv[0] = "promptvault"
from promptvault.cli.main import run
code = None
try:
    code = run(sys.argv[1:])
except SystemExit as stop:
    code = stop.code
finally:
    sys.stdout.flush()
    # A module that is None is one that must not be imported.
    real = [name for name, module in sys.modules.items() if module]
    loaded = sorted({name.partition(".")[0] for name in real})
    import json  # not before: it is one of those that may be loaded

    print(json.dumps([code, loaded]), file=sys.stderr)
"""


def loaded_by(
    *arguments: str, output: str, environment: Mapping[str, str] | None = None
) -> set[str]:
    """Run the program in a new process and return the modules that it imported."""
    done = subprocess.run(
        [sys.executable, "-c", _RUNNER, *arguments],
        capture_output=True,
        text=True,
        check=True,
        stdin=subprocess.DEVNULL,
        env={**os.environ, **(environment or {})},
    )
    code, loaded = json.loads(done.stderr.splitlines()[-1])
    assert code == 0, done.stderr
    assert output in done.stdout
    return set(loaded)


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a home with a prompt and a template; tests only copy it."""
    home, pvt = tmp_path_factory.mktemp("model") / "home", Pvt()
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PROMPTVAULT_HOME", str(home))
        patch.setenv("GIT_AUTHOR_NAME", AUTHOR.name)
        patch.setenv("GIT_AUTHOR_EMAIL", AUTHOR.email)
        pvt.ok("add", "coding/review", "Review this code.", "--tag", "work")
        pvt.ok("add", "coding/ask", "Ask {{ who }}.", "--template")
        pvt.ok("label", "coding/review", "production")
    return home


@pytest.fixture
def filled(home: Path, model: Path) -> None:
    """Fill the home with a prompt and a template."""
    shutil.copytree(model, home)


@pytest.mark.usefixtures("filled")
@pytest.mark.parametrize(
    ("command", "output"),
    [
        ("get coding/review", "Review"),
        ("get review@1", "Review"),
        ("get review@production", "Review"),
        ("get ask --raw", "{{ who }}"),
        ("get review --json", "Review"),
        ("list", "coding/review"),
        ("list --plain", "coding/review"),
        ("list coding --sort used --json", "coding/review"),
        ("search code", "coding/review"),
        ("search code --json", "coding/review"),
        ("log review", "Add coding/review"),
        ("help", "exit-codes"),
        ("help import", "# Import"),
        ("help templates --json", "# Templates"),
        ("--version", "promptvault"),
    ],
)
def test_reading_loads_nothing_heavy(command: str, output: str) -> None:
    assert loaded_by(*command.split(), output=output) & LEAN == set()


@pytest.mark.usefixtures("filled")
@pytest.mark.parametrize("command", ["get review", "get review@production"])
def test_get_loads_no_library_and_little_of_python(command: str) -> None:
    loaded = loaded_by(*command.split(), output="Review")
    assert loaded & {*LEAN, "typer", "typing", "pathlib", "inspect", "urllib"} == set()


@pytest.mark.usefixtures("filled")
def test_a_change_is_committed_without_gitpython_and_sqlmodel() -> None:
    loaded = loaded_by("add", "coding/new", "Some text.", output="")
    assert loaded & {"git", "sqlmodel", "sqlalchemy", "pydantic"} == set()


@pytest.mark.usefixtures("filled")
@pytest.mark.parametrize(
    ("command", "output"),
    [("list --plain", "coding/review"), ("search code", "coding/review")],
)
def test_lists_and_searches_load_no_typer(command: str, output: str) -> None:
    loaded = loaded_by(*command.split(), output=output)
    assert loaded & {*LEAN, "typer", "pathlib", "inspect", "urllib"} == set()


@pytest.mark.usefixtures("filled")
@pytest.mark.parametrize(
    ("command", "output"),
    [
        ("--help", "Search"),
        ("get --help", "NAME"),
        ("list --help", "--plain"),
        ("search --help", "QUERY"),
        ("serve --help", "--workers"),
        ("server --help", "migrate"),
        ("show review", "Review"),
        ("show review --json", "Review"),
        ("diff review", ""),
        ("trash list", ""),
        ("imports list", ""),
        ("config path", "vault"),
        ("login --help", "--server"),
        ("devices revoke --help", "ID"),
        ("sync --help", "--watch"),
        ("conflicts resolve --help", "--ours"),
        ("conflicts list", ""),
    ],
)
def test_help_and_details_load_none_of_the_libraries_that_write(
    command: str, output: str
) -> None:
    allowed = {"rich"}
    if command.split()[0] in {"trash", "imports", "config"}:
        allowed |= HEAVY  # their module also has commands that write
    assert loaded_by(*command.split(), output=output) & (HEAVY - allowed) == set()


@pytest.mark.usefixtures("filled")
def test_jinja_is_loaded_when_a_template_is_filled_in() -> None:
    assert "jinja2" in loaded_by("get", "ask", "-p", "who=me", output="Ask me.")


@pytest.mark.usefixtures("filled")
@pytest.mark.parametrize(
    ("line", "output"),
    [
        ("promptvault se", "search"),
        ("promptvault get co", "coding/review"),
        ("promptvault get rev", "review"),
        ("promptvault get review@", "review@production"),
        ("promptvault show co", "coding/review"),
        ("promptvault list co", "coding"),
        ("promptvault list --tag wo", "work"),
        ("promptvault search code --folder co", "coding"),
        ("promptvault log co", "coding/review"),
        ("promptvault help exit", "exit-codes"),
    ],
)
def test_tab_is_quick_where_commands_read(line: str, output: str) -> None:
    assert completed(line, output) & HEAVY == set()


@pytest.mark.usefixtures("filled")
@pytest.mark.parametrize(
    ("line", "output"),
    [
        ("promptvault edit co", "coding/review"),
        ("promptvault set co", "coding/review"),
        ("promptvault set review --tag wo", "work"),
        ("promptvault move co", "coding/review"),
        ("promptvault copy co", "coding/review"),
        ("promptvault delete co", "coding/review"),
        ("promptvault label review pro", "production"),
        ("promptvault revert review@", "review@1"),
        ("promptvault diff co", "coding/review"),
        ("promptvault add co", "coding"),
        ("promptvault trash restore x", ""),
    ],
)
def test_tab_is_quick_where_commands_write(line: str, output: str) -> None:
    """Completion after `delete` imports its module, and must stay fast."""
    assert completed(line, output) & HEAVY == set()


def completed(line: str, output: str) -> set[str]:
    """Press Tab at the end of *line*, as Typer's script for bash does."""
    words = {
        "COMP_WORDS": line,
        "COMP_CWORD": str(len(line.split()) - 1),
        "_PROMPTVAULT_COMPLETE": "complete_bash",
    }
    return loaded_by(output=output, environment=words)
