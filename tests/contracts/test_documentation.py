"""The README names every command, exit code, setting and environment variable."""

import re
from pathlib import Path

import pytest

from promptvault import errors
from promptvault.cli.commands import COMMANDS
from promptvault.cli.program import load
from promptvault.domain.tier import ALLOWANCES, MB, Tier
from promptvault.server.settings import Settings
from promptvault.setting_key import KEYS, SettingKey

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text()


@pytest.mark.parametrize("name", COMMANDS)
def test_command(name: str) -> None:
    assert re.search(rf"^\| `{name}[ `]", README, re.MULTILINE), name


@pytest.mark.parametrize(
    ("command", "option"),
    [
        (name, parameter.opts[-1])
        for name in COMMANDS
        for parameter in load(name).params
        if parameter.opts[-1].startswith("--")
        and parameter.name != "help"
        and not getattr(parameter, "hidden", False)
    ],
)
def test_option(command: str, option: str) -> None:
    assert option in README, f"{command} {option}"


def test_exit_codes() -> None:
    classes = [errors.PromptVaultError]
    for each in classes:
        classes += each.__subclasses__()
    codes = {each.exit_code for each in classes} | {0, 130}
    table = dict(re.findall(r"^\| (\d+) \| (.+) \|$", README, re.MULTILINE))
    assert {int(code) for code in table} >= codes


@pytest.mark.parametrize("key", KEYS.values(), ids=lambda key: key.name)
def test_setting(key: SettingKey) -> None:
    assert f"`{key.name}`" in README
    assert key.variable in README


@pytest.mark.parametrize("name", Settings.model_fields)
def test_setting_of_the_server(name: str) -> None:
    paragraph = README.partition("## A server")[2]
    assert f"`{name.upper()}`" in paragraph


@pytest.mark.parametrize("tier", Tier)
def test_tier(tier: Tier) -> None:
    *counts, storage = ALLOWANCES[tier]
    allowed = ["no limit" if each is None else str(each) for each in counts]
    allowed.append("no limit" if storage is None else f"{storage // MB:,} MB")
    assert " | ".join([f"| `{tier}`", *allowed]) + " |" in README


def test_commands_of_the_first_lines_are_the_ones_that_ci_runs() -> None:
    marked = README.partition("<!-- tests -->")[2].partition("<!-- end -->")[0]
    assert "pytest" in marked
    assert "<!-- tests -->" in (ROOT / ".ci" / "run").read_text()
