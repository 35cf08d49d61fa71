"""The quick door and Typer give the same output for every argument list."""

import contextlib
import os
import sqlite3
import subprocess
import sys
from collections.abc import Callable, Iterator
from itertools import product
from pathlib import Path

import pytest

from promptvault.cli import completion, program
from promptvault.cli.commands import COMMANDS
from promptvault.cli.quick.door import find_answer
from promptvault.paths import resolve
from promptvault.vault.sync.team import Team
from tests.conftest import Pvt, Result
from tests.team_vault import make_team_vault, set_team
from tests.vault.test_migrations import write_old

REFERENCES = (
    *("plain", "notes/plain", "ask", "work/ask", "same", "a/same", "nope", "plian"),
    *("plain@1", "plain@2", "plain@3", "plain@9", "plain@-1", "plain@-9", "plain@0"),
    *("plain@production", "plain@nope", "plain@2026-05-01", "plain@2999-01-01"),
    *("plain@2026-05-01 09:30", "plain@2026-13-01", "plain@abcd", "plain@ABC"),
    *("plain@", "@1", "@", "", " ", "plain@1@2", "cafe\u0301", "café", "a/", "/plain"),
    *("acme:plain", "acme:notes/plain@1", "acme:nope", "acme:plain@production"),
    *("personal:plain", "nope:plain", "acme:", ":plain", "../acme:plain", "ACME:plain"),
    *("acme:ask", "acme:plain@2026-05-01 09:30", "https://localhost/s/x", "own"),
    *("plain\n", "plain?", "PLAIN", "\u202eplain", "x" * 300, "trashed", "100%#?"),
)
VAULTS = (
    *("ac:plain", "acm:plain", "acme:same", "acme:a:b", "acme::plain", "acme:plain:"),
    *("acme: plain", "acme:/plain", "acme:@1", "acme:plain@", "acme:acme:plain"),
    *("old:kept", "old:nope", "ice:kept", "seen:kept", "seen:same", "::plain", ":"),
    *("C:x", "c:x", "C:\\x", "C:/x", "c:", "odd:name", "personal:odd:name"),
    *("personal:", "personal:acme:plain", "vaults:x", "acme/..:plain", ".:x"),
)
"""Names with a ':', in vaults that there are and others. A row of the own vault has one
in its name."""
_RENAMED = "UPDATE prompts SET name = 'odd:name' WHERE name = 'oddname'"
LINKS = ("http://127.0.0.1:1/s/" + "a" * 22, "https://example.org/x", "x://")
"""Links of shares, at a port where no server answers; and texts that are no links."""
GET_OPTIONS: tuple[tuple[str, ...], ...] = (
    (),
    ("--raw",),
    ("--json",),
    ("--raw", "--json"),
    ("-p", "who=me"),
    ("-P", "who=@me"),
    ("-p", "who=@missing"),
    ("-p", "who"),
    ("-p", "=me"),
    ("-p", "who=a", "--param", "who=b"),
    ("-p", "who=a", "-P", "who=b"),
    ("-p", "other=a"),
)
ODD = (
    *("get", "get plain ask", "get --raw", "get -p", "get plain -p", "get plain -P"),
    *("get -pwho=me ask", "get ask --param=who=me", "get ask -p who=-x", "get -- ask"),
    *("get -h", "get --help", "get ask --raw --", "get plain --nope", "get plain -x"),
    *("get plain --js", "get plain --raw --raw", "get plain --color=never"),
    *("get plain --color never", "get plain --color=odd", "get plain --no-color"),
    *("--no-pager get plain", "get plain --copy --nope", "get -p who=me -- ask"),
    *("list --plain", "list --plain notes", "list --plain notes/", "list --plain nope"),
    *("list notes --plain", "list --plain a b", "list --plain --tag work"),
    *("list --plain --limit 1", "list --plain --sort used", "list --plain --json"),
    *("list --plain --jsonl", "list --plain --similar", "list --plain -x", "list"),
    *("list --plain=1", "list --plain --plain", "list --plain --favourite"),
    *("search text", "search text plain", "search -without", "search text -plain"),
    *("search tex*", "search {{", "search --nope", "search text --limit 1", "search"),
    *("search text --json", "search nothingatall", "search a/same", "search 'x"),
    *(
        "get --vault acme plain",
        "get plain --vault=acme",
        "--vault acme get acme:plain",
    ),
    *("--vault acme get personal:plain", "get plain --vault nope", "get plain --vault"),
    *("get --vault= plain", "list --plain --vault acme", "list --plain acme:notes"),
    *("search text --vault acme", "search --vault nope text", "list --plain acme:"),
    *("list --plain old:", "list --plain C:x", "list --plain a:b:c", "list -- acme:"),
    *("list --plain --all-vaults", "list --plain acme: --all-vaults"),
    *("search text --vault old", "search text --all-vaults", "search acme:plain"),
    *("get kept --vault ice", "get kept --vault seen", "get kept --vault C:x"),
    *("get acme:plain --vault old", "get kept --vault Old", "get kept --vault old/"),
    *("search -- -text", "search -h", "gte plain", "lsit", "", "get plain extra -p"),
)
ALL = (
    *(
        ["get", reference, *options]
        for reference, options in product(REFERENCES, GET_OPTIONS)
    ),
    *(["get", name, *more] for name in VAULTS for more in ((), ("--json",))),
    *(["list", "--plain", name] for name in VAULTS),
    *(["get", *options, "ask"] for options in GET_OPTIONS),
    *(line.split(" ") if line else [] for line in ODD),
    *(["search", word] for word in REFERENCES),
    *(["search", f'"{word}"', "text"] for word in REFERENCES),
    *(["list", "--plain", word] for word in REFERENCES),
    ["get", "plain\udcff"],
    *(["get", link, *options] for link, options in product(LINKS, GET_OPTIONS)),
)

Prepare = Callable[[Path], None]


def _filled(home: Path) -> None:
    pvt = Pvt()
    pvt.ok("add", "notes/plain", "The first text.", "--tag", "work")
    for text in ("The second text.", "The third text, \x1b[31m\u202ered."):
        pvt.ok("add", "notes/plain", text, "--upsert")
    pvt.ok("label", "plain@2", "production")
    pvt.ok("add", "work/ask", "Ask {{ who }} for text.", "--template")
    pvt.ok("add", "a/same", "One.")
    pvt.ok("add", "b/same", "Two.")
    pvt.ok("add", "café", "Coffee, text.")
    pvt.ok("add", "trashed", "Gone text.")
    pvt.ok("delete", "trashed", "--yes")
    make_team_vault("acme")
    pvt.ok("add", "acme:notes/plain", "The text of the team.")
    pvt.ok("add", "acme:ask", "{% include 'plain' %} Ask {{ who }}.", "--template")
    pvt.ok("add", "own", "{% include 'acme:ask' %}", "--template")
    for team in (
        Team("old", "Old", "editor", state="left"),
        Team("ice", "Ice", "editor", frozen="plan"),
        Team("seen", "Seen", "viewer"),
    ):
        paths = make_team_vault(team.slug)
        for each in ("kept", "a/same", "b/same"):
            pvt.ok("add", f"{team.slug}:{each}", f"The text of {team.name}.")
        set_team(paths, team)
    pvt.ok("add", "oddname", "A ':' in the name, as no program writes it: text.")
    database = resolve(os.environ, os.getcwd).database
    with contextlib.closing(sqlite3.connect(database)) as connection, connection:
        connection.execute(_RENAMED)


def _nothing(home: Path) -> None:
    """Do not create the vault."""


def _project(home: Path) -> None:
    del os.environ["PROMPTVAULT_HOME"]
    Path(".promptvault").mkdir()
    _filled(home)


def _older(home: Path) -> None:
    write_old(home / "data" / "vault.db")


def _newer(home: Path) -> None:
    _filled(home)
    with sqlite3.connect(home / "data" / "vault.db") as connection:
        connection.execute("PRAGMA user_version = 999")
    connection.close()


def _lost(home: Path) -> None:
    _filled(home)
    (home / "data" / "vault.db").unlink()


def _damaged(home: Path) -> None:
    (home / "data").mkdir(parents=True)
    (home / "data" / "vault.db").write_bytes(b"no database at all" * 1000)


def _counts_unwritable(home: Path) -> None:
    _filled(home)
    (home / "state").write_text("a file, where a folder should be")


def _home_is_a_file(home: Path) -> None:
    home.write_text("a file, where a folder should be")


STATES: tuple[Prepare, ...] = (
    *(_filled, _nothing, _project, _older, _newer, _lost, _damaged),
    *(_counts_unwritable, _home_is_a_file),
)


@pytest.mark.parametrize("prepare", STATES)
def test_both_doors_answer_alike(home: Path, prepare: Prepare) -> None:
    prepare(home)
    lists = ALL if prepare is _filled else ALL[::7]
    different = [arguments for arguments in lists if _differs(arguments)]
    assert different == []


def _differs(arguments: list[str]) -> bool:
    quick, full = (_run(arguments, quickly=quickly) for quickly in (True, False))
    return quick != full


def _run(arguments: list[str], *, quickly: bool) -> tuple[Result, dict[str, int]]:
    """Return the program's output, and its uses of each prompt."""
    usage = resolve(os.environ, os.getcwd).usage
    if usage.exists():
        usage.unlink()
    result = Pvt(quickly=quickly)(*arguments)
    if not usage.exists():
        return result, {}
    with contextlib.closing(sqlite3.connect(usage)) as connection:
        return result, dict(connection.execute("SELECT prompt_id, uses FROM uses"))


def test_the_quick_door_answers_the_plain_forms(home: Path) -> None:
    answered = [arguments for arguments in ALL if find_answer(arguments)]
    assert len(answered) > 300
    assert find_answer(["get", "plain"])
    assert find_answer(["get", "plain@production", "--json"])
    assert find_answer(["get", "ask", "-p", "who=me"])
    assert not any(find_answer(["get", link]) for link in LINKS)
    assert find_answer(["list", "--plain", "notes"])
    assert find_answer(["search", "text"])


def _tab(shell: str, line: str, **more: str) -> dict[str, str]:
    words = line.split(" ")
    asked = {
        "COMP_WORDS": "\n".join(words),
        "COMP_CWORD": str(len(words) - 1),
        "_TYPER_COMPLETE_ARGS": line,
    }
    return {"_PROMPTVAULT_COMPLETE": f"complete_{shell}", **asked, **more}


_LINES: tuple[str, ...] = (
    "get no",
    "get nope",
    "get plain@",
    "get ",
    "get caf",
    "get 'no",
    "get --r",
    "get ac",
    "get acme:no",
    "get acme:plain@",
    "get acme:",
    "get nope:",
    "get old:ke",
    "get C:x",
    "get acme:a:b",
    "get odd:",
    "get personal:odd:",
)
_WITH_VAULT = ("get acme:no", "get old:", "get odd:")
_LINES += ("move no", "list no", "delete sa", "imports ")
TABS = [
    _tab(shell, f"promptvault {words}", **more)
    for shell, lines, more in (
        ("bash", _LINES, {}),
        ("zsh", (*_LINES[:4], *_WITH_VAULT), {}),
        (
            "fish",
            (*_LINES[:4], *_WITH_VAULT),
            {"_TYPER_COMPLETE_FISH_ACTION": "get-args"},
        ),
        ("fish", _LINES[:2], {"_TYPER_COMPLETE_FISH_ACTION": "is-args"}),
    )
    for words in lines
]
_FULL_TAB = (
    "import os, sys; from promptvault.cli import bash_completion, terminal;"
    "terminal.prepare_streams(); bash_completion.prepare(os.environ);"
    "from promptvault.cli.main import run; sys.exit(run([], quickly=False))"
)


def test_tab_answers_alike_through_both_doors(home: Path, tmp_path: Path) -> None:
    _filled(home)
    program = str(Path(sys.executable).with_name("promptvault"))
    launcher = tmp_path / "promptvault"  # Typer reads the program's name in argv
    launcher.write_text(_FULL_TAB)
    for asked in TABS:
        quick = _answer([program], asked)
        full = _answer([sys.executable, str(launcher)], asked)
        assert quick == full, asked


def _answer(command: list[str], asked: dict[str, str]) -> tuple[int, bytes]:
    environment = {**os.environ, **asked}
    done = subprocess.run(command, env=environment, capture_output=True, check=False)
    return done.returncode, done.stdout


def _takes_name_first() -> Iterator[str]:
    for name in COMMANDS:
        arguments = [
            each
            for each in program.load(name).params
            if each.param_type_name == "argument"
        ]
        if arguments and completion.names in _completers(arguments[0]):
            yield name


def _completers(argument: object) -> list[object]:
    """Return the functions within the closures that Typer creates."""
    found: list[object] = [getattr(argument, "_custom_shell_complete", None)]
    for function in found:
        cells = getattr(function, "__closure__", None) or ()
        found += [cell.cell_contents for cell in cells if callable(cell.cell_contents)]
    return found


def test_the_table_says_which_commands_take_a_name() -> None:
    marked = {name for name, entry in COMMANDS.items() if entry.takes_name}
    assert marked == set(_takes_name_first())


@pytest.mark.parametrize("quickly", [True, False])
def test_a_reader_that_stops_early_is_no_error(home: Path, quickly: bool) -> None:
    Pvt().ok("add", "long", "text " * 500_000)
    run = f"run(['get', 'long'], quickly={quickly})"
    code = f"import sys; from promptvault.cli.main import run; sys.exit({run})"
    shell = '"$0" -c "$1" | head -c 5; exit "${PIPESTATUS[0]}"'
    done = subprocess.run(
        ["bash", "-c", shell, sys.executable, code], capture_output=True, check=False
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, b"text ", b"")
