"""Completion in real shells: the typed line, and the arguments of the command."""

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.conftest import Pvt
from tests.team_vault import make_team_vault
from tests.terminal_kit import on_a_terminal

TEMPLATE = b"""---
variables:
  audience: {description: Who reads it, choices: [the team, a customer]}
  tone: {description: How it should sound}
  loud: {type: boolean}
---
{{ audience }} {{ tone }} {{ loud }} {{ other }} {{ stdin }}"""
PROMPT = b"READY> "
SHOW_ARGUMENTS = b"\x01printf '<%s>' \x05 END\r"
"""Ctrl-A, what prints the words of a line, Ctrl-E, one word more, Enter."""

Type = Callable[..., list[str]]


def _bash(script: Path) -> list[str]:
    startup = script.with_name("bashrc")
    startup.write_text(f"PS1='READY> '\nsource {script}\n")
    return ["bash", "--noprofile", "--rcfile", str(startup), "-i"]


def _zsh(script: Path) -> list[str]:
    startup = script.with_name(".zshrc")
    startup.write_text(
        f"PS1='READY> '\nautoload -Uz compinit\ncompinit -u -D\nsource {script}\n"
    )
    return ["env", f"ZDOTDIR={script.parent}", "zsh", "-o", "no_global_rcs", "-i"]


def _fish(script: Path) -> list[str]:
    prompt = "function fish_prompt; echo -n 'READY> '; end; set -g fish_greeting"
    return ["fish", "--no-config", "-i", "-C", f"{prompt}; source {script}"]


@pytest.fixture(params=[_bash, _zsh, _fish], ids=["bash", "zsh", "fish"])
def typed(
    request: pytest.FixtureRequest,
    pvt: Pvt,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> Type:
    """Return a function that types into a shell, and returns the arguments."""
    shell = request.node.callspec.id
    if not shutil.which(shell) and os.environ.get("CI") != "true":
        pytest.skip(f"{shell} is not installed")
    pvt.ok("add", "work/standup", "-", stdin=TEMPLATE)
    pvt.ok("label", "standup@1", "production")
    programs = str(Path(sys.executable).parent)
    monkeypatch.setenv("PATH", programs + os.pathsep + os.environ["PATH"])
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("LC_ALL", "C.UTF-8")
    script = tmp_path / "script"
    source = {**os.environ, "_PROMPTVAULT_COMPLETE": f"source_{shell}"}
    script.write_bytes(subprocess.check_output(["promptvault"], env=source))
    command = request.param(script)
    command[0] = str(shutil.which(command[0]))

    def type_in(*steps: tuple[str, str]) -> list[str]:
        """Type each text when the completion of the one before has been drawn."""
        answers, cue = [], PROMPT
        for text, becomes in steps:
            answers.append((cue, text.encode()))
            cue = becomes.encode()
        answers += [(cue, SHOW_ARGUMENTS), (b"<END>", b"exit\r")]
        _, screen = on_a_terminal(command, *answers)
        printed = re.search(r"<promptvault>((?:<[^<>]*>)*)<END>", screen)
        assert printed, screen
        return re.findall("<(.*?)>", printed[1])

    return type_in


def test_a_variable_is_offered_without_a_space_behind(typed: Type) -> None:
    words = typed(
        ("promptvault get standup -p to\t", "ne="),
        ("kind", "kind"),
    )
    assert words == ["get", "standup", "-p", "tone=kind"]


def test_a_choice_of_several_words_is_one_argument(typed: Type) -> None:
    words = typed(("promptvault get standup -p audience=the\t", "team"))
    assert words == ["get", "standup", "-p", "audience=the team"]


def test_what_is_given_already_is_not_offered(typed: Type) -> None:
    words = typed(
        ("promptvault run standup -p tone=x -P lo\t", "ud="),
        ("t\t", "rue"),
        (" -P other=y -P \t", "audience="),
    )
    assert words[:6] == ["run", "standup", "-p", "tone=x", "-P", "loud=true"]
    assert words[-1].startswith("audience=")


def test_a_label_is_offered_behind_the_name(typed: Type) -> None:
    words = typed(("promptvault get standup@pro\t", "duction"))
    assert words == ["get", "standup@production"]


def test_a_name_in_the_vault_of_a_team_is_offered(typed: Type, pvt: Pvt) -> None:
    make_team_vault("acme")
    pvt.ok("add", "acme:coding/review", "Ours.")
    words = typed(("promptvault get acm\t", "coding/review"))
    assert words == ["get", "acme:coding/review"]


def test_a_name_is_completed_behind_its_vault(typed: Type, pvt: Pvt) -> None:
    make_team_vault("acme")
    pvt.ok("add", "acme:coding/review", "Ours.")
    words = typed(("promptvault get acme:cod\t", "ing/review"))
    assert words == ["get", "acme:coding/review"]


def test_the_vault_of_the_option_is_offered_and_looked_into(
    typed: Type, pvt: Pvt
) -> None:
    make_team_vault("acme")
    pvt.ok("add", "acme:coding/theirs", "Ours.")
    words = typed(("promptvault get --vault ac\t", "me"), ("cod\t", "ing/theirs"))
    assert words == ["get", "--vault", "acme", "coding/theirs"]


def test_a_home_that_cannot_be_written_is_named(
    pvt: Pvt, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    home = tmp_path / "a-file"
    home.touch()
    monkeypatch.setenv("HOME", str(home))
    monkeypatch.setenv("_TYPER_COMPLETE_TEST_DISABLE_SHELL_DETECTION", "1")
    result = pvt("--install-completion", "bash")
    assert result.code == 2
    assert f"{home} cannot be written: File exists." in result.err
    assert "--show-completion" in result.err
