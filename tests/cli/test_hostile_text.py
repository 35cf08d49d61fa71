"""Prompts of strangers: no command lets their text control a terminal."""

import json
import re
import shlex
from pathlib import Path

import pytest

from promptvault.services.optimization.rubric import CRITERIA
from promptvault.vault.database import connected
from tests.cli.test_optimize import texts_in
from tests.conftest import Process, Pvt
from tests.contracts.test_command_table import LEAVES
from tests.model_server import Body, ModelServer, Reply, Text, json_text
from tests.terminal_kit import END, on_a_terminal, one_after_another

HOSTILE = (
    "\x1b]52;c;ZXZpbA==\x07"  # sets the clipboard
    "\x1b[2J\x1b[95;5m\x9b31m\x9d0;t\x9c\x7f\b\x0b\x0c\rover"
    "\u202e\u2066\u200f\u061c"
)
_ACTING = re.compile(
    "[\0-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]"
)
_OWN = re.compile(
    r"\x1b\[(?!95;5m)[0-9;]*m|\x1b\[\?25[lh]|\r?\x1b\[[12][AK]"
    r"|\r(?:[\d,]+ tokens…)?\x1b\[K"
)
"""The colours that are the program's own, and how it draws a bar and a count."""

_Q = shlex.quote(HOSTILE)
WALK = [
    *("show evil/one", "show evil/one@1", "show two", "show one --json"),
    *("log evil/one", "log one --json", "log one --jsonl", f"log {_Q}"),
    *("diff evil/one@1", "diff one two", "diff one@1 --json", "diff one --no-color"),
    *("list", "list evil", "list --json", "list --jsonl", "list --similar"),
    *(f"list {_Q}", f"list --tag {_Q}", f"list --source {_Q}", "list --plain"),
    *("search body", "search body --json", f"search {_Q}", f"search x --{_Q}"),
    *("stats", "stats --json", "lint --all", "lint two --json", "scan", "scan --json"),
    *("trash list", "trash list --json", f"trash restore {_Q}"),
    *("imports list", "imports list --json", "imports show 1", "imports show 2"),
    *(f"imports show {_Q}", "imports undo 2"),
    *("suggest", "suggest --json", "categorize --offline --all --dry-run"),
    *("categorize --offline --all --yes", f"categorize {_Q}"),
    *("template from one three --offline --dry-run", f"template new {_Q}"),
    *("run one --dry-run", f"run one --model {_Q}", f"run {_Q}", "runs", "runs --id 1"),
    *("optimize one --dry-run", "optimizations", "spending", "cache stats"),
    *(f"eval one --cases {_Q}", f"cache {_Q}", "cache clear"),
    *("config list", "config get editor", "config list --json", "config path"),
    *(f"config get {_Q}", f"config set {_Q} x", f"config set pager {_Q}"),
    *("conflicts list", f"conflicts show {_Q}", f"conflicts resolve {_Q} --ours"),
    *(f"add {_Q} x", f"add new x --title {_Q}", f"add new x -m {_Q}"),
    *(f"set one --title {_Q}", f"set {_Q} --title x", "set one --favourite"),
    *(f"move one {_Q}", f"move {_Q} x", f"copy {_Q} x", "copy one four"),
    *(f"label one {_Q}", f"label {_Q} x", "label one good", "label one good --remove"),
    *(f"revert {_Q}@1", "revert one@1", f"delete {_Q}", "delete four"),
    *(f"redact {_Q}", f"edit {_Q}", "edit one", f"get {_Q}", f"get one@{_Q}"),
    *("get one --json", f"get two -p {_Q}", f"help {_Q}", f"{_Q}"),
    *(f"export {_Q}/x.json", f"export x.json {_Q}", f"backup {_Q}/x", "doctor"),
    *("doctor --json", f"sync {_Q}", "sync status", f"login --server {_Q}"),
    *("whoami", "devices list", f"devices revoke {_Q}", "logout", f"--color {_Q}"),
    *("list --all-vaults", f"list --vault {_Q}", f"get {_Q}:one", "vaults list"),
    *(f"vaults remove {_Q} --yes", f"share {_Q}", f"share one --expires {_Q}"),
    *(f"shares list {_Q}", f"shares revoke {_Q}", f"team create {_Q}"),
    *(f"team create x --slug {_Q}", f"team invite {_Q} --team {_Q}", "team list"),
    *(f"team invitations list --team {_Q}", f"team invitations revoke {_Q} --team x"),
    *(f"team join {_Q}", f"team leave --team {_Q} --yes", f"team log --team {_Q}"),
    *(f"team members --team {_Q}", f"team remove {_Q} --yes", f"team role {_Q} {_Q}"),
    *(f"team protect {_Q}", f"team unprotect {_Q}", f"team show {_Q}"),
    *(f"team set --name {_Q}", f"team set --slug {_Q}", "billing status"),
    *(f"billing upgrade --plan {_Q}", "billing portal"),
    *("trash empty --yes", f"get one --json {_Q}", f"add a b --json --{_Q}"),
]
ELSEWHERE = {
    *("serve", "import", "import --discover"),
    *("server migrate", "server user add", "server user list"),
    *("server user password", "server tier"),
    *("server token", "server export", "server erase", "server restored"),
    *("server jobs drop", "server jobs list", "server jobs retry", "server work"),
    *("server shares block", "server shares list", "server shares revoke"),
    *("server team list", "server team restore", "server team show"),
    *("server billing check", "server billing link", "server billing reconcile"),
    *("server ai usage", "server ai block"),
    *("server purge", "sync push", "sync pull", "pick"),
}
"""Commands that read no prompts, or have a test of their own."""


@pytest.fixture
def hostile(pvt: Pvt, home: Path, tmp_path: Path) -> Path:
    """Fill the vault; return the file from which some of it was imported.

    Most of the text is refused from a person. It is stored as by another program, or by
    a server.
    """
    pvt.ok("add", "evil/one", f"first body{HOSTILE}\nmore\n")
    pvt.ok("add", "evil/one", f"second body{HOSTILE}\nmore\n", "--upsert")
    two = f"{{% include 'no{HOSTILE}' %}} {{{{ value }}}}"
    pvt.ok("add", "evil/two", two, "--template")
    pvt.ok("add", "evil/three", f"second body {HOSTILE}\nmuch more\n")
    pvt.ok("add", "evil/trashed", "x")
    pvt.ok("delete", "evil/trashed")
    file = tmp_path / f"chat{HOSTILE}.json".replace("/", "")
    message = {"role": "user", "content": f"imported body{HOSTILE}"}
    file.write_text(json.dumps([{"title": HOSTILE, "messages": [message]}]))
    pvt.ok("import", str(file))
    (home / "config.toml").write_text(f"editor = {json.dumps('e' + HOSTILE)}\n")
    with connected(home / "data" / "vault.db") as connection:
        connection.execute(
            "UPDATE prompts SET title = ?, description = ?, tags = ?, source = ?",
            (f"T{HOSTILE}", f"D{HOSTILE}", json.dumps([f"t{HOSTILE}"]), f"s{HOSTILE}"),
        )
        connection.execute(
            "UPDATE versions SET message = ?, author_name = ?",
            (f"M{HOSTILE}", f"A{HOSTILE}"),
        )
        connection.execute(
            "UPDATE origins SET conversation_title = ?, model = ?, url = ?",
            (HOSTILE, HOSTILE, HOSTILE),
        )
        connection.execute(
            "INSERT INTO labels SELECT pk, ?, version_pk FROM prompts", (HOSTILE,)
        )
        connection.commit()
    return file


def acting(screen: str) -> list[str]:
    """Return the control sequences on *screen*, except for the program's colours."""
    drawn = _OWN.sub("", screen.replace("\r\n", "\n"))
    return sorted(set(_ACTING.findall(drawn)))


@pytest.mark.usefixtures("hostile", "model_server")
def test_no_command_lets_a_text_act_on_the_terminal(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("PROMPTVAULT_PAGER", "cat")
    monkeypatch.setenv("PROMPTVAULT_AI_RETRIES", "0")
    monkeypatch.setenv("COLUMNS", "160")  # room for the author in `log`
    code, screen = on_a_terminal(one_after_another(WALK))
    sections = screen.split(END)
    assert (code, len(sections)) == (0, len(WALK) + 1), sections[-1]
    pairs = zip(WALK, sections, strict=False)
    assert [(line, acting(drawn)) for line, drawn in pairs if acting(drawn)] == []
    assert "PromptVault failed" not in screen
    for line in (
        "show evil/one",
        "diff evil/one@1",
        "log evil/one",
        "list",
        "trash list",
    ):
        shown = "".join(sections[WALK.index(line)].split())
        assert r"\x1b]52;c;ZXZpbA==\x07" in shown, line
        assert r"\u2066" in shown, line


def test_every_command_is_walked() -> None:
    walked = {
        name for name in LEAVES if any(f"{w} ".startswith(f"{name} ") for w in WALK)
    }
    assert LEAVES.keys() - walked - ELSEWHERE == set()


def test_an_import_tells_of_names_that_act(
    hostile: Path, pvt_process: Process, tmp_path: Path
) -> None:
    """A file's name is in the progress bar, in the report and in the reasons."""
    broken = tmp_path / f"broken{HOSTILE}.zip".replace("/", "")
    broken.write_bytes(b"PK\3\4, and no more")
    command = pvt_process.command("import", str(hostile), str(broken), "--again")
    _, screen = on_a_terminal(command)
    assert acting(screen) == []
    assert "the zip archive is damaged" in screen
    assert r"\u202e" in screen, "other controls are left out of names"


@pytest.mark.usefixtures("hostile")
def test_the_picker_draws_titles_and_texts_visibly(
    pvt_process: Process, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The picker moves the cursor with its own sequences; the text has none of them."""
    command = pvt_process.command("pick", "evil/one")
    _, screen = on_a_terminal(command, (b"enter choose", b"\x1b"))
    assert r"T\x1b]52" in screen
    assert r"second body\x1b]52" in screen
    assert not any(
        each in screen for each in ("\x1b]52", "\x1b[95;5m", "\x9b", "\u202e")
    )


@pytest.mark.usefixtures("hostile")
def test_through_a_real_pager_nothing_acts_either(
    pvt_process: Process, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PAGER", "head -c 100000 | cat")
    _, screen = on_a_terminal(pvt_process.command("show", "evil/one"))
    assert acting(screen) == []
    assert "\x1b[1;36m" in screen, "colours pass"


@pytest.mark.usefixtures("hostile")
def test_the_text_itself_stays_byte_for_byte(pvt: Pvt, pvt_process: Process) -> None:
    text = f"second body{HOSTILE}\nmore\n"
    assert pvt.ok("get", "evil/one").out == text.encode()
    assert text.encode() in pvt.ok("diff", "one", "two").out.replace(b"\n-", b"\n")
    (row,) = pvt.ok("export", "-", "evil/one", "--format", "json").json
    assert row["body"] == text
    assert pvt.ok("show", "evil/one", "--json").json["body"] == text
    _, screen = on_a_terminal(pvt_process.command("get", "evil/one"))
    assert "\x1b]52;c;ZXZpbA==\x07" in screen


def _rated(text: str) -> dict[str, object]:
    return {"points": 8 if "better" in text else 3, "reason": f"why{HOSTILE}"}


@pytest.fixture
def evil_answers(model_server: ModelServer) -> None:
    """The model puts hostile text into every answer."""
    candidate = {"text": f"better body{HOSTILE}\nmore", "change": f"how{HOSTILE}"}
    verdict = {"criterion": 1, "reason": f"why{HOSTILE}", "passed": False}

    def answer(body: Body) -> Reply:
        asked = body.get("response_format", {}).get("json_schema", {"name": ""})
        match asked["name"]:
            case "candidates":
                return json_text({"candidates": [candidate]})
            case "verdicts":
                return json_text({"verdicts": [verdict]})
            case "ratings":
                return json_text(
                    {
                        f"text_{number}": dict.fromkeys(CRITERIA, _rated(text))
                        for number, text in enumerate(texts_in(body), 1)
                    }
                )
        return Text(f"said{HOSTILE}")

    model_server.answer = answer


@pytest.mark.usefixtures("hostile", "evil_answers", "no_retries")
def test_what_a_model_answers_does_not_act_either(
    pvt_process: Process, tmp_path: Path
) -> None:
    cases = tmp_path / "cases.json"
    checks = {"contains": f"wanted{HOSTILE}", "judge": f"It is kind{HOSTILE}."}
    both = [
        {"name": f"case{HOSTILE}{check}", "checks": {check: text}}
        for check, text in checks.items()
    ]
    cases.write_text(json.dumps({"cases": both}))
    evaluation = ["eval", "evil/one", "--cases", str(cases)]
    for command, shown in (
        (["optimize", "evil/one"], "better body"),
        (["optimizations"], "evil/one"),
        (evaluation, "case"),
        ([*evaluation, "--json"], "case"),
        ([*evaluation, "--dry-run"], "second body"),
        (["run", "evil/one"], "said"),
    ):
        _, screen = on_a_terminal(pvt_process.command(*command), (b"[y/N]", b"n\r"))
        assert acting(screen) == [], command
        assert shown in screen, command


def test_the_checklist_of_an_import_draws_folders_visibly(
    pvt_process: Process, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / f"work{HOSTILE}"
    sessions = folder / ".specstory" / "history"
    sessions.mkdir(parents=True)
    (sessions / "a.md").write_text("# A\n")
    monkeypatch.chdir(folder)
    monkeypatch.setenv("HOME", str(tmp_path / "nothing"))
    command = pvt_process.command("import", "--discover")
    _, screen = on_a_terminal(command, (b"space choose", b"\x1b"))
    assert r"work\x1b]52" in screen
    for each in ("\x1b]52", "\x1b[95;5m", "\x9b", "\x9d", "\u202e", "\u2066"):
        assert each not in screen
